"""Looking back: whatever stores and their indexes can still tell."""

from datetime import UTC, datetime, timedelta

import pytest

from neonhub_backup.domain.index import Month
from neonhub_backup.domain.layout import Location, new_location
from neonhub_backup.domain.proof import Proof
from neonhub_backup.domain.retention import Tier
from neonhub_backup.holdings.index import Index
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.report.gathering import look_back
from neonhub_backup.watch.holdings import Holding
from neonhub_backup.watch.survey import survey
from tests.neonhub_backup.memory import CountingStore
from tests.neonhub_backup.samples import manifest, proof

NOW = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)


def taken(days: int, tier: Tier = Tier.DAILY) -> Location:
    return new_location(tier, NOW - days * DAY)


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


@pytest.fixture
def operations() -> CountingStore:
    """What keeps the index of the store."""
    return CountingStore()


def looked(store: CountingStore, databases: tuple[str, ...] = ("app",)) -> list[Holding]:
    return survey([store], databases)


def drilled(store: CountingStore, place: Location, *differences: str) -> Proof:
    made = proof(place, differences=differences)
    Proofs(store).add(made)
    return made


def test_all_backups_of_the_last_year_are_found(
    store: CountingStore, operations: CountingStore
) -> None:
    # More of one tier than a survey looks at.
    places = [store.back_up(taken(day)) for day in range(60)]
    store.back_up(taken(500, Tier.ANNUAL))

    ((past,), unread) = look_back([store], {"memory": operations}, looked(store), NOW)

    assert [each.backup.name for each in past.backups[:60]] == [each.name for each in places]
    assert unread == ()


def test_a_month_that_is_indexed_costs_no_manifest(
    store: CountingStore, operations: CountingStore
) -> None:
    for day in range(60):
        store.back_up(taken(day))
    Index(store, operations).rebuild(NOW, [Month(2026, month) for month in (1, 2, 3)])
    holdings = looked(store)
    store.forget()

    look_back([store], {"memory": operations}, holdings, NOW)

    assert store.read == []


def test_a_store_that_keeps_no_index_is_read_by_its_manifests_and_not_asked_for_one(
    store: CountingStore, caplog: pytest.LogCaptureFixture
) -> None:
    places = [store.back_up(taken(day)) for day in range(60)]

    ((past,), _) = look_back([store], {}, looked(store), NOW)

    assert [each.backup.name for each in past.backups] == [each.name for each in places]
    assert not [prefix for prefix in store.listed if prefix.startswith("index/")]
    assert caplog.text == ""


def test_a_backup_is_known_by_every_store_that_has_it(store: CountingStore) -> None:
    second = CountingStore()
    second.name = "second"
    both, one = taken(1), taken(0)
    store.back_up(one)
    for each in (store, second):
        each.back_up(both)

    ((past,), _) = look_back([store, second], {}, survey([store, second], ["app"]), NOW)

    assert [each.stores for each in past.backups] == [("memory",), ("memory", "second")]


def test_a_copy_is_proven_by_its_own_newest_drill(store: CountingStore) -> None:
    good, bad = store.back_up(taken(1)), store.back_up(taken(2))
    drilled(store, good)
    drilled(store, bad, "a row is missing")

    ((past,), _) = look_back([store], {}, looked(store), NOW)

    assert [each.proven_in for each in past.backups] == [("memory",), ()]
    assert {each.backup for each in past.proofs} == {good.name, bad.name}


def test_databases_are_kept_apart(store: CountingStore) -> None:
    app, other = store.back_up(taken(1)), store.back_up(taken(2), "other")

    (pasts, _) = look_back([store], {}, looked(store, ("app", "other")), NOW)

    assert {each.database: [kept.backup.name for kept in each.backups] for each in pasts} == {
        "app": [app.name],
        "other": [other.name],
    }
    assert manifest(other, "other").database == "other"


def test_a_store_that_status_could_not_read_is_not_asked_again(store: CountingStore) -> None:
    store.refuses.add("list")
    holdings = looked(store)
    store.forget()

    ((past,), (unread,)) = look_back([store], {}, holdings, NOW)

    assert past.backups == ()
    assert unread.store == "memory"
    assert "cannot list" in unread.text
    assert store.listed == store.walked == []


def test_a_store_that_is_lost_between_two_looks_still_tells_what_it_told(
    store: CountingStore, operations: CountingStore
) -> None:
    place = store.back_up(taken(1))
    holdings = looked(store)
    store.refuses.add("list")

    ((past,), (unread,)) = look_back([store], {"memory": operations}, holdings, NOW)

    assert [each.backup.name for each in past.backups] == [place.name]
    assert "cannot list" in unread.text
