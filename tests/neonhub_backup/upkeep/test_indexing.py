"""An index is kept up where there is a place for it, and never at a backup's cost."""

import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.domain.index import Month, load_index
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.stores.factory import open_store, open_stores
from neonhub_backup.upkeep.indexing import keep_up, open_index
from tests.neonhub_backup.backups import back_up
from tests.neonhub_backup.samples import at, location

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
NOWHERE = "http://127.0.0.1:1"


def _configuration(*stores: configuration.Store) -> configuration.Configuration:
    return configuration.Configuration(
        environment="test",
        databases=(configuration.Database(name="app"),),
        stores=stores,
        encryption=configuration.Encryption(public_keys=(KEY,)),
    )


def _disk(path: Path, name: str = "disk") -> configuration.DirectoryStore:
    path.mkdir(exist_ok=True)
    return configuration.DirectoryStore(name=name, path=path)


def _indexed(store: DirectoryStore, month: Month) -> list[str]:
    """The backups that the only index of a month names."""
    (listed,) = store.list(month.index_prefix)
    with store.download(listed.key) as blocks:
        index = load_index(b"".join(blocks), month, listed.key)
    return [entry.name for entry in index.entries]


def test_every_month_that_changed_is_written_in_every_store(tmp_path: Path) -> None:
    settings = _configuration(_disk(tmp_path / "a", "a"), _disk(tmp_path / "b", "b"))
    stores = [DirectoryStore(_disk(tmp_path / name, name)) for name in ("a", "b")]
    places = [location(), location(day=6)]
    for store in stores:
        for place in places:
            back_up(store, place)

    keep_up(settings, [(store, place.started) for store in stores for place in places], at(7))

    for store in stores:
        assert _indexed(store, Month(2026, 1)) == [place.name for place in reversed(places)]


def test_a_month_is_that_of_the_backup_and_in_utc(tmp_path: Path) -> None:
    disk = _disk(tmp_path / "a")
    store = DirectoryStore(disk)
    back_up(store, location(day=31, hour=23))

    keep_up(_configuration(disk), [(store, at(31, 23))], datetime(2026, 2, 1, 0, 5, tzinfo=UTC))

    assert [listed.key.split("/")[1] for listed in store.list("index/")] == ["2026-01"]


def test_a_bucket_without_a_place_for_it_has_none_and_nobody_is_warned(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bucket = configuration.S3Store(name="aws", bucket="b", region="eu-west-1", endpoint_url=NOWHERE)
    settings = _configuration(bucket)
    store = open_store(bucket)

    keep_up(settings, [(store, at(5))], at(5))

    assert open_index(settings, store) is None
    assert caplog.messages == []


def test_a_failure_is_one_warning_and_the_other_stores_are_kept_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost, disk = _disk(tmp_path / "lost", "lost"), _disk(tmp_path / "a")
    settings = _configuration(lost, disk)
    stores = open_stores(settings)
    back_up(stores[1], location())
    (tmp_path / "lost").rmdir()

    with caplog.at_level(logging.WARNING):
        keep_up(settings, [(store, at(5)) for store in stores], at(5))

    (said,) = caplog.messages
    assert said.startswith("the index of store lost was not brought up to date")
    assert len(list(stores[1].list("index/"))) == 1
