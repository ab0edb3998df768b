"""What a comparison of two databases says when they differ."""

from tests.end_to_end.compare import Content, differences

TABLES = {"public.a": Content(2, "71"), "public.b": Content(0, "0")}


def test_equal_databases_have_no_differences() -> None:
    assert differences(TABLES, dict(TABLES)) == []
    assert differences("CREATE TABLE a ();\n", "CREATE TABLE a ();\n") == []


def test_every_difference_in_content_is_named() -> None:
    found = {"public.a": Content(2, "72"), "public.c": Content(1, "5")}

    assert differences(TABLES, found) == [
        "public.a: content differs (71 expected, 72 found)",
        "public.b: missing",
        "public.c: not expected, but there",
    ]
    assert differences(TABLES, TABLES | {"public.b": Content(1, "5")}) == [
        "public.b: 0 rows expected, 1 found"
    ]


def test_a_difference_in_schema_is_shown_as_its_lines() -> None:
    lines = differences("CREATE TABLE a ();\n\nEND\n", "CREATE TABLE b ();\n\nEND\n")

    assert "-CREATE TABLE a ();" in lines
    assert "+CREATE TABLE b ();" in lines
