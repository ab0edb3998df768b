"""The rows of a backup in tables that exist: replaced, or filled, in one transaction."""

import re
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString, cast

import psycopg
from psycopg import sql

from neonhub_backup.domain.manifest import Table
from neonhub_backup.errors import IntegrityError, TargetError
from neonhub_backup.holdings.source import Source
from neonhub_backup.postgres.connection import Connection, Target, connect, query, quoted
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.snapshot import count_large_objects, count_rows
from neonhub_backup.postgres.unbinding import advance_sequences, lock, transaction, unbound
from neonhub_backup.processes import Command, Programs, run
from neonhub_backup.progress import phase
from neonhub_backup.restore.definitions import archive_of, other_types
from neonhub_backup.restore.loading import suite_for
from neonhub_backup.restore.names import Identity
from neonhub_backup.restore.reading import plain

AS_IT_WAS = "nothing was changed"

_SETVAL = re.compile(
    r"^SELECT pg_catalog\.setval\('(?:[^']|'')*', -?\d+, (?:true|false)\);$", re.MULTILINE
)
_SEQUENCE = re.compile(r"^\d+; \d+ \d+ SEQUENCE SET .*$", re.MULTILINE)
_LARGE_OBJECT = re.compile(
    r"^\d+; \d+ \d+ (?:BLOB METADATA|BLOBS?|COMMENT - LARGE OBJECTS?) .*$", re.MULTILINE
)
"""Entries of an archive as `pg_restore --list` shows them."""


@dataclass(frozen=True)
class Replaced:
    """A table whose rows are now the backup's; or would be."""

    table: Table
    before: int
    """Rows that it had."""


@dataclass(frozen=True)
class Column:
    """A column of a live table, as far as rows from elsewhere must fit."""

    type: str
    generated: bool
    required: bool
    """It must be given: not null, with neither a default nor a sequence."""


def restore_in_place(
    source: Source,
    names: Sequence[Identity],
    target: Target,
    programs: Programs,
    *,
    dry_run: bool = False,
) -> list[Replaced]:
    """Replace the rows of these tables by the backup's, in one transaction.

    Nothing else changes: no trigger fires, and every foreign key from and to the tables is checked
    before the end. Only the tables' own objects are read. A partitioned table stands for all of its
    partitions.

    Raises:
        TargetError: the tables are not as they were, or foreign keys would not hold.
        IntegrityError: an object is not what was written.
    """
    tables = _tables_of(source, names, target)
    columns = _checked(source, tables, target, programs)
    with transaction(target, AS_IT_WAS) as connection:
        if not dry_run:
            lock(connection, [table.identity for table in tables])
            _refuse_changed(connection, columns)
        replaced = [Replaced(table, count_rows(connection, table.identity)) for table in tables]
        if not dry_run:
            _load(connection, source, tables, programs, replace=True)
            advance_sequences(connection, [table.identity for table in tables])
    return replaced


def restore_rows(
    source: Source, target: Target, programs: Programs, *, dry_run: bool = False
) -> list[Replaced]:
    """Fill the empty tables of a database that has the same ones, in one transaction.

    Sequences and large objects come back too. Every foreign key is checked before the end.

    Raises:
        TargetError: a table is missing, differs, or has rows; or foreign keys would not hold.
        IntegrityError: an object is not what was written.
    """
    tables = list(source.manifest.tables)
    columns = _checked(source, tables, target, programs)
    if dry_run:
        with transaction(target, AS_IT_WAS) as connection:
            _refuse_filled(connection, source, tables, target)
        return [Replaced(table, 0) for table in tables]
    with connect(target) as connection:
        suite = suite_for(connection, source.manifest)
    with (
        archive_of(source, target, suite, programs) as archive,
        transaction(target, AS_IT_WAS) as connection,
    ):
        lock(connection, [table.identity for table in tables])
        _refuse_changed(connection, columns)
        _refuse_filled(connection, source, tables, target)
        _load(connection, source, tables, programs, replace=False)
        _restore_large_objects(target, suite, programs, archive)
        _set_sequences(connection, suite, programs, archive)
        advance_sequences(connection, [table.identity for table in tables])
    return [Replaced(table, 0) for table in tables]


