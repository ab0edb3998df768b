-- Tables that are hard to restore one by one: they refer to each other, fire triggers, own
-- sequences, are partitioned, or have names that need quotes.
CREATE EXTENSION vector;
CREATE TYPE "ConnectorKind" AS ENUM ('CRM', 'EMAIL');
CREATE TABLE connectors (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED,
    kind "ConnectorKind" NOT NULL,
    length integer GENERATED ALWAYS AS (length(name)) STORED
);
INSERT INTO connectors (name, kind) SELECT 'connector ' || n, 'CRM' FROM generate_series(1, 15) n;
CREATE TABLE connector_auths (
    id serial PRIMARY KEY,
    connector integer NOT NULL REFERENCES connectors ON DELETE CASCADE,
    secret text
);
COMMENT ON CONSTRAINT connector_auths_connector_fkey ON connector_auths IS 'why';
INSERT INTO connector_auths (connector, secret)
SELECT n % 15 + 1, md5(n::text) FROM generate_series(1, 100) n;
CREATE TABLE audit (line text);
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO public.audit VALUES (tg_op); RETURN NULL; END $$;
CREATE TRIGGER told AFTER INSERT OR DELETE ON connectors FOR EACH ROW EXECUTE FUNCTION tell();
CREATE TRIGGER always AFTER TRUNCATE ON connectors EXECUTE FUNCTION tell();
ALTER TABLE connectors ENABLE ALWAYS TRIGGER always;
TRUNCATE audit;
CREATE TABLE events (day date NOT NULL, connector integer NOT NULL REFERENCES connectors, n bigint)
PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
INSERT INTO events SELECT date '2026-01-15' + n % 30, n % 15 + 1, n FROM generate_series(1, 500) n;
CREATE SCHEMA billing;
CREATE TABLE billing."Odd, Name" ("a.b" integer PRIMARY KEY, "it's" text);
INSERT INTO billing."Odd, Name" SELECT n, 'x' || n FROM generate_series(1, 10) n;
CREATE TABLE embeddings (id integer PRIMARY KEY, embedding vector(4) NOT NULL);
INSERT INTO embeddings SELECT n, ARRAY[n, n % 2, n % 3, 1]::vector FROM generate_series(1, 200) n;
CREATE INDEX nearest ON embeddings USING hnsw (embedding vector_cosine_ops);
SELECT lo_from_bytea(0, 'large');
