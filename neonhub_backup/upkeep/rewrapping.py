"""Encrypting a backup anew to the recipients of today: as another backup, for nothing is changed.

Each object goes from the store through gpg and back into a store. What was read and what is written
are opened once more as they pass, and must have the same digest before the object exists.
"""

import hashlib
import logging
import secrets
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property, partial
from typing import TypeVar

from neonhub_backup import __version__
from neonhub_backup.domain.layout import MANIFEST, Location
from neonhub_backup.domain.manifest import Manifest, StoredObject, dump_manifest
from neonhub_backup.domain.retention import RetentionPolicy
from neonhub_backup.encryption import (
    PRIVATE_KEY_FILE_VARIABLE,
    PRIVATE_KEY_VARIABLE,
    Decryptor,
    Encryptor,
)
from neonhub_backup.errors import BackupError, EncryptionError, IntegrityError
from neonhub_backup.gpg import gpg
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.holdings.source import Source, check_objects, read_along
from neonhub_backup.processes import Command, Pipeline, Programs
from neonhub_backup.progress import phase
from neonhub_backup.stores.base import Lock, Store, write_whole
from neonhub_backup.streams import settle, workers
from neonhub_backup.upkeep.copying import lock_for

log = logging.getLogger(__name__)

PROCEDURE = """\
How a key is replaced:
  1. On a machine that takes no backups, make a new key pair with an encryption subkey.
  2. Add its public half to the configuration, beside the old one, and deploy. From now on, new
     backups can be read with either private key.
  3. With both private keys at hand: neonhub-backup keys check --backup latest
  4. Re-wrap what must stay readable: neonhub-backup keys rotate --all, or name the backups.
     Then neonhub-backup copy brings each copy to the other stores.
  5. With the new private key alone: neonhub-backup drill one of the copies.
  6. Remove the old public key from the configuration and deploy. Keep its private half until the
     last backup that was made for it has expired.
docs/keys.md says more, also of keys that were lost or stolen."""
"""What people do, and when the tool comes in."""

# Without a keyring, since programs that run side by side would each make the user's.
_DIGEST = Command([*gpg(None), "--no-options", "--no-keyring", "--print-md", "SHA256"])
_ID_END = 1 << 32
"""Above every id that 8 hexadecimal digits can write."""

Stored = TypeVar("Stored", bound=StoredObject)


class Outcome(StrEnum):
    """What became of a backup."""

    REWRAPPED = "rewrapped"
    """There is a new one, which is a copy of it."""
    ALREADY = "already"
    """An earlier run has made the copy."""
    NEEDLESS = "needless"
    """It is encrypted to the recipients of today, and to no others."""
    OWED = "owed"
    """It would be re-wrapped, but for `--dry-run`."""


@dataclass(frozen=True)
class Rotated:
    """One backup after its turn."""

    original: Manifest
    outcome: Outcome
    copy: Manifest | None
    """None: there is none."""


@dataclass(frozen=True)
class Rotation:
    """Re-wraps backups of one store into the same or another one."""

    store: Store
    to: Store
    retention: RetentionPolicy
    encrypt: Encryptor
    decrypt: Decryptor

    def one(
        self, location: Location, original: Manifest, programs: Programs, *, dry_run: bool
    ) -> Rotated:
        """Re-wrap a backup, unless that is needless.

        Raises:
            EncryptionError: it cannot be read, or its copy could not be.
            BackupError: there is no new backup.
        """
        recipients = self.encrypt.recipients
        if _readers(original) == set(recipients):
            return Rotated(original, Outcome.NEEDLESS, None)
        for manifest in self._copies:
            if manifest.rewrapped_from == original.name and _readers(manifest) == set(recipients):
                return Rotated(original, Outcome.ALREADY, manifest)
        self._check(original)
        if dry_run:
            return Rotated(original, Outcome.OWED, None)
        lock = lock_for(location, self.retention, datetime.now(UTC))
        source = Source(self.store, location, original, self.decrypt)
        made = Rewrap(source, self.to, self.encrypt, lock, programs).run()
        log.info("re-wrapped %s as %s", original.name, made.name)
        return Rotated(original, Outcome.REWRAPPED, made)

    @cached_property
    def _copies(self) -> list[Manifest]:
        catalogue = Catalogue(self.to)
        read = [manifest for _, manifest in catalogue.read_all(catalogue.locations())]
        return [one for one in read if isinstance(one, Manifest) and one.rewrapped_from]

    def _check(self, original: Manifest) -> None:
        self.decrypt.check(original.recipients, original.name)
        if not self.decrypt.fingerprints.intersection(self.encrypt.recipients):
            raise EncryptionError(
                "no private key of the configuration's recipients"
                f" ({', '.join(self.encrypt.recipients)}) is at hand, so what is written of"
                f" {original.name} could not be read back and nothing was written: give one of them"
                f" beside the old key, in {PRIVATE_KEY_VARIABLE} or in the file of"
                f" {PRIVATE_KEY_FILE_VARIABLE}, one after the other"
            )


