"""What is brought back is good, as far as anybody knows."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.domain.layout import MANIFEST, Location
from neonhub_backup.domain.manifest import dump_manifest
from neonhub_backup.emergency.choice import choose_good, choose_proven, damaged_states, is_proven
from neonhub_backup.emergency.restore import BACK_UP, PURPOSE
from neonhub_backup.errors import NoBackupError
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.holdings.selection import Wanted
from neonhub_backup.journal import Event, open_journal
from neonhub_backup.stores.directory import DirectoryStore
from tests.neonhub_backup.samples import location, manifest, proof


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    (tmp_path / "store").mkdir()
    return DirectoryStore(configuration.DirectoryStore(name="disk", path=tmp_path / "store"))


def back_up(store: DirectoryStore, day: int, database: str = "app") -> Location:
    place = location(day=day)
    with store.upload(place.prefix + MANIFEST, None) as upload:
        upload.write(dump_manifest(manifest(place, database)))
        upload.commit()
    return place


def prove(store: DirectoryStore, place: Location) -> None:
    Proofs(store).add(proof(place))


def test_the_latest_is_none_that_an_earlier_restore_has_replaced(store: DirectoryStore) -> None:
    good, damaged = back_up(store, 4), back_up(store, 5)

    (found,) = choose_good([store], Wanted(database="app"), {damaged.name})

    assert found.location == good


def test_a_good_one_of_the_same_second_is_not_passed_over(store: DirectoryStore) -> None:
    places = sorted([back_up(store, 5), back_up(store, 5)])

    (found,) = choose_good([store], Wanted(database="app"), {places[1].name})

    assert found.location == places[0]


def test_one_that_is_named_is_taken_whatever_it_holds(store: DirectoryStore) -> None:
    damaged = back_up(store, 5)

    (found,) = choose_good([store], Wanted(database="app", name=damaged.name), {damaged.name})

    assert found.location == damaged


def test_where_all_are_of_damaged_states_there_is_none(store: DirectoryStore) -> None:
    damaged = back_up(store, 5)

    with pytest.raises(NoBackupError):
        choose_good([store], Wanted(database="app"), {damaged.name})


def test_the_journal_knows_the_damaged_states(tmp_path: Path) -> None:
    with open_journal(tmp_path / "app.jsonl", "me@here") as journal:
        for backup in ("one", None):
            run = journal.begin(journal.draft(PURPOSE, "app", {}))
            journal.write(run.name, Event.DONE, step=BACK_UP, facts={"backup": backup})

        assert damaged_states(journal) == {"one"}


def test_the_newest_proven_is_found_behind_newer_ones(store: DirectoryStore) -> None:
    older, proven, _ = (back_up(store, day) for day in (3, 4, 5))
    other = back_up(store, 6, "other")
    for place in (older, proven, other):
        prove(store, place)

    found = choose_proven([store], Wanted(database="app"))

    assert found[0].location == proven
    assert is_proven(found)
    before = Wanted(database="app", at=datetime(2026, 1, 3, 12, tzinfo=UTC))
    assert choose_proven([store], before)[0].location == older


def test_one_that_is_proven_and_damaged_since_is_passed_over(
    store: DirectoryStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    older, newer = back_up(store, 4), back_up(store, 5)
    for place in (older, newer):
        prove(store, place)
    stored = tmp_path / "store" / newer.prefix / MANIFEST
    stored.chmod(0o600)
    stored.write_text("{}")

    (found,) = choose_proven([store], Wanted(database="app"))

    assert found.location == older
    assert newer.name in caplog.text


def test_where_none_is_proven_it_is_said(store: DirectoryStore) -> None:
    back_up(store, 5)

    with pytest.raises(NoBackupError, match="leave --proven out"):
        choose_proven([store], Wanted(database="app"))
    assert not is_proven(choose_good([store], Wanted(database="app"), ()))
