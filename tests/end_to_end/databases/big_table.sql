-- A table of the 1 GB class, with holes, so that equal ranges of pages hold unequal numbers of rows.
-- `psql -v rows=N`: N rows before the holes; 4,400,000 when not given, about 1 GB with its key.
\if :{?rows}
\else
\set rows 4400000
\endif
SET client_encoding = 'UTF8';
SET client_min_messages = warning;
SET synchronous_commit = off;

CREATE TABLE measurements (
    id bigint NOT NULL, device integer NOT NULL, at timestamptz NOT NULL, value double precision, label text, digest bytea, note text
) WITH (autovacuum_enabled = false);
INSERT INTO measurements
SELECT n, (n::bigint * 7919 % 5003)::integer, timestamptz '2025-01-01 00:00+00' + n * interval '1 second', CASE WHEN n % 50 > 0 THEN sin(n) ELSE 'NaN' END,
    CASE WHEN n % 9 > 0 THEN md5(n::text) END, decode(md5('d' || n), 'hex'), repeat('note ' || n % 1000 || ' ', (4 + n % 9)::integer)
FROM generate_series(1, :rows) AS n;

-- Holes: a stretch without any row, one with every tenth, the first pages, and the last ones cut off.
DELETE FROM measurements
WHERE id BETWEEN :rows * 3 / 10 AND :rows * 4 / 10 OR (id BETWEEN :rows * 6 / 10 AND :rows * 7 / 10 AND id % 10 > 0)
    OR id < :rows / 100 OR id > :rows - :rows / 100;
VACUUM measurements;
-- Rows that moved away from their neighbours, into the holes.
UPDATE measurements SET note = 'moved' WHERE device = 17;
ALTER TABLE measurements ADD PRIMARY KEY (id);

-- Few pages, and most bytes outside them.
CREATE TABLE recordings (id integer PRIMARY KEY, sound bytea NOT NULL) WITH (autovacuum_enabled = false);
ALTER TABLE recordings ALTER sound SET STORAGE EXTERNAL;
INSERT INTO recordings SELECT n, decode(repeat(md5(n::text) || md5('s' || n), 400), 'hex') FROM generate_series(1, :rows / 400) AS n;
