"""A backup is proven when the newest drill of it says so, in the store that holds it."""

import logging
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.domain.proof import dump_proof
from neonhub_backup.errors import StoreError
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.stores.base import Lock, Upload, write_whole
from neonhub_backup.stores.directory import DirectoryStore
from tests.neonhub_backup.samples import location, proof


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(configuration.DirectoryStore(name="disk", path=tmp_path))


@pytest.fixture
def proofs(store: DirectoryStore) -> Proofs:
    return Proofs(store)


def test_nothing_is_proven_where_nothing_was_drilled(proofs: Proofs) -> None:
    assert proofs.proven(["20260105T020000Z-00000000"]) == set()
    assert proofs.of("20260105T020000Z-00000000") == []


def test_the_first_result_has_the_name_of_its_backup_and_later_ones_their_time(
    proofs: Proofs,
) -> None:
    place = location()

    assert proofs.add(proof(place, day=6)) == f"drills/{place.name}.json"
    assert proofs.add(proof(place, day=7)) == f"drills/{place.name}.20260107T020000Z.json"
    assert proofs.of(place.name) == [proof(place, day=7), proof(place, day=6)]


def test_the_newest_result_counts(proofs: Proofs) -> None:
    once, again = location(day=4), location(day=5)
    for place, outcomes in ((once, ((), ("x",))), (again, (("x",), ()))):
        for day, differences in enumerate(outcomes, start=6):
            proofs.add(proof(place, day=day, differences=differences))

    assert proofs.proven([once.name, again.name, location(day=3).name]) == {again.name}


def test_only_what_was_asked_for_is_read(store: DirectoryStore, proofs: Proofs) -> None:
    asked, other = location(day=4), location(day=5)
    proofs.add(proof(asked))
    write_whole(store, f"drills/{other.name}.json", b"unreadable, and never read")

    assert proofs.proven([asked.name]) == {asked.name}


@pytest.mark.parametrize(
    ("stored", "warning"),
    [
        (b"{", "is no result of a drill"),
        (dump_proof(proof(location())).replace(b"fsync", b"fsink"), "was changed after"),
        (dump_proof(proof(location())), "so it says nothing about"),
    ],
)
def test_a_result_that_cannot_be_trusted_proves_nothing(
    stored: bytes,
    warning: str,
    store: DirectoryStore,
    proofs: Proofs,
    caplog: pytest.LogCaptureFixture,
) -> None:
    place = location()
    write_whole(store, f"drills/{place.name}.json", stored)

    with caplog.at_level(logging.WARNING):
        assert proofs.proven([place.name]) == set()

    assert warning in caplog.text


def test_other_objects_there_are_left_alone(store: DirectoryStore, proofs: Proofs) -> None:
    place = location()
    for key in (
        f"drills/{place.name}.json.old",
        "drills/readme.txt",
        f"drills/x/{place.name}.json",
    ):
        write_whole(store, key, b"")

    assert proofs.keys() == {}


def test_of_two_drills_at_once_neither_result_is_lost(
    store: DirectoryStore, proofs: Proofs, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = location()
    upload = store.upload

    def overtaken(key: str, lock: Lock | None) -> AbstractContextManager[Upload]:
        if not list(store.list(key)) and key == f"drills/{place.name}.json":
            monkeypatch.undo()
            proofs.add(proof(place, day=6))
        return upload(key, lock)

    monkeypatch.setattr(store, "upload", overtaken)
    proofs.add(proof(place, day=7))

    assert [found.finished.day for found in proofs.of(place.name)] == [7, 6]


def test_a_store_that_refuses_a_result_is_named(tmp_path: Path) -> None:
    missing = DirectoryStore(configuration.DirectoryStore(name="disk", path=tmp_path / "no"))

    with pytest.raises(StoreError, match="store disk cannot"):
        Proofs(missing).add(proof(location()))
