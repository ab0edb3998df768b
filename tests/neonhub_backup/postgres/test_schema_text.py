"""Two schemas are shown as what is different between them, and nothing else."""

from neonhub_backup.postgres.schema_text import readable, schema_difference

BEFORE = r"""--
-- PostgreSQL database dump
--

\restrict abc

-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
SET default_table_access_method = heap;

--
-- Name: connectors; Type: TABLE; Schema: public; Owner: app
--

CREATE TABLE public.connectors (
    id integer NOT NULL,
    kind public."ConnectorKind"
);


ALTER TABLE public.connectors OWNER TO app;

--
-- Name: f(); Type: FUNCTION; Schema: public; Owner: app
--

CREATE FUNCTION public.f() RETURNS void
    LANGUAGE sql
    AS $$
UPDATE connectors
SET kind = 'CRM' -- the default
$$;

--
-- PostgreSQL database dump complete
--

\unrestrict abc

"""


def test_what_pg_dump_says_around_the_statements_is_left_out() -> None:
    assert readable(BEFORE).startswith("CREATE TABLE public.connectors (\n")
    assert "\nSET kind = 'CRM' -- the default\n" in readable(BEFORE)
    assert "\n\n\n" not in readable(BEFORE)


def test_the_same_schema_dumped_again_does_not_differ() -> None:
    again = BEFORE.replace("abc", "xyz").replace("version 18.6", "version 18.7")

    assert schema_difference(BEFORE, again) == ""


def test_a_change_is_shown_where_it_is() -> None:
    after = BEFORE.replace('public."ConnectorKind"', "text").replace("'CRM'", "'EMAIL'")

    lines = schema_difference(BEFORE, after).splitlines()

    assert lines[:2] == ["--- schema before", "+++ schema after"]
    assert [line for line in lines[2:] if line[0] in "+-"] == [
        '-    kind public."ConnectorKind"',
        "+    kind text",
        "-SET kind = 'CRM' -- the default",
        "+SET kind = 'EMAIL' -- the default",
    ]