def read_columns(connection: Connection, table: Identity) -> dict[str, Column]:
    """A live table's columns. Empty: there is no such table."""
    rows = query(
        connection,
        """
        SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attgenerated <> '',
               a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
          FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
         WHERE c.oid = to_regclass(%s) AND c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped
        """,
        quoted(*table),
    )
    return {
        cast("str", name): Column(cast("str", kind), bool(generated), bool(required))
        for name, kind, generated, required in rows
    }


def misfits(table: Table, live: dict[str, Column]) -> list[str]:
    """One line for each reason why a live table cannot take a backup's rows."""
    name = quoted(*table.identity)
    if not live:
        return [f"table {name} does not exist"]
    missing = [column for column in table.columns if column not in live]
    generated = [column for column in table.columns if column in live and live[column].generated]
    required = [
        column for column, now in live.items() if now.required and column not in table.columns
    ]
    return [
        *(f"column {quoted(one)} of {name} does not exist any more" for one in missing),
        *(f"column {quoted(one)} of {name} is generated now" for one in generated),
        *(f"column {quoted(one)} of {name} is new and has no default" for one in required),
    ]


def _tables_of(source: Source, names: Sequence[Identity], target: Target) -> list[Table]:
    by_name = {table.identity: table for table in source.manifest.tables}
    with connect(target) as connection:
        leaves = {name: _leaves(connection, name) for name in names}
    found: dict[Identity, Table] = {}
    for name, parts in leaves.items():
        for part in [name] if name in by_name else parts:
            if part not in by_name:
                raise TargetError(
                    f"{quoted(*part)}, a partition of {quoted(*name)}, is not in backup"
                    f" {source.manifest.name} and would lose its rows, so {AS_IT_WAS}: name the"
                    " partitions to restore one by one, or restore into a side schema"
                )
            found[part] = by_name[part]
        if name not in by_name and not parts:
            raise TargetError(
                f"{target} has no table {quoted(*name)}, or one without partitions, so {AS_IT_WAS}:"
                " leave out --in-place to restore it into a side schema"
            )
    return list(found.values())


def _leaves(connection: Connection, name: Identity) -> list[Identity]:
    rows = query(
        connection,
        """
        SELECT n.nspname::text, c.relname::text
          FROM pg_partition_tree(to_regclass(%s)) t JOIN pg_class c ON c.oid = t.relid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.relkind = 'r' ORDER BY 1, 2
        """,
        quoted(*name),
    )
    return cast("list[Identity]", rows)


def _checked(
    source: Source, tables: Sequence[Table], target: Target, programs: Programs
) -> dict[Identity, dict[str, Column]]:
    with connect(target) as connection:
        # Or the same type would be written in two ways.
        connection.execute("SET search_path = ''")
        columns = {table.identity: read_columns(connection, table.identity) for table in tables}
        problems = [line for table in tables for line in misfits(table, columns[table.identity])]
        problems = problems or other_types(source, target, tables, connection, programs)
    if problems:
        raise TargetError(
            f"{target} is not as it was when {source.manifest.name} was taken:"
            f" {'; '.join(problems)}; so {AS_IT_WAS}: restore the tables into a side schema and"
            " copy what fits"
        )
    return columns


def _refuse_changed(connection: Connection, columns: dict[Identity, dict[str, Column]]) -> None:
    for table, before in columns.items():
        if read_columns(connection, table) != before:
            raise TargetError(
                f"the definition of {quoted(*table)} changes at this moment, so {AS_IT_WAS}: let"
                " the migration end and try again"
            )