def every_current(
    store: Store, databases: Collection[str]
) -> tuple[list[tuple[Location, Manifest]], list[BackupError]]:
    """All backups of some databases, newest first, and what is wrong with those that are damaged.

    Those of which there is a copy are left out: it stands for them, whatever its recipients are.
    """
    catalogue = Catalogue(store)
    found: list[tuple[Location, Manifest]] = []
    damaged: list[BackupError] = []
    for location, read in catalogue.read_all(catalogue.locations()):
        if not isinstance(read, Manifest):
            damaged.append(read)
        elif read.database in databases:
            found.append((location, read))
    copied = {manifest.rewrapped_from for _, manifest in found}
    return [one for one in found if one[1].name not in copied], damaged


@dataclass(frozen=True)
class Rewrap:
    """One backup on its way to other recipients."""

    source: Source
    store: Store
    """Where the new backup goes."""
    encrypt: Encryptor
    lock: Lock | None
    programs: Programs

    def run(self) -> Manifest:
        """Write the new backup, its manifest last; the old one stays as it is.

        Raises:
            BackupError: there is no new backup.
        """
        original = self.source.manifest
        # What is damaged is found before anything is written that nobody could delete again.
        check_objects(self.source, self.programs)
        place = place_after(self.source.location)
        sizes = {stored.name: stored.bytes for stored in original.objects()}
        named = f"re-wrapping {original.name}"
        with phase(self.programs.progress, named, sizes), workers() as pool:
            jobs = {
                stored.name: pool.submit(partial(self._object, place, stored))
                for stored in sorted(original.objects(), key=lambda one: -one.bytes)
            }
            settle([*jobs.values()], self.programs)
        written = {name: job.result() for name, job in jobs.items()}
        manifest = _rewritten(original, place, written, self.encrypt.recipients)
        write_whole(self.store, place.prefix + MANIFEST, dump_manifest(manifest), self.lock)
        return manifest

    def _object(self, place: Location, stored: StoredObject) -> StoredObject:
        decrypt = self.source.decrypt.command()
        digest, size = hashlib.sha256(), 0
        with (
            # Its thread is waited for last, when the programs that it feeds have ended.
            ThreadPoolExecutor(1, "feed") as thread,
            self.store.upload(place.prefix + stored.name, self.lock) as upload,
            Pipeline(self.programs, [decrypt, _DIGEST], fed=True) as read,
            Pipeline(self.programs, [decrypt, _DIGEST], fed=True) as written,
            Pipeline(self.programs, [decrypt, self.encrypt.command()], fed=True) as through,
        ):
            feed = thread.submit(self._feed, stored, through, read)
            for block in through.blocks():
                digest.update(block)
                size += len(block)
                upload.write(block)
                written.write(block)
            feed.result()
            through.finish()
            if read.finish() != written.finish():
                raise IntegrityError(
                    f"{self.store.address}/{place.prefix}{stored.name} would not have held what"
                    f" {self.source.store.address}/{self.source.key(stored)} does, so there is no"
                    " new backup: try again, and look into the memory of this machine"
                )
            upload.commit()
        log.debug("re-wrapped %s, %d bytes", stored.name, size)
        return StoredObject(name=stored.name, bytes=size, sha256=digest.hexdigest())

    def _feed(self, stored: StoredObject, through: Pipeline, read: Pipeline) -> None:
        try:
            key = self.source.key(stored)
            for block in read_along(self.source.store, key, stored, self.programs):
                through.write(block)
                read.write(block)
        finally:
            # Whatever happened, what waits for more must get to its end.
            through.end_input()


def place_after(original: Location) -> Location:
    """A place for a copy: of the same moment and tier, with a name that sorts after the original's.

    `latest` is the last of what began at the same moment, and so the copy.
    """
    stamp, _, number = original.name.partition("-")
    above = int(number, 16) + 1
    if above == _ID_END:  # no number is greater, so any other will do
        above = 0
    return replace(original, name=f"{stamp}-{above + secrets.randbelow(_ID_END - above):08x}")


def _readers(manifest: Manifest) -> set[str]:
    return set(manifest.recipients)


def _rewritten(
    original: Manifest,
    place: Location,
    written: dict[str, StoredObject],
    recipients: tuple[str, ...],
) -> Manifest:
    def now(stored: Stored) -> Stored:
        other = written[stored.name]
        return stored.model_copy(update={"bytes": other.bytes, "sha256": other.sha256})

    tables = tuple(
        table.model_copy(update={"chunks": tuple(now(chunk) for chunk in table.chunks)})
        for table in original.tables
    )
    return original.model_copy(
        update={
            "name": place.name,
            "tool_version": __version__,
            "rewrapped_from": original.name,
            "archive": now(original.archive),
            "tables": tables,
            "recipients": recipients,
        }
    )
