"""A WAL archive: what one server archived, and the base backups that its WAL continues.

It is `wal/<archive>/` of a directory store or of an operations bucket. Whatever the store, names
and places are those of barman: `wals/<folder>/<file>` and `base/<backup>/`. An empty object
`system-<identifier>` marks whose archive it is.
"""

import logging
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath

from neonhub_backup.archiving.segments import (
    Stretch,
    folder_of,
    histories,
    is_wal_file,
    leads_on,
    newest_timeline,
    read_way,
)
from neonhub_backup.domain.layout import WAL
from neonhub_backup.errors import ConfigurationError, IntegrityError, NoBackupError, StoreError
from neonhub_backup.postgres.connection import Target
from neonhub_backup.processes import Programs
from neonhub_backup.stores.base import Store

log = logging.getLogger(__name__)

BASE_NAME = "%Y%m%dT%H%M%S"
"""How base backups are named, by the time at which they began."""

_COMPRESSED = (".lz4", ".gz")


@dataclass(frozen=True)
class Base:
    """A complete base backup."""

    name: str
    started: datetime
    ended: datetime
    """From here on, and not before, a recovery can stop."""
    timeline: int
    begin: int
    """The position from which on WAL is needed."""
    end: int
    """The position at which it is consistent."""
    segment_bytes: int
    system: str
    """Identifier of the server that it was taken from."""
    major: int
    bytes: int | None
    """Size of its data. None: unknown."""


