"""What pg_dump writes of a schema, for people to compare."""

import difflib
import re

_NOISE = re.compile(
    r"^(--|-- (Name|Data for Name|TOC entry|Dependencies): .*|-- Dumped (from|by) .*"
    r"|-- PostgreSQL database dump( complete)?|\\(un)?restrict .*"
    r"|SET (\w+_timeout|client_encoding|standard_conforming_strings|check_function_bodies"
    r"|xmloption|client_min_messages|row_security|default_tablespace"
    r"|default_table_access_method) = .*;"
    r"|SELECT pg_catalog\.set_config\('search_path'.*)\n",
    re.MULTILINE,
)
_EMPTY = re.compile(r"\n{3,}")


def readable(dump: str) -> str:
    """The statements of a schema-only dump, without what pg_dump says around them."""
    return _EMPTY.sub("\n\n", _NOISE.sub("", dump)).strip() + "\n"


def schema_difference(before: str, after: str) -> str:
    """How two schema-only dumps differ, as a unified diff. Empty: they do not."""
    lines = difflib.unified_diff(
        readable(before).splitlines(keepends=True),
        readable(after).splitlines(keepends=True),
        "schema before",
        "schema after",
    )
    return "".join(lines)
