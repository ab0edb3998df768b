-- Names that break whoever builds a command, a path or a pattern from them without quoting.
-- Each is the name of a schema, of a table in it, and of that table's column, check and trigger; and,
-- in one schema for each kind, of a type, a sequence, a function, a view, a column and its index.
SET client_encoding = 'UTF8';
SET client_min_messages = warning;

CREATE TEMPORARY TABLE awkward (name text);
INSERT INTO awkward VALUES
    ('with space'), (' space before'), ('space after '), ('   '), ('tab' || chr(9) || 'inside'),
    ('with.dot'), ('.'), ('..'), ('.hidden'), ('a..b'), ('dot at end.'),
    ('double"quote'), ('""'), ('"quoted"'), ('single''quote'), (''''), ('back`tick'),
    ('back\slash'), ('\'), ('ends with\'), ('\N'), ('\.'), ('\n'), ('C:\dir\x41'),
    ('sl/ash'), ('/'), ('../../etc/passwd'), ('trailing/'),
    ('dol$lar'), ('$1'), ('$$'), ('$HOME'), ('$(whoami)'), ('`id`'), ('$body$'),
    ('UPPER'), ('MixedCase'), ('mixedcase'), ('select'), ('table'), ('user'), ('order'), ('null'), ('default'),
    ('star*'), ('*'), ('plus+'), ('question?'), ('?'), ('(round)'), ('[square]'), ('{curly}'), ('pipe|pipe'),
    ('a.b|c.d'), ('^caret'), ('$'), ('.*'), ('[a-z]+'), ('(a|b)*?'), ('^$'), ('x{2,3}'), ('%'), ('%s'), ('%I'), ('100%'), ('_'),
    ('-'), ('--'), ('-t'), ('--help'), ('--schema=public'), ('-- comment'), ('/* comment */'), (';'), ('; DROP TABLE x; --'),
    (':colon'), (':name'), (':''name'''), ('@at'), ('@file'), ('#hash'), ('&and'), ('a&&b'), ('a||b'), ('<in'), ('>out'), ('!bang'), ('~tilde'), ('eq=ual'), ('com,ma'),
    ('1starts with a digit'), ('0'), ('1e5'), ('NaN'), ('true'),
    ('ünïcödé'), ('größe'), ('GRÖSSE'), ('naïve café'), ('日本語'), ('中文表'), ('العربية'), ('עברית'), ('हिन्दी'), ('Ελληνικά'), ('Русский'),
    ('emoji 🚀'), ('👩‍👩‍👧‍👦'), ('🇪🇺'), ('e' || chr(769) || ' combining'), ('é composed'),
    ('zero' || chr(8203) || 'width'), (chr(160)), ('right' || chr(8238) || 'to left'), (chr(65279) || 'bom'), ('line' || chr(8232) || 'separator'),
    ('control' || chr(1)), ('bell' || chr(7)), ('escape' || chr(27) || '[31m'), ('delete' || chr(127)),
    -- 63 bytes, the most there are: of ASCII, and of characters with 2, 3 and 4 bytes.
    (repeat('x', 63)), (repeat('ä', 31) || '1'), (repeat('語', 21)), (repeat('🐘', 15) || '123'),
    -- Alike but for their last byte.
    (repeat('y', 62) || '1'), (repeat('y', 62) || '2'),
    ('pg_like'), ('public.connectors'), ('toc.dat'), ('manifest.json'), ('CON'), ('nul.txt'),
    ('t; Type: TABLE; Schema: s; Owner: o'), ('Name: t');

DO $do$
DECLARE
    n text;
BEGIN
    -- None of them was cut: every name is one of its own, and the longest is as long as can be.
    ASSERT (SELECT count(DISTINCT name::name) = count(*) AND max(octet_length(name)) = 63 FROM awkward);

    CREATE SCHEMA kinds;
    CREATE SCHEMA "Sequences";
    CREATE SCHEMA "functions (all)";
    CREATE SCHEMA "views.and more";
    CREATE SCHEMA columns;
    CREATE TABLE columns."all" ();
    CREATE FUNCTION "functions (all)".stay() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';

    FOR n IN SELECT name FROM awkward ORDER BY name COLLATE "C" LOOP
        EXECUTE format('CREATE TYPE kinds.%I AS ENUM (%L, %L)', n, n, 'not ' || left(n, 10));
        EXECUTE format('CREATE SEQUENCE "Sequences".%I START 7', n);
        EXECUTE format('CREATE FUNCTION "functions (all)".%1$I(%1$I text DEFAULT %2$L) RETURNS text LANGUAGE sql AS %3$L',
            n, n, format('SELECT %L', n));
        EXECUTE format('ALTER TABLE columns."all" ADD %I text DEFAULT %L', n, n);
        EXECUTE format('CREATE INDEX %1$I ON columns."all" (%1$I) WHERE %1$I <> %2$L', n, n);
        EXECUTE format('COMMENT ON COLUMN columns."all".%I IS %L', n, n);

        CONTINUE WHEN n ~ '^pg_';
        EXECUTE format('CREATE SCHEMA %I', n);
        EXECUTE format('COMMENT ON SCHEMA %I IS %L', n, n);
        EXECUTE format('CREATE TABLE %1$I.%1$I (id serial PRIMARY KEY, %1$I text DEFAULT %2$L, kind kinds.%1$I[] NOT NULL,
            CONSTRAINT %1$I CHECK (%1$I <> %3$L))', n, n, n || '!');
        EXECUTE format('INSERT INTO %1$I.%1$I (%1$I, kind) VALUES (%2$L, ARRAY[%2$L]::kinds.%1$I[]), (DEFAULT, %3$L), (NULL, %3$L)', n, n, '{}');
        EXECUTE format('CREATE TRIGGER %1$I BEFORE INSERT ON %1$I.%1$I FOR EACH ROW EXECUTE FUNCTION "functions (all)".stay()', n);
        EXECUTE format('COMMENT ON TABLE %1$I.%1$I IS %2$L', n, n);
        EXECUTE format('CREATE VIEW "views.and more".%1$I AS SELECT %1$I AS %1$I FROM %1$I.%1$I AS %1$I', n);
    END LOOP;
    INSERT INTO columns."all" DEFAULT VALUES;
    INSERT INTO columns."all" (".") VALUES (NULL);
END
$do$;

-- The same table name, and the same row type's name, in two schemas; a schema that hides a system table.
CREATE SCHEMA one;
CREATE SCHEMA two;
CREATE TABLE one.twin (a integer);
CREATE TABLE two.twin (LIKE one.twin, b one.twin);
CREATE TABLE two.pg_class (relname text);
INSERT INTO one.twin VALUES (1);
INSERT INTO two.twin VALUES (2, ROW(3));
INSERT INTO two.pg_class VALUES ('mine');

-- A table whose columns have the names that queries like to use for their own.
CREATE TABLE public.row (r integer, t text, "row" text, count bigint, "ctid." text, "Name" text, name text);
INSERT INTO public.row VALUES (1, 't', 'row', 2, 'c', 'N', 'n');

-- Text that looks like the beginning of an object in a dump.
CREATE FUNCTION public.dump_of_nothing() RETURNS text LANGUAGE sql AS $$ SELECT '
--
-- Name: nothing; Type: TABLE; Schema: public; Owner: nobody
--
' $$;
COMMENT ON FUNCTION public.dump_of_nothing() IS 'It''s
--
-- Name: nothing; Type: VIEW; Schema: public; Owner: nobody
--
';
