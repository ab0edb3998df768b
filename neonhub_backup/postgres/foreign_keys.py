"""Whether every row that a foreign key binds has the row it refers to, whoever loaded them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from psycopg import sql

from neonhub_backup.postgres.connection import Connection, query, quoted

EXAMPLES = 3
"""Rows of each violated key that a message shows."""


@dataclass(frozen=True)
class Pair:
    """A column of a foreign key and the one it refers to."""

    column: str
    referenced: str
    operator: tuple[str, str]
    """Schema and name of the operator by which they are equal."""
    collation: tuple[str, str] | None
    """Schema and name of the referenced column's collation, where the two differ."""


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key that the server promises to hold for every row."""

    name: str
    table: tuple[str, str]
    """Schema and name, unquoted."""
    partitioned: bool
    referenced: tuple[str, str]
    """Schema and name, unquoted."""
    referenced_partitioned: bool
    pairs: tuple[Pair, ...]
    full: bool
    """MATCH FULL: null columns only all together."""
    period: bool
    """PERIOD: the last pair are ranges, and the referenced ones together must cover it."""


@dataclass(frozen=True)
class Violation:
    """A foreign key that does not hold."""

    key: ForeignKey
    rows: int
    examples: tuple[tuple[str | None, ...], ...]
    """Values of its columns in a few of the rows, as text."""

    def __str__(self) -> str:
        columns = ", ".join(quoted(pair.column) for pair in self.key.pairs)
        referenced = ", ".join(quoted(pair.referenced) for pair in self.key.pairs)
        shown = ", ".join(
            f"({', '.join('null' if one is None else one for one in row)})" for row in self.examples
        )
        more = ", …" if self.rows > len(self.examples) else ""
        return (
            f"{self.rows} rows of {quoted(*self.key.table)} break {quoted(self.key.name)}: their"
            f" ({columns}) {shown}{more} are not in {quoted(*self.key.referenced)} ({referenced})"
        )


def violations(
    connection: Connection, tables: Sequence[tuple[str, str]] | None = None
) -> list[Violation]:
    """Check every foreign key from or to these tables, or all; rows of both ends are read whole.

    Keys that the server itself does not vouch for (NOT VALID, NOT ENFORCED) are left out.
    """
    return broken(connection, read_foreign_keys(connection, tables))


def broken(connection: Connection, keys: Iterable[ForeignKey]) -> list[Violation]:
    """Check these foreign keys, whether or not the server knows them at the moment."""
    found: list[Violation] = []
    for key in keys:
        rows = query(connection, anti_join(key))
        if rows:
            (count, *_), *_ = rows
            examples = tuple(cast("tuple[str | None, ...]", tuple(row[1:])) for row in rows)
            found.append(Violation(key, cast("int", count), examples))
    return found


def read_foreign_keys(
    connection: Connection, tables: Sequence[tuple[str, str]] | None = None
) -> list[ForeignKey]:
    """The foreign keys from or to these tables, their partitions, or what they are part of."""
    names = None if tables is None else [quoted(*table) for table in tables]
    return [_foreign_key(row) for row in query(connection, _KEYS, names, names)]


@dataclass(frozen=True)
class Bond:
    """A foreign key as the statements that take it off and put it back."""

    tables: tuple[tuple[str, str], tuple[str, str]]
    """Schema and name of the two tables that it binds."""
    off: sql.Composed
    on: tuple[sql.Composed, ...]


def read_bonds(connection: Connection, tables: Sequence[tuple[str, str]]) -> list[Bond]:
    """All foreign keys from or to these tables, those not vouched for among them."""
    names = [quoted(*table) for table in tables]
    return [_bond(row) for row in query(connection, _DEFINITIONS, names)]


def _bond(row: tuple[object, ...]) -> Bond:
    name, schema, table, other_schema, other, definition, comment = cast("tuple[str, ...]", row)
    alter = sql.SQL("ALTER TABLE {}").format(sql.Identifier(schema, table))
    key = sql.Identifier(name)
    on = [
        alter + sql.SQL(" ADD CONSTRAINT {} ").format(key) + sql.SQL(definition)  # pyright: ignore[reportArgumentType] - the server's own words
    ]
    if comment:
        on.append(
            sql.SQL("COMMENT ON CONSTRAINT {} ON {} IS {}").format(
                key, sql.Identifier(schema, table), sql.Literal(comment)
            )
        )
    off = alter + sql.SQL(" DROP CONSTRAINT {}").format(key)
    return Bond(((schema, table), (other_schema, other)), off, tuple(on))


def anti_join(key: ForeignKey) -> sql.Composed:
    """Rows of the table whose referenced row is missing: how many in all, and a few of them."""
    columns = [sql.Identifier("f", pair.column) for pair in key.pairs]
    return sql.SQL(
        "SELECT count(*) OVER (), {shown} FROM {table} f WHERE {bound} AND {missing} LIMIT {limit}"
    ).format(
        shown=sql.SQL(", ").join(sql.SQL("{}::text").format(column) for column in columns),
        table=_relation(key.table, partitioned=key.partitioned),
        bound=sql.SQL("({})").format(
            sql.SQL(" OR " if key.full else " AND ").join(
                sql.SQL("{} IS NOT NULL").format(column) for column in columns
            )
        ),
        missing=_missing(key),
        limit=sql.Literal(EXAMPLES),
    )


def _missing(key: ForeignKey) -> sql.Composed:
    referenced = _relation(key.referenced, partitioned=key.referenced_partitioned)
    *scalars, last = key.pairs
    if not key.period:
        return sql.SQL("NOT EXISTS (SELECT FROM {} r WHERE {})").format(
            referenced, sql.SQL(" AND ").join(_equal(pair) for pair in key.pairs)
        )
    return sql.SQL(
        "NOT coalesce({} <@ (SELECT pg_catalog.range_agg({}) FROM {} r WHERE {}), false)"
    ).format(
        sql.Identifier("f", last.column),
        sql.Identifier("r", last.referenced),
        referenced,
        sql.SQL(" AND ").join(_equal(pair) for pair in scalars),
    )


def _equal(pair: Pair) -> sql.Composed:
    collate = sql.SQL("")
    if pair.collation is not None:
        collate = sql.SQL(" COLLATE ") + sql.Identifier(*pair.collation)
    schema, operator = pair.operator
    return sql.SQL("{}{} OPERATOR({}.{}) {}").format(
        sql.Identifier("r", pair.referenced),
        collate,
        sql.Identifier(schema),
        sql.SQL(operator),  # pyright: ignore[reportArgumentType] - PostgreSQL's own name of it
        sql.Identifier("f", pair.column),
    )


def _relation(name: tuple[str, str], *, partitioned: bool) -> sql.Composed:
    # A key binds the partitions of its table, but not the tables that inherit from it.
    return sql.SQL("" if partitioned else "ONLY ") + sql.Identifier(*name)


def _foreign_key(row: tuple[object, ...]) -> ForeignKey:
    name, schema, table, kind, other_schema, other, other_kind, match, period, pairs = row
    return ForeignKey(
        name=cast("str", name),
        table=(cast("str", schema), cast("str", table)),
        partitioned=kind == "p",
        referenced=(cast("str", other_schema), cast("str", other)),
        referenced_partitioned=other_kind == "p",
        pairs=tuple(_pairs(cast("list[list[str | None]]", pairs))),
        full=match == "f",
        period=bool(period),
    )


def _pairs(rows: Sequence[Sequence[str | None]]) -> Iterator[Pair]:
    for column, referenced, schema, operator, collation_schema, collation in rows:
        yield Pair(
            cast("str", column),
            cast("str", referenced),
            (cast("str", schema), cast("str", operator)),
            (collation_schema, collation) if collation_schema and collation else None,
        )


_MEANT = """
    WITH RECURSIVE meant AS (
        SELECT name::regclass::oid AS id FROM unnest(%s::text[]) name
        UNION
        SELECT CASE WHEN i.inhrelid = m.id THEN i.inhparent ELSE i.inhrelid END
          FROM meant m
          JOIN pg_inherits i ON m.id IN (i.inhrelid, i.inhparent)
          JOIN pg_class p ON p.oid = i.inhparent AND p.relkind = 'p'
    )
