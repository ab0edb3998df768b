"""A look at a store costs little, however many backups it has, and misses none of the newest."""

from datetime import timedelta

import pytest

from neonhub_backup.domain.layout import ARCHIVE, DRILLS, MANIFEST, new_location
from neonhub_backup.domain.proof import dump_proof
from neonhub_backup.domain.retention import Tier
from neonhub_backup.watch.holdings import Holding
from neonhub_backup.watch.survey import LOOKED_AT, survey
from tests.neonhub_backup.memory import CountingStore
from tests.neonhub_backup.samples import at, location, proof


@pytest.fixture
def store() -> CountingStore:
    return CountingStore()


def _look(store: CountingStore) -> Holding:
    (found,) = survey([store], ["app"])
    return found


def test_the_newest_of_each_tier_are_looked_at_and_no_others(store: CountingStore) -> None:
    days = [
        store.back_up(new_location(Tier.DAILY, at(31) - timedelta(days=number)))
        for number in range(LOOKED_AT + 100)
    ]
    weekly = store.back_up(location(Tier.WEEKLY))

    found = _look(store)

    wanted = {place.name for place in (*days[:LOOKED_AT], weekly)}
    assert {backup.name for backup in found.backups} == wanted
    assert len(store.read) == len(wanted)
    assert store.listed == [DRILLS]
    # They are of two months, beside the second of which the one before it is listed.
    assert {each for each in store.walked if each.startswith("db/daily/20")} == {
        *("db/daily/2026/", "db/daily/2026/01/"),
        *("db/daily/2025/", "db/daily/2025/12/", "db/daily/2025/11/"),
    }


def test_backups_that_never_were_completed_hide_none_that_were(store: CountingStore) -> None:
    whole = store.back_up(location(day=1))
    for hour in range(LOOKED_AT):
        begun = new_location(Tier.DAILY, at(2) + timedelta(hours=hour))
        store.objects[begun.prefix + ARCHIVE] = b"x"

    assert [backup.name for backup in _look(store).backups] == [whole.name]


def test_a_damaged_manifest_is_told_of(store: CountingStore) -> None:
    damaged = location()
    store.objects[damaged.prefix + MANIFEST] = b"{}"

    (told,) = _look(store).damaged

    assert damaged.name in told


def test_a_store_that_cannot_be_listed_or_read_says_so(store: CountingStore) -> None:
    store.back_up(location())
    for step in ("list", "read"):
        store.refuses = {step}
        assert _look(store).error == f"store memory cannot {step}"


def test_drills_are_listed_once_and_the_newest_read(store: CountingStore) -> None:
    places = [new_location(Tier.DAILY, at(1) + timedelta(hours=each)) for each in range(50)]
    for place in places:
        store.objects[f"{DRILLS}{place.name}.json"] = dump_proof(proof(place))

    found = _look(store)

    assert store.listed == [DRILLS]
    assert {each.backup for each in found.proofs} == {place.name for place in places[-LOOKED_AT:]}
