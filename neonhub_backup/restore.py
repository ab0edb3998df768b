"""Bringing a backup back: checked before, restored beside, compared after, renamed last."""

import hashlib
import logging
import secrets
import tempfile
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from neonhub_backup.domain.configuration import Check
from neonhub_backup.domain.layout import Location
from neonhub_backup.domain.manifest import Chunk, Manifest, StoredObject, Table
from neonhub_backup.encryption import Decryptor
from neonhub_backup.errors import IntegrityError, TargetError
from neonhub_backup.postgres.connection import Target, connect, query, quoted
from neonhub_backup.postgres.dump import schema_command
from neonhub_backup.postgres.placement import (
    Occupancy,
    aside_suffix,
    beside_name,
    check_server,
    drop,
    look,
    maintenance,
    scratch_database,
    take_place,
)
from neonhub_backup.postgres.programs import Suite, client_programs
from neonhub_backup.postgres.schema import differences, fingerprint
from neonhub_backup.postgres.snapshot import count_large_objects, read_extensions
from neonhub_backup.processes import Command, Pipeline, Programs, run
from neonhub_backup.stores.base import Store
from neonhub_backup.streams import parallelism, settle, workers

log = logging.getLogger(__name__)

DECOMPRESS = Command(["zstd", "--decompress", "--quiet", "--no-progress", "-c"])
DIFFERENCES_SHOWN = 20


@dataclass(frozen=True)
class Source:
    """A backup in a store, and what reads it."""

    store: Store
    location: Location
    manifest: Manifest
    decrypt: Decryptor

    def key(self, stored: StoredObject) -> str:
        """An object's full key."""
        return self.location.prefix + stored.name

    def blocks(self, stored: StoredObject) -> Generator[bytes]:
        """An object's encrypted bytes, checked against the manifest as they pass.

        Raises:
            IntegrityError: after the last block, when they are not what was written.
        """
        digest, size = hashlib.sha256(), 0
        with self.store.download(self.key(stored)) as blocks:
            for block in blocks:
                digest.update(block)
                size += len(block)
                yield block
        if (size, digest.hexdigest()) != (stored.bytes, stored.sha256):
            raise IntegrityError(
                f"{self.store.address}/{self.key(stored)} is not what the backup wrote ({size}"
                f" bytes with another sha256 instead of {stored.bytes}), so nothing is restored"
                " from it: restore another backup, or bring back the object's earlier version"
            )


@dataclass(frozen=True)
class Times:
    """How long a restore took, in seconds from its first byte read."""

    to_data: float
    """All rows can be queried."""
    to_search: float
    """All indexes are built, the vector ones among them."""


@dataclass(frozen=True)
class Restored:
    """A restore that ended well."""

    source: Source
    target: Target
    times: Times
    aside: str | None
    """Name under which the database that had the target's name is kept. None: there was none."""


