"""Rows replaced within one transaction, with nothing fired and every promise checked at its end."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import cast

import psycopg
from psycopg import sql

from neonhub_backup.errors import TargetError
from neonhub_backup.postgres.connection import Connection, Target, connect, query, quoted
from neonhub_backup.postgres.foreign_keys import broken, read_bonds, read_foreign_keys
from neonhub_backup.postgres.snapshot import LOCK_TIMEOUT_SECONDS

Identity = tuple[str, str]

_SETTINGS = (
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL row_security = off",
    "SET LOCAL search_path = ''",
    "SET LOCAL lc_monetary = 'C'",
    "SET LOCAL xmloption = content",
)
_ENABLE = {"O": "ENABLE TRIGGER", "A": "ENABLE ALWAYS TRIGGER", "R": "ENABLE REPLICA TRIGGER"}


@contextmanager
def transaction(target: Target, consequence: str) -> Generator[Connection]:
    """One transaction in a database; `consequence` ends what is said when it is given up.

    Raises:
        TargetError: a row does not fit, a table is locked or is not this user's; all is as it was.
    """
    try:
        with connect(target, autocommit=False) as connection:
            timeout = sql.SQL("SET LOCAL lock_timeout = {}")
            connection.execute(timeout.format(f"{LOCK_TIMEOUT_SECONDS}s"))
            for setting in _SETTINGS:
                connection.execute(setting)
            yield connection
    except psycopg.errors.LockNotAvailable as error:
        raise TargetError(
            f"a table of {target} stayed in use for {LOCK_TIMEOUT_SECONDS} s, so {consequence}: let"
            " those who read or write it finish and try again"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise TargetError(
            f"the user of {target} may not do this ({error.diag.message_primary}), so"
            f" {consequence}: connect as the owner of the tables and of those that refer to them"
        ) from error
    except (psycopg.IntegrityError, psycopg.DataError) as error:
        raise TargetError(
            f"{target} does not take the backup's rows ({' '.join(str(error).split())}), so"
            f" {consequence}: restore the tables into a side schema and copy what fits"
        ) from error


def lock(connection: Connection, tables: Sequence[Identity]) -> None:
    """Keep everyone else from tables, and from those that foreign keys join to them."""
    every = {*tables}
    for bond in read_bonds(connection, tables):
        every.update(bond.tables)
    names = sql.SQL(", ").join(sql.Identifier(*table) for table in sorted(every))
    connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(names))


@contextmanager
def unbound(
    connection: Connection, tables: Sequence[Identity], consequence: str
) -> Generator[None]:
    """Inside, no trigger fires on these tables and no foreign key from or to them binds a row.

    Foreign keys are taken off and put back, because only superusers can switch them off, and
    emptying a table must not empty those that refer to it. Before that, every row of both ends is
    checked. Indexes of vectors are built anew, many times quicker than they grow.

    Raises:
        TargetError: rows of either end would refer to nothing.
    """
    keys = read_foreign_keys(connection, tables)
    put_back: list[sql.Composed] = []
    for bond in read_bonds(connection, tables):
        connection.execute(bond.off)
        put_back += bond.on
    for table in tables:
        put_back += _switch_triggers_off(connection, table)
        put_back += _drop_vector_indexes(connection, table)
    yield
    violated = broken(connection, keys)
    if violated:
        raise TargetError(
            f"foreign keys would not hold: {'; '.join(str(one) for one in violated)}; so"
            f" {consequence}: restore the tables at the other end with them, or restore into a side"
            " schema and copy what fits"
        )
    for statement in put_back:
        connection.execute(statement)


def advance_sequences(connection: Connection, tables: Sequence[Identity]) -> None:
    """Have no sequence that fills a column behind what is in it.

    What it does is not undone by a rollback, so it comes last; it does no harm alone.
    """
    for table in tables:
        for schema, sequence, column, up in query(connection, _SEQUENCES, quoted(*table)):
            connection.execute(
                sql.SQL(
                    "SELECT pg_catalog.setval(q.seqrelid::pg_catalog.regclass, x.reached)"
                    " FROM (SELECT {reach}({column})::bigint AS reached FROM ONLY {table}) x,"
                    " {sequence} s, pg_catalog.pg_sequence q"
                    " WHERE q.seqrelid = {name}::pg_catalog.regclass"
                    " AND x.reached BETWEEN q.seqmin AND q.seqmax AND (x.reached {beyond}"
                    " s.last_value OR x.reached = s.last_value AND NOT s.is_called)"
                ).format(
                    reach=sql.SQL("max" if up else "min"),
                    beyond=sql.SQL(">" if up else "<"),
                    column=sql.Identifier(cast("str", column)),
                    table=sql.Identifier(*table),
                    sequence=sql.Identifier(cast("str", schema), cast("str", sequence)),
                    name=sql.Literal(quoted(cast("str", schema), cast("str", sequence))),
                )
            )


def _switch_triggers_off(connection: Connection, table: Identity) -> list[sql.Composed]:
    rows = query(
        connection,
        "SELECT tgname::text, tgenabled::text FROM pg_catalog.pg_trigger"
        " WHERE tgrelid = %s::regclass AND NOT tgisinternal AND tgenabled <> 'D' ORDER BY 1",
        quoted(*table),
    )
    alter = sql.SQL("ALTER TABLE ONLY {} ").format(sql.Identifier(*table))
    for name, _ in rows:
        off = sql.SQL("DISABLE TRIGGER {}").format(sql.Identifier(cast("str", name)))
        connection.execute(alter + off)
    return [
        alter
        + sql.SQL(_ENABLE[cast("str", state)])  # pyright: ignore[reportArgumentType] - one of three
        + sql.SQL(" {}").format(sql.Identifier(cast("str", name)))
        for name, state in rows
    ]


def _drop_vector_indexes(connection: Connection, table: Identity) -> list[sql.Composed]:
    rows = query(connection, _VECTOR_INDEXES, quoted(*table))
    put_back: list[sql.Composed] = []
    for schema, name, definition, comment in cast("list[tuple[str, str, str, str | None]]", rows):
        index = sql.Identifier(schema, name)
        connection.execute(sql.SQL("DROP INDEX {}").format(index))
        put_back.append(sql.SQL("") + sql.SQL(definition))  # pyright: ignore[reportArgumentType] - the server's own words
        if comment is not None:
            put_back.append(
                sql.SQL("COMMENT ON INDEX {} IS {}").format(index, sql.Literal(comment))
            )
    return put_back


_VECTOR_INDEXES = """
    SELECT n.nspname::text, c.relname::text, pg_get_indexdef(i.indexrelid),
           obj_description(i.indexrelid, 'pg_class')
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_am a ON a.oid = c.relam
     WHERE i.indrelid = %s::regclass AND a.amname IN ('hnsw', 'ivfflat')
       AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = i.indexrelid)
"""

_SEQUENCES = """
    WITH named AS (SELECT %s::regclass AS id),
    tables AS (
        SELECT id::oid FROM named
        UNION SELECT relid::oid FROM named, pg_partition_ancestors(id) relid)
    SELECT n.nspname::text, c.relname::text, a.attname::text, q.seqincrement > 0
      FROM pg_depend d
      JOIN tables t ON t.id = d.refobjid
      JOIN pg_class c ON c.oid = d.objid AND c.relkind = 'S'
      JOIN pg_namespace n ON n.oid = c.relnamespace
      JOIN pg_sequence q ON q.seqrelid = c.oid
      JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
       AND d.deptype IN ('a', 'i')
       AND a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
"""
