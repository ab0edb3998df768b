-- Who may do what: owners, grants on everything that takes them, default privileges, row security.
\ir roles.sql
SET client_min_messages = warning;

CREATE SCHEMA owned AUTHORIZATION awkward_owner;
CREATE SCHEMA shared;
GRANT USAGE, CREATE ON SCHEMA shared TO awkward_owner, "Awkward ""Rôle"" 🐘";
REVOKE CREATE, USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO awkward_reader;
-- On what the server itself made.
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO awkward_reader;
GRANT SELECT ON pg_catalog.pg_authid TO awkward_reader;
GRANT SELECT (subname, subconninfo) ON pg_catalog.pg_subscription TO awkward_reader;

-- Default privileges: of the database, of a schema, of another role, taken away from everyone -----
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO awkward_reader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO "awkward-writer" WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES IN SCHEMA shared GRANT INSERT, UPDATE ON TABLES TO "awkward-writer";
ALTER DEFAULT PRIVILEGES IN SCHEMA shared GRANT ALL ON SEQUENCES TO "Awkward ""Rôle"" 🐘";
ALTER DEFAULT PRIVILEGES FOR ROLE awkward_owner IN SCHEMA owned GRANT ALL ON TABLES TO awkward_reader WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE awkward_owner REVOKE ALL ON TABLES FROM awkward_owner;

-- Tables owned and granted, whole and by column ---------------------------------------------------
CREATE TABLE shared.granted (id integer GENERATED ALWAYS AS IDENTITY, open text, secret text, "odd, column" text);
INSERT INTO shared.granted (open, secret) SELECT 'open ' || n, 'secret ' || n FROM generate_series(1, 50) AS n;
REVOKE ALL ON shared.granted FROM awkward_reader;
GRANT SELECT (open, "odd, column"), UPDATE (open), INSERT (open), REFERENCES (id) ON shared.granted TO awkward_reader;
GRANT ALL ON shared.granted TO "Awkward ""Rôle"" 🐘" WITH GRANT OPTION;
GRANT TRIGGER, TRUNCATE ON shared.granted TO PUBLIC;
-- Granted by someone who is not the owner.
SET SESSION AUTHORIZATION "Awkward ""Rôle"" 🐘";
GRANT SELECT ON shared.granted TO "awkward-writer";
RESET SESSION AUTHORIZATION;
CREATE TABLE shared.nobodys (id integer);
REVOKE ALL ON shared.nobodys FROM PUBLIC, awkward_reader, "awkward-writer", CURRENT_USER;
INSERT INTO shared.nobodys VALUES (1);

SET ROLE awkward_owner;
CREATE TABLE owned.things (id serial PRIMARY KEY, t text);
GRANT ALL ON owned.things TO awkward_owner;
INSERT INTO owned.things (t) VALUES ('a'), ('b');
CREATE VIEW owned.things_view AS SELECT * FROM owned.things;
CREATE TYPE owned.kind AS ENUM ('x');
CREATE DOMAIN owned.short AS text CHECK (length(VALUE) < 10);
CREATE FUNCTION owned.f() RETURNS integer LANGUAGE sql SECURITY DEFINER SET search_path = owned, pg_temp AS 'SELECT count(*)::integer FROM things';
CREATE PROCEDURE owned.p() LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE owned.total(integer) (SFUNC = int4pl, STYPE = integer);
CREATE TEXT SEARCH CONFIGURATION owned.c (COPY = simple);
CREATE STATISTICS owned.s ON id, t FROM owned.things;
RESET ROLE;
CREATE MATERIALIZED VIEW owned.postgres_owns_me AS SELECT count(*) FROM owned.things;
ALTER TABLE owned.things_view OWNER TO "Awkward ""Rôle"" 🐘";
GRANT SELECT (t) ON owned.things_view TO PUBLIC;
GRANT EXECUTE ON FUNCTION owned.f(), owned.total(integer) TO awkward_reader;
GRANT EXECUTE ON PROCEDURE owned.p() TO awkward_reader WITH GRANT OPTION;
GRANT USAGE ON TYPE owned.kind TO awkward_reader;
REVOKE USAGE ON DOMAIN owned.short FROM PUBLIC;
GRANT USAGE ON SEQUENCE owned.things_id_seq TO awkward_reader;
REVOKE USAGE ON LANGUAGE plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO awkward_owner;

