-- Enough of everything that each phase of a backup takes a while, and a drill still does not.
CREATE EXTENSION vector;
CREATE TABLE documents (id integer PRIMARY KEY, title text NOT NULL, embedding vector(64));
INSERT INTO documents
SELECT n, 'document ' || n, (SELECT array_agg(((n * 7919 + i * 104729) % 1000)::real / 1000)
                               FROM generate_series(1, 64) AS i)::vector
FROM generate_series(1, 12000) AS n;
-- No compression makes these smaller: as an object they take two parts.
CREATE TABLE chunks (id integer PRIMARY KEY, document integer NOT NULL REFERENCES documents, content bytea);
ALTER TABLE chunks ALTER COLUMN content SET STORAGE EXTERNAL;
INSERT INTO chunks
SELECT n, n % 12000 + 1, (SELECT string_agg(sha256(int8send(n * 1000 + i)), '')
                            FROM generate_series(1, 100) AS i)
FROM generate_series(1, 3500) AS n;
CREATE TABLE events (id bigint PRIMARY KEY, payload text NOT NULL);
INSERT INTO events SELECT n, md5(n::text) || md5('c' || n) FROM generate_series(1, 120000) AS n;
CREATE INDEX ON events (payload);
CREATE TABLE empty (id integer PRIMARY KEY);
SELECT lo_from_bytea(0, decode(repeat(md5('large' || n), 20000), 'hex')) FROM generate_series(1, 12) AS n;
