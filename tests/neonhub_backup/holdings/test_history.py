"""Earlier backups come from the first store that tells of them."""

from pathlib import Path

import pytest

from neonhub_backup.domain.layout import MANIFEST, Location
from neonhub_backup.domain.manifest import dump_manifest
from neonhub_backup.errors import StoreError
from neonhub_backup.holdings import history
from neonhub_backup.holdings.history import read_history
from neonhub_backup.stores.base import write_whole
from neonhub_backup.stores.directory import DirectoryStore
from tests.neonhub_backup.backups import back_up, damage, file_of
from tests.neonhub_backup.samples import location, manifest


def _place(store: DirectoryStore, day: int, database: str = "app") -> Location:
    return back_up(store, location(day=day), database=database).location


def test_they_come_newest_first_and_by_database(disk: DirectoryStore) -> None:
    for day, database in ((4, "app"), (6, "app"), (5, "billing")):
        _place(disk, day, database)

    found = read_history([disk])

    assert (found.store, found.problems) == ("disk", ())
    assert [one.started.day for one in found.of("app")] == [6, 4]
    assert [one.started.day for one in found.of("billing")] == [5]
    assert found.of("shop") == ()


def test_a_copy_for_other_keys_is_none_of_them(disk: DirectoryStore) -> None:
    place = _place(disk, 4)
    again = location(day=5)
    copy = manifest(again).model_copy(update={"rewrapped_from": place.name})
    write_whole(disk, again.prefix + MANIFEST, dump_manifest(copy))

    assert [one.name for one in read_history([disk]).manifests] == [place.name]


def test_one_that_is_damaged_is_named_and_left_out(disk: DirectoryStore) -> None:
    good, bad = _place(disk, 4), _place(disk, 5)
    damage(file_of(disk, bad, MANIFEST), b"{}")

    found = read_history([disk])

    assert [one.name for one in found.manifests] == [good.name]
    assert len(found.problems) == 1
    assert bad.name in found.problems[0]


def test_a_store_that_cannot_be_reached_is_named_and_the_next_one_asked(
    disk: DirectoryStore, other: DirectoryStore
) -> None:
    _place(other, 4)
    Path(disk.address).rmdir()

    found = read_history([disk, other])

    assert (found.store, len(found.manifests), len(found.problems)) == ("other", 1, 1)
    assert "disk" in found.problems[0]


def test_a_store_that_breaks_off_is_named_and_the_next_one_asked(
    disk: DirectoryStore, other: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for store in (disk, other):
        _place(store, 4)
    read = history.Catalogue.manifest

    def broken(catalogue: history.Catalogue, place: Location) -> object:
        if catalogue.store.name == "disk":
            raise StoreError("store disk broke off")
        return read(catalogue, place)

    monkeypatch.setattr(history.Catalogue, "manifest", broken)

    found = read_history([disk, other])

    assert (found.store, found.problems) == ("other", ("store disk broke off",))


def test_where_no_store_tells_there_is_none(disk: DirectoryStore) -> None:
    Path(disk.address).rmdir()

    found = read_history([disk])

    assert (found.store, found.manifests, len(found.problems)) == (None, (), 1)


def test_no_more_than_enough_are_read(
    disk: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "_LOOKED_AT", 2)
    for day in (4, 5, 6):
        _place(disk, day)

    assert [one.started.day for one in read_history([disk]).manifests] == [6, 5]
