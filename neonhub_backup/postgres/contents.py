"""An archive's table of contents, compared with the same dump as text.

pg_dump writes an object's kind, schema, name and owner before its definition, and `pg_restore
--list` writes the same four in another order. Names may hold spaces, and whatever stands between
such four: so an entry is compared by its words, and as often as it is there.
"""

import re
from collections import Counter
from collections.abc import Iterator

from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.schema import OBJECT
from neonhub_backup.processes import Command

_ENTRY = re.compile(r"^\d+; \d+ \d+ (.*)$", re.MULTILINE)
_LABEL = re.compile(r"; (?:Type|Schema|Owner):")
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
    listed = Counter(map(_words, _ENTRY.findall(contents)))
    if not Counter(map(_words, _entries(dump))) - listed:
        return []
    # What looks like the beginning of an object may be text in one, such as a function's.
    entries = list(_entries(_LITERAL.sub(_without_literal, dump)))
    missing = Counter(map(_words, entries)) - listed
    return sorted({entry for entry in entries if _words(entry) in missing})


def _entries(dump: str) -> Iterator[str]:
    for found in OBJECT.finditer(dump):
        # The text alone names a tablespace.
        owner = _TABLESPACE.sub("", found["owner"])
        yield f"{found['type']} {found['schema']} {found['name']} {owner}"


def _words(entry: str) -> tuple[str, ...]:
    # The text alone writes - for an owner that there is not.
    return tuple(sorted(_LABEL.sub(" ", entry.removesuffix(" -")).split()))


def _without_literal(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith("--") else ""
