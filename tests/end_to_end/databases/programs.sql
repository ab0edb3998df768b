-- What runs inside the database: functions, triggers, rules, views, operators, casts, search, publications.
-- Left out: subscriptions, which keep a database from being dropped, and a check constraint that reads
-- other tables, whose own dump need not restore.
SET client_encoding = 'UTF8';
SET client_min_messages = warning;

CREATE SCHEMA lib;
CREATE TABLE items (id integer PRIMARY KEY, name text NOT NULL, price numeric, parent integer REFERENCES items, changed integer DEFAULT 0);
CREATE TABLE history (id serial PRIMARY KEY, what text, item integer);
INSERT INTO items SELECT n, 'item ' || n, n * 1.5, nullif(n / 2, 0) FROM generate_series(1, 200) AS n;

-- Functions and procedures ------------------------------------------------------------------------
CREATE FUNCTION lib.slug(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF COST 7 AS $$SELECT lower(regexp_replace(t, '[^[:alnum:]]+', '-', 'g'))$$;
CREATE FUNCTION lib.slug(t text, VARIADIC more text[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT lib.slug(concat_ws('-', t, array_to_string(more, '-')))$$;
CREATE FUNCTION "Odd.Name $1"("a b" integer DEFAULT 1, OUT doubled integer, INOUT t text DEFAULT 'x''y') LANGUAGE plpgsql AS $body$
DECLARE
    "$body" text := $$dollars$$;
BEGIN
    -- Nothing in here may be taken for the end: $function$ '' \. ;
    doubled := "a b" * 2; t := t || E'\n\\.\n' || "$body";
END
$body$;
CREATE FUNCTION lib.standard(n integer) RETURNS numeric LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT sum(price) FROM items WHERE id <= n;
    SELECT price FROM items WHERE id = n;
END;
CREATE FUNCTION lib.table_of(n integer) RETURNS TABLE (id integer, label text) LANGUAGE sql STABLE ROWS 5 AS 'SELECT id, name FROM public.items WHERE id < n';
CREATE FUNCTION lib.all_items() RETURNS SETOF items LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp SET work_mem = '8MB' SET DateStyle = 'ISO, DMY' AS 'SELECT * FROM items';
CREATE FUNCTION lib.first(anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE AS 'SELECT $1[1]';
CREATE FUNCTION lib.label(items) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT $1.name || '!'$$;
CREATE PROCEDURE lib.touch(INOUT n integer) LANGUAGE plpgsql AS 'BEGIN UPDATE public.items SET changed = changed + 1 WHERE id = n; COMMIT; END';
ALTER FUNCTION lib.slug(text) DEPENDS ON EXTENSION plpgsql;
ALTER FUNCTION lib.slug(text) NO DEPENDS ON EXTENSION plpgsql;

-- Their use where a restore needs them early: indexes, checks, defaults, generated columns ---------
CREATE INDEX items_slug ON items (lib.slug(name)) WHERE lib.slug(name) <> '';
ALTER TABLE items ADD CONSTRAINT has_slug CHECK (lib.slug(name) <> ''),
    ADD slug text GENERATED ALWAYS AS (lib.slug(name)) STORED, ADD code text DEFAULT lib.slug('New Code', 'x');
CREATE DOMAIN lib.slugged AS text CHECK (VALUE = lib.slug(VALUE));
CREATE TABLE uses_domain (s lib.slugged DEFAULT lib.slug('A B'));
INSERT INTO uses_domain DEFAULT VALUES;

-- Triggers: in every state, on views, on columns, with transition tables, constraint triggers ------
CREATE FUNCTION lib.log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.history (what, item) VALUES (concat_ws(' ', TG_NAME, TG_OP, TG_LEVEL, TG_ARGV[0]), CASE WHEN TG_LEVEL = 'ROW' THEN NEW.id END);
    RETURN NEW;
END
$$;
CREATE TRIGGER always AFTER INSERT OR UPDATE ON items FOR EACH ROW EXECUTE FUNCTION lib.log('an ''argument''', E'with \\ and \n');
CREATE TRIGGER replica BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION lib.log();
CREATE TRIGGER disabled BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION lib.log();
CREATE TRIGGER "On Columns" AFTER UPDATE OF name, price ON items FOR EACH ROW WHEN (OLD.price IS DISTINCT FROM NEW.price) EXECUTE FUNCTION lib.log();
CREATE TRIGGER statement AFTER UPDATE ON items REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION lib.log();
CREATE TRIGGER truncated BEFORE TRUNCATE ON items FOR EACH STATEMENT EXECUTE FUNCTION lib.log();
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON items FROM history DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lib.log();
ALTER TABLE items ENABLE ALWAYS TRIGGER always, ENABLE REPLICA TRIGGER replica, DISABLE TRIGGER disabled;
-- A restore that loads rows after this exists would find it in its way.
CREATE FUNCTION lib.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no more rows'; END$$;
CREATE TABLE finished (id integer);
INSERT INTO finished SELECT generate_series(1, 10);
CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON finished FOR EACH STATEMENT EXECUTE FUNCTION lib.refuse();
ALTER TABLE finished ENABLE ALWAYS TRIGGER refuse;
CREATE TABLE parted (id integer) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TRIGGER on_parted AFTER INSERT ON parted FOR EACH ROW EXECUTE FUNCTION lib.log();
ALTER TABLE parted_1 DISABLE TRIGGER on_parted;
INSERT INTO parted SELECT generate_series(1, 5);
INSERT INTO items (id, name, price) VALUES (1000, 'fires', 1);

-- Rules ------------------------------------------------------------------------------------------
CREATE RULE also AS ON UPDATE TO items WHERE NEW.price < 0 DO ALSO INSERT INTO history (what) VALUES ('below zero');
CREATE RULE "in stead" AS ON DELETE TO history DO INSTEAD NOTHING;
ALTER TABLE items DISABLE RULE also;

-- Views: on views, recursive, in a circle with a function, grouped by a key -----------------------
CREATE VIEW cheap AS SELECT *, name AS "Name Again" FROM items WHERE price < 10 WITH LOCAL CHECK OPTION;
CREATE VIEW cheaper AS SELECT id, lib.label(cheap::items) AS label FROM (SELECT id, name, price, parent, changed, slug, code FROM items WHERE price < 5) AS cheap;
CREATE RECURSIVE VIEW tree (id, path) AS SELECT id, ARRAY[id] FROM items WHERE parent IS NULL UNION ALL SELECT items.id, path || items.id FROM items JOIN tree ON parent = tree.id;
CREATE VIEW by_key AS SELECT items.*, count(*) AS children FROM items JOIN items AS child ON child.parent = items.id GROUP BY items.id;
CREATE VIEW uses_by_key AS SELECT id, children FROM by_key;
CREATE VIEW "select" AS SELECT 1 AS "order", 'it''s' AS "from", NULL::text AS "null", $$\.$$ AS "back\slash";
ALTER VIEW cheap ALTER changed SET DEFAULT 9;
CREATE TRIGGER on_view INSTEAD OF INSERT ON cheaper FOR EACH ROW EXECUTE FUNCTION lib.log();
CREATE VIEW ring AS SELECT 1 AS n;
CREATE FUNCTION lib.of_ring() RETURNS SETOF ring LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT 1; END';
CREATE OR REPLACE VIEW ring AS SELECT n FROM lib.of_ring();

-- Materialised views: on each other, empty, never filled, needing a key ----------------------------
CREATE MATERIALIZED VIEW filled AS SELECT id % 7 AS bucket, count(*) AS n, round(avg(price), 3) AS mean FROM items GROUP BY 1;
CREATE UNIQUE INDEX filled_bucket ON filled (bucket);
CREATE MATERIALIZED VIEW on_filled WITH (fillfactor = 60) AS SELECT sum(n) AS total FROM filled;
CREATE MATERIALIZED VIEW on_on_filled AS SELECT total, bucket FROM on_filled, filled;
CREATE MATERIALIZED VIEW never_filled AS SELECT * FROM items WITH NO DATA;
CREATE INDEX never_filled_id ON never_filled (id);
CREATE MATERIALIZED VIEW grouped_by_key AS SELECT items.id, items.name, count(*) FROM items JOIN items AS child ON child.parent = items.id GROUP BY items.id;
CREATE MATERIALIZED VIEW on_view AS SELECT * FROM by_key;
CREATE MATERIALIZED VIEW no_rows AS SELECT 1 AS n WHERE false;
CREATE VIEW over_materialised AS SELECT * FROM on_on_filled;

-- Operators, casts, aggregates, languages ---------------------------------------------------------
CREATE TYPE lib.fraction AS (num integer, den integer);
CREATE FUNCTION lib.value(f lib.fraction) RETURNS float8 LANGUAGE sql IMMUTABLE STRICT AS 'SELECT f.num::float8 / f.den';
CREATE FUNCTION lib.lt(lib.fraction, lib.fraction) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT lib.value($1) < lib.value($2)';
CREATE FUNCTION lib.le(lib.fraction, lib.fraction) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT lib.value($1) <= lib.value($2)';
CREATE FUNCTION lib.eq(lib.fraction, lib.fraction) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT lib.value($1) = lib.value($2)';
CREATE FUNCTION lib.ge(lib.fraction, lib.fraction) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT lib.value($1) >= lib.value($2)';
CREATE FUNCTION lib.gt(lib.fraction, lib.fraction) RETURNS boolean LANGUAGE sql IMMUTABLE STRICT AS 'SELECT lib.value($1) > lib.value($2)';
CREATE FUNCTION lib.cmp(lib.fraction, lib.fraction) RETURNS integer LANGUAGE sql IMMUTABLE STRICT AS 'SELECT sign(lib.value($1) - lib.value($2))::integer';
CREATE OPERATOR lib.<# (LEFTARG = lib.fraction, RIGHTARG = lib.fraction, FUNCTION = lib.lt, COMMUTATOR = OPERATOR(lib.#>), NEGATOR = OPERATOR(lib.>=#), RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE OPERATOR lib.<=# (LEFTARG = lib.fraction, RIGHTARG = lib.fraction, FUNCTION = lib.le, COMMUTATOR = OPERATOR(lib.>=#), NEGATOR = OPERATOR(lib.#>));
CREATE OPERATOR lib.=# (LEFTARG = lib.fraction, RIGHTARG = lib.fraction, FUNCTION = lib.eq, COMMUTATOR = OPERATOR(lib.=#), MERGES);
CREATE OPERATOR lib.>=# (LEFTARG = lib.fraction, RIGHTARG = lib.fraction, FUNCTION = lib.ge, COMMUTATOR = OPERATOR(lib.<=#), NEGATOR = OPERATOR(lib.<#));
CREATE OPERATOR lib.#> (LEFTARG = lib.fraction, RIGHTARG = lib.fraction, FUNCTION = lib.gt, COMMUTATOR = OPERATOR(lib.<#), NEGATOR = OPERATOR(lib.<=#));
CREATE OPERATOR FAMILY lib.fractions USING btree;
CREATE OPERATOR CLASS lib.fraction_ops DEFAULT FOR TYPE lib.fraction USING btree FAMILY lib.fractions AS
    OPERATOR 1 lib.<#, OPERATOR 2 lib.<=#, OPERATOR 3 lib.=#, OPERATOR 4 lib.>=#, OPERATOR 5 lib.#>, FUNCTION 1 lib.cmp(lib.fraction, lib.fraction);
CREATE CAST (lib.fraction AS float8) WITH FUNCTION lib.value(lib.fraction) AS ASSIGNMENT;
CREATE CAST (lib.fraction AS json) WITH INOUT;
CREATE FUNCTION lib.whole(integer) RETURNS lib.fraction LANGUAGE sql IMMUTABLE AS 'SELECT ROW($1, 1)::lib.fraction';
CREATE CAST (integer AS lib.fraction) WITH FUNCTION lib.whole(integer) AS IMPLICIT;
CREATE TABLE fractions (f lib.fraction, fs lib.fraction[]);
INSERT INTO fractions VALUES (ROW(1, 2), ARRAY[ROW(1, 3)::lib.fraction]), (3, '{}'), (NULL, NULL);
CREATE INDEX fractions_f ON fractions (f);
CREATE FUNCTION lib.longer(text, text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT CASE WHEN length($2) > length($1) THEN $2 ELSE $1 END';
CREATE AGGREGATE lib.longest(text) (SFUNC = lib.longer, STYPE = text, INITCOND = '', COMBINEFUNC = lib.longer, PARALLEL = SAFE);
CREATE AGGREGATE lib.moving(float8) (SFUNC = float8pl, STYPE = float8, MSFUNC = float8pl, MINVFUNC = float8mi, MSTYPE = float8, MINITCOND = '0');
CREATE AGGREGATE lib.largest(float8) (SFUNC = float8larger, STYPE = float8, SORTOP = >);
CREATE AGGREGATE lib.middle(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE MATERIALIZED VIEW aggregated AS SELECT lib.longest(name) AS longest, lib.moving(price::float8) AS moving FROM items;
CREATE FUNCTION lib.plagain_handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE TRUSTED LANGUAGE plagain HANDLER lib.plagain_handler;
CREATE FUNCTION lib.in_plagain() RETURNS integer LANGUAGE plagain AS 'BEGIN RETURN 1; END';
CREATE ACCESS METHOD heap_again TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE kept_elsewhere (id integer) USING heap_again;
INSERT INTO kept_elsewhere VALUES (1);
CREATE CONVERSION lib.mine FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;

-- Text search and collations ----------------------------------------------------------------------
CREATE COLLATION lib."plain C" (LOCALE = 'C');
CREATE COLLATION lib.posix FROM "POSIX";
CREATE TEXT SEARCH TEMPLATE lib.template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY lib."Dictionary" (TEMPLATE = lib.template, ACCEPT = false);
CREATE TEXT SEARCH DICTIONARY lib.stems (TEMPLATE = snowball, LANGUAGE = german, STOPWORDS = german);
CREATE TEXT SEARCH PARSER lib.parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH CONFIGURATION lib.german (PARSER = lib.parser);
ALTER TEXT SEARCH CONFIGURATION lib.german ADD MAPPING FOR asciiword, word WITH lib."Dictionary", lib.stems;
CREATE TABLE searched (t text COLLATE lib."plain C", v tsvector GENERATED ALWAYS AS (to_tsvector('lib.german', t)) STORED);
INSERT INTO searched (t) VALUES ('Die Häuser der Städte'), (NULL);
CREATE INDEX searched_v ON searched USING gin (v);

-- What watches from outside -----------------------------------------------------------------------
SET client_min_messages = error; -- a warning that wal_level is too low for them
CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert, update');
CREATE PUBLICATION "some rows" FOR TABLE items (id, name) WHERE (id > 10), TABLE ONLY history;
CREATE PUBLICATION whole_schemas FOR TABLES IN SCHEMA lib, TABLE finished;
CREATE PUBLICATION nothing WITH (publish_via_partition_root = true);
CREATE FUNCTION lib.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN RAISE DEBUG ''%'', tg_tag; END';
CREATE EVENT TRIGGER watch ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION lib.on_ddl();
CREATE EVENT TRIGGER watch_off ON sql_drop EXECUTE FUNCTION lib.on_ddl();
ALTER EVENT TRIGGER watch_off DISABLE;
-- It refuses every table from now on, so it must be the last thing that a restore makes.
CREATE FUNCTION lib.no_tables() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no new tables'; END$$;
CREATE EVENT TRIGGER no_tables ON ddl_command_start WHEN TAG IN ('CREATE TABLE', 'CREATE INDEX') EXECUTE FUNCTION lib.no_tables();

COMMENT ON FUNCTION lib.slug(text) IS 'A function''s comment';
COMMENT ON PROCEDURE lib.touch IS 'A procedure''s';
COMMENT ON AGGREGATE lib.longest(text) IS 'An aggregate''s';
COMMENT ON OPERATOR lib.<# (lib.fraction, lib.fraction) IS 'An operator''s';
COMMENT ON OPERATOR CLASS lib.fraction_ops USING btree IS 'An operator class''s';
COMMENT ON OPERATOR FAMILY lib.fractions USING btree IS 'An operator family''s';
COMMENT ON CAST (lib.fraction AS float8) IS 'A cast''s';
COMMENT ON TRIGGER always ON items IS 'A trigger''s';
COMMENT ON EVENT TRIGGER watch IS 'An event trigger''s';
COMMENT ON VIEW cheap IS 'A view''s';
COMMENT ON COLUMN cheap.name IS 'A view''s column''s';
COMMENT ON MATERIALIZED VIEW filled IS 'A materialised view''s';
COMMENT ON PUBLICATION everything IS 'A publication''s';
COMMENT ON TEXT SEARCH CONFIGURATION lib.german IS 'A configuration''s';
COMMENT ON TEXT SEARCH DICTIONARY lib.stems IS 'A dictionary''s';
COMMENT ON COLLATION lib.posix IS 'A collation''s';
COMMENT ON LANGUAGE plagain IS 'A language''s';
COMMENT ON ACCESS METHOD heap_again IS 'An access method''s';
COMMENT ON CONVERSION lib.mine IS 'A conversion''s';
COMMENT ON EXTENSION plpgsql IS 'An extension''s, changed';
