-- Who pays, and what happened: 5 tables.

CREATE SEQUENCE invoice_numbers START WITH 1000 INCREMENT BY 10;

CREATE TABLE contacts (
    id uuid PRIMARY KEY,
    "organizationId" text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    email text NOT NULL,
    attributes jsonb NOT NULL DEFAULT '{}',
    "unsubscribedAt" timestamptz(3),
    UNIQUE ("organizationId", email)
);
CREATE INDEX "contacts_attributes_idx" ON contacts USING gin (attributes jsonb_path_ops);

CREATE TABLE subscriptions (
    id text PRIMARY KEY,
    "organizationId" text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    period tstzrange NOT NULL,
    seats integer NOT NULL CHECK (seats > 0)
);

CREATE TABLE invoices (
    number bigint PRIMARY KEY DEFAULT nextval('invoice_numbers'),
    "organizationId" text NOT NULL REFERENCES organizations,
    currency char(3) NOT NULL DEFAULT 'USD',
    net numeric(12, 2) NOT NULL,
    "taxRate" numeric(5, 4) NOT NULL,
    total numeric(12, 2) GENERATED ALWAYS AS (round(net * (1 + "taxRate"), 2)) STORED,
    "issuedOn" date NOT NULL
);
ALTER SEQUENCE invoice_numbers OWNED BY invoices.number;

CREATE TABLE events (
    id uuid NOT NULL,
    "organizationId" text NOT NULL REFERENCES organizations,
    type text NOT NULL,
    properties jsonb NOT NULL DEFAULT '{}',
    "occurredAt" timestamptz(3) NOT NULL,
    PRIMARY KEY ("occurredAt", id)
) PARTITION BY RANGE ("occurredAt");
COMMENT ON TABLE events IS 'One partition for each month.';
CREATE INDEX "events_organizationId_type_idx" ON events ("organizationId", type);

CREATE TABLE events_2025_05 PARTITION OF events FOR VALUES FROM ('2025-05-01 00:00+00') TO ('2025-06-01 00:00+00');
CREATE TABLE events_2025_06 PARTITION OF events FOR VALUES FROM ('2025-06-01 00:00+00') TO ('2025-07-01 00:00+00');
CREATE TABLE events_2025_07 PARTITION OF events FOR VALUES FROM ('2025-07-01 00:00+00') TO ('2025-08-01 00:00+00');
CREATE TABLE events_2025_08 PARTITION OF events FOR VALUES FROM ('2025-08-01 00:00+00') TO ('2025-09-01 00:00+00');
CREATE TABLE events_2025_09 PARTITION OF events FOR VALUES FROM ('2025-09-01 00:00+00') TO ('2025-10-01 00:00+00');
CREATE TABLE events_2025_10 PARTITION OF events FOR VALUES FROM ('2025-10-01 00:00+00') TO ('2025-11-01 00:00+00');
CREATE TABLE events_at_other_times PARTITION OF events DEFAULT;

CREATE TABLE audit_logs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "organizationId" text REFERENCES organizations ON DELETE SET NULL,
    "actorId" text REFERENCES users ON DELETE SET NULL,
    action text NOT NULL,
    changes jsonb,
    "ipAddress" inet,
    checksum bytea NOT NULL,
    "at" timestamptz(3) NOT NULL
);
CREATE INDEX "audit_logs_at_idx" ON audit_logs USING brin ("at");
