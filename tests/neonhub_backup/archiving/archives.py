"""Base backups and archives for tests that need no server."""

from datetime import UTC, datetime
from pathlib import Path

from neonhub_backup.archiving.archive import Base
from neonhub_backup.archiving.directory import DirectoryArchive
from neonhub_backup.domain import configuration
from neonhub_backup.stores.directory import DirectoryStore

SIZE = 1 << 24


def base(day: int, *, timeline: int = 1) -> Base:
    """A base backup of some day in January, whose WAL begins with the segment of that number."""
    return Base(
        name=f"202601{day:02d}T020000",
        started=datetime(2026, 1, day, 2, tzinfo=UTC),
        ended=datetime(2026, 1, day, 3, tzinfo=UTC),
        timeline=timeline,
        begin=day * SIZE + 40,
        end=day * SIZE + 300,
        segment_bytes=SIZE,
        system="7000000000000000001",
        major=18,
        bytes=1000,
    )


def directory_archive(path: Path) -> DirectoryArchive:
    """An empty archive in a directory."""
    return DirectoryArchive(
        DirectoryStore(configuration.DirectoryStore(name="disk", path=path)), "shop"
    )
