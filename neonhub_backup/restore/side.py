"""Tables of a backup in a schema of their own, beside the live ones, which are not touched."""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg
from psycopg import sql

from neonhub_backup.domain.manifest import Table
from neonhub_backup.errors import (
    ConfigurationError,
    DatabaseError,
    IntegrityError,
    ProgramError,
    TargetError,
)
from neonhub_backup.holdings.source import Source
from neonhub_backup.postgres.connection import Connection, Target, connect, query, quoted
from neonhub_backup.postgres.naming import NAME_BYTES
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.snapshot import count_rows
from neonhub_backup.postgres.unbinding import advance_sequences
from neonhub_backup.processes import Command, Programs, StoppedError, run
from neonhub_backup.restore.definitions import archive_of, definitions
from neonhub_backup.restore.loading import Restorer, suite_for
from neonhub_backup.restore.names import Identity
from neonhub_backup.streams import parallelism

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Side:
    """Tables that stand in a schema of their own."""

    source: Source
    target: Target
    schema: str
    tables: tuple[Table, ...]
    """As in the manifest, under the names they have there."""


def restore_aside(
    source: Source,
    names: Sequence[Identity],
    target: Target,
    schema: str,
    programs: Programs,
    *,
    dry_run: bool = False,
) -> Side:
    """Restore tables into a new schema, with their rows, indexes, constraints and defaults.

    Left out are what would reach out of it: triggers, and foreign keys to tables that stay behind.
    Owners and privileges too: everything belongs to the user of `target`. Only the archive and the
    tables' own objects are read. On any failure the schema is dropped again.

    Raises:
        ConfigurationError: the schema's name cannot be used.
        TargetError: the schema exists, or the target lacks a type or function that the tables use.
        IntegrityError: an object is not what was written.
    """
    _check_names(schema, names)
    with connect(target) as connection:
        _check_target(connection, target, schema)
        suite = suite_for(connection, source.manifest)
    by_name = {table.identity: table for table in source.manifest.tables}
    if dry_run:
        tables = [by_name[name] for name in names if name in by_name]
        return Side(source, target, schema, tuple(tables))
    with archive_of(source, target, suite, programs) as archive:
        side = archive.with_name("side.dump")
        with (
            definitions(source, target, suite, programs, archive) as scratch,
            connect(scratch) as connection,
        ):
            moved = _move(connection, names, schema)
            run(programs, _dump(suite, scratch, schema, side))
        tables = [by_name[name] for name in moved if name in by_name]
        _create(suite, target, programs, side)
        with _dropped_on_failure(target, schema):
            _fill(source, target, suite, programs, schema, tables)
            run(programs, _section(suite, target, "post-data", side))
            with connect(target) as connection:
                here = [(schema, table.name) for table in tables]
                advance_sequences(connection, here)
                for name in here:
                    connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(*name)))
    return Side(source, target, schema, tuple(tables))


def _check_names(schema: str, names: Sequence[Identity]) -> None:
    if not schema or len(schema.encode()) > NAME_BYTES or schema.startswith("pg_"):
        raise ConfigurationError(
            f"--side-schema {schema} cannot be a schema's name, so nothing was done: give one of at"
            f" most {NAME_BYTES} bytes that does not begin with pg_"
        )
    plain = [name for _, name in names]
    twice = sorted({name for name in plain if plain.count(name) > 1})
    if twice:
        raise ConfigurationError(
            f"--tables names {', '.join(twice)} of several schemas, which have no room in one side"
            " schema, so nothing was done: restore them one after the other into two"
        )


def _check_target(connection: Connection, target: Target, schema: str) -> None:
    if query(connection, "SELECT FROM pg_namespace WHERE nspname = %s", schema):
        raise TargetError(
            f"schema {schema} of {target} exists already, so nothing was changed: choose another"
            " name with --side-schema"
        )
    may = "SELECT has_database_privilege(current_database(), 'CREATE')"
    if query(connection, may) != [(True,)]:
        raise TargetError(
            f"user {connection.info.user} may not create schemas in {target}, so nothing was"
            f" changed: GRANT CREATE ON DATABASE {quoted(target.database)}"
        )


def _move(connection: Connection, names: Sequence[Identity], schema: str) -> list[Identity]:
    """Move the tables and their partitions within a scratch database; the names that they had."""
    moved = list(dict.fromkeys(part for name in names for part in _parts(connection, name)))
    texts = [quoted(*name) for name in moved]
    for statement in _cuts(connection, texts):
        connection.execute(statement)
    # Only now, since what is cut from its parent has foreign keys and triggers of its own.
    for statement in _reaching_out(connection, texts):
        connection.execute(statement)
    connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    for name in moved:
        connection.execute(
            sql.SQL("ALTER TABLE {} SET SCHEMA {}").format(
                sql.Identifier(*name), sql.Identifier(schema)
            )
        )
    return moved


