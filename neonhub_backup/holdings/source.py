"""A backup as it is read: every byte compared with what was written."""

import hashlib
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass

from neonhub_backup.domain.layout import Location
from neonhub_backup.domain.manifest import Manifest, StoredObject
from neonhub_backup.encryption import Decryptor
from neonhub_backup.errors import IntegrityError
from neonhub_backup.processes import Programs, StoppedError
from neonhub_backup.stores.base import Store
from neonhub_backup.streams import settle, workers


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
        yield from read_checked(self.store, self.key(stored), stored)


def read_checked(store: Store, key: str, stored: StoredObject) -> Generator[bytes]:
    """An object's bytes as they are stored, checked against the manifest as they pass.

    Raises:
        IntegrityError: after the last block, when they are not what was written.
    """
    digest, size = hashlib.sha256(), 0
    with store.download(key) as blocks:
        for block in blocks:
            digest.update(block)
            size += len(block)
            yield block
    if (size, digest.hexdigest()) != (stored.bytes, stored.sha256):
        raise IntegrityError(
            f"{store.address}/{key} is not what the backup wrote ({size} bytes with another sha256"
            f" instead of {stored.bytes}), so it is used for nothing: use another backup or"
            " another store, or bring back the object's earlier version"
        )


def read_along(
    store: Store, key: str, stored: StoredObject, programs: Programs
) -> Generator[bytes]:
    """As `read_checked`; whoever watches the run is told, and a stopped one reads no further.

    Raises:
        IntegrityError: after the last block, when they are not what was written.
        StoppedError: the run was stopped.
    """
    for block in read_checked(store, key, stored):
        if programs.stopped:
            raise StoppedError("the run was stopped")
        yield block
        programs.progress.advance(stored.name, len(block))


def listed_sizes(store: Store, location: Location) -> dict[str, int]:
    """Everything below a backup's prefix: names, and how many bytes each has. One listing."""
    prefix = location.prefix
    return {listed.key.removeprefix(prefix): listed.bytes for listed in store.list(prefix)}


def misfits(objects: Iterable[StoredObject], sizes: Mapping[str, int]) -> dict[str, str]:
    """What is wrong with those that are not there with the size they were written with."""
    found: dict[str, str] = {}
    for stored in objects:
        size = sizes.get(stored.name)
        if size is None:
            found[stored.name] = "is missing"
        elif size != stored.bytes:
            found[stored.name] = f"has {size} bytes instead of {stored.bytes}"
    return found


def check_presence(source: Source) -> None:
    """See in one listing that every object is there, with the size it was written with.

    Raises:
        IntegrityError: one is missing or truncated.
    """
    store, location, manifest = source.store, source.location, source.manifest
    for name, wrong in misfits(manifest.objects(), listed_sizes(store, location)).items():
        raise IntegrityError(
            f"{store.address}/{location.prefix}{name} {wrong}, so backup {manifest.name} is not"
            " complete and nothing is restored from it: restore another backup, or bring back the"
            " object's earlier version"
        )


def check_objects(source: Source, programs: Programs) -> None:
    """Read every object of the backup once and compare it with the manifest.

    Raises:
        IntegrityError: one is missing, truncated, swapped or corrupt.
    """
    check_presence(source)
    with workers() as pool:
        settle(
            [pool.submit(_read, source, stored) for stored in source.manifest.objects()], programs
        )


def _read(source: Source, stored: StoredObject) -> None:
    for _ in source.blocks(stored):
        pass
