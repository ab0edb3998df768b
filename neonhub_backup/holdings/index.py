"""The backups of whole months by one small object each, checked against what the store shows.

Every rewrite is a new object, `index/<YYYY-MM>/<time>-<random>.json`, of which the newest by name
counts: to overwrite is to delete in a bucket of Google, and nobody may delete there.

An index is never believed over its store:

- `Index.entries` lists the folders of backups. A backup that the index does not have is read from
  its manifest, and one whose folder is gone is left out. It does not see that a manifest was
  changed, or removed alone, after it was indexed.
- `Index.refresh` lists the manifests with their sizes, and reads those that are new or of another
  size. It does not see a manifest that was replaced by one as long.
- `Index.rebuild` reads every manifest, and sees everything.

Nor does the digest of an index show what somebody wrote who could seal it anew: restores and drills
read manifests.
"""

import logging
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import product
from typing import TypeVar

from neonhub_backup.domain.index import (
    Entry,
    Month,
    MonthIndex,
    dump_index,
    entry_of,
    load_index,
    month_of,
    new_index_key,
    newest_index,
    parse_month,
)
from neonhub_backup.domain.layout import INDEX, Location
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import IntegrityError, MissingObjectError, StoreError
from neonhub_backup.holdings.catalogue import READERS, Catalogue
from neonhub_backup.stores.base import Store, read_whole, write_whole
from neonhub_backup.stores.directory import DirectoryStore

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Found:
    """The backups of some months."""

    entries: tuple[Entry, ...]
    """Newest first."""
    damaged: tuple[IntegrityError, ...]
    """Why manifests cannot be trusted, whose backups are in no entry."""


@dataclass(frozen=True)
class Updated:
    """What became of the indexes of some months."""

    written: tuple[Month, ...]
    unchanged: tuple[Month, ...]
    """Those whose index said the same already, and those with neither index nor backups."""
    damaged: tuple[IntegrityError, ...]
    """Why manifests cannot be trusted, whose backups are in no index."""


@dataclass(frozen=True)
class _Stored:
    """The newest index of a month, as it was found."""

    key: str | None
    """None: there is none."""
    index: MonthIndex | None
    """None: there is none that can be trusted."""

    @property
    def known(self) -> dict[Location, Entry]:
        entries = () if self.index is None else self.index.entries
        return {entry.location: entry for entry in entries}

    def says(self, index: MonthIndex) -> bool:
        """Whether there is nothing to write. A month without backups needs no index."""
        return self.index == index or (self.key is None and not index.entries)


