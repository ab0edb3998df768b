"""Which backup is meant, and which stores hold a copy of it."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

from neonhub_backup.domain.layout import Location
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.retention import Tier
from neonhub_backup.encryption import Decryptor
from neonhub_backup.errors import (
    BackupError,
    ConfigurationError,
    DifferenceError,
    IntegrityError,
    NoBackupError,
    StoreError,
)
from neonhub_backup.holdings.catalogue import LATEST, Catalogue
from neonhub_backup.holdings.source import Source
from neonhub_backup.stores.base import Store
from neonhub_backup.wording import moment_text

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What a backup must be: one by its name, or the newest that fits.

    Raises:
        ConfigurationError: a name is given and something besides.
    """

    database: str
    """Name of the database in the configuration."""
    name: str = LATEST
    """A backup's name, or `latest`."""
    tier: Tier | None = None
    """None: of any tier."""
    at: datetime | None = None
    """The newest that was begun at this time or before. None: the newest of all."""
    besides: frozenset[str] = frozenset()
    """Names of backups that `latest` never is."""

    def __post_init__(self) -> None:
        if self.name != LATEST and (self.tier is not None or self.at is not None):
            option = "--tier" if self.at is None else "--at"
            raise ConfigurationError(
                f"{self.name} names one backup and {option} asks for another choice, so it is"
                f" unclear which is meant and nothing was done: leave one of the two out"
            )

    def fits(self, location: Location) -> bool:
        """Whether this may be it, as far as its place tells."""
        meant = (
            location.name not in self.besides if self.name == LATEST else location.name == self.name
        )
        return (
            meant
            and self.tier in (None, location.tier)
            and (self.at is None or location.started <= self.at)
        )

    def __str__(self) -> str:
        if self.name != LATEST:
            return f"complete backup {self.name}"
        of_tier = f" {self.tier}" if self.tier is not None else ""
        before = f" begun at {moment_text(self.at)} or before" if self.at is not None else ""
        return f"complete{of_tier} backup of database {self.database}{before}"


@dataclass(frozen=True)
class Candidate:
    """One copy of the chosen backup."""

    store: Store
    location: Location
    manifest: Manifest

    def source(self, decrypt: Decryptor) -> Source:
        """What a restore reads.

        Raises:
            EncryptionError: no private key at hand can read it.
        """
        decrypt.check(self.manifest.recipients, self.manifest.name)
        return Source(self.store, self.location, self.manifest, decrypt)


def parse_moment(text: str) -> datetime:
    """A time as `--at` takes it: ISO 8601 with its zone.

    Raises:
        ConfigurationError: it is no time, or leaves its zone open.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"--at {text} is not a time, so nothing was done: write it as 2026-01-05T02:00:00Z"
        ) from error
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"--at {text} has no time zone, so it is unclear which moment is meant and nothing was"
            f" done: write {moment:%Y-%m-%dT%H:%M:%S}Z for UTC, or add an offset such as +02:00"
        )
    return moment.astimezone(UTC)


def choose(
    stores: Sequence[Store], wanted: Wanted, *, pass_over_damaged: bool = True
) -> list[Candidate]:
    """Every readable copy of the one backup that is meant, in the order of the stores.

    A store that cannot be asked, and a copy whose manifest cannot be trusted, are passed over with
    a warning. Where no copy of a newer backup can be trusted, so is the backup, or else
    `pass_over_damaged=False` ends the search there. Reads as few manifests as tell which one it is.

    Raises:
        NoBackupError: no store has such a backup.
        IntegrityError: what could be it has manifests that cannot be trusted.
        StoreError: no store could be asked.
    """
    holders, failures = _holders(stores, wanted)
    if len(failures) == len(stores):
        raise joined(failures)
    unreadable: list[str] = []
    for location in sorted(holders, reverse=True):
        found = _copies(location, holders[location], failures)
        ours = [copy for copy in found if copy.manifest.database == wanted.database]
        if ours:
            _warn(failures, unreadable, location)
            return ours
        if found and wanted.name != LATEST:
            raise _of_another_database(wanted, found[0].manifest)
        if not found:
            unreadable.append(location.name)
            if not pass_over_damaged:
                break
    named = ", ".join(f"{store.name} ({store.address})" for store in stores)
    where = f"stores {named} have" if stores[1:] else f"store {named} has"
    if failures:
        raise joined(failures, f"{where} no other {wanted}" if pass_over_damaged else "")
    newest = wanted == Wanted(database=wanted.database)
    way_out = (
        "take one with neonhub-backup backup"
        if newest
        else "neonhub-backup list shows those there are"
    )
    raise NoBackupError(f"{where} no {wanted}, so there is nothing to restore: {way_out}")


def first_that_works(candidates: Sequence[Candidate], act: Callable[[Candidate], T]) -> T:
    """Try one copy after the other until one can be read; each failure but the last is a warning.

    `act` must leave nothing behind when it fails, and start programs of its own each time. A
    restored database that differs from its manifest is no fault of the copy, and ends the search.

    Raises:
        StoreError: no store could be read.
        IntegrityError: every copy that could be read is damaged.
    """
    failures: list[BackupError] = []
    for number, candidate in enumerate(candidates):
        try:
            return act(candidate)
        except DifferenceError:
            raise
        except (StoreError, IntegrityError) as error:
            failures.append(error)
            for following in candidates[number + 1 : number + 2]:
                log.warning("%s; trying store %s instead", error, following.store.name)
    raise joined(failures)


def joined(failures: Sequence[BackupError], ending: str = "") -> BackupError:
    """One error that gives the reasons of all."""
    if len(failures) == 1 and not ending:
        return failures[0]
    kind = StoreError if all(isinstance(one, StoreError) for one in failures) else IntegrityError
    return kind("; ".join([*(str(failure) for failure in failures), *filter(None, [ending])]))


def _holders(
    stores: Iterable[Store], wanted: Wanted
) -> tuple[dict[Location, list[Store]], list[BackupError]]:
    holders: dict[Location, list[Store]] = defaultdict(list)
    failures: list[BackupError] = []
    for store in stores:
        try:
            catalogue = Catalogue(store)
            named = wanted.name != LATEST
            found = catalogue.places(wanted.name) if named else catalogue.locations()
        except StoreError as error:
            failures.append(error)
            continue
        for location in filter(wanted.fits, found):
            holders[location].append(store)
    return holders, failures


def _copies(
    location: Location, stores: Iterable[Store], failures: list[BackupError]
) -> list[Candidate]:
    found: list[Candidate] = []
    for store in stores:
        try:
            found.append(Candidate(store, location, Catalogue(store).manifest(location)))
        except (StoreError, IntegrityError) as error:
            failures.append(error)
    return found


def _warn(failures: Sequence[BackupError], unreadable: Sequence[str], chosen: Location) -> None:
    for failure in failures:
        log.warning("%s (passed over)", failure)
    if unreadable:
        log.warning(
            "%s, begun at %s, is chosen although %s would come first: that one cannot be read",
            chosen.name,
            moment_text(chosen.started),
            ", ".join(unreadable),
        )


def _of_another_database(wanted: Wanted, manifest: Manifest) -> NoBackupError:
    return NoBackupError(
        f"backup {wanted.name} is one of database {manifest.database} and not of"
        f" {wanted.database}, so nothing was done: give --database {manifest.database}"
    )
