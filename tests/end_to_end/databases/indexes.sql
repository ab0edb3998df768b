-- Indexes of every kind, and what the planner is told. (Those on vectors are in vectors.sql.)
-- Left out: an index whose building failed. pg_dump does not write it.
SET client_encoding = 'UTF8';
SET client_min_messages = warning;

CREATE TABLE things (
    id integer GENERATED ALWAYS AS IDENTITY, name text, tags text[], doc jsonb, at timestamptz, n numeric, p point, b box,
    r int4range, v tsvector, ip inet, c circle, "Odd Column" text
);
INSERT INTO things (name, tags, doc, at, n, p, b, r, v, ip, c)
SELECT 'name ' || n % 900, ARRAY['t' || n % 7, 'u' || n % 3], jsonb_build_object('k', n % 10, 'nested', jsonb_build_object('s', 'v' || n)), timestamptz '2025-01-01 00:00+00' + n * interval '1 hour',
    n / 7.0, point(n % 50, n / 50), box(point(n, n), point(n + 1, n + 1)), int4range(n, n + 5), to_tsvector('simple', 'word' || n % 20), inet '10.0.0.0' + n, circle(point(n, n), 1)
FROM generate_series(1, 2000) AS n;

ALTER TABLE things ADD CONSTRAINT "the key" PRIMARY KEY (id) INCLUDE (name) WITH (fillfactor = 80);
CREATE INDEX ON things (name text_pattern_ops, at DESC NULLS LAST, n NULLS FIRST);
CREATE INDEX ON things (name COLLATE "C" varchar_pattern_ops) INCLUDE (tags) WITH (deduplicate_items = off);
CREATE INDEX "Odd ""Index""" ON things (lower("Odd Column"), (n + 1), (doc ->> 'k'));
CREATE INDEX partial ON things (at) WHERE n > 100 AND name LIKE '%5%' OR "Odd Column" IS NOT NULL;
CREATE UNIQUE INDEX partly_unique ON things (name) WHERE id <= 900;
CREATE UNIQUE INDEX nulls_are_equal ON things (id, "Odd Column") NULLS NOT DISTINCT;
CREATE INDEX hashed ON things USING hash (name) WITH (fillfactor = 50);
CREATE INDEX words ON things USING gin (v) WITH (fastupdate = off, gin_pending_list_limit = 64);
CREATE INDEX labels ON things USING gin (tags, doc jsonb_path_ops);
CREATE INDEX documents ON things USING gin (doc);
CREATE INDEX ranges ON things USING gist (r, ip inet_ops) WITH (buffering = on);
CREATE INDEX shapes ON things USING gist (b, p);
CREATE INDEX words_2 ON things USING gist (v tsvector_ops (siglen = 100));
CREATE INDEX quad ON things USING spgist (p);
CREATE INDEX kd ON things USING spgist (p kd_point_ops);
CREATE INDEX texts ON things USING spgist (name text_ops);
CREATE INDEX blocks ON things USING brin (at, id int4_minmax_multi_ops (values_per_range = 16), name text_bloom_ops (false_positive_rate = 0.05, n_distinct_per_range = 50)) WITH (pages_per_range = 4, autosummarize = on);
ALTER INDEX "Odd ""Index""" ALTER COLUMN 2 SET STATISTICS 300;
ALTER TABLE things CLUSTER ON ranges;
ALTER TABLE things REPLICA IDENTITY USING INDEX "the key";

-- Constraints that are indexes --------------------------------------------------------------------
CREATE TABLE constrained (
    a integer, b integer, c text, d daterange, e circle,
    CONSTRAINT "unique, later" UNIQUE (a, b) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT with_nulls UNIQUE NULLS NOT DISTINCT (c) WITH (fillfactor = 90),
    CONSTRAINT "no overlap" EXCLUDE USING gist (d WITH &&, e WITH ~=) WITH (fillfactor = 75) WHERE (a > 0) DEFERRABLE,
    CONSTRAINT no_twins EXCLUDE USING btree ((a + b) WITH =),
    CONSTRAINT no_hash_twins EXCLUDE USING hash (c WITH =) WHERE (a IS NULL)
);
INSERT INTO constrained SELECT n, n, 'c' || n, daterange('2025-01-01'::date + n, '2025-01-01'::date + n + 1), circle(point(n, 0), 1) FROM generate_series(1, 100) AS n;
INSERT INTO constrained VALUES (NULL, NULL, NULL, 'empty', NULL);
ALTER TABLE constrained CLUSTER ON with_nulls;
CREATE UNIQUE INDEX becomes_a_constraint ON constrained (b, a);
ALTER TABLE constrained ADD CONSTRAINT "From an index" UNIQUE USING INDEX becomes_a_constraint;

-- On partitions: created above and below, attached, missing on one ---------------------------------
CREATE TABLE parts (id integer, at date, t text) PARTITION BY RANGE (at);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2025-02-01') TO ('2025-03-01') PARTITION BY LIST (id);
CREATE TABLE parts_2_rest PARTITION OF parts_2 DEFAULT;
INSERT INTO parts SELECT n, date '2025-01-01' + n % 59, 't' || n FROM generate_series(1, 500) AS n;
ALTER TABLE parts_1 ADD CONSTRAINT parts_1_own_name UNIQUE (id, at);
ALTER TABLE parts ADD PRIMARY KEY (id, at);
CREATE INDEX ON parts (lower(t));
CREATE INDEX own_of_a_partition ON parts_2_rest (t);
CREATE INDEX only_above ON ONLY parts (t);
CREATE INDEX half_attached_1 ON parts_1 (t);
ALTER INDEX only_above ATTACH PARTITION half_attached_1;

-- What the planner is told -------------------------------------------------------------------------
CREATE STATISTICS several ON id, name, (lower(name)) FROM things;
CREATE STATISTICS "Only Some" (ndistinct, dependencies) ON name, n FROM things;
CREATE STATISTICS most_common (mcv) ON tags, ip FROM things;
CREATE STATISTICS of_expression ON (n * 2) FROM things;
ALTER STATISTICS several SET STATISTICS 400;
ALTER TABLE things ALTER name SET STATISTICS 1000, ALTER n SET (n_distinct = -0.2);

COMMENT ON INDEX partial IS 'An index''s comment';
COMMENT ON CONSTRAINT "the key" ON things IS 'A key''s';
COMMENT ON STATISTICS several IS 'Statistics''';
ANALYZE;