@dataclass(frozen=True)
class Index:
    """The indexes of one store's months."""

    store: Store
    """Where the backups are."""
    where: Store
    """Where their indexes are, and those of no other store: the operations bucket beside a backup
    bucket, or the same directory store."""

    def entries(self, months: Iterable[Month]) -> Found:
        """The backups begun in these months, all that the store's folders show and no others.

        Costs a listing of each tier of each month, and a listing and an object of each month's
        index, side by side; and a manifest of each backup that the indexes do not have. An index
        that is missing, damaged, out of reach or of a later version is warned of, and has none.

        Raises:
            StoreError: the store of the backups cannot be read.
        """
        wanted = sorted(set(months), reverse=True)
        with ThreadPoolExecutor(READERS, "index") as pool:
            listings = pool.map(partial(_candidates, self.store), product(Tier, wanted))
            indexes = pool.map(self._look_if_possible, wanted)
            places = [place for listing in listings for place in listing]
            stored = dict(zip(wanted, indexes, strict=True))
        self._warn(stored, {month_of(place.started) for place in places})
        known = {
            place: entry
            for each in stored.values()
            if isinstance(each, _Stored)
            for place, entry in each.known.items()
        }
        return _complete(self.store, places, known)

    def months(self) -> list[Month]:
        """The months that the store has backups of, and those that have an index; newest first.

        Raises:
            StoreError: one of the stores cannot be read.
        """
        catalogue = Catalogue(self.store)
        found = {month for tier in Tier for month in catalogue.months(tier)}
        indexed = {parse_month(name) for name in self.where.folders(INDEX)}
        return sorted(found | {month for month in indexed if month is not None}, reverse=True)

    def refresh(self, months: Iterable[Month], now: datetime) -> Updated:
        """Bring indexes up to date, reading the manifests that are new or of another size.

        Lists every object of these months. Meant for the present month after each backup.

        Raises:
            StoreError: one of the stores cannot be read or written.
        """
        return self._update(months, now, self._refreshed)

    def rebuild(self, now: datetime, months: Iterable[Month] | None = None) -> Updated:
        """Bring indexes up to date, reading every manifest. None: of all months.

        Raises:
            StoreError: one of the stores cannot be read or written. Months that were written
                before stay so, the newest first.
        """
        return self._update(self.months() if months is None else months, now, self._reread)

    def _update(
        self,
        months: Iterable[Month],
        now: datetime,
        find: Callable[[Month, Mapping[Location, Entry]], Found],
    ) -> Updated:
        written: list[Month] = []
        unchanged: list[Month] = []
        damaged: list[IntegrityError] = []
        for month in sorted(set(months), reverse=True):
            stored = self._look(month)
            found = find(month, stored.known)
            damaged += found.damaged
            index = MonthIndex(month=str(month), entries=found.entries)
            if stored.says(index):
                unchanged.append(month)
            else:
                self._write(month, index, new_index_key(month, now, stored.key))
                written.append(month)
        return Updated(tuple(written), tuple(unchanged), tuple(damaged))

    def _refreshed(self, month: Month, known: Mapping[Location, Entry]) -> Found:
        catalogue = Catalogue(self.store)
        sizes: dict[Location, int] = {}
        for listed in self._of_each_tier(lambda tier: catalogue.manifest_bytes(month.prefix(tier))):
            sizes |= listed
        fitting = {
            place: known[place]
            for place, size in sizes.items()
            if place in known and known[place].manifest_bytes == size
        }
        return _complete(self.store, sizes, fitting)

    def _reread(self, month: Month, _known: Mapping[Location, Entry]) -> Found:
        catalogue = Catalogue(self.store)
        listed = self._of_each_tier(lambda tier: catalogue.candidates(tier, month))
        return _complete(self.store, (place for places in listed for place in places), {})

    def _of_each_tier(self, ask: Callable[[Tier], Answer]) -> list[Answer]:
        with ThreadPoolExecutor(len(Tier), "tiers") as pool:
            return list(pool.map(ask, Tier))

    def _look(self, month: Month) -> _Stored:
        """The index that counts for a month. One that cannot be trusted is warned of.

        Raises:
            StoreError: the store of the indexes cannot be read.
        """
        key = newest_index((each.key for each in self.where.list(month.index_prefix)), month)
        if key is None:
            return _Stored(None, None)
        try:
            stored = read_whole(self.where, key)
            return _Stored(key, load_index(stored, month, f"{self.where.address}/{key}"))
        except IntegrityError as error:
            log.warning("%s", error)
            return _Stored(key, None)

    def _look_if_possible(self, month: Month) -> _Stored | StoreError:
        try:
            return self._look(month)
        except StoreError as error:
            return error

    def _warn(self, stored: Mapping[Month, _Stored | StoreError], used: Container[Month]) -> None:
        """Say once why indexes are out of reach, and which months with backups have none."""
        failures = [each for each in stored.values() if isinstance(each, StoreError)]
        for failure in failures[:1]:
            log.warning("%s. Until then manifests are read instead of indexes", failure)
        missing = [
            str(month)
            for month, each in stored.items()
            if isinstance(each, _Stored) and each.key is None and month in used
        ]
        if missing:
            log.warning(
                "%s has no index of %s, so the manifests of that time are read instead: build it",
                *(self.where.address, ", ".join(missing)),
            )

    def _write(self, month: Month, index: MonthIndex, key: str) -> None:
        write_whole(self.where, key, dump_index(index))
        if isinstance(self.where, DirectoryStore):
            before = [each.key for each in self.where.list(month.index_prefix) if each.key < key]
            self.where.remove([each for each in before if newest_index([each], month) is not None])


def read_months(store: Store, months: Iterable[Month]) -> Found:
    """What `Index.entries` finds, of a store that keeps no index: every manifest is read.

    Raises:
        StoreError: the store cannot be read.
    """
    with ThreadPoolExecutor(READERS, "months") as pool:
        listings = pool.map(partial(_candidates, store), product(Tier, set(months)))
        places = [place for listing in listings for place in listing]
    return _complete(store, places, {})


def _candidates(store: Store, asked: tuple[Tier, Month]) -> list[Location]:
    return Catalogue(store).candidates(*asked)


def _complete(store: Store, places: Iterable[Location], known: Mapping[Location, Entry]) -> Found:
    """What is known of these backups, and of the others what their manifests say."""
    entries: list[Entry] = []
    damaged: list[IntegrityError] = []
    wanted = sorted(places, reverse=True)
    read = _read(store, [place for place in wanted if place not in known])
    for place in wanted:
        match known.get(place) or read[place]:
            case Entry() as entry:
                entries.append(entry)
            case MissingObjectError():
                continue  # not complete, or not yet
            case IntegrityError() as error:
                damaged.append(error)
    return Found(tuple(entries), tuple(damaged))


def _read(store: Store, places: Sequence[Location]) -> dict[Location, Entry | IntegrityError]:
    catalogue = Catalogue(store)

    def read(place: Location) -> Entry | IntegrityError:
        try:
            stored, manifest = catalogue.read(place)
        except IntegrityError as error:
            return error
        return entry_of(manifest, len(stored))

    with ThreadPoolExecutor(READERS, "manifests") as pool:
        return dict(zip(places, pool.map(read, places), strict=True))
