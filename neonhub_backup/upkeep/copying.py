"""Moving a backup as it is, without opening it: into a folder, or into another store.

Both keep what an earlier run has brought over already, and write the manifest last.
"""

import hashlib
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from neonhub_backup.domain.layout import MANIFEST, Location
from neonhub_backup.domain.manifest import StoredObject
from neonhub_backup.domain.retention import RetentionPolicy
from neonhub_backup.errors import ConfigurationError, IntegrityError, StoreError
from neonhub_backup.files import new_file, telling
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.holdings.selection import Candidate
from neonhub_backup.holdings.source import read_along
from neonhub_backup.processes import Programs
from neonhub_backup.progress import phase
from neonhub_backup.stores.base import Lock, Store, write_whole
from neonhub_backup.streams import settle, workers

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moved:
    """What a fetch or a copy did."""

    place: str
    """Where the backup is now."""
    moved: int
    """Objects that were brought over, without the manifest."""
    kept: int
    """Objects that were there already, and are what they should be."""


def fetch(copy: Candidate, directory: Path, programs: Programs) -> Moved:
    """Download a backup into a folder of its name, as docs/archive-format.md restores it from.

    Raises:
        ConfigurationError: there is no such directory.
        IntegrityError: an object is not what was written, in the store or in the folder.
        StoreError: the store cannot be read, or the disk not written.
    """
    if not directory.is_dir():
        raise ConfigurationError(
            f"{directory} is not a directory, so nothing was fetched: create it, or give another"
        )
    folder = directory / copy.location.name
    manifest, _ = Catalogue(copy.store).read(copy.location)
    path = folder / MANIFEST
    if path.exists() and path.read_bytes() != manifest:
        raise _differs(path)
    missing = [
        stored for stored in _largest_first(copy) if not _is_file(_within(folder, stored), stored)
    ]
    _check_space(directory, sum(stored.bytes for stored in missing))
    sizes = {stored.name: stored.bytes for stored in missing}
    with phase(programs.progress, f"fetching from {copy.store.name}", sizes):
        jobs = [partial(_fetch, copy, folder, stored, programs) for stored in missing]
        _side_by_side(jobs, programs)
    if not path.exists():
        with new_file(path) as file:
            file.write(manifest)
            file.commit()
    return Moved(str(folder), len(missing), len(copy.manifest.objects()) - len(missing))


def copy_to(
    copy: Candidate, store: Store, retention: RetentionPolicy, now: datetime, programs: Programs
) -> Moved:
    """Copy a backup into another store, encrypted as it is and locked as its tier asks.

    Raises:
        ConfigurationError: that store has it already.
        IntegrityError: an object is not what was written, in either store.
        StoreError: a store refused.
    """
    catalogue = Catalogue(store)
    if copy.location in catalogue.places(copy.location.name):
        raise ConfigurationError(
            f"store {store.name} ({store.address}) has the complete backup {copy.location.name}"
            " already, so nothing was copied: neonhub-backup verify tells whether it is what was"
            " written"
        )
    lock = lock_for(copy.location, retention, now)
    manifest, _ = Catalogue(copy.store).read(copy.location)
    there = {listed.key for listed in store.list(copy.location.prefix)}
    jobs: list[Callable[[], bool]] = [
        partial(_keep, copy, store, stored, programs)
        if copy.location.prefix + stored.name in there
        else partial(_copy, copy, store, stored, lock, programs)
        for stored in _largest_first(copy)
    ]
    sizes = {stored.name: stored.bytes for stored in copy.manifest.objects()}
    with phase(programs.progress, f"copying to {store.name}", sizes):
        moved = sum(_side_by_side(jobs, programs))
    write_whole(store, copy.location.prefix + MANIFEST, manifest, lock)
    return Moved(f"{store.address}/{copy.location.prefix}", moved, len(jobs) - moved)


def lock_for(location: Location, retention: RetentionPolicy, now: datetime) -> Lock | None:
    """The lock that the backup had when it was taken, as far as it still lasts.

    None: it has ended, or its tier has none; then the bucket's own default holds.
    """
    if retention.lock_mode is None or location.tier not in retention.rules():
        return None
    until = retention.locked_until(location.tier, location.started)
    return None if until is None or until <= now else Lock(retention.lock_mode, until)


def _largest_first(copy: Candidate) -> list[StoredObject]:
    return sorted(copy.manifest.objects(), key=lambda stored: stored.bytes, reverse=True)


def _within(folder: Path, stored: StoredObject) -> Path:
    """An object's file; never outside of the folder, whoever wrote the manifest."""
    path = folder / stored.name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise IntegrityError(
            f"the manifest names an object {stored.name!r}, which leads out of {folder}, so nothing"
            " was fetched: find out who wrote it, and use another backup"
        )
    return path


def _side_by_side(jobs: Sequence[Callable[[], bool]], programs: Programs) -> list[bool]:
    with workers() as pool:
        futures = [pool.submit(job) for job in jobs]
        settle(futures, programs)
    return [future.result() for future in futures]


def _fetch(copy: Candidate, folder: Path, stored: StoredObject, programs: Programs) -> bool:
    path = folder / stored.name
    with telling(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = copy.location.prefix + stored.name
    with new_file(path) as file:
        for block in read_along(copy.store, key, stored, programs):
            file.write(block)
        file.commit()
    log.debug("fetched %s, %d bytes", path, stored.bytes)
    return True


def _copy(
    copy: Candidate, store: Store, stored: StoredObject, lock: Lock | None, programs: Programs
) -> bool:
    key = copy.location.prefix + stored.name
    with store.upload(key, lock) as upload:
        for block in read_along(copy.store, key, stored, programs):
            upload.write(block)
        upload.commit()
    log.debug("copied %s, %d bytes", key, stored.bytes)
    return True


def _keep(copy: Candidate, store: Store, stored: StoredObject, programs: Programs) -> bool:
    """Read what an earlier run has copied; it cannot be overwritten, so it must be right."""
    for _ in read_along(store, copy.location.prefix + stored.name, stored, programs):
        pass
    return False


def _is_file(path: Path, stored: StoredObject) -> bool:
    """Whether an earlier run has fetched an object.

    Raises:
        IntegrityError: a file of its name is something else.
    """
    if not path.exists():
        return False
    with path.open("rb") as file:
        found = path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
    if found != (stored.bytes, stored.sha256):
        raise _differs(path)
    return True


def _differs(path: Path) -> IntegrityError:
    return IntegrityError(
        f"{path} is not what the backup wrote, and files are never overwritten, so nothing was"
        " fetched: move it away and fetch again"
    )


def _check_space(directory: Path, needed: int) -> None:
    free = shutil.disk_usage(directory).free
    if needed > free:
        raise StoreError(
            f"{directory} has room for {free} bytes and the backup takes {needed} more, so nothing"
            " was fetched: free some space, or give another directory"
        )
