"""A backup is one whose manifest was written, and is the one its manifest says it is."""

import logging
from pathlib import Path

import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.domain.layout import ARCHIVE, MANIFEST, Location
from neonhub_backup.domain.manifest import dump_manifest
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import IntegrityError
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.stores.directory import DirectoryStore
from tests.neonhub_backup.backups import put
from tests.neonhub_backup.samples import at, location, manifest


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(configuration.DirectoryStore(name="disk", path=tmp_path))


@pytest.fixture
def catalogue(store: DirectoryStore) -> Catalogue:
    return Catalogue(store)


def _back_up(store: DirectoryStore, place: Location, database: str = "app") -> Location:
    put(store, place.prefix + ARCHIVE, b"x")
    put(store, place.prefix + MANIFEST, dump_manifest(manifest(place, database)))
    return place


def test_a_backup_without_a_manifest_is_not_there(
    store: DirectoryStore, catalogue: Catalogue
) -> None:
    unfinished = location(day=6)
    put(store, unfinished.prefix + ARCHIVE, b"x")
    whole = _back_up(store, location(day=5))

    assert catalogue.locations() == [whole]
    assert catalogue.places(whole.name) == [whole]
    assert catalogue.places(unfinished.name) == []


def test_what_does_not_belong_to_a_backup_is_left_alone(
    store: DirectoryStore, catalogue: Catalogue
) -> None:
    put(store, f"db/daily/notes/{MANIFEST}", b"{}")
    put(store, "readme.txt", b"hello")

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
    put(store, ours.prefix + MANIFEST, dump_manifest(manifest(theirs)))

    with pytest.raises(IntegrityError, match=f"is the manifest of daily backup {theirs.name}"):
        catalogue.manifest(ours)


def test_a_manifest_moved_to_another_tier_is_refused(
    store: DirectoryStore, catalogue: Catalogue
) -> None:
    hourly = location(Tier.HOURLY)
    annual = Location(hourly.started, hourly.name, Tier.ANNUAL)
    put(store, annual.prefix + MANIFEST, dump_manifest(manifest(hourly)))

    with pytest.raises(IntegrityError, match="is the manifest of hourly backup"):
        catalogue.manifest(annual)


def test_a_manifest_that_was_edited_is_refused_by_its_key(
    store: DirectoryStore, catalogue: Catalogue
) -> None:
    place = location()
    edited = dump_manifest(manifest(place)).replace(b'"app"', b'"other"')
    put(store, place.prefix + MANIFEST, edited)

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
    put(store, damaged.prefix + MANIFEST, b"{}")

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
