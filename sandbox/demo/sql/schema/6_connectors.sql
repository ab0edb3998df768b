-- The platforms that NeonHub talks to: 4 tables.

CREATE TABLE connectors (
    id text PRIMARY KEY,
    name text NOT NULL UNIQUE,
    "displayName" text NOT NULL,
    category "ConnectorKind" NOT NULL,
    "authType" text NOT NULL CHECK ("authType" IN ('oauth2', 'api_key')),
    "baseUrl" text NOT NULL,
    scopes text[] NOT NULL DEFAULT '{}',
    "isEnabled" boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE connectors IS 'The catalogue: one row for each of the 15 platforms.';

CREATE TABLE connector_auths (
    id text PRIMARY KEY,
    "connectorId" text NOT NULL REFERENCES connectors,
    "organizationId" text NOT NULL REFERENCES organizations ON DELETE CASCADE,
    "encryptedToken" bytea NOT NULL,
    "keyId" uuid NOT NULL,
    "expiresAt" timestamptz(3),
    UNIQUE ("connectorId", "organizationId")
);
COMMENT ON COLUMN connector_auths."encryptedToken" IS 'Encrypted by the application; the database never holds the key.';

CREATE TABLE connector_sync_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "authId" text NOT NULL REFERENCES connector_auths ON DELETE CASCADE,
    status "RunStatus" NOT NULL,
    records integer NOT NULL DEFAULT 0,
    "startedAt" timestamptz(3) NOT NULL
);

CREATE TABLE connector_webhooks (
    id uuid PRIMARY KEY,
    "connectorId" text NOT NULL REFERENCES connectors,
    topic text NOT NULL,
    payload jsonb NOT NULL,
    "receivedAt" timestamptz(3) NOT NULL
);
