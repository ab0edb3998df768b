"""Whether a restored database can be worked with: what no comparison with a manifest shows.

A backup may be faithful and its data unsound all the same, such as a sequence that a careless
import left behind its table. Those are defects: of the source too, unless they were mended since.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import psycopg
from psycopg import sql

from neonhub_backup.domain.proof import Recall
from neonhub_backup.postgres.connection import Connection, Target, connect, query, quoted
from neonhub_backup.postgres.foreign_keys import read_foreign_keys, violations
from neonhub_backup.restore.neighbours import hardships, measure, shortfalls

BTREE_SECONDS = 120
"""Time to walk through one B-tree."""

_AMCHECK = "neonhub_backup_amcheck"


@dataclass(frozen=True)
class Soundness:
    """What was checked and what was found."""

    foreign_keys: int
    sequences: int
    indexes: int
    btrees: int
    recall: tuple[Recall, ...]
    defects: tuple[str, ...]
    notes: tuple[str, ...]
    """What was left unchecked, or is remarkable without being wrong."""


@dataclass(frozen=True)
class Filled:
    """A column that a sequence fills."""

    sequence: tuple[str, str]
    """Schema and name, unquoted."""
    increment: int
    table: tuple[str, str]
    column: str
    drawn: bool
    """Whether its default or identity draws from the sequence, which else only belongs to it."""


def examine(target: Target) -> Soundness:
    """Check a restored copy, of which nothing else is asked afterwards: it may be changed.

    Raises:
        psycopg.Error: the server refused a question.
    """
    with connect(target) as connection:
        connection.execute("SET row_security = off; SET search_path = ''")
        defects = [str(violation) for violation in violations(connection)]
        notes = list(_unvalidated(connection))
        filled = _filled(connection)
        for column in filled:
            behind = _behind(connection, column)
            if behind is not None:
                (defects if column.drawn else notes).append(behind)
        indexes, unusable = _indexes(connection)
        defects += unusable
        recall, unmeasured = measure(connection)
        defects += shortfalls(recall)
        btrees, broken, unwalked = _walk_btrees(connection)
        return Soundness(
            foreign_keys=len(read_foreign_keys(connection)),
            sequences=len(filled),
            indexes=indexes,
            btrees=btrees,
            recall=tuple(recall),
            defects=(*defects, *broken),
            notes=(*notes, *unmeasured, *hardships(recall), *unwalked),
        )


def _unvalidated(connection: Connection) -> Iterator[str]:
    for table, name, enforced in query(connection, _UNVALIDATED):
        word = "NOT VALID" if enforced else "NOT ENFORCED"
        yield (
            f"constraint {quoted(cast('str', name))} of {table} is {word}, so the server does not"
            " promise it for every row, and it was not checked"
        )


def _filled(connection: Connection) -> list[Filled]:
    return [
        Filled(
            sequence=(cast("str", schema), cast("str", name)),
            increment=cast("int", increment),
            table=(cast("str", table_schema), cast("str", table)),
            column=cast("str", column),
            drawn=bool(drawn),
        )
        for schema, name, increment, table_schema, table, column, drawn in query(
            connection, _FILLED
        )
    ]


def _behind(connection: Connection, filled: Filled) -> str | None:
    """Why a sequence is behind its column, or None: the next value is beyond all that are there."""
    up = filled.increment > 0
    rows = query(
        connection,
        sql.SQL(
            "SELECT next::text, extreme::text FROM"
            " (SELECT last_value + CASE WHEN is_called THEN {increment} ELSE 0 END AS next"
            " FROM {sequence}) s, (SELECT {extreme}({column}) AS extreme FROM {table}) t"
            " WHERE {reached}"
        ).format(
            increment=sql.Literal(filled.increment) + sql.SQL("::numeric"),
            sequence=sql.Identifier(*filled.sequence),
            extreme=sql.SQL("max" if up else "min"),
            column=sql.Identifier(filled.column),
            table=sql.Identifier(*filled.table),
            reached=sql.SQL("extreme >= next" if up else "extreme <= next"),
        ),
    )
    if not rows:
        return None
    ((following, extreme),) = rows
    sequence, column = quoted(*filled.sequence), quoted(*filled.table, filled.column)
    if not filled.drawn:
        return (
            f"sequence {sequence} belongs to {column} and is behind it ({following} would be next,"
            f" {extreme} is there), but the column does not draw from it"
        )
    literal = sql.Literal(sequence).as_string(None)
    return (
        f"sequence {sequence} would next give {following} and {column} has reached {extreme}"
        " already, so that new rows take values that are in use: SELECT setval("
        f"{literal}, {extreme})"
    )


def _indexes(connection: Connection) -> tuple[int, list[str]]:
    """How many there are, and a line for each that the server does not use or keep up to date."""
    rows = query(connection, _ALL_INDEXES)
    return len(rows), [
        f"index {name} of {table} is not valid, so that no query uses it and it enforces nothing"
        + (": a partition has no index attached to it" if kind == "I" else ": REINDEX it")
        for name, table, kind, usable in rows
        if not usable
    ]


def _walk_btrees(connection: Connection) -> tuple[int, list[str], list[str]]:
    """How many B-trees are in order, a line for each that is not, and for those left out."""
    schema = _amcheck_schema(connection)
    if schema is None:
        return 0, [], ["no B-tree was walked through: the server has no extension amcheck"]
    walk = sql.SQL("SELECT {}(%s::regclass)").format(sql.Identifier(schema, "bt_index_check"))
    connection.execute(sql.SQL("SET statement_timeout = {}").format(f"{BTREE_SECONDS}s"))
    walked, broken, unwalked = 0, list[str](), list[str]()
    for (name,) in query(connection, _BTREES):
        try:
            connection.execute(walk, [name])
        except psycopg.errors.QueryCanceled:
            unwalked.append(f"index {name} was not walked through within {BTREE_SECONDS} s")
        except psycopg.errors.IndexCorrupted as error:
            broken.append(f"index {name} is corrupt: {' '.join(str(error).split())}: REINDEX it")
        else:
            walked += 1
    return walked, broken, unwalked


def _amcheck_schema(connection: Connection) -> str | None:
    """Where amcheck's functions are, once it is installed; None where it cannot be."""
    installed = (
        "SELECT n.nspname::text FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace"
        " WHERE e.extname = 'amcheck'"
    )
    for (schema,) in query(connection, installed):
        return cast("str", schema)
    if not query(connection, "SELECT FROM pg_available_extensions WHERE name = 'amcheck'"):
        return None
    schema = sql.Identifier(_AMCHECK)
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
    connection.execute(sql.SQL("CREATE EXTENSION amcheck SCHEMA {}").format(schema))
    return _AMCHECK


