"""Filling an empty database from a backup: definitions, rows, then indexes and constraints."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neonhub_backup.domain.manifest import Chunk, StoredObject, Table
from neonhub_backup.errors import IntegrityError
from neonhub_backup.postgres.connection import Target, connect, quoted
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.processes import Command, Pipeline, Programs, run
from neonhub_backup.restore.source import Source
from neonhub_backup.streams import parallelism, settle, workers

DECOMPRESS = Command(["zstd", "--decompress", "--quiet", "--no-progress", "-c"])


@dataclass(frozen=True)
class Times:
    """How long a restore took, in seconds from its first byte read."""

    to_data: float
    """All rows can be queried."""
    to_search: float
    """All indexes are built, the vector ones among them."""


def load(source: Source, target: Target, suite: Suite, programs: Programs, *, roles: bool) -> Times:
    """Restore into an empty database, which is no more than scratch until this returns.

    `roles=False` leaves owners and privileges out: everything belongs to the user of `target`.

    Raises:
        BackupError: the database then holds a part of the backup and is to be dropped.
    """
    began = time.monotonic()
    restorer = Restorer(source, target, suite, programs, roles)
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

    def rows(self, tables: Sequence[Table]) -> None:
        """Load tables side by side, the largest pieces first."""
        work = [(table, chunk) for table in tables for chunk in table.chunks]
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
