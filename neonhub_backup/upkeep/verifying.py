"""Is a copy of a backup what was written? Every byte is read; deep, every stream is opened too."""

import tempfile
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from neonhub_backup.compression import decompress_into
from neonhub_backup.domain.layout import MANIFEST
from neonhub_backup.domain.manifest import Chunk, StoredObject, Table
from neonhub_backup.encryption import Decryptor
from neonhub_backup.errors import IntegrityError, ProgramError, StoreError
from neonhub_backup.holdings.selection import Candidate
from neonhub_backup.holdings.source import Source, listed_sizes, misfits, read_along
from neonhub_backup.postgres.connection import quoted
from neonhub_backup.postgres.copy_format import BrokenStreamError, RowCounter
from neonhub_backup.postgres.programs import client_programs
from neonhub_backup.processes import Command, Pipeline, Programs, StoppedError, run
from neonhub_backup.progress import phase
from neonhub_backup.restore.reading import plain
from neonhub_backup.streams import settle, workers


@dataclass
class Verdict:
    """What was found out about one copy."""

    copy: Candidate
    deep: bool
    damage: list[str] = field(default_factory=list[str])
    """One line for each object that is not what was written."""
    unread: list[str] = field(default_factory=list[str])
    """One line for each object that the store did not hand out."""
    unexpected: list[str] = field(default_factory=list[str])
    """Names below the backup's prefix that the manifest does not list. No restore reads them."""
    seconds: float = 0.0

    @property
    def is_whole(self) -> bool:
        """Whether every object is there and is what was written."""
        return not self.damage and not self.unread


def verify(copy: Candidate, programs: Programs, decrypt: Decryptor | None) -> Verdict:
    """Read every object of a copy and compare it with the manifest.

    With `decrypt`, each is decrypted and decompressed too, the rows of every stream are counted,
    and the archive's table of contents is read.

    Raises:
        StoreError: the store cannot list the copy's objects.
        ProgramError: a program that this needs is missing.
    """
    began = time.monotonic()
    check = _Check(copy, programs) if decrypt is None else _DeepCheck(copy, programs, decrypt)
    there = listed_sizes(copy.store, copy.location)
    verdict = Verdict(copy, deep=decrypt is not None)
    promised = copy.manifest.objects()
    wrong = misfits(promised, there)
    verdict.damage = [f"{name} {said}" for name, said in wrong.items()]
    verdict.unexpected = sorted(there.keys() - {stored.name for stored in promised} - {MANIFEST})
    jobs = [(stored, job) for stored, job in check.jobs() if stored.name not in wrong]
    sizes = {stored.name: stored.bytes for stored, _ in jobs}
    with phase(programs.progress, f"verifying {copy.store.name}", sizes), workers() as pool:
        settle([pool.submit(_judge, verdict, stored, job) for stored, job in jobs], programs)
    verdict.damage.sort()
    verdict.unread.sort()
    verdict.seconds = time.monotonic() - began
    return verdict


def _judge(verdict: Verdict, stored: StoredObject, job: Callable[[], None]) -> None:
    try:
        job()
    except StoppedError:
        raise
    except _DamageError as error:
        verdict.damage.append(f"{stored.name} {error}")
    except IntegrityError:
        verdict.damage.append(f"{stored.name} has another sha256 than when it was written")
    except ProgramError as error:
        said = error.said or str(error)
        verdict.damage.append(f"{stored.name} cannot be opened ({said})")
    except StoreError as error:
        verdict.unread.append(f"{stored.name}: {error}")


class _DamageError(Exception):
    """An object is what was written, and still not what it should be; a predicate."""


@dataclass(frozen=True)
class _Check:
    """Reads each object."""

    copy: Candidate
    programs: Programs

    def jobs(self) -> Generator[tuple[StoredObject, Callable[[], None]]]:
        """Each object, and what reads it; the largest first."""
        for stored in sorted(
            self.copy.manifest.objects(), key=lambda stored: stored.bytes, reverse=True
        ):
            yield stored, partial(self._read, stored)

    def _read(self, stored: StoredObject) -> None:
        for _ in self.blocks(stored):
            pass

    def blocks(self, stored: StoredObject) -> Generator[bytes]:
        """An object's bytes as they are stored, until the run is stopped."""
        key = self.copy.location.prefix + stored.name
        return read_along(self.copy.store, key, stored, self.programs)


@dataclass(frozen=True)
class _DeepCheck(_Check):
    """Opens each object."""

    decrypt: Decryptor

    def __post_init__(self) -> None:
        # A program that is missing is no damage.
        run(self.programs, Command(["zstd", "--version"]))
        client_programs(self.copy.manifest.archive_major)

    def jobs(self) -> Generator[tuple[StoredObject, Callable[[], None]]]:
        """Each object, and what opens it; the largest first."""
        manifest = self.copy.manifest
        chunks = [(table, chunk) for table in manifest.tables for chunk in table.chunks]
        yield manifest.archive, self._open_archive
        for table, chunk in sorted(chunks, key=lambda item: item[1].bytes, reverse=True):
            yield chunk, partial(self._count, table, chunk)

    @property
    def _source(self) -> Source:
        return Source(self.copy.store, self.copy.location, self.copy.manifest, self.decrypt)

    def _open_archive(self) -> None:
        manifest = self.copy.manifest
        with tempfile.TemporaryDirectory(prefix="nhb-") as directory:
            path = Path(directory) / "archive.dump"
            commands = [self.decrypt.command(), decompress_into(path)]
            with Pipeline(self.programs, commands, fed=True) as pipeline:
                for block in self.blocks(manifest.archive):
                    pipeline.write(block)
                pipeline.finish()
            suite = client_programs(manifest.archive_major)
            run(self.programs, Command([suite.path("pg_restore"), "--list", str(path)]))

    def _count(self, table: Table, chunk: Chunk) -> None:
        counter = RowCounter(table.form, len(table.columns))
        broken: BrokenStreamError | None = None
        with plain(self._source, chunk, self.programs, chunk.name) as stream:
            for block in stream:
                if broken is None:
                    try:
                        counter.feed(block)
                    except BrokenStreamError as error:
                        broken = error  # and read on: why it is so may only show at the end
        try:
            if broken is not None:
                raise broken
            rows = counter.finish()
        except BrokenStreamError as error:
            raise _DamageError(f"is no whole COPY stream: {error}") from error
        if rows != chunk.rows:
            raise _DamageError(
                f"holds {rows} rows of {quoted(*table.identity)} instead of {chunk.rows}"
            )
