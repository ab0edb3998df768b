-- What PostgreSQL 17 and 18 added, and the extensions that only a complete build of the server has.
SET client_encoding = 'UTF8';
SET client_min_messages = warning;

CREATE SCHEMA ext;
CREATE EXTENSION btree_gist SCHEMA ext;
CREATE EXTENSION hstore SCHEMA ext;
CREATE EXTENSION citext;
CREATE EXTENSION ltree;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION "intarray";
CREATE EXTENSION cube;
CREATE EXTENSION unaccent;
CREATE EXTENSION isn;
CREATE EXTENSION lo;
COMMENT ON EXTENSION citext IS 'An extension''s comment';

-- Generated when read, and mixed with those that are stored ----------------------------------------
CREATE TABLE virtual (
    a integer, doubled integer GENERATED ALWAYS AS (a * 2) VIRTUAL, b text, lowered text GENERATED ALWAYS AS (lower(b)),
    stored integer GENERATED ALWAYS AS (a + 1) STORED, CHECK (doubled >= a)
);
INSERT INTO virtual (a, b) VALUES (1, 'ABC'), (0, NULL), (NULL, 'ÄÖÜ');
CREATE TABLE only_virtual (a integer GENERATED ALWAYS AS (1) VIRTUAL);
INSERT INTO only_virtual DEFAULT VALUES;
INSERT INTO only_virtual DEFAULT VALUES;
CREATE TABLE virtual_parts (id integer, twice integer GENERATED ALWAYS AS (id * 2) VIRTUAL) PARTITION BY RANGE (id);
CREATE TABLE virtual_parts_1 PARTITION OF virtual_parts FOR VALUES FROM (0) TO (10);
CREATE TABLE virtual_parts_2 (twice integer GENERATED ALWAYS AS (id * 3) VIRTUAL, id integer);
ALTER TABLE virtual_parts ATTACH PARTITION virtual_parts_2 FOR VALUES FROM (10) TO (20);
INSERT INTO virtual_parts SELECT generate_series(0, 19);

-- Constraints: over time, not enforced, named and unchecked NOT NULL --------------------------------
CREATE TABLE rooms (id integer, valid daterange, name text, PRIMARY KEY (id, valid WITHOUT OVERLAPS), UNIQUE (name, valid WITHOUT OVERLAPS));
CREATE TABLE reservations (id integer, room integer, during daterange, FOREIGN KEY (room, PERIOD during) REFERENCES rooms (id, PERIOD valid));
INSERT INTO rooms VALUES (1, '[2025-01-01,2025-07-01)', 'a'), (1, '[2025-07-01,)', 'b');
INSERT INTO reservations VALUES (1, 1, '[2025-06-01,2025-08-01)');
CREATE TABLE targets (id integer PRIMARY KEY);
CREATE TABLE unenforced (n integer CONSTRAINT positive CHECK (n > 0) NOT ENFORCED, target integer CONSTRAINT "some target" REFERENCES targets NOT ENFORCED);
INSERT INTO unenforced VALUES (-1, 99);
CREATE TABLE not_nulls (a integer CONSTRAINT "a is there" NOT NULL, b integer CONSTRAINT here_only NOT NULL NO INHERIT, c integer);
INSERT INTO not_nulls VALUES (1, 2, NULL);
ALTER TABLE not_nulls ADD CONSTRAINT later NOT NULL c NOT VALID;
CREATE TABLE not_nulls_child (a integer CONSTRAINT "a is there too" NOT NULL) INHERITS (not_nulls);
COMMENT ON CONSTRAINT "a is there" ON not_nulls IS 'A NOT NULL''s comment';

-- Identities and exclusion over partitions ---------------------------------------------------------
CREATE TABLE numbered (id bigint GENERATED ALWAYS AS IDENTITY, day date, span int4range, EXCLUDE USING gist (day WITH =, span WITH &&)) PARTITION BY LIST (day);
CREATE TABLE numbered_1 PARTITION OF numbered FOR VALUES IN ('2025-01-01');
CREATE TABLE numbered_rest PARTITION OF numbered DEFAULT;
INSERT INTO numbered (day, span) SELECT date '2025-01-01' + n % 2, int4range(n, n + 1) FROM generate_series(1, 20) AS n;

-- Values that are new, collations of the server's own, privileges ----------------------------------
CREATE TABLE new_values (i interval, u uuid DEFAULT uuidv7(), t text COLLATE pg_unicode_fast);
INSERT INTO new_values VALUES ('infinity', '0198c6e2-0000-7000-8000-000000000000', 'ß'), ('-infinity', NULL, 'SS');
CREATE COLLATION own (PROVIDER = builtin, LOCALE = 'C.UTF-8');
CREATE INDEX new_values_t ON new_values (t COLLATE own, casefold(t));
GRANT MAINTAIN ON new_values TO pg_monitor;
CREATE INDEX built_at_once ON virtual USING gin (to_tsvector('simple'::regconfig, b));
SET client_min_messages = error; -- a warning that wal_level is too low
CREATE PUBLICATION generated FOR TABLE virtual (a, stored) WITH (publish_generated_columns = stored);
SET client_min_messages = warning;

-- Types that extensions bring ----------------------------------------------------------------------
CREATE TABLE extended (
    id serial PRIMARY KEY, h ext.hstore, c citext UNIQUE, path ltree, query lquery, cubic cube, book isbn13, hs ext.hstore[], cs citext[], paths ltree[], file lo
);
INSERT INTO extended (h, c, path, query, cubic, book, hs, cs, paths) VALUES
    ('"a b"=>"c\"d", e=>NULL, "=>"=>"\\"', 'CaSe', 'Top.Science.größe', '*.a|b.!c{2,}', '(1,2),(3,NaN)', '978-0-393-04002-9', ARRAY['a=>1'::ext.hstore, ''], '{A,a,NULL}', '{a.b,c}'),
    ('', '', '', '*', '0', NULL, '{}', '{}', '{}'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
CREATE INDEX extended_c ON extended USING gin (c gin_trgm_ops, h);
CREATE INDEX extended_path ON extended USING gist (path gist_ltree_ops (siglen = 100), cubic);
CREATE TABLE overlapping (room integer, during tsrange, tags integer[], EXCLUDE USING gist (room WITH =, during WITH &&));
INSERT INTO overlapping VALUES (1, '[2025-01-01,2025-01-02)', '{1,2}'), (2, '[2025-01-01,2025-01-02)', NULL);
CREATE INDEX overlapping_tags ON overlapping USING gist (tags gist__intbig_ops);
CREATE FUNCTION plain(t text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT public.unaccent('public.unaccent', t)$$;
CREATE INDEX extended_plain ON extended (plain(c::text));