_UNVALIDATED = """
    SELECT c.conrelid::regclass::text, c.conname::text,
           coalesce((to_jsonb(c) ->> 'conenforced')::bool, true)
      FROM pg_constraint c
     WHERE NOT c.convalidated AND c.conrelid <> 0 AND c.conparentid = 0
     ORDER BY 1, 2
"""

_FILLED = r"""
    WITH pairs AS (
        SELECT d.objid AS sequence, d.refobjid AS relation, d.refobjsubid AS number,
               d.deptype = 'i' AS drawn
          FROM pg_depend d
         WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
           AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
        UNION ALL
        SELECT d.refobjid, f.adrelid, f.adnum, true
          FROM pg_depend d JOIN pg_attrdef f ON f.oid = d.objid
         WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
           AND pg_get_expr(f.adbin, f.adrelid) ~ '^nextval\(''.*''::regclass\)$'
    )
    SELECT sn.nspname::text, s.relname::text, q.seqincrement,
           tn.nspname::text, t.relname::text, a.attname::text, bool_or(p.drawn)
      FROM pairs p
      JOIN pg_class s ON s.oid = p.sequence JOIN pg_namespace sn ON sn.oid = s.relnamespace
      -- One that begins anew is meant to.
      JOIN pg_sequence q ON q.seqrelid = s.oid AND NOT q.seqcycle
      JOIN pg_class t ON t.oid = p.relation AND t.relkind IN ('r', 'p')
      JOIN pg_namespace tn ON tn.oid = t.relnamespace
      JOIN pg_attribute a ON a.attrelid = p.relation AND a.attnum = p.number
      JOIN pg_type y ON y.oid = a.atttypid
     WHERE coalesce(nullif(y.typbasetype, 0), y.oid) IN ('int2'::regtype, 'int4'::regtype,
                                                         'int8'::regtype, 'numeric'::regtype)
       AND NOT (t.relispartition AND EXISTS (
               SELECT FROM pg_partition_ancestors(t.oid) up
                 JOIN pairs o ON o.relation = up.relid AND o.sequence = p.sequence
                WHERE up.relid <> t.oid))
     GROUP BY 1, 2, 3, 4, 5, 6
     ORDER BY 1, 2, 4, 5, 6
"""

_OF_USERS = """
    FROM pg_index i
    JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE n.nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
     AND c.relpersistence <> 't'
"""

_ALL_INDEXES = f"""
    SELECT i.indexrelid::regclass::text, i.indrelid::regclass::text, c.relkind::text,
           i.indisvalid AND i.indisready AND i.indislive {_OF_USERS} ORDER BY 1
"""

_BTREES = f"""
    SELECT i.indexrelid::regclass::text {_OF_USERS}
       AND c.relkind = 'i' AND i.indisvalid
       AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree')
     ORDER BY 1
"""  # noqa: S608 - our own text