def restore_into(
    source: Source,
    target: Target,
    programs: Programs,
    now: datetime,
    *,
    set_aside: bool,
    roles: bool,
) -> Restored:
    """Restore a backup under the target's name, touching what is there only to rename it.

    `set_aside` allows a database with tables to be renamed to `<name>_before_<time>`.

    Raises:
        TargetError: the target is not fit, or is not empty.
        IntegrityError: the backup is not what was written; the target was not touched.
    """
    manifest = source.manifest
    with maintenance(target) as connection:
        connection.autocommit = True
        check_server(connection, target, manifest, roles=roles)
        present = look(connection, target)
        _refuse_occupied(target, present, set_aside=set_aside)
        suite = client_programs(
            max(connection.info.server_version // 10000, manifest.archive_major)
        )
        check_objects(source, programs)
        suffix = f"restore_{secrets.token_hex(4)}"
        with scratch_database(connection, target, manifest.server, suffix) as beside:
            log.info("restoring %s into %s, beside %s", manifest.name, beside, target.database)
            times = load(source, beside, suite, programs, roles=roles)
            different = compare(manifest, beside, suite, programs, roles=roles)
            if different:
                raise IntegrityError(
                    f"the restored copy of {manifest.name} differs from its manifest"
                    f" ({'; '.join(different[:DIFFERENCES_SHOWN])}), so it was dropped and"
                    f" {target.database} was left as it was: restore another backup"
                )
            aside = None
            if present.exists:
                aside = beside_name(target.database, aside_suffix(now))
            take_place(connection, beside, target, aside)
        if aside is not None and present.tables == 0:
            drop(connection, aside)
            aside = None
    return Restored(source, target, times, aside)


def _refuse_occupied(target: Target, present: Occupancy, *, set_aside: bool) -> None:
    if present.tables and not set_aside:
        raise TargetError(
            f"{target} already holds {present.tables} tables, views or sequences, so nothing was"
            " changed: restore under another name, or give --set-aside-existing to keep it as"
            f" {target.database}_before_<time> and put the backup in its place"
        )
    if present.sessions:
        raise TargetError(
            f"{target} has {present.sessions} open connections, and a database in use cannot be"
            " renamed, so nothing was changed: stop the applications that use it"
        )


def check_objects(source: Source, programs: Programs) -> None:
    """Read every object of the backup once and compare it with the manifest.

    Raises:
        IntegrityError: one is missing, truncated, swapped or corrupt.
    """
    listed = {listed.key for listed in source.store.list(source.location.prefix)}
    for stored in source.manifest.objects():
        if source.key(stored) not in listed:
            raise IntegrityError(
                f"{source.store.address}/{source.key(stored)} is missing, so backup"
                f" {source.manifest.name} is not complete and nothing is restored from it: restore"
                " another backup, or bring back the object's earlier version"
            )
    with workers() as pool:
        settle(
            [pool.submit(_read, source, stored) for stored in source.manifest.objects()], programs
        )


def _read(source: Source, stored: StoredObject) -> None:
    for _ in source.blocks(stored):
        pass


def load(source: Source, target: Target, suite: Suite, programs: Programs, *, roles: bool) -> Times:
    """Restore into an empty database, which is no more than scratch until this returns.

    `roles=False` leaves owners and privileges out: everything belongs to the user of `target`.

    Raises:
        BackupError: the database then holds a part of the backup and is to be dropped.
    """
    began = time.monotonic()
    restorer = _Restorer(source, target, suite, programs, roles)
    with tempfile.TemporaryDirectory(prefix="nhb-") as directory:
        archive = Path(directory) / "archive.dump"
        restorer.fetch_archive(archive)
        restorer.section("pre-data", archive)
        restorer.rows()
        restorer.section("data", archive)
        to_data = time.monotonic() - began
        restorer.section("post-data", archive)
        to_search = time.monotonic() - began
    with connect(target) as connection:
        connection.execute("ANALYZE")
    return Times(to_data, to_search)


def compare(
    manifest: Manifest, target: Target, suite: Suite, programs: Programs, *, roles: bool
) -> list[str]:
    """One line for everything in which a restored database differs from its manifest."""
    found: list[str] = []
    same_major = suite.major == manifest.archive_major
    with connect(target) as connection:
        connection.execute("SET row_security = off")
        for table in manifest.tables:
            name = sql.Identifier(*table.identity)
            ((rows,),) = query(connection, sql.SQL("SELECT count(*) FROM ONLY {}").format(name))
            if rows != table.rows:
                found.append(f"{quoted(*table.identity)} has {rows} rows instead of {table.rows}")
        extensions = read_extensions(connection)
        objects = count_large_objects(connection)
    for name in sorted(manifest.extensions.keys() | extensions.keys()):
        promised, there = manifest.extensions.get(name), extensions.get(name)
        if promised != there:
            found.append(
                f"extension {name} is {there or 'missing'} instead of {promised or 'absent'}"
            )
    if objects != manifest.large_objects:
        found.append(f"{objects} large objects instead of {manifest.large_objects}")
    schema = fingerprint(run(programs, schema_command(suite, target)))
    found += differences(manifest.schema_, schema, roles=roles, definitions=same_major)
    return found


def run_checks(checks: Sequence[Check], target: Target) -> list[str]:
    """One line for each of the stack's own queries that is not answered as expected."""
    found: list[str] = []
    with connect(target) as connection:
        for check in checks:
            try:
                rows = query(connection, sql.SQL(check.query))  # pyright: ignore[reportArgumentType] - the query is the configuration's
            except psycopg.Error as error:
                found.append(f"check {check.name} fails: {' '.join(str(error).split())}")
                continue
            if check.expect is None and not rows:
                found.append(f"check {check.name} returns no rows")
            elif check.expect is not None and tuple(rows) != check.expect:
                found.append(f"check {check.name} returns {rows} instead of {list(check.expect)}")
    return found


@dataclass(frozen=True)
class _Restorer:
    source: Source
    target: Target
    suite: Suite
    programs: Programs
    roles: bool

    def fetch_archive(self, path: Path) -> None:
        """Decrypt the archive into a file: pg_restore must seek in it to work in parallel."""
        decompress = Command(["zstd", "--decompress", "--quiet", "-o", str(path)])
        self._feed(self.source.manifest.archive, [decompress])

    def section(self, name: str, archive: Path) -> None:
        """Run one section of the archive."""
        run(
            self.programs,
            Command(
                [
                    *(self.suite.path("pg_restore"), "--no-password", "--exit-on-error"),
                    *(f"--section={name}", f"--dbname={self.target.database}"),
                    *([f"--jobs={parallelism()}"] if name == "post-data" else []),
                    *([] if self.roles else ["--no-owner", "--no-privileges"]),
                    str(archive),
                ],
                self.target.environment(),
            ),
        )

    def rows(self) -> None:
        """Load all tables side by side, the largest pieces first."""
        work = [(table, chunk) for table in self.source.manifest.tables for chunk in table.chunks]
        work.sort(key=lambda item: item[1].bytes, reverse=True)
        with workers() as pool:
            settle([pool.submit(self._chunk, table, chunk) for table, chunk in work], self.programs)

    def _chunk(self, table: Table, chunk: Chunk) -> None:
        columns = ", ".join(quoted(column) for column in table.columns)
        name = quoted(*table.identity) + (f" ({columns})" if columns else "")
        psql = Command(
            [
                *(self.suite.path("psql"), "--no-psqlrc", "--no-password", "--set=ON_ERROR_STOP=1"),
                *("--command", _LOAD_SETTINGS),
                *("--command", f"COPY {name} FROM STDIN (FORMAT {table.form})"),
            ],
            self.target.environment(),
        )
        said = self._feed(chunk, [DECOMPRESS, psql])
        loaded = said.split()[-1]
        if loaded != str(chunk.rows):
            raise IntegrityError(
                f"{self.source.store.address}/{self.source.key(chunk)} held {loaded} rows of"
                f" {quoted(*table.identity)} instead of {chunk.rows}, so nothing is kept of this"
                " restore: restore another backup"
            )

    def _feed(self, stored: StoredObject, commands: Sequence[Command]) -> str:
        pipeline = Pipeline(self.programs, [self.source.decrypt.command(), *commands], fed=True)
        with pipeline:
            for block in self.source.blocks(stored):
                pipeline.write(block)
            return pipeline.finish()


_LOAD_SETTINGS = (
    "SET statement_timeout = 0; SET row_security = off; SET search_path = '';"
    " SET lc_monetary = 'C'; SET xmloption = content; SET synchronous_commit = off"
)
