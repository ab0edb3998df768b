-- Large objects: of every size, with holes, owners, grants and comments, and the columns that name them.
\ir roles.sql
SET client_min_messages = warning;

SELECT lo_create(1000);
SELECT lo_from_bytea(1001, '\x00');
SELECT lo_from_bytea(1002, (SELECT string_agg(set_byte('\x00', 0, byte), '' ORDER BY byte) FROM generate_series(0, 255) AS byte));
-- A page has 2048 bytes: one less, exactly one, one more, and many.
SELECT lo_from_bytea(2000 + n, decode(repeat('ab', 2048 + n), 'hex')) FROM unnest(ARRAY[-1, 0, 1]) AS n;
SELECT lo_from_bytea(3000, decode(repeat(md5('large') || '5c00', 3 * 1024 * 1024 / 18), 'hex'));
-- Holes: pages that are not there read as zeros.
SELECT lo_from_bytea(4000, 'start');
SELECT lo_put(4000, 1000000, 'end');
SELECT lo_from_bytea(4001, decode(repeat('ff', 100000), 'hex'));
DO $do$
DECLARE
    handle integer := lo_open(4001, x'20000'::integer);
BEGIN
    PERFORM lo_truncate(handle, 5000);
    PERFORM lo_close(handle);
END
$do$;
-- The largest number that one can have.
SELECT lo_from_bytea(4294967295, 'last');
SELECT lo_from_bytea((500000 + n)::oid, convert_to('object ' || n, 'UTF8')) FROM generate_series(1, 500) AS n;

ALTER LARGE OBJECT 1002 OWNER TO awkward_owner;
GRANT SELECT ON LARGE OBJECT 1002 TO awkward_reader;
GRANT SELECT, UPDATE ON LARGE OBJECT 1001 TO awkward_reader WITH GRANT OPTION;
GRANT SELECT ON LARGE OBJECT 3000 TO PUBLIC;
REVOKE ALL ON LARGE OBJECT 4000 FROM CURRENT_USER;
COMMENT ON LARGE OBJECT 1001 IS 'A large object''s comment, with "quotes" and ünïcödé';
COMMENT ON LARGE OBJECT 1000 IS 'Empty';

CREATE TABLE attachments (id serial PRIMARY KEY, name text, content oid);
INSERT INTO attachments (name, content) SELECT 'file ' || oid, oid FROM pg_largeobject_metadata ORDER BY oid;
INSERT INTO attachments (name, content) VALUES ('no such object', 999999), ('none', NULL);
