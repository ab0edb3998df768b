"""Filling an empty database from a backup: definitions, rows, then indexes and constraints."""

import logging
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

import psycopg

from neonhub_backup.compression import DECOMPRESS, decompress_into
from neonhub_backup.domain.manifest import Chunk, Manifest, StoredObject, Table
from neonhub_backup.errors import DatabaseError, IntegrityError
from neonhub_backup.holdings.source import Source
from neonhub_backup.postgres.building import Means, means, needed_bytes, with_options
from neonhub_backup.postgres.connection import (
    Connection,
    Target,
    connect,
    query,
    quoted,
    server_major,
)
from neonhub_backup.postgres.dump import rows_said
from neonhub_backup.postgres.programs import Suite, client_programs
from neonhub_backup.processes import Command, Pipeline, Programs, run
from neonhub_backup.progress import Silence, phase
from neonhub_backup.restore.reading import feed
from neonhub_backup.streams import parallelism, settle, workers

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Times:
    """How long a restore took, in seconds from its first byte read."""

    to_data: float
    """All rows can be queried."""
    to_search: float
    """All indexes are built, the vector ones among them."""


def suite_for(connection: Connection, manifest: Manifest) -> Suite:
    """Programs that understand both the server and the archive."""
    return client_programs(max(server_major(connection), manifest.archive_major))


def load(source: Source, target: Target, suite: Suite, programs: Programs, *, roles: bool) -> Times:
    """Restore into an empty database, which is no more than scratch until this returns.

    `roles=False` leaves owners and privileges out: everything belongs to the user of `target`.

    Raises:
        BackupError: the database then holds a part of the backup and is to be dropped.
    """
    began = time.monotonic()
    restorer = Restorer(source, target, suite, programs, roles)
    restorer.foretell()
    with tempfile.TemporaryDirectory(prefix="nhb-") as directory:
        archive = Path(directory) / "archive.dump"
        restorer.fetch_archive(archive)
        restorer.section("pre-data", archive)
        restorer.rows(source.manifest.tables)
        restorer.section("data", archive)
        to_data = time.monotonic() - began
        restorer.section("post-data", archive)
        to_search = time.monotonic() - began
    with connect(target) as connection:
        connection.execute("ANALYZE")
    return Times(to_data, to_search)


