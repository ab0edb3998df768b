"""A backup's definitions without its rows: a database of their own, or a look at its types."""

import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import cast

from neonhub_backup.domain.manifest import Table
from neonhub_backup.errors import DifferenceError, TargetError
from neonhub_backup.holdings.source import Source
from neonhub_backup.postgres.connection import Connection, Target, connect, query, quoted
from neonhub_backup.postgres.dump import schema_command
from neonhub_backup.postgres.naming import scratch_suffix
from neonhub_backup.postgres.placement import (
    check_server,
    drop,
    free_aside,
    look,
    maintenance,
    scratch_database,
    take_place,
)
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.schema import differences, fingerprint
from neonhub_backup.processes import Command, Programs, run
from neonhub_backup.restore.loading import Restorer, suite_for
from neonhub_backup.restore.whole import refuse_occupied
from neonhub_backup.wording import shown


def definitions_command(suite: Suite, target: Target, archive: Path, *, roles: bool) -> Command:
    """pg_restore of all definitions of an archive, with indexes and constraints, and no rows."""
    return Command(
        [
            *(suite.path("pg_restore"), "--no-password", "--exit-on-error", "--schema-only"),
            f"--dbname={target.database}",
            *([] if roles else ["--no-owner", "--no-privileges"]),
            str(archive),
        ],
        target.environment(),
    )


@contextmanager
def archive_of(source: Source, target: Target, suite: Suite, programs: Programs) -> Generator[Path]:
    """The archive as a file, which holds no row of an ordinary table."""
    with tempfile.TemporaryDirectory(prefix="nhb-") as directory:
        archive = Path(directory) / "archive.dump"
        Restorer(source, target, suite, programs, roles=False).fetch_archive(archive)
        yield archive


@contextmanager
def definitions(
    source: Source, target: Target, suite: Suite, programs: Programs, archive: Path
) -> Generator[Target]:
    """A database beside the target with the backup's definitions and no rows, gone once left."""
    with maintenance(target) as connection:
        check_server(connection, target, source.manifest, roles=False)
        with scratch_database(
            connection, target, source.manifest.server, scratch_suffix(), any_locale=True
        ) as scratch:
            run(programs, definitions_command(suite, scratch, archive, roles=False))
            yield scratch
        drop(connection, scratch.database)


def restore_definitions(
    source: Source,
    target: Target,
    programs: Programs,
    now: datetime,
    *,
    roles: bool,
    dry_run: bool = False,
) -> None:
    """Restore the definitions alone, compared with the manifest, into a new or empty database.

    Raises:
        TargetError: the target is not fit, or is not empty.
        DifferenceError: what was restored is not what the manifest promises.
    """
    manifest = source.manifest
    with maintenance(target) as connection:
        check_server(connection, target, manifest, roles=roles)
        present = look(connection, target)
        if present.tables:
            raise TargetError(
                f"{target} already holds {present.tables} tables, views or sequences, so nothing"
                " was changed: restore definitions under the name of a database that is empty or"
                " does not exist"
            )
        refuse_occupied(target, present, set_aside=False)
        suite = suite_for(connection, source.manifest)
        if dry_run:
            return
        with (
            archive_of(source, target, suite, programs) as archive,
            scratch_database(connection, target, manifest.server, scratch_suffix()) as scratch,
        ):
            run(programs, definitions_command(suite, scratch, archive, roles=roles))
            found = fingerprint(run(programs, schema_command(suite, scratch)))
            same_major = suite.major == manifest.archive_major
            different = differences(manifest.schema_, found, roles=roles, definitions=same_major)
            if different:
                raise DifferenceError(
                    f"the restored definitions of {manifest.name} differ from its manifest"
                    f" ({shown(different)}), so they were dropped and"
                    f" {target.database} was left as it was: restore another backup"
                )
            aside = free_aside(connection, target, now) if present.exists else None
            take_place(connection, scratch, target, aside)
        if aside is not None:
            drop(connection, aside)


def other_types(
    source: Source,
    target: Target,
    tables: Sequence[Table],
    connection: Connection,
    programs: Programs,
) -> list[str]:
    """One line for each column whose type in the target is not the one that the rows have.

    `connection` is one to the target with an empty search path.
    Only binary rows are looked at: text is read by whatever type stands there, or refused. The
    archive is read only if the digest of a table's definition is another one.
    """
    suite = suite_for(connection, source.manifest)
    live = fingerprint(run(programs, _schema_of(suite, target, tables)))
    suspects = [
        table
        for table in tables
        if table.form == "binary" and not _same_definition(source, table, live.objects, suite)
    ]
    if not suspects:
        return []
    with (
        archive_of(source, target, suite, programs) as archive,
        definitions(source, target, suite, programs, archive) as scratch,
        connect(scratch) as other,
    ):
        other.execute("SET search_path = ''")
        return [line for table in suspects for line in _other_types(table, connection, other)]


def _schema_of(suite: Suite, target: Target, tables: Sequence[Table]) -> Command:
    # Of these alone: the user may be allowed to see no more. In quotes, nothing is a pattern.
    command = schema_command(suite, target)
    patterns = [f"--table={quoted(*table.identity)}" for table in tables]
    return Command([*command.argv, *patterns], command.environment)


def _same_definition(source: Source, table: Table, objects: dict[str, str], suite: Suite) -> bool:
    manifest = source.manifest
    identity = f"TABLE {table.schema_name} {table.name}"
    digest = objects.get(identity)
    same_words = suite.major == manifest.archive_major
    return same_words and digest is not None and digest == manifest.schema_.objects.get(identity)


def _other_types(table: Table, live: Connection, other: Connection) -> list[str]:
    now, then = read_types(live, table.identity), read_types(other, table.identity)
    return [
        f"column {quoted(column)} of {quoted(*table.identity)} is {now[column]} and was"
        f" {then.get(column, 'absent')}"
        for column in table.columns
        if column in now and now[column] != then.get(column)
    ]


def read_types(connection: Connection, table: tuple[str, str]) -> dict[str, str]:
    """The types of a table's columns, with what a domain stands for."""
    rows = query(
        connection,
        """
        SELECT a.attname::text,
               format_type(a.atttypid, a.atttypmod)
               || coalesce(' over ' || format_type(nullif(t.typbasetype, 0), t.typtypmod), '')
          FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
         WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped
        """,
        quoted(*table),
    )
    return dict(cast("list[tuple[str, str]]", rows))