def _refuse_filled(
    connection: Connection, source: Source, tables: Sequence[Table], target: Target
) -> None:
    filled: list[str] = []
    for table in tables:
        some = sql.SQL("SELECT FROM ONLY {} LIMIT 1").format(sql.Identifier(*table.identity))
        if query(connection, some):
            filled.append(quoted(*table.identity))
    if filled:
        raise TargetError(
            f"{target} already has rows in {', '.join(filled)}, so {AS_IT_WAS}: empty these, or"
            " replace the rows of tables with --tables and --in-place"
        )
    if source.manifest.large_objects and count_large_objects(connection):
        raise TargetError(
            f"{target} already has large objects, whose numbers the backup may need, so"
            f" {AS_IT_WAS}: restore into a database that has none"
        )


def _load(
    connection: Connection,
    source: Source,
    tables: Sequence[Table],
    programs: Programs,
    *,
    replace: bool,
) -> None:
    identities = [table.identity for table in tables]
    with unbound(connection, identities, AS_IT_WAS):
        if replace:
            names = sql.SQL(", ").join(
                sql.SQL("ONLY {}").format(sql.Identifier(*identity)) for identity in identities
            )
            connection.execute(sql.SQL("TRUNCATE {}").format(names))
        sizes = {".".join(table.identity): table.bytes for table in tables}
        with phase(programs.progress, "rows", sizes):
            for table in tables:
                _copy(connection, source, table, programs)
        # What is deferred would keep the definitions from being put back.
        connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(*table.identity)))


def _copy(connection: Connection, source: Source, table: Table, programs: Programs) -> None:
    columns = sql.SQL(", ").join(sql.Identifier(column) for column in table.columns)
    statement = sql.SQL("COPY {}{} FROM STDIN (FORMAT {})").format(
        sql.Identifier(*table.identity),
        sql.SQL(" ({})").format(columns) if table.columns else sql.SQL(""),
        sql.SQL(table.form),
    )
    for chunk in table.chunks:
        item = ".".join(table.identity)
        with plain(source, chunk, programs, item) as stream, connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                for block in stream:
                    copy.write(block)
            loaded = cursor.rowcount
        if loaded != chunk.rows:
            raise _miscounted(source, table, loaded, chunk.rows)
    rows = count_rows(connection, table.identity)
    if rows != table.rows:
        raise _miscounted(source, table, rows, table.rows)


def _miscounted(source: Source, table: Table, found: int, promised: int) -> IntegrityError:
    return IntegrityError(
        f"{quoted(*table.identity)} got {found} rows from backup {source.manifest.name} instead of"
        f" {promised}, so {AS_IT_WAS}: restore another backup"
    )


def _set_sequences(connection: Connection, suite: Suite, programs: Programs, archive: Path) -> None:
    with _listed(suite, programs, archive, _SEQUENCE) as entries:
        command = [suite.path("pg_restore"), "--file=-", *entries, str(archive)]
        text = run(programs, Command(command)) if entries else ""
    for statement in cast("list[LiteralString]", _SETVAL.findall(text)):
        try:
            connection.execute(statement)
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName) as error:
            raise TargetError(
                f"the database lacks a sequence of the backup ({error.diag.message_primary}), so"
                f" {AS_IT_WAS}: restore into a database with the same definitions"
            ) from error


def _restore_large_objects(target: Target, suite: Suite, programs: Programs, archive: Path) -> None:
    with _listed(suite, programs, archive, _LARGE_OBJECT) as entries:
        command = [
            *(suite.path("pg_restore"), "--no-password", "--exit-on-error", "--single-transaction"),
            *("--no-owner", "--no-privileges", f"--dbname={target.database}"),
            *(*entries, str(archive)),
        ]
        if entries:
            run(programs, Command(command, target.environment()))


@contextmanager
def _listed(
    suite: Suite, programs: Programs, archive: Path, pattern: re.Pattern[str]
) -> Generator[list[str]]:
    """The option by which pg_restore takes only some entries; empty when there are none."""
    listed = run(programs, Command([suite.path("pg_restore"), "--list", str(archive)]))
    wanted = pattern.findall(listed)
    with tempfile.NamedTemporaryFile("w", prefix="nhb-", suffix=".list") as file:
        file.write("".join(f"{line}\n" for line in wanted))
        file.flush()
        yield [f"--use-list={file.name}"] if wanted else []
