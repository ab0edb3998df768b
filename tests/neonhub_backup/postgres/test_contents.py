"""An archive lists everything that the same dump has as text, whatever it is called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neonhub_backup.postgres.contents import missing_objects

_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="\n"), min_size=1
) | st.sampled_from(["a b", "t; Type: TABLE; Schema: s", "; Owner: x", "-"])
_OBJECTS = st.lists(
    st.tuples(
        st.sampled_from(["TABLE", "TEXT SEARCH PARSER"]), _NAMES, _NAMES, st.sampled_from("abc")
    ),
    min_size=1,
)
HEAD = ";\n; Archive created at 2026-01-05 02:00:00 UTC\n;     dbname: app\n;\n"


def dump(*objects: tuple[str, str, str, str], body: str = "...") -> str:
    """What pg_dump writes as text: each object is its kind, schema, name and owner."""
    return "".join(
        f"--\n-- Name: {name}; Type: {kind}; Schema: {schema}; Owner: {owner}\n--\n\n{body};\n\n\n"
        for kind, schema, name, owner in objects
    )


def contents(*objects: tuple[str, str, str, str]) -> str:
    """What pg_restore lists of an archive."""
    return HEAD + "".join(
        f"{number}; 1259 {16384 + number} {' '.join(entry)}\n"
        for number, entry in enumerate(objects, 215)
    )


USERS = ("TABLE", "public", "users", "app")
KIND = ("TYPE", "public", "ConnectorKind", "app")


def test_an_archive_may_hold_more_than_its_schema() -> None:
    more = contents(USERS, KIND, ("SEQUENCE SET", "public", "users_id_seq", "app"))

    assert missing_objects(dump(USERS, KIND), more) == []


def test_what_is_missing_is_named() -> None:
    assert missing_objects(dump(USERS, KIND), contents(USERS)) == ["TYPE public ConnectorKind app"]
    assert missing_objects(dump(USERS), "") == ["TABLE public users app"]


def test_two_of_one_name_must_be_there_twice() -> None:
    assert missing_objects(dump(USERS, USERS), contents(USERS)) == ["TABLE public users app"]


def test_a_name_that_begins_with_another_does_not_stand_in_for_it() -> None:
    longer = ("TABLE", "public", "users app", "app")

    assert missing_objects(dump(USERS, longer), contents(longer)) == ["TABLE public users app"]


@pytest.mark.parametrize("owner", ["", "-"])
def test_an_object_may_have_no_owner(owner: str) -> None:
    extension = ("EXTENSION", "-", "vector")

    assert missing_objects(dump((*extension, owner)), contents((*extension, ""))) == []


def test_a_tablespace_is_no_part_of_the_owner() -> None:
    placed = ("INDEX", "public", "users_email_key", "app; Tablespace: fast disks")

    assert missing_objects(dump(placed), contents((*placed[:3], "app"))) == []


@pytest.mark.parametrize(
    "body",
    [
        "CREATE FUNCTION f() AS $_$ say '{}' $_$",
        "COMMENT ON TABLE \"it's\" IS 'it''s {}'",
        "SELECT E'it\\'s \\\\' || E'it''s \\' {}'",
    ],
)
def test_text_that_looks_like_an_object_is_none(body: str) -> None:
    function = ("FUNCTION", "public", "it's f()", "app")
    written = dump(function, USERS, body=body.replace("{}", dump(KIND)))

    assert missing_objects(written, contents(function, USERS)) == []
    assert missing_objects(written, contents(function)) == ["TABLE public users app"]


@given(_OBJECTS)
def test_what_an_archive_holds_is_never_missing(objects: list[tuple[str, str, str, str]]) -> None:
    assert missing_objects(dump(*objects), contents(*objects)) == []


@given(_OBJECTS)
def test_what_an_archive_does_not_hold_is_always_missing(
    objects: list[tuple[str, str, str, str]],
) -> None:
    assert missing_objects(dump(*objects), contents(*objects[1:])) != []