-- A foreign server, which nobody can reach: it is restored, its table has no rows to copy ----------
CREATE FOREIGN DATA WRAPPER nowhere OPTIONS (debug 'true');
CREATE SERVER elsewhere TYPE 't' VERSION '1' FOREIGN DATA WRAPPER nowhere OPTIONS (host 'h');
CREATE USER MAPPING FOR PUBLIC SERVER elsewhere OPTIONS ("user" 'u', password 'p''w');
CREATE USER MAPPING FOR awkward_reader SERVER elsewhere;
CREATE FOREIGN TABLE shared.far_away (id integer OPTIONS (column_name 'ID') NOT NULL, t text DEFAULT 'd') SERVER elsewhere OPTIONS (table_name 'x');
GRANT USAGE ON FOREIGN DATA WRAPPER nowhere TO awkward_owner;
GRANT USAGE ON FOREIGN SERVER elsewhere TO awkward_reader WITH GRANT OPTION;

-- Row-level security: enabled, forced, with policies of every sort --------------------------------
CREATE TABLE shared.rows_of_owners (id integer PRIMARY KEY, who name NOT NULL, t text);
INSERT INTO shared.rows_of_owners SELECT n, CASE n % 3 WHEN 0 THEN 'awkward_owner' ELSE 'awkward_reader' END, 'row ' || n FROM generate_series(1, 99) AS n;
ALTER TABLE shared.rows_of_owners OWNER TO awkward_owner;
ALTER TABLE shared.rows_of_owners ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "own rows" ON shared.rows_of_owners USING (who = current_user) WITH CHECK (who = current_user AND t <> '');
CREATE POLICY read_even ON shared.rows_of_owners FOR SELECT TO awkward_reader, "Awkward ""Rôle"" 🐘" USING (id % 2 = 0);
CREATE POLICY never_delete ON shared.rows_of_owners AS RESTRICTIVE FOR DELETE TO PUBLIC USING (false);
CREATE POLICY add ON shared.rows_of_owners FOR INSERT TO "awkward-writer" WITH CHECK (EXISTS (SELECT FROM shared.granted WHERE granted.id = rows_of_owners.id));
CREATE POLICY change ON shared.rows_of_owners FOR UPDATE TO CURRENT_USER USING (true) WITH CHECK (id > 0);
COMMENT ON POLICY "own rows" ON shared.rows_of_owners IS 'A policy''s comment';
-- Nothing is visible to anyone but a superuser: security is on and there is no policy.
CREATE TABLE shared.hidden (id integer);
INSERT INTO shared.hidden SELECT generate_series(1, 10);
ALTER TABLE shared.hidden OWNER TO awkward_owner;
ALTER TABLE shared.hidden ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
-- Policies that wait for security to be switched on.
CREATE TABLE shared.waiting (id integer);
INSERT INTO shared.waiting VALUES (1);
CREATE POLICY later ON shared.waiting USING (id < 0);
CREATE TABLE shared.secured_parts (id integer, t text) PARTITION BY RANGE (id);
CREATE TABLE shared.secured_parts_1 PARTITION OF shared.secured_parts FOR VALUES FROM (0) TO (10);
INSERT INTO shared.secured_parts VALUES (1, 'x');
ALTER TABLE shared.secured_parts ENABLE ROW LEVEL SECURITY;
ALTER TABLE shared.secured_parts_1 FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON shared.secured_parts USING (t = 'y');

CREATE VIEW shared.barrier WITH (security_barrier) AS SELECT id FROM shared.rows_of_owners WHERE t <> '';
CREATE VIEW shared.invoker WITH (security_invoker = true, security_barrier = false) AS SELECT * FROM shared.rows_of_owners;
CREATE VIEW shared.checked AS SELECT * FROM shared.granted WHERE id > 0 WITH CASCADED CHECK OPTION;