class Archive(ABC):
    """One archive; directories and buckets differ in how bytes get there and back."""

    def __init__(self, store: Store, name: str) -> None:
        """Nothing is contacted before first use."""
        self.store = store
        self.name = name
        self.prefix = f"{WAL}{name}/"

    @property
    def address(self) -> str:
        """Where it is, for people."""
        return f"{self.store.address}/{self.prefix}"

    @property
    def here(self) -> str:
        """What sentences call it."""
        return f"archive {self.name} ({self.address})"

    def push(self, path: Path) -> None:
        """Archive a file of a server's `pg_wal`; one that is there already must be the same.

        Raises:
            ConfigurationError: it is no such file, or the archive is another server's.
            StoreError: the store refuses.
            IntegrityError: another file of this name is there.
        """
        if not is_wal_file(path.name):
            raise ConfigurationError(
                f"{path.name} is not the name of a WAL file, so nothing was archived: give the path"
                " that PostgreSQL puts for %p"
            )
        self._claim(_system_of(path))
        self._send(path)

    def fetch(self, name: str, target: Path) -> None:
        """Bring back a file for a recovery.

        Raises:
            NoBackupError: it is not in the archive.
            StoreError: the store refuses.
        """
        if not is_wal_file(name):
            raise NoBackupError(
                f"{name} is not the name of a WAL file, so there is none in {self.here}: give what"
                " PostgreSQL puts for %f"
            )
        self._bring(name, target)

    def files(self) -> set[str]:
        """The names of all archived files."""
        return set(self.written())

    def written(self) -> dict[str, datetime | None]:
        """All archived files, and when the store took each. None: it does not tell."""
        return {
            _plain(PurePosixPath(listed.key).name): listed.written
            for listed in self.store.list(f"{self.prefix}wals/")
        }

    def systems(self) -> list[str]:
        """Identifiers of the servers that have archived here; more than one is a mistake."""
        marks = self.store.list(f"{self.prefix}system-")
        return [listed.key.rpartition("-")[2] for listed in marks]

    def way(self, files: set[str], timeline: int | None = None) -> tuple[Stretch, ...]:
        """The timelines that lead to one, or to the newest.

        Raises:
            NoBackupError: the archive has nothing of it.
        """
        wanted = timeline or newest_timeline(files)
        if timeline is not None and not any(int(name[:8], 16) == timeline for name in files):
            raise NoBackupError(
                f"{self.here} has no WAL of timeline {timeline}, so there is nothing to recover on"
                f" it: its newest one is {newest_timeline(files)}"
            )
        text = self.history(wanted) if wanted in histories(files) else ""
        return read_way(wanted, text)

    def bases(self) -> list[Base]:
        """All complete base backups, oldest first. One whose description is damaged is left out."""
        found: list[Base] = []
        for key in self._base_keys():
            try:
                base = self._read_base(key)
            except IntegrityError as error:
                log.warning("%s; it is left out", error)
                continue
            if base is not None:
                found.append(base)
        return sorted(found, key=lambda base: base.ended)

    def bases_on(self, way: tuple[Stretch, ...]) -> list[Base]:
        """The base backups from which this way can be taken, oldest first."""
        return [base for base in self.bases() if leads_on(way, base.timeline, base.end)]

    def history(self, timeline: int) -> str:
        """The text of a timeline's history file."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{timeline:08X}.history"
            self.fetch(path.name, path)
            return path.read_text()

    @abstractmethod
    def create_base(self, target: Target, programs: Programs) -> str:
        """Take a base backup of a running server; its name."""

    @abstractmethod
    def restore_base(self, base: Base, data: Path, programs: Programs) -> None:
        """Put a base backup into an empty directory."""

    @abstractmethod
    def _send(self, path: Path) -> None: ...

    @abstractmethod
    def _bring(self, name: str, target: Path) -> None: ...

    @abstractmethod
    def _base_keys(self) -> Iterator[str]: ...

    @abstractmethod
    def _read_base(self, key: str) -> Base | None: ...

    def wal_key(self, name: str) -> str:
        """Where a file is, if it is not compressed."""
        parts = (part for part in (f"{self.prefix}wals", folder_of(name), name) if part)
        return "/".join(parts)

    def check_system(self, system: str) -> bool:
        """Make sure that the archive is this server's, or nobody's yet; whether it is marked.

        Raises:
            ConfigurationError: it is another server's.
        """
        found = self.systems()
        others = [other for other in found if other != system]
        if others:
            raise ConfigurationError(
                f"{self.here} belongs to the server with system identifier {', '.join(others)} and"
                f" not to this one, {system}, so nothing was archived: one of both would destroy"
                " what the other archived; set databases.….archiving.archive to a name of its own"
            )
        return bool(found)

    def _claim(self, system: str) -> None:
        if self.check_system(system):
            return
        with self.store.upload(f"{self.prefix}system-{system}", None) as upload:
            upload.commit()
        # Two servers that begin at the same moment both see both marks, and both stop.
        self.check_system(system)


def describe_base(base: Base) -> Iterator[tuple[str, object]]:
    """A base backup as `--json` shows it."""
    yield "name", base.name
    yield "started", base.started.isoformat()
    yield "ended", base.ended.isoformat()
    yield "timeline", base.timeline
    yield "major", base.major
    yield "system", base.system
    yield "bytes", base.bytes


def _plain(name: str) -> str:
    for suffix in _COMPRESSED:
        name = name.removesuffix(suffix)
    return name


def _system_of(path: Path) -> str:
    """Identifier of the server whose `pg_wal` a file is in."""
    control = path.parent.parent / "global" / "pg_control"
    try:
        content = control.read_bytes()[:8]
    except OSError as error:
        raise ConfigurationError(
            f"{control} cannot be read ({error.strerror}), so it is unknown whose WAL {path.name}"
            " is and nothing was archived: run this as the archive_command of a server, with the"
            " path that it puts for %p"
        ) from error
    return str(int.from_bytes(content, sys.byteorder))


def refuse_other(archive: Archive, name: str) -> IntegrityError:
    """What is said of a file that is there already with another content."""
    return IntegrityError(
        f"{archive.here} has another {name} already, which is never overwritten, so it was not"
        " archived and the server keeps it: two servers share this archive, such as a restored copy"
        " that archives; set archive_mode = off in one of them, or give it an archive of its own"
    )


def unreachable(archive: Archive, what: str, reason: str) -> StoreError:
    """What is said when a program of barman fails."""
    return StoreError(
        f"{what} {archive.here}: {reason}; correct its address, its credentials or the network, and"
        " run it again"
    )
