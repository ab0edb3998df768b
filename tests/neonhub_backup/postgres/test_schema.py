"""Two schemas are compared object by object; what pg_dump happens to write differently is not."""

import hashlib
import json

import pytest

from neonhub_backup.domain.manifest import Schema
from neonhub_backup.postgres.schema import differences, fingerprint

DUMP = r"""--
-- PostgreSQL database dump
--

\restrict abc123

-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;
SET client_encoding = 'UTF8';

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: users; Type: TABLE; Schema: public; Owner: app
--

CREATE TABLE public.users (
    id integer NOT NULL,
    email text
);


ALTER TABLE public.users OWNER TO app;

--
-- Name: COLUMN users.email; Type: COMMENT; Schema: public; Owner: app
--

COMMENT ON COLUMN public.users.email IS 'Where to write';


--
-- Name: users readers; Type: POLICY; Schema: public; Owner: app
--

CREATE POLICY readers ON public.users FOR SELECT TO alice, bob USING (true);


--
-- Name: TABLE users; Type: ACL; Schema: public; Owner: app
--

GRANT SELECT ON TABLE public.users TO alice;


--
-- PostgreSQL database dump complete
--

\unrestrict abc123

"""


def _differences(before: str, after: str, *, roles: bool = True) -> list[str]:
    return differences(fingerprint(before), fingerprint(after), roles=roles, definitions=True)


def _changed(old: str, new: str) -> str:
    assert old in DUMP
    return DUMP.replace(old, new)


def test_a_dump_equals_itself() -> None:
    assert fingerprint(DUMP) == fingerprint(DUMP)


def test_every_object_and_its_owner_has_an_entry() -> None:
    assert sorted(fingerprint(DUMP).objects) == [
        "ACL public TABLE users",
        "COMMENT public COLUMN users.email",
        "OWNER ACL public TABLE users",
        "OWNER COMMENT public COLUMN users.email",
        "OWNER POLICY public users readers",
        "OWNER TABLE public users",
        "POLICY public users readers",
        "TABLE public users",
    ]


def test_an_empty_database_has_no_entry() -> None:
    assert fingerprint("--\n-- PostgreSQL database dump\n--\n").objects == {}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (r"restrict abc123", r"restrict xyz789"),
        ("database version 18.6", "database version 16.14 (Debian)"),
        ("SET statement_timeout = 0;", "SET statement_timeout = 0;\nSET transaction_timeout = 0;"),
        ("TO alice, bob USING", "TO bob, alice USING"),
    ],
    ids=["key", "version", "setting", "roles of a policy"],
)
def test_what_differs_between_two_dumps_of_one_database_does_not_count(old: str, new: str) -> None:
    assert fingerprint(_changed(old, new)) == fingerprint(DUMP)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("email text", "email character varying", "TABLE public users"),
        ("Where to write'", "Whom to ask'", "COMMENT public COLUMN users.email"),
        ("TO alice, bob USING", "TO alice USING", "POLICY public users readers"),
        ("USING (true)", "USING (false)", "POLICY public users readers"),
        ("method = heap", "method = columnar", "TABLE public users"),
        ("GRANT SELECT", "GRANT ALL", "ACL public TABLE users"),
    ],
    ids=["column", "comment", "role of a policy", "condition", "access method", "privilege"],
)
def test_a_change_is_seen_in_its_object_alone(old: str, new: str, what: str) -> None:
    assert _differences(DUMP, _changed(old, new)) == [f"{what} is defined otherwise"]


def test_a_change_of_owner_is_seen_as_the_owner_s() -> None:
    other = _changed(
        "-- Name: users; Type: TABLE; Schema: public; Owner: app",
        "-- Name: users; Type: TABLE; Schema: public; Owner: root",
    ).replace("OWNER TO app", "OWNER TO root")

    assert _differences(DUMP, other) == ["OWNER TABLE public users is defined otherwise"]


def test_an_access_method_holds_for_the_tables_that_follow() -> None:
    second = """--
-- Name: more; Type: TABLE; Schema: public; Owner: app
--

CREATE TABLE public.more (
);


"""
    footer = "--\n-- PostgreSQL database dump complete"
    inherited = _changed(footer, second + footer)
    said_again = _changed(footer, "SET default_table_access_method = heap;\n\n" + second + footer)

    assert fingerprint(inherited) == fingerprint(said_again)


def test_two_objects_of_one_name_may_come_in_any_order() -> None:
    first, second = (
        f"--\n-- Name: n; Type: CAST; Schema: -; Owner: \n--\n\nCREATE CAST {n};\n\n\n"
        for n in (1, 2)
    )

    assert fingerprint(first + second) == fingerprint(second + first)


def test_a_missing_and_an_unexpected_object_are_named() -> None:
    shorter = DUMP.split("--\n-- Name: TABLE users; Type: ACL", maxsplit=1)[0]

    assert "ACL public TABLE users is missing" in _differences(DUMP, shorter)
    assert "ACL public TABLE users is not in the backup's manifest" in _differences(shorter, DUMP)


def test_without_roles_neither_owners_nor_privileges_count() -> None:
    other = _changed("Owner: app", "Owner: root").replace("GRANT SELECT", "GRANT ALL")

    assert _differences(DUMP, other) != []
    assert _differences(DUMP, other, roles=False) == []


def test_without_definitions_only_the_names_count() -> None:
    before, after = fingerprint(DUMP), fingerprint(_changed("email text", "email varchar"))
    fewer = Schema(fingerprint="0" * 64, objects={})

    assert differences(before, after, roles=True, definitions=False) == []
    assert len(differences(before, fewer, roles=True, definitions=False)) == len(before.objects)


def test_the_fingerprint_can_be_computed_from_the_entries() -> None:
    found = fingerprint(_changed("users.email", "users.größe"))

    canonical = json.dumps(found.objects, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert found.fingerprint == hashlib.sha256(canonical.encode()).hexdigest()
