"""A backup is one whose manifest was written, and is the one its manifest says it is."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.domain.layout import ARCHIVE, MANIFEST, Location, new_location
from neonhub_backup.domain.manifest import dump_manifest
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import IntegrityError, MissingObjectError
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.stores.base import write_whole
from neonhub_backup.stores.directory import DirectoryStore
from tests.neonhub_backup.memory import CountingStore
from tests.neonhub_backup.samples import at, location, manifest


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(configuration.DirectoryStore(name="disk", path=tmp_path))


@pytest.fixture
def catalogue(store: DirectoryStore) -> Catalogue:
    return Catalogue(store)


def _back_up(store: DirectoryStore, place: Location, database: str = "app") -> Location:
    write_whole(store, place.prefix + ARCHIVE, b"x")
    write_whole(store, place.prefix + MANIFEST, dump_manifest(manifest(place, database)))
    return place


def test_a_backup_without_a_manifest_is_not_there(
    store: DirectoryStore, catalogue: Catalogue
) -> None:
    unfinished = location(day=6)
    write_whole(store, unfinished.prefix + ARCHIVE, b"x")
    whole = _back_up(store, location(day=5))

    assert catalogue.locations() == [whole]
    assert catalogue.places(whole.name) == [whole]
    assert catalogue.places(unfinished.name) == []


def test_what_does_not_belong_to_a_backup_is_left_alone(
    store: DirectoryStore, catalogue: Catalogue
) -> None:
    write_whole(store, f"db/daily/notes/{MANIFEST}", b"{}")
    write_whole(store, "readme.txt", b"hello")

    assert catalogue.locations() == []


def test_the_newest_comes_first_whatever_its_tier(
    store: DirectoryStore, catalogue: Catalogue
) -> None:
    places = [
        _back_up(store, location(tier, day))
        for tier, day in ((Tier.ANNUAL, 1), (Tier.HOURLY, 7), (Tier.WEEKLY, 4), (Tier.DAILY, 6))
    ]

    assert [place.started.day for place in catalogue.locations()] == [7, 6, 4, 1]
    assert set(catalogue.locations()) == set(places)


def test_a_manifest_moved_to_another_backup_is_refused(
    store: DirectoryStore, catalogue: Catalogue
) -> None:
    theirs, ours = location(day=4), location(day=5)
    write_whole(store, ours.prefix + MANIFEST, dump_manifest(manifest(theirs)))

    with pytest.raises(IntegrityError, match=f"is the manifest of daily backup {theirs.name}"):
        catalogue.manifest(ours)


def test_a_manifest_moved_to_another_tier_is_refused(
    store: DirectoryStore, catalogue: Catalogue
) -> None:
    hourly = location(Tier.HOURLY)
    annual = Location(hourly.started, hourly.name, Tier.ANNUAL)
    write_whole(store, annual.prefix + MANIFEST, dump_manifest(manifest(hourly)))

    with pytest.raises(IntegrityError, match="is the manifest of hourly backup"):
        catalogue.manifest(annual)


def test_a_manifest_that_was_edited_is_refused_by_its_key(
    store: DirectoryStore, catalogue: Catalogue
) -> None:
    place = location()
    edited = dump_manifest(manifest(place)).replace(b'"app"', b'"other"')
    write_whole(store, place.prefix + MANIFEST, edited)

    with pytest.raises(IntegrityError, match=f"{place.prefix}{MANIFEST} was changed"):
        catalogue.manifest(place)


NOW = at(7)


def test_the_newest_of_each_tier_is_the_newest_of_its_database(
    store: DirectoryStore, catalogue: Catalogue
) -> None:
    _back_up(store, location(Tier.HOURLY, 6, 5))
    _back_up(store, location(Tier.HOURLY, 6, 7))
    _back_up(store, location(Tier.HOURLY, 6, 8), "other")
    _back_up(store, location(Tier.DAILY, 6))
    _back_up(store, location(Tier.ANNUAL, 1), "other")

    assert catalogue.newest_by_tier("app", NOW) == {Tier.HOURLY: at(6, 7), Tier.DAILY: at(6)}


def test_a_manifest_that_cannot_be_trusted_fills_no_slot_and_is_warned_of(
    store: DirectoryStore, catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    _back_up(store, location(day=4))
    damaged = location(day=5)
    write_whole(store, damaged.prefix + MANIFEST, b"{}")

    with caplog.at_level(logging.WARNING):
        assert catalogue.newest_by_tier("app", NOW) == {Tier.DAILY: at(4)}

    assert damaged.name in caplog.text


def test_a_backup_from_the_future_fills_no_slot_and_hides_none(
    store: DirectoryStore, catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    _back_up(store, location(day=4))
    ahead = location(day=8)
    _back_up(store, ahead)

    with caplog.at_level(logging.WARNING):
        assert catalogue.newest_by_tier("app", NOW) == {Tier.DAILY: at(4)}

    assert f"a backup from the future, {ahead.name}" in caplog.text


def _back_up_daily(store: CountingStore, months: Sequence[tuple[int, int]]) -> list[Location]:
    """Two daily backups in each month, the oldest first."""
    return [
        store.back_up(new_location(Tier.DAILY, datetime(year, month, day, 2, tzinfo=UTC)))
        for year, month in months
        for day in (3, 17)
    ]


class TestTheNewestFirst:
    """Candidates of one tier, listed as they are needed."""

    def test_come_in_the_order_of_their_time_across_months_and_years(self) -> None:
        store = CountingStore()
        places = _back_up_daily(store, [(2024, 12), (2025, 1), (2025, 11), (2026, 1)])

        assert list(Catalogue(store).newest_first(Tier.DAILY)) == places[::-1]

    def test_are_found_with_three_listings_among_ten_thousand(self) -> None:
        store = CountingStore()
        for day in range(10_000):
            place = new_location(Tier.DAILY, at(1) - timedelta(days=day))
            store.objects[place.prefix + MANIFEST] = b"{}"

        found = list(islice(Catalogue(store).newest_first(Tier.DAILY), 1))

        assert [place.started for place in found] == [at(1)]
        assert store.walked == ["db/daily/", "db/daily/2026/", "db/daily/2026/01/"]
        assert store.listed == store.read == []

    def test_list_each_year_and_each_month_once(self) -> None:
        store = CountingStore()
        _back_up_daily(store, [(2024, 12), (2025, 1), (2025, 11)])

        assert len(list(Catalogue(store).newest_first(Tier.DAILY))) == 6

        assert sorted(store.walked) == [
            "db/daily/",
            "db/daily/2024/",
            "db/daily/2024/12/",
            "db/daily/2025/",
            "db/daily/2025/01/",
            "db/daily/2025/11/",
        ]
        assert store.listed == store.read == []

    def test_may_be_no_backups_which_reading_their_manifest_shows(self) -> None:
        store = CountingStore()
        unfinished = location(day=6)
        store.objects[unfinished.prefix + ARCHIVE] = b"x"
        catalogue = Catalogue(store)

        assert list(catalogue.newest_first(Tier.DAILY)) == [unfinished]
        with pytest.raises(MissingObjectError):
            catalogue.read(unfinished)

    @pytest.mark.parametrize(
        "key",
        [
            "db/daily/notes/01/20260105T020000Z-0badcafe/a",
            "db/daily/2026/13/20260105T020000Z-0badcafe/a",
            "db/daily/2026/1/20260105T020000Z-0badcafe/a",
            "db/daily/2026/02/20260105T020000Z-0badcafe/a",
            "db/daily/2026/01/20260199T020000Z-0badcafe/a",
            "db/daily/2026/01/notes/a",
            "db/daily/2026/01/readme.txt",
            "db/hourly/2026/01/20260105T020000Z-0badcafe/a",
        ],
    )
    def test_are_nothing_else_that_somebody_put_there(self, key: str) -> None:
        store = CountingStore()
        store.objects[key] = b"x"

        assert list(Catalogue(store).newest_first(Tier.DAILY)) == []

    def test_in_a_directory_are_the_same(self, store: DirectoryStore, catalogue: Catalogue) -> None:
        places = [_back_up(store, location(day=day)) for day in (4, 6, 5)]

        assert list(catalogue.newest_first(Tier.DAILY)) == sorted(places, reverse=True)


def test_the_newest_of_each_tier_costs_three_listings_and_a_manifest_of_each() -> None:
    store = CountingStore()
    for day in range(800):
        for tier in Tier:
            store.back_up(new_location(tier, at(7) - timedelta(days=day)))

    assert Catalogue(store).newest_by_tier("app", NOW) == dict.fromkeys(Tier, at(7))

    assert len(store.walked) == 3 * len(Tier)
    assert len(store.read) == len(Tier)
    assert store.listed == []


def test_a_backup_that_is_being_written_fills_no_slot_and_is_not_warned_of(
    store: DirectoryStore, catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    _back_up(store, location(day=4))
    for day in (5, 8):
        write_whole(store, location(day=day).prefix + ARCHIVE, b"x")

    with caplog.at_level(logging.WARNING):
        assert catalogue.newest_by_tier("app", NOW) == {Tier.DAILY: at(4)}

    assert caplog.text == ""
