"""Names of tables as people write them on a command line."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.postgres.connection import quoted

_PART = r'(?:"(?:[^"]|"")+"|[^".,\s]+)'
_NAME = re.compile(rf"\s*({_PART})(?:\.({_PART}))?\s*(?:,|$)")

Identity = tuple[str, str]
"""Schema and name of a table, unquoted."""


@dataclass(frozen=True)
class TableName:
    """A table as it was asked for."""

    schema: str | None
    name: str
    text: str
    """As written, for messages."""


def parse_tables(text: str) -> list[TableName]:
    """Read `connectors,public."Odd, Name"`.

    Names need quotes only where they have commas, dots, quotes or spaces. Case is as written.

    Raises:
        ConfigurationError: it is no such list.
    """
    found: list[TableName] = []
    position = 0
    while position < len(text):
        match = _NAME.match(text, position)
        if match is None:
            break
        first, second = (_unquoted(part) for part in match.groups())
        schema, name = (None, first) if second is None else (first, second)
        if name is None:
            break
        found.append(TableName(schema, name, match[0].strip(" ,")))
        position = match.end()
    if not found or position < len(text) or text.rstrip().endswith(","):
        raise ConfigurationError(
            f"--tables {text} is not a list of tables, so nothing was done: write it as"
            ' connectors,billing.invoices, with double quotes around names such as "a,b"'
        )
    return found


def resolve(names: Iterable[TableName], manifest: Manifest) -> list[Identity]:
    """The tables of a backup that are meant, each once; a partitioned one by its own name.

    Raises:
        ConfigurationError: one is not in the backup, or in several of its schemas.
    """
    found: dict[Identity, None] = {}
    for wanted in names:
        found[_resolve(wanted, manifest)] = None
    return list(found)


def _resolve(wanted: TableName, manifest: Manifest) -> Identity:
    with_rows = {table.identity for table in manifest.tables}
    schemas = {schema for schema, _ in with_rows} | {"public"}
    if wanted.schema is not None:
        schemas = {wanted.schema}
    for name in dict.fromkeys((wanted.name, wanted.name.lower())):
        matches = [
            (schema, name)
            for schema in sorted(schemas)
            # A partitioned table has no rows of its own, but it is an object of the schema.
            if (schema, name) in with_rows or f"TABLE {schema} {name}" in manifest.schema_.objects
        ]
        if len(matches) == 1:
            return matches[0]
        if matches:
            raise ConfigurationError(
                f"--tables {wanted.text} is in several schemas of backup {manifest.name}, so"
                " nothing was done: write"
                f" {' or '.join(quoted(*match) for match in matches)}"
            )
    known = {name: table for table in with_rows for name in (table[1], ".".join(table))}
    close = difflib.get_close_matches(wanted.text, known, 3, 0.5)
    hint = ", ".join(quoted(*table) for table in dict.fromkeys(known[name] for name in close))
    raise ConfigurationError(
        f"--tables {wanted.text} is no table of backup {manifest.name}, so nothing was done:"
        + (f" did you mean {hint}?" if hint else " neonhub-backup show names those it has")
    )


def _unquoted(part: str | None) -> str | None:
    if part is not None and part.startswith('"'):
        return part[1:-1].replace('""', '"')
    return part