def _parts(connection: Connection, name: Identity) -> list[Identity]:
    rows = query(
        connection,
        """
        SELECT n.nspname::text, c.relname::text
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE c.oid = %s::regclass
            OR c.oid IN (SELECT relid FROM pg_partition_tree(%s::regclass))
         ORDER BY c.oid <> %s::regclass, 1, 2
        """,
        *[quoted(*name)] * 3,
    )
    return cast("list[Identity]", rows)


def _cuts(connection: Connection, texts: list[str]) -> list[sql.Composed]:
    rows = query(
        connection,
        """
        SELECT pn.nspname::text, p.relname::text, cn.nspname::text, c.relname::text, p.relkind = 'p'
          FROM pg_inherits i
          JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
          JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'f') AND (c.oid = ANY(%s::regclass[]::oid[]))
               <> (p.oid = ANY(%s::regclass[]::oid[]))
        """,
        texts,
        texts,
    )
    return [
        sql.SQL("ALTER TABLE {} DETACH PARTITION {}").format(
            sql.Identifier(parent_schema, parent), sql.Identifier(child_schema, child)
        )
        if partitioned
        else sql.SQL("ALTER TABLE {} NO INHERIT {}").format(
            sql.Identifier(child_schema, child), sql.Identifier(parent_schema, parent)
        )
        for parent_schema, parent, child_schema, child, partitioned in cast(
            "list[tuple[str, str, str, str, bool]]", rows
        )
    ]


def _reaching_out(connection: Connection, texts: list[str]) -> list[sql.Composed]:
    keys = query(
        connection,
        """
        SELECT n.nspname::text, t.relname::text, c.conname::text
          FROM pg_constraint c
          JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
         WHERE c.contype = 'f' AND c.conparentid = 0 AND c.conrelid = ANY(%s::regclass[]::oid[])
           AND NOT c.confrelid = ANY(%s::regclass[]::oid[])
        """,
        texts,
        texts,
    )
    triggers = query(
        connection,
        """
        SELECT n.nspname::text, t.relname::text, g.tgname::text
          FROM pg_trigger g
          JOIN pg_class t ON t.oid = g.tgrelid JOIN pg_namespace n ON n.oid = t.relnamespace
         WHERE NOT g.tgisinternal AND g.tgparentid = 0 AND g.tgrelid = ANY(%s::regclass[]::oid[])
        """,
        texts,
    )
    dropped = sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}")
    removed = sql.SQL("DROP TRIGGER {} ON {}")
    return [
        *(
            dropped.format(sql.Identifier(schema, table), sql.Identifier(name))
            for schema, table, name in cast("list[tuple[str, str, str]]", keys)
        ),
        *(
            removed.format(sql.Identifier(name), sql.Identifier(schema, table))
            for schema, table, name in cast("list[tuple[str, str, str]]", triggers)
        ),
    ]


def _dump(suite: Suite, scratch: Target, schema: str, file: Path) -> Command:
    return Command(
        [
            *(suite.path("pg_dump"), "--no-password", "--format=custom", "--schema-only"),
            *("--no-owner", "--no-privileges", f"--schema={quoted(schema)}", f"--file={file}"),
        ],
        scratch.environment(),
    )


def _section(suite: Suite, target: Target, name: str, file: Path) -> Command:
    together = "--single-transaction" if name == "pre-data" else f"--jobs={parallelism()}"
    return Command(
        [
            *(suite.path("pg_restore"), "--no-password", "--exit-on-error", f"--section={name}"),
            *(together, f"--dbname={target.database}", str(file)),
        ],
        target.environment(),
    )


def _create(suite: Suite, target: Target, programs: Programs, side: Path) -> None:
    try:
        run(programs, _section(suite, target, "pre-data", side))
    except StoppedError:
        raise
    except ProgramError as error:
        raise TargetError(
            f"{target} lacks something that the tables need ({str(error).partition(', so ')[0]}),"
            " so nothing was changed: restore the whole backup into a database of its own, and take"
            " them from there"
        ) from error


def _fill(
    source: Source,
    target: Target,
    suite: Suite,
    programs: Programs,
    schema: str,
    tables: Sequence[Table],
) -> None:
    here = [table.model_copy(update={"schema_name": schema}) for table in tables]
    Restorer(source, target, suite, programs, roles=False).rows(here)
    with connect(target) as connection:
        for table in here:
            rows = count_rows(connection, table.identity)
            if rows != table.rows:
                raise IntegrityError(
                    f"{quoted(*table.identity)} got {rows} rows from backup"
                    f" {source.manifest.name} instead of {table.rows}, so the schema was dropped"
                    " again: restore another backup"
                )


@contextmanager
def _dropped_on_failure(target: Target, schema: str) -> Generator[None]:
    try:
        yield
    except BaseException as failure:
        try:
            with connect(target) as connection:
                drop = sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema))
                connection.execute(drop)
        except (DatabaseError, psycopg.Error) as error:
            failure.add_note(
                f"schema {schema} of {target} holds a part of a restore and cannot be dropped"
                f" ({' '.join(str(error).split())}): drop it"
            )
        raise
