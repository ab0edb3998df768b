"""Which backups a store holds."""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeVar

from neonhub_backup.domain.index import Month, parse_month
from neonhub_backup.domain.layout import (
    MANIFEST,
    ROOT,
    Location,
    parse_key,
    parse_name,
    tier_prefix,
)
from neonhub_backup.domain.manifest import Manifest, load_manifest
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import IntegrityError, MissingObjectError, StoreError
from neonhub_backup.stores.base import Store, read_whole

log = logging.getLogger(__name__)

LATEST = "latest"

READERS = 16
"""Manifests that are read side by side: each is small, and far away."""
_LISTED_AHEAD = 8
"""The most listings side by side of which it is not known yet whether all are needed."""

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Catalogue:
    """The complete backups of one store: those whose manifest was written."""

    store: Store

    def locations(self, prefix: str = ROOT) -> list[Location]:
        """Every complete backup, newest first. Lists all their objects, and reads no manifest."""
        return sorted(self.manifest_bytes(prefix), reverse=True)

    def manifest_bytes(self, prefix: str = ROOT) -> dict[Location, int]:
        """The stored size of the manifest of every complete backup, as a listing shows it."""
        found: dict[Location, int] = {}
        for listed in self.store.list(prefix):
            parsed = parse_key(listed.key)
            if parsed is not None and parsed[1] == MANIFEST:
                found[parsed[0]] = listed.bytes
        return found

    def newest_first(self, tier: Tier) -> Iterator[Location]:
        """Candidates for backups of a tier, newest first, listed as they are needed.

        Only a candidate: its folder is there, and whether its manifest is was not looked at. It is
        no backup when `read` raises MissingObjectError: it is being written, or never was
        completed, or its objects are expiring.

        Costs a listing of the tier, one of each year and one of each month that it gets to, and of
        those soon after, which are listed side by side; however many objects the backups have. It
        reads nothing.
        """

        def candidates(month: Month) -> list[Location]:
            return self.candidates(tier, month)

        yield from _ahead(candidates, self.months(tier))

    def months(self, tier: Tier) -> Iterator[Month]:
        """The months that have folders of a tier, newest first, years listed as they are needed."""
        top = tier_prefix(tier)

        def months(year: str) -> list[Month]:
            parsed = [parse_month(f"{year}-{name}") for name in self.store.folders(f"{top}{year}/")]
            return sorted((month for month in parsed if month is not None), reverse=True)

        years = [year for year in self.store.folders(top) if parse_month(f"{year}-01") is not None]
        yield from _ahead(months, reversed(years))

    def candidates(self, tier: Tier, month: Month) -> list[Location]:
        """The folders of a tier's backups begun in a month, newest first: see `newest_first`."""
        prefix = month.prefix(tier)
        parsed = [parse_key(f"{prefix}{name}/") for name in self.store.folders(prefix)]
        return sorted((each[0] for each in parsed if each is not None), reverse=True)

    def places(self, name: str) -> list[Location]:
        """Where complete backups of this name are; lists nothing but its own folders.

        More than one, if an object was moved: only one of them has the right manifest.
        """
        return [
            place
            for tier in Tier
            if (place := parse_name(name, tier)) is not None and self._is_complete(place)
        ]

    def manifest(self, location: Location) -> Manifest:
        """A backup's manifest.

        Raises:
            MissingObjectError: there is none, so that there is no backup.
            IntegrityError: it was changed, or belongs to another backup.
        """
        return self.read(location)[1]

    def read(self, location: Location) -> tuple[bytes, Manifest]:
        """A backup's manifest as it is stored, and what it says.

        Raises:
            MissingObjectError: there is none, so that there is no backup.
            IntegrityError: it was changed, or belongs to another backup.
        """
        key = location.prefix + MANIFEST
        stored = read_whole(self.store, key)
        manifest = load_manifest(stored, f"{self.store.address}/{key}")
        if (manifest.name, manifest.tier) != (location.name, location.tier):
            raise IntegrityError(
                f"{self.store.address}/{key} is the manifest of {manifest.tier} backup"
                f" {manifest.name}, so nothing is restored: bring back the object's earlier version"
            )
        return stored, manifest

    def read_all(
        self, locations: Iterable[Location]
    ) -> Iterator[tuple[Location, Manifest | IntegrityError | StoreError]]:
        """The manifests of backups in their order, read side by side, or what is wrong with one."""

        def read(location: Location) -> tuple[Location, Manifest | IntegrityError | StoreError]:
            try:
                return location, self.manifest(location)
            except (IntegrityError, StoreError) as error:
                return location, error

        with ThreadPoolExecutor(READERS, "manifests") as pool:
            yield from pool.map(read, locations)

    def newest_by_tier(self, database: str, now: datetime) -> dict[Tier, datetime]:
        """When the newest complete backup of each tier was begun.

        Two kinds are passed over with a warning, since neither must keep the next backup from being
        made: one whose manifest cannot be trusted, and one begun later than now, by a wrong clock.
        """
        newest: dict[Tier, datetime] = {}
        for tier in Tier:
            for location in self.newest_first(tier):
                if location.started > now:
                    if self._is_complete(location):
                        log.warning(
                            "store %s (%s) has a backup from the future, %s, which fills no slot:"
                            " set the clock of this machine, or of the one that wrote it",
                            *(self.store.name, self.store.address, location.name),
                        )
                    continue
                try:
                    found = self.manifest(location).database
                except MissingObjectError:
                    continue
                except IntegrityError as error:
                    log.warning("%s", error)
                    continue
                if found == database:
                    newest[tier] = location.started
                    break
        return newest

    def _is_complete(self, location: Location) -> bool:
        key = location.prefix + MANIFEST
        return any(listed.key == key for listed in self.store.list(key))


def _ahead(ask: Callable[[Asked], Sequence[Answer]], asked: Iterable[Asked]) -> Iterator[Answer]:
    """The answers in their order, of one question, then of two side by side, then of more."""
    left = iter(asked)
    number = 1
    with ThreadPoolExecutor(_LISTED_AHEAD, "listings") as pool:
        while batch := list(islice(left, number)):
            for answers in pool.map(ask, batch):
                yield from answers
            number = min(2 * number, _LISTED_AHEAD)