@dataclass(frozen=True)
class Restorer:
    """The steps of a restore into one database."""

    source: Source
    target: Target
    suite: Suite
    programs: Programs
    roles: bool

    @cached_property
    def means(self) -> Means:
        """What the building of indexes may take."""
        with connect(self.target) as connection:
            sizes = [index.bytes for index in self.source.manifest.vector_indexes]
            return means(connection, parallelism(), max(sizes, default=0))

    def foretell(self) -> None:
        """Warn of the indexes that will take long, before anything is read."""
        memory = self.means.memory_bytes
        for index in self.source.manifest.vector_indexes:
            if needed_bytes(index.bytes) > memory:
                log.warning(
                    "index %s takes about %d MB while it is built and %s gives it %d MB, so the"
                    " time to search will be several times longer: restore on a machine with more"
                    " memory, or raise maintenance_work_mem of the server",
                    quoted(index.schema_name, index.name),
                    needed_bytes(index.bytes) / 1e6,
                    self.target,
                    memory / 1e6,
                )

    def fetch_archive(self, path: Path) -> None:
        """Decrypt the archive into a file: pg_restore must seek in it to work in parallel."""
        self._feed(self.source.manifest.archive, [decompress_into(path)])

    def section(self, name: str, archive: Path) -> None:
        """Run one section of the archive."""
        building = name == "post-data"
        with self._watched_indexes() if building else nullcontext():
            run(self.programs, self._section(name, archive))

    def _section(self, name: str, archive: Path) -> Command:
        return Command(
            [
                *(self.suite.path("pg_restore"), "--no-password", "--exit-on-error"),
                *(f"--section={name}", f"--dbname={self.target.database}"),
                *([f"--jobs={self.means.jobs}"] if name == "post-data" else []),
                *([] if self.roles else ["--no-owner", "--no-privileges"]),
                str(archive),
            ],
            with_options(self.target, self.means.options()),
        )

    @contextmanager
    def _watched_indexes(self) -> Generator[None]:
        """Tell how far each index is, as the server sees it."""
        done = threading.Event()
        with phase(self.programs.progress, "indexes", {}), ThreadPoolExecutor(1, "watch") as pool:
            watch = pool.submit(self._watch_indexes, done)
            try:
                yield
            finally:
                done.set()
        watch.result()

    def _watch_indexes(self, done: threading.Event) -> None:
        if isinstance(self.programs.progress, Silence):
            return
        place = self.programs.progress.place
        try:
            with connect(self.target) as connection:
                while not done.wait(_WATCH_SECONDS):
                    for name, placed, total in query(connection, _BUILDING):
                        place(str(name), cast("int", placed), cast("int", total))
        except (DatabaseError, psycopg.Error) as error:
            # Such as one connection too many: a restore does not fail for want of a spectator.
            log.info("how far the indexes are cannot be told: %s", " ".join(str(error).split()))

    def rows(self, tables: Sequence[Table]) -> None:
        """Load tables side by side, the largest pieces first."""
        work = [(table, chunk) for table in tables for chunk in table.chunks]
        work.sort(key=lambda item: item[1].bytes, reverse=True)
        sizes = {".".join(table.identity): table.bytes for table in tables}
        with phase(self.programs.progress, "rows", sizes), workers() as pool:
            settle([pool.submit(self._chunk, table, chunk) for table, chunk in work], self.programs)

    def _chunk(self, table: Table, chunk: Chunk) -> None:
        columns = ", ".join(quoted(column) for column in table.columns)
        name = quoted(*table.identity)
        copy = f"COPY {name}{f' ({columns})' if columns else ''} FROM STDIN (FORMAT {table.form}"
        if len(table.chunks) == 1:
            # Emptied in the same transaction, its rows need no WAL where wal_level is minimal, and
            # no other transaction ever has to ask whether they are visible.
            statements = [f"TRUNCATE ONLY {name}", f"{copy}, FREEZE)"]
        else:
            statements = [f"{copy})"]
        psql = Command(
            [
                *(self.suite.path("psql"), "--no-psqlrc", "--no-password", "--set=ON_ERROR_STOP=1"),
                *("--quiet", "--single-transaction", "--command", _LOAD_SETTINGS),
                *(part for statement in statements for part in ("--command", statement)),
                *("--command", r"\echo rows :ROW_COUNT"),
            ],
            self.target.environment(),
        )
        loaded = rows_said(self._feed(chunk, [DECOMPRESS, psql], ".".join(table.identity)))
        if loaded != chunk.rows:
            raise IntegrityError(
                f"{self.source.store.address}/{self.source.key(chunk)} held {loaded} rows of"
                f" {name} instead of {chunk.rows}, so nothing is kept of this restore: restore"
                " another backup"
            )

    def _feed(
        self, stored: StoredObject, commands: Sequence[Command], item: str | None = None
    ) -> str:
        commands = [self.source.decrypt.command(), *commands]
        with Pipeline(self.programs, commands, fed=True) as pipeline:
            feed(self.source, stored, pipeline, self.programs, item)
            return pipeline.finish()


_WATCH_SECONDS = 1.0
_BUILDING = """
    SELECT index_relid::regclass::text,
           greatest(tuples_done, blocks_done), greatest(tuples_total, blocks_total)
      FROM pg_stat_progress_create_index
     WHERE datname = current_database() AND greatest(tuples_total, blocks_total) > 0
"""
_LOAD_SETTINGS = (
    "SET LOCAL statement_timeout = 0; SET LOCAL row_security = off; SET LOCAL search_path = '';"
    " SET LOCAL lc_monetary = 'C'; SET LOCAL xmloption = content;"
    " SET LOCAL synchronous_commit = off"
)