"""
"""The tables named, and the partitions and partitioned tables that belong to them."""

_KEYS = f"""
    {_MEANT}
    SELECT c.conname::text, tn.nspname::text, t.relname::text, t.relkind::text,
           rn.nspname::text, r.relname::text, r.relkind::text, c.confmatchtype::text,
           coalesce((to_jsonb(c) ->> 'conperiod')::bool, false),
           (SELECT array_agg(ARRAY[a.attname::text, b.attname::text, n.nspname::text,
                                   o.oprname::text, ln.nspname::text, l.collname::text]
                             ORDER BY k.number)
              FROM unnest(c.conkey, c.confkey, c.conpfeqop)
                   WITH ORDINALITY k (own, theirs, operator, number)
              JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.own
              JOIN pg_attribute b ON b.attrelid = c.confrelid AND b.attnum = k.theirs
              JOIN pg_operator o ON o.oid = k.operator
              JOIN pg_namespace n ON n.oid = o.oprnamespace
              LEFT JOIN pg_collation l ON l.oid = b.attcollation
                                      AND b.attcollation <> a.attcollation
              LEFT JOIN pg_namespace ln ON ln.oid = l.collnamespace)
      FROM pg_constraint c
      JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
      JOIN pg_class r ON r.oid = c.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
     WHERE c.contype = 'f' AND c.conparentid = 0 AND c.convalidated
       AND coalesce((to_jsonb(c) ->> 'conenforced')::bool, true)
       AND (%s::text[] IS NULL OR c.conrelid IN (SELECT id FROM meant)
                               OR c.confrelid IN (SELECT id FROM meant))
     ORDER BY 2, 3, 1
"""  # noqa: S608 - our own text

_DEFINITIONS = f"""
    {_MEANT}
    SELECT c.conname::text, tn.nspname::text, t.relname::text, rn.nspname::text, r.relname::text,
           pg_get_constraintdef(c.oid), obj_description(c.oid, 'pg_constraint')
      FROM pg_constraint c
      JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
      JOIN pg_class r ON r.oid = c.confrelid JOIN pg_namespace rn ON rn.oid = r.relnamespace
     WHERE c.contype = 'f' AND c.conparentid = 0
       AND (c.conrelid IN (SELECT id FROM meant) OR c.confrelid IN (SELECT id FROM meant))
     ORDER BY 2, 3, 1
"""  # noqa: S608 - our own text
