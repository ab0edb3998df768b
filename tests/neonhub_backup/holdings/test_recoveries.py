"""How long recoveries took is kept in every place, and read from whichever has it."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from neonhub_backup.domain.recoveries import (
    Recovery,
    Scenario,
    dump_recovery,
    load_recovery,
    new_recovery_key,
)
from neonhub_backup.errors import IntegrityError
from neonhub_backup.holdings.recoveries import LOOKED_AT, add_recovery, newest_recoveries
from tests.neonhub_backup import samples
from tests.neonhub_backup.memory import CountingStore

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def recovery(age: timedelta = timedelta(0), **changed: object) -> Recovery:
    return samples.recovery(NOW - age, Scenario.TABLE, 4.5).model_copy(update=changed)


def test_one_is_kept_in_every_place_and_read_once() -> None:
    places = [CountingStore(), CountingStore()]

    add_recovery(places, recovery())

    assert [len(place.objects) for place in places] == [1, 1]
    assert newest_recoveries(places, "production") == [recovery()]
    assert sum(len(place.read) for place in places) == 1


def test_a_place_that_takes_none_is_warned_of_and_the_others_take_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken, whole = CountingStore(), CountingStore()
    broken.refuses = {"write", "list"}

    with caplog.at_level(logging.WARNING):
        add_recovery([broken, whole], recovery())
        found = newest_recoveries([broken, whole], "production")

    assert found == [recovery()]
    assert "how long this took was not recorded" in caplog.text
    assert "how long recoveries took is not read from there" in caplog.text


def test_the_newest_come_first_and_no_more_are_read_than_are_looked_at() -> None:
    place = CountingStore()
    for minute in range(LOOKED_AT + 20):
        add_recovery([place], recovery(timedelta(minutes=minute)))

    found = newest_recoveries([place], "production")

    assert [each.finished for each in found[:2]] == [NOW, NOW - timedelta(minutes=1)]
    assert len(found) == len(place.read) == LOOKED_AT


def test_those_of_other_environments_are_left_out() -> None:
    place = CountingStore()
    add_recovery([place], recovery(environment="staging"))

    assert newest_recoveries([place], "production") == []


def test_one_that_was_changed_is_warned_of_and_read_from_another_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    changed, whole = CountingStore(), CountingStore()
    add_recovery([changed, whole], recovery())
    (key,) = changed.objects
    changed.objects[key] = changed.objects[key].replace(b"4.5", b"0.5")
    changed.objects["status/recoveries/notes.txt"] = b"x"

    with caplog.at_level(logging.WARNING):
        found = newest_recoveries([changed, whole], "production")

    assert found == [recovery()]
    assert "was changed after it was written" in caplog.text


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        (b"no", "is no measured recovery"),
        (
            dump_recovery(recovery()).replace(b"table", b"tavle"),
            "was changed after it was written",
        ),
        (dump_recovery(recovery(seconds=-1.0)), r"cannot read \(seconds: "),
    ],
)
def test_what_is_none_is_refused(stored: bytes, said: str) -> None:
    with pytest.raises(IntegrityError, match=said):
        load_recovery(stored, "status/recoveries/x.json")


def test_keys_sort_by_the_second() -> None:
    keys = [new_recovery_key(NOW + timedelta(seconds=each)) for each in range(3)]

    assert sorted(keys) == keys
    assert keys[0].startswith("status/recoveries/20260301T123000Z-")


def test_without_a_place_nothing_is_kept() -> None:
    add_recovery([], recovery())

    assert newest_recoveries([], "production") == []
