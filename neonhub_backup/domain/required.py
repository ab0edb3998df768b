"""Objects that every backup must hold, as people write them and as a manifest names them.

`TYPE ConnectorKind`, `TYPE public.ConnectorKind` and `CREATE TYPE "ConnectorKind"` are one object,
whose identity in a manifest is `TYPE public ConnectorKind`.
"""

import re
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

_IN_SCHEMAS = (
    "AGGREGATE",
    "COLLATION",
    "CONSTRAINT",
    "CONVERSION",
    "DEFAULT",
    "DOMAIN",
    "FK CONSTRAINT",
    "FOREIGN TABLE",
    "FUNCTION",
    "INDEX",
    "MATERIALIZED VIEW",
    "OPERATOR",
    "OPERATOR CLASS",
    "OPERATOR FAMILY",
    "POLICY",
    "PROCEDURE",
    "ROW SECURITY",
    "RULE",
    "SEQUENCE",
    "STATISTICS",
    "TABLE",
    "TEXT SEARCH CONFIGURATION",
    "TEXT SEARCH DICTIONARY",
    "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
    "TRIGGER",
    "TYPE",
    "VIEW",
)
_IN_NO_SCHEMA = (
    "ACCESS METHOD",
    "CAST",
    "EVENT TRIGGER",
    "EXTENSION",
    "FOREIGN DATA WRAPPER",
    "PROCEDURAL LANGUAGE",
    "PUBLICATION",
    "SCHEMA",
    "SERVER",
    "TRANSFORM",
)
_WITH_ARGUMENTS = ("AGGREGATE", "CAST", "FUNCTION", "PROCEDURE", "TRANSFORM")
"""Kinds whose names hold those of types, with the quotes that these need."""
_KINDS = "|".join(sorted((*_IN_SCHEMAS, *_IN_NO_SCHEMA), key=len, reverse=True))
_QUOTED = r'"(?:[^"]|"")+"'
_WORD = rf"{_QUOTED}|[^\s\"]+"
_WORDS = re.compile(rf"(?:{_WORD})(?: +(?:{_WORD}))*")
_PLAIN = re.compile(r"[^\s\"]+(?: [^\s\"]+)*")
_PLAIN_SCHEMA = re.compile(r"[^\s\".(]+")
_WRITTEN = re.compile(rf"(?:CREATE +)?(?P<kind>{_KINDS}) +(?P<rest>\S.*)")
_PLACED = re.compile(rf"(?P<schema>{_QUOTED}|{_PLAIN_SCHEMA.pattern})\.(?P<name>\S.*)")


class RequiredObject(NamedTuple):
    """An object by the kind, schema and name that pg_dump's table of contents gives it."""

    kind: str
    schema: str
    """`-` for what belongs to no schema, such as an extension."""
    name: str

    @property
    def identity(self) -> str:
        """What the manifest's schema calls it."""
        return f"{self.kind} {self.schema} {self.name}"

    def __str__(self) -> str:
        """What `parse_required` reads back, without quotes where none are needed."""
        bare = self.kind in _WITH_ARGUMENTS or _PLAIN.fullmatch(self.name)
        name = self.name if bare else _quoted(self.name)
        if self.kind in _IN_NO_SCHEMA:
            return f"{self.kind} {name}"
        schema = self.schema if _PLAIN_SCHEMA.fullmatch(self.schema) else _quoted(self.schema)
        return f"{self.kind} {schema}.{name}"


def parse_required(written: str) -> RequiredObject:
    """Read a kind in capitals and a name, with its schema before it unless that is `public`.

    Names are taken as they are, in quotes or without; a `CREATE` before the kind is passed over.

    Raises:
        ValueError: it names no object that a backup can hold.
    """
    match = _WRITTEN.fullmatch(written.strip())
    if match is None:
        raise ValueError(
            f"{written!r} names no object that a backup can hold, so no backup could be complete:"
            " write its kind in capitals and its name, such as TYPE ConnectorKind or"
            f" TABLE public.connectors; kinds are {', '.join((*_IN_SCHEMAS, *_IN_NO_SCHEMA))}"
        )
    kind, rest = match["kind"], match["rest"]
    schema = "-" if kind in _IN_NO_SCHEMA else "public"
    placed = _PLACED.fullmatch(rest)
    if placed is not None and kind not in _IN_NO_SCHEMA:
        schema, rest = _unquoted(placed["schema"]), placed["name"]
    if kind in _WITH_ARGUMENTS:
        return RequiredObject(kind, schema, rest)
    if not _WORDS.fullmatch(rest):
        raise ValueError(
            f"{written!r} has a quote that does not close, so the name is unclear: write"
            f' {kind} "name", with "" for each quote in the name'
        )
    return RequiredObject(kind, schema, _unquoted(rest))


def _unquoted(name: str) -> str:
    """A name, or several with spaces between as of a table and its constraint, without quotes."""
    return " ".join(
        word[1:-1].replace('""', '"') if word.startswith('"') else word
        for word in re.findall(_WORD, name)
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


Required = Annotated[str, AfterValidator(lambda written: str(parse_required(written)))]
"""An object that must be there, written in one way."""
