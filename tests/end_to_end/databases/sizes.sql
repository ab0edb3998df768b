-- Rows and tables of unusual size.
SET client_encoding = 'UTF8';
SET client_min_messages = warning;

-- One row of 50 MB, not compressed; in text form it has twice as many bytes.
CREATE TABLE one_large_row (id integer PRIMARY KEY, raw bytea);
ALTER TABLE one_large_row ALTER raw SET STORAGE EXTERNAL;
INSERT INTO one_large_row SELECT 1, decode(repeat(md5('seed') || '000aff5c', 50 * 1024 * 1024 / 20), 'hex');
INSERT INTO one_large_row VALUES (2, NULL), (3, '');

-- 10 MB of text that does not compress, without a single line end; and 1 MB of nothing but line ends.
CREATE TABLE large_texts (id integer PRIMARY KEY, t text);
INSERT INTO large_texts SELECT 1, string_agg(md5(n::text), '' ORDER BY n) FROM generate_series(1, 320 * 1024) AS n;
INSERT INTO large_texts VALUES (2, repeat(E'\n', 1024 * 1024)), (3, repeat(E'\\', 1024 * 1024)), (4, repeat('🐘', 256 * 1024));

-- Every row kept outside the table: the table itself is a few pages, what it points to is not.
CREATE TABLE all_outside (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, a bytea NOT NULL, b text NOT NULL, c jsonb NOT NULL) WITH (toast_tuple_target = 128);
ALTER TABLE all_outside ALTER a SET STORAGE EXTERNAL, ALTER b SET STORAGE EXTERNAL;
INSERT INTO all_outside (a, b, c)
SELECT decode(repeat(md5(n::text), 150), 'hex'), repeat(md5('b' || n), 100), jsonb_build_object('n', n, 'text', repeat(md5('c' || n), 80))
FROM generate_series(1, 2000) AS n;

-- Most pages empty, the last ones not: row numbers say nothing about where the rows are.
CREATE TABLE mostly_holes (id integer PRIMARY KEY, t text) WITH (autovacuum_enabled = false);
INSERT INTO mostly_holes SELECT n, repeat(md5(n::text), 3) FROM generate_series(1, 60000) AS n;
DELETE FROM mostly_holes WHERE id BETWEEN 500 AND 59000;
VACUUM mostly_holes;
UPDATE mostly_holes SET t = 'moved ' || id WHERE id % 7 = 0;

-- Pages that hold no row at all, up to the end.
CREATE TABLE emptied (id integer) WITH (autovacuum_enabled = false);
INSERT INTO emptied SELECT generate_series(1, 10000);
DELETE FROM emptied;

CREATE TABLE many_rows_without_columns ();
INSERT INTO many_rows_without_columns SELECT FROM generate_series(1, 20000);

-- 300 columns of several types, and 1,600, the most there are.
DO $do$
DECLARE
    types text[] := ARRAY['integer', 'text', 'boolean', 'numeric(10, 2)', 'timestamptz', 'jsonb', 'uuid', 'float8[]'];
BEGIN
    EXECUTE (SELECT format('CREATE TABLE wide_300 (%s)', string_agg(format('%I %s', 'Column ' || n, types[1 + n % 8]), ', ' ORDER BY n)) FROM generate_series(1, 300) AS n);
    EXECUTE (SELECT format('CREATE TABLE wide_1600 (%s)', string_agg(format('c%s "char"', n), ', ' ORDER BY n)) FROM generate_series(1, 1600) AS n);
END
$do$;
INSERT INTO wide_300 ("Column 8", "Column 1", "Column 300") SELECT n, 'text ' || n, '2025-10-26 00:00+00' FROM generate_series(1, 500) AS n;
INSERT INTO wide_1600 (c1, c800, c1600) VALUES ('a', 'b', 'c'), (NULL, E'\\377', '');

-- Many tables with hardly anything in them.
DO $do$
BEGIN
    FOR n IN 1..300 LOOP
        EXECUTE format('CREATE TABLE many_%s (id integer PRIMARY KEY, t text)', n);
        EXECUTE format('INSERT INTO many_%s SELECT generate_series(1, %s), %L', n, n % 4, 'of ' || n);
    END LOOP;
END
$do$;
