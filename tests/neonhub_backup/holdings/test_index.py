"""An index saves reading manifests, and says nothing that its store does not show."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from neonhub_backup.domain.index import Month, MonthIndex, dump_index, entry_of
from neonhub_backup.domain.layout import ARCHIVE, MANIFEST, Location, new_location
from neonhub_backup.domain.manifest import dump_manifest
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import StoreError
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.holdings.index import Found, Index
from neonhub_backup.stores.base import write_whole
from neonhub_backup.stores.directory import DirectoryStore
from tests.neonhub_backup.memory import CountingStore
from tests.neonhub_backup.samples import at, location, manifest

JANUARY = Month(2026, 1)
MONTHS = [Month(2025, 12), JANUARY]
NOW = at(31)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


@pytest.fixture
def where() -> CountingStore:
    return CountingStore()


@pytest.fixture
def index(store: CountingStore, where: CountingStore) -> Index:
    return Index(store, where)


def _names(found: Found) -> list[str]:
    return [entry.name for entry in found.entries]


def _key(where: CountingStore) -> str:
    """The newest index of the one month that has any."""
    return max(where.objects)


class TestTheBackupsOfMonths:
    """Are those that the store shows, by as few manifests as that takes."""

    def test_are_known_without_reading_a_manifest_once_indexed(
        self, store: CountingStore, where: CountingStore, index: Index
    ) -> None:
        places = [store.back_up(location(tier)) for tier in Tier]
        index.rebuild(NOW)
        store.forget()
        where.forget()

        found = index.entries([JANUARY])

        assert _names(found) == [place.name for place in sorted(places, reverse=True)]
        assert found.damaged == ()
        assert len(store.walked) == len(Tier)
        assert store.listed == store.read == []
        assert (len(where.listed), len(where.read)) == (1, 1)

    def test_that_came_later_have_their_manifests_read(
        self, store: CountingStore, index: Index
    ) -> None:
        old = store.back_up(location(day=5))
        index.rebuild(NOW)
        new = store.back_up(location(day=6))
        store.forget()

        assert _names(index.entries([JANUARY])) == [new.name, old.name]
        assert store.read == [new.prefix + MANIFEST]

    def test_that_are_gone_are_left_out(self, store: CountingStore, index: Index) -> None:
        gone, kept = store.back_up(location(day=5)), store.back_up(location(day=6))
        index.rebuild(NOW)
        store.remove(gone)

        assert _names(index.entries([JANUARY])) == [kept.name]

    def test_without_a_manifest_are_none(self, store: CountingStore, index: Index) -> None:
        store.objects[location().prefix + ARCHIVE] = b"x"

        assert index.entries([JANUARY]) == Found((), ())

    def test_whose_manifest_is_damaged_are_told_of_each_time(
        self, store: CountingStore, index: Index
    ) -> None:
        whole, damaged = store.back_up(location(day=5)), location(day=6)
        store.objects[damaged.prefix + MANIFEST] = b"{}"
        updated = index.rebuild(NOW)

        found = index.entries([JANUARY])

        assert _names(found) == [whole.name]
        for each in (updated.damaged, found.damaged):
            assert [damaged.name in str(error) for error in each] == [True]

    def test_come_newest_first_across_months(self, store: CountingStore, index: Index) -> None:
        old = store.back_up(new_location(Tier.DAILY, datetime(2025, 12, 31, tzinfo=UTC)))
        new = store.back_up(location())
        store.back_up(new_location(Tier.DAILY, datetime(2025, 11, 30, tzinfo=UTC)))

        assert _names(index.entries(MONTHS)) == [new.name, old.name]
        assert index.entries([]) == Found((), ())

    def test_cannot_be_told_while_the_store_is_out_of_reach(
        self, store: CountingStore, index: Index
    ) -> None:
        store.refuses.add("list")

        with pytest.raises(StoreError, match="cannot list"):
            index.entries([JANUARY])


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda stored: stored[:-100],
    "edited": lambda stored: stored.replace(b'"app"', b'"ape"'),
    "unsealed": lambda stored: re.sub(rb',\s*"digest".*', b"}", stored, flags=re.DOTALL),
    "of another month": lambda _: dump_index(MonthIndex(month="2025-12", entries=())),
    "of a later version": lambda stored: stored.replace(b"backup-index/1", b"backup-index/2"),
}


class TestAnIndexThatIsOfNoUse:
    """Counts as empty, and is warned of."""

    @pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
    def test_because_it_is_damaged(
        self,
        store: CountingStore,
        where: CountingStore,
        index: Index,
        caplog: pytest.LogCaptureFixture,
        damage: Callable[[bytes], bytes],
    ) -> None:
        place = store.back_up(location())
        index.rebuild(NOW)
        key = _key(where)
        where.objects[key] = damage(where.objects[key])

        with caplog.at_level(logging.WARNING):
            assert _names(index.entries([JANUARY])) == [place.name]

        assert f"mem://memory/{key} " in caplog.text
        assert "the manifests of 2026-01 are read instead" in caplog.text
        index.rebuild(NOW)
        store.forget()
        assert _names(index.entries([JANUARY])) == [place.name]
        assert store.read == []

    def test_because_it_is_missing(
        self, store: CountingStore, index: Index, caplog: pytest.LogCaptureFixture
    ) -> None:
        place = store.back_up(location())

        with caplog.at_level(logging.WARNING):
            assert _names(index.entries(MONTHS)) == [place.name]

        assert "mem://memory has no index of 2026-01, so the manifests" in caplog.text

    @pytest.mark.parametrize("step", ["list", "read"])
    def test_because_it_is_out_of_reach(
        self,
        store: CountingStore,
        where: CountingStore,
        index: Index,
        caplog: pytest.LogCaptureFixture,
        step: str,
    ) -> None:
        place = store.back_up(location())
        store.back_up(new_location(Tier.DAILY, datetime(2025, 12, 31, tzinfo=UTC)))
        index.rebuild(NOW)
        where.refuses.add(step)

        with caplog.at_level(logging.WARNING):
            assert _names(index.entries(MONTHS))[0] == place.name

        (record,) = caplog.records
        assert f"cannot {step}" in record.getMessage()


class TestBuildingIndexes:
    """Writes what the manifests say, where that differs from what is written."""

    def test_writes_one_of_each_month_that_has_backups(
        self, store: CountingStore, where: CountingStore, index: Index
    ) -> None:
        store.back_up(new_location(Tier.ANNUAL, datetime(1999, 1, 1, tzinfo=UTC)))
        store.back_up(location())

        assert index.rebuild(NOW).written == (JANUARY, Month(1999, 1))

        assert [key.rpartition("-")[0] for key in sorted(where.objects)] == [
            "index/1999-01/20260131T020000Z",
            "index/2026-01/20260131T020000Z",
        ]

    def test_writes_nothing_that_is_written_already(
        self, store: CountingStore, where: CountingStore, index: Index
    ) -> None:
        store.back_up(location())
        index.rebuild(NOW)
        before = dict(where.objects)

        assert index.rebuild(NOW).unchanged == (JANUARY,)
        assert index.refresh(MONTHS, NOW).unchanged == (JANUARY, Month(2025, 12))
        assert where.objects == before

    def test_overwrites_nothing_and_the_last_one_counts(
        self, store: CountingStore, where: CountingStore, index: Index
    ) -> None:
        first = store.back_up(location(day=5))
        index.rebuild(NOW)
        second = store.back_up(location(day=6))
        index.rebuild(NOW - timedelta(days=1))
        store.forget()

        assert len(where.objects) == 2
        assert _names(index.entries([JANUARY])) == [second.name, first.name]
        assert store.read == []

    def test_empties_the_index_of_a_month_whose_backups_are_gone(
        self, store: CountingStore, index: Index
    ) -> None:
        place = store.back_up(location())
        index.rebuild(NOW)
        store.remove(place)

        assert index.rebuild(NOW).written == (JANUARY,)
        assert index.rebuild(NOW).unchanged == (JANUARY,)

    def test_of_some_months_leaves_the_others_alone(
        self, store: CountingStore, index: Index
    ) -> None:
        store.back_up(new_location(Tier.DAILY, datetime(2025, 12, 31, tzinfo=UTC)))
        store.back_up(location())

        assert index.rebuild(NOW, [JANUARY]).written == (JANUARY,)
        assert index.rebuild(NOW).written == (Month(2025, 12),)

    def test_sees_a_manifest_that_was_replaced_by_one_as_long(
        self, store: CountingStore, index: Index
    ) -> None:
        place = store.back_up(location())
        index.rebuild(NOW)
        store.back_up(place, "ape")

        assert index.refresh([JANUARY], NOW).unchanged == (JANUARY,)
        assert index.rebuild(NOW).written == (JANUARY,)
        assert [entry.database for entry in index.entries([JANUARY]).entries] == ["ape"]

    def test_fails_when_the_index_cannot_be_written(
        self, store: CountingStore, where: CountingStore, index: Index
    ) -> None:
        store.back_up(location())
        where.refuses.add("write")

        with pytest.raises(StoreError, match="cannot write"):
            index.rebuild(NOW)


class TestRefreshingAnIndex:
    """Reads the manifests that are new or of another size, and no others."""

    def test_reads_what_is_new(self, store: CountingStore, index: Index) -> None:
        store.back_up(location(day=5))
        index.rebuild(NOW)
        new = store.back_up(location(day=6))
        store.forget()

        assert index.refresh([JANUARY], NOW).written == (JANUARY,)
        assert store.read == [new.prefix + MANIFEST]

    def test_reads_what_has_another_size(self, store: CountingStore, index: Index) -> None:
        changed = store.back_up(location(day=5))
        store.back_up(location(day=6))
        index.rebuild(NOW)
        store.back_up(changed, "another")
        store.forget()

        index.refresh([JANUARY], NOW)

        assert store.read == [changed.prefix + MANIFEST]
        assert [e.database for e in index.entries([JANUARY]).entries] == ["app", "another"]

    def test_forgets_a_backup_that_lost_its_manifest_alone(
        self, store: CountingStore, index: Index
    ) -> None:
        place = store.back_up(location())
        index.rebuild(NOW)
        del store.objects[place.prefix + MANIFEST]

        assert _names(index.entries([JANUARY])) == [place.name]
        index.refresh([JANUARY], NOW)
        assert _names(index.entries([JANUARY])) == []


class TestInADirectory:
    """The index is beside the backups, and those it supersedes are removed."""

    def test_only_the_newest_index_stays(self, disk: DirectoryStore) -> None:
        index = Index(disk, disk)
        places = [location(day=5), location(day=6)]
        write_whole(disk, "index/2026-01/notes.txt", b"mine")
        for place in places:
            write_whole(disk, place.prefix + MANIFEST, dump_manifest(manifest(place)))
            index.refresh([JANUARY], NOW)

        kept = [path.name for path in (Path(disk.address) / "index/2026-01").iterdir()]
        assert len(kept) == 2
        assert "notes.txt" in kept
        assert _names(index.entries([JANUARY])) == [place.name for place in reversed(places)]

    def test_it_is_taken_for_no_backup(self, disk: DirectoryStore) -> None:
        place = location()
        write_whole(disk, place.prefix + MANIFEST, dump_manifest(manifest(place)))
        Index(disk, disk).rebuild(NOW)

        assert Catalogue(disk).locations() == [place]


class Histories(RuleBasedStateMachine):
    """Whatever happens to backups and indexes, the entries are what the manifests say."""

    @initialize()
    def begin(self) -> None:
        self.store, self.where = CountingStore(), CountingStore()
        self.index = Index(self.store, self.where)
        self.now = at(31)
        self.places: list[Location] = []

    def _truth(self) -> list[tuple[str, str, int]]:
        def entries() -> Iterator[tuple[Location, str, int]]:
            for place in self.places:
                stored = self.store.objects[place.prefix + MANIFEST]
                entry = entry_of(Catalogue(self.store).manifest(place), len(stored))
                yield place, entry.database, entry.manifest_bytes

        ordered = sorted(entries(), reverse=True)
        return [(place.name, database, size) for place, database, size in ordered]

    @rule(tier=st.sampled_from(Tier), day=st.integers(-31, 30), database=st.text(max_size=3))
    def back_up(self, tier: Tier, day: int, database: str) -> None:
        place = new_location(tier, at(1) + timedelta(days=day))
        self.places.append(self.store.back_up(place, database))

    @rule(tier=st.sampled_from(Tier))
    def fail_to_back_up(self, tier: Tier) -> None:
        self.store.objects[location(tier).prefix + ARCHIVE] = b"x"

    @rule(which=st.integers(min_value=0))
    def expire(self, which: int) -> None:
        if self.places:
            self.store.remove(self.places.pop(which % len(self.places)))

    @rule(which=st.integers(min_value=0), damage=st.sampled_from(list(DAMAGES)))
    def damage_an_index(self, which: int, damage: str) -> None:
        if self.where.objects:
            key = sorted(self.where.objects)[which % len(self.where.objects)]
            self.where.objects[key] = DAMAGES[damage](self.where.objects[key])

    @rule(which=st.integers(min_value=0))
    def lose_an_index(self, which: int) -> None:
        if self.where.objects:
            del self.where.objects[sorted(self.where.objects)[which % len(self.where.objects)]]

    @rule(seconds=st.integers(-(10**6), 10**6))
    def set_the_clock(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def refresh(self) -> None:
        self.index.refresh(MONTHS, self.now)
        self._nothing_is_left_to_read()

    @rule()
    def rebuild(self) -> None:
        self.index.rebuild(self.now)
        self._nothing_is_left_to_read()

    def _nothing_is_left_to_read(self) -> None:
        written = dict(self.where.objects)
        self.index.rebuild(self.now)
        assert self.where.objects == written
        self.store.forget()
        self.index.entries(MONTHS)
        assert not {place.prefix + MANIFEST for place in self.places} & set(self.store.read)

    @invariant()
    def entries_are_the_truth(self) -> None:
        found = self.index.entries(MONTHS)

        said = [(entry.name, entry.database, entry.manifest_bytes) for entry in found.entries]
        assert said == self._truth()
        assert found.damaged == ()


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)
