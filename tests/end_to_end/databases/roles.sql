-- The roles that own, and are granted, things in security.sql and large_objects.sql. They belong to
-- the server, not to a database: load this into the server that is restored into as well.
SET client_encoding = 'UTF8';
DO $do$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['awkward_owner', 'awkward_reader', 'Awkward "Rôle" 🐘', 'awkward-writer'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
            EXECUTE format('CREATE ROLE %I', role_name);
        END IF;
    END LOOP;
END
$do$;
