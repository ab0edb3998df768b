"""What no recovery needs any more, in an archive that lets nothing expire by itself.

A recovery to any moment of the daily tier's time must stay possible, or of the lowest tier's where
there is no daily one: the newest base backup from before that time is kept, with all after it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from neonhub_backup.archiving.archive import Base
from neonhub_backup.archiving.directory import DESCRIPTION, DirectoryArchive
from neonhub_backup.archiving.segments import folder_of, is_history, reach, segment_number
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.errors import IntegrityError
from neonhub_backup.temporary import remove_folder
from neonhub_backup.upkeep.pruning import ABANDONED


@dataclass(frozen=True)
class Survey:
    """What would be deleted, and what would not."""

    since: datetime
    """The start of the time to any moment of which a recovery stays possible."""
    expired: tuple[Base, ...]
    kept: tuple[Base, ...]
    files: tuple[str, ...]
    """WAL from before the oldest base backup that is kept."""
    leftovers: tuple[str, ...]
    """Folders of base backups that were ended before they were complete."""


def survey(archive: DirectoryArchive, retention: RetentionPolicy, now: datetime) -> Survey:
    """Decide; nothing is changed.

    Raises:
        IntegrityError: a base backup that would be kept lacks WAL, so that older ones may be
            needed.
    """
    rules = retention.rules()
    since = now - rules.get(Tier.DAILY, next(iter(rules.values()))).keep
    expired, kept = divide(archive.bases(), since)
    files = archive.files()
    way = archive.way(files)
    for base in kept if expired else ():
        missing = reach(way, base.begin, files, base.segment_bytes).missing
        if missing is not None:
            raise IntegrityError(
                f"WAL segment {missing} is missing in {archive.here}, so that base backup"
                f" {base.name} leads no further and nothing was deleted: bring it back, or take a"
                " new base backup and prune once the gap is older than what is kept"
            )
    leftovers = tuple(archive.drafts(now - ABANDONED))
    return Survey(since, expired, kept, needless(files, kept), leftovers)


def divide(bases: Sequence[Base], since: datetime) -> tuple[tuple[Base, ...], tuple[Base, ...]]:
    """Those that a newer one from before `since` makes needless, and the others; oldest first."""
    before = [number for number, base in enumerate(bases) if base.ended <= since]
    first = before[-1] if before else 0
    return tuple(bases[:first]), tuple(bases[first:])


def needless(files: set[str], kept: Sequence[Base]) -> tuple[str, ...]:
    """WAL that comes before all base backups that are kept; histories always stay."""
    if not kept:
        return ()
    first = min(base.begin // base.segment_bytes for base in kept)
    size = kept[0].segment_bytes
    return tuple(
        sorted(
            name for name in files if not is_history(name) and segment_number(name, size) < first
        )
    )


def carry_out(archive: DirectoryArchive, found: Survey) -> None:
    """Delete what was decided; a base backup is none any more before its first file goes."""
    for name in found.leftovers:
        with archive.directory.telling("remove", f"{archive.prefix}base/{name}"):
            remove_folder(archive.folder / name)
    for base in found.expired:
        place = archive.base_place(base.name)
        archive.directory.remove([f"{archive.prefix}base/{base.name}/{DESCRIPTION}"])
        with archive.directory.telling("remove", f"{archive.prefix}base/{base.name}"):
            remove_folder(place)
    for name in found.files:
        place = archive.directory.path("remove", archive.wal_key(name))
        with archive.directory.telling("remove", archive.wal_key(name)):
            place.unlink(missing_ok=True)
    for folder in sorted({folder_of(name) for name in found.files}):
        archive.directory.remove_directories(f"{archive.prefix}wals/{folder}", above=0)
