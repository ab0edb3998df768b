-- A small database with something of each kind that an archive keeps apart: rows, a sequence, an
-- index of vectors, a large object. Quick to back up, and every object has some kilobytes.
CREATE EXTENSION vector;
CREATE TYPE "ConnectorKind" AS ENUM ('CRM', 'EMAIL', 'SOCIAL');
CREATE TABLE connectors (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text UNIQUE NOT NULL,
    kind "ConnectorKind" NOT NULL
);
INSERT INTO connectors (name, kind)
SELECT 'connector ' || n, (enum_range(NULL::"ConnectorKind"))[n % 3 + 1]
FROM generate_series(1, 15) AS n;
CREATE TABLE events (
    id bigint PRIMARY KEY,
    connector integer NOT NULL REFERENCES connectors,
    payload text NOT NULL
);
INSERT INTO events SELECT n, n % 15 + 1, md5(n::text) || md5('b' || n)
FROM generate_series(1, 5000) AS n;
CREATE TABLE embeddings (id integer PRIMARY KEY, embedding vector(8) NOT NULL);
INSERT INTO embeddings
SELECT n, ARRAY[n, n % 2, n % 3, n % 5, n % 7, n % 11, n % 13, n % 17]::vector
FROM generate_series(1, 2000) AS n;
CREATE INDEX ON embeddings USING hnsw (embedding vector_cosine_ops);
SELECT lo_from_bytea(0, decode(repeat(md5('large'), 1000), 'hex'));
