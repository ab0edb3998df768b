"""An archive's table of contents, compared with the same dump as text.

pg_dump writes an object's kind, schema, name and owner before its definition, and `pg_restore
--list` writes the same four in the same words: so whole entries are compared, and no name, however
odd, is taken apart.
"""

import re
from collections import Counter

from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.schema import OBJECT
from neonhub_backup.processes import Command

_ENTRY = re.compile(r"^\d+; \d+ \d+ (.*)$", re.MULTILINE)
_TABLESPACE = re.compile(r"; Tablespace: .*")
_LITERAL = re.compile(
    r"""
      --[^\n]*
    | [eE]'(?: [^'\\] | \\. | '' )*' | '[^']*' | "[^"]*"
    | \$ (?P<tag> (?: [^\W\d]\w* )? ) \$ .*? \$ (?P=tag) \$
    """,
    re.VERBOSE | re.DOTALL,
)


def contents_command(suite: Suite, path: str) -> Command:
    """pg_restore writing the table of contents of the archive on its standard input to a file.

    It reads no further than it needs to: the table is an archive's beginning.
    """
    return Command([suite.path("pg_restore"), "--list", f"--file={path}"])


def missing_objects(dump: str, contents: str) -> list[str]:
    """The objects of a schema-only dump that a table of contents does not have.

    Each is its kind, schema, name and owner. One that is there twice must be listed twice.
    """
    listed = Counter(map(_comparable, _ENTRY.findall(contents)))
    if not _entries(dump) - listed:
        return []
    # What looks like the beginning of an object may be text in one, such as a function's.
    return sorted((_entries(_LITERAL.sub(_without_literal, dump)) - listed).keys())


def _entries(dump: str) -> Counter[str]:
    return Counter(
        _comparable(f"{found['type']} {found['schema']} {found['name']} {found['owner']}")
        for found in OBJECT.finditer(dump)
    )


def _comparable(entry: str) -> str:
    # The text alone names a tablespace, and writes - for an owner that there is not.
    return _TABLESPACE.sub("", entry).removesuffix("-")


def _without_literal(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith("--") else ""
