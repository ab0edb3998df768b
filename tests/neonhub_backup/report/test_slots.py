"""The calendar: every slot of every tier says what became of it."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.report.gathering import Kept, Past
from neonhub_backup.report.slots import describe_calendar, next_slot
from tests.neonhub_backup.watch.history import DAY, HOUR, NOW, backup, days

RETENTION = RetentionPolicy()
DAILY = RetentionPolicy(hourly=None, weekly=None, monthly=None, annual=None)


def calendar(
    backups: Sequence[Kept], retention: RetentionPolicy = RETENTION, now: datetime = NOW
) -> dict[str, dict[str, Any]]:
    """Each tier by its name."""
    past = Past(database="app", backups=tuple(backups), proofs=())
    said = describe_calendar(past, retention, ["aws", "gcp"], now)
    return {tier["tier"]: tier for tier in said["tiers"]}


def kept(
    age: timedelta,
    tier: Tier = Tier.DAILY,
    stores: tuple[str, ...] = ("aws", "gcp"),
    proven: tuple[str, ...] = (),
) -> Kept:
    return Kept(backup=backup(age, tier), stores=stores, proven_in=proven)


def everywhere(number: int) -> list[Kept]:
    """A daily backup of each of the last days, newest first."""
    taken = reversed(days([1] * number))
    return [Kept(backup=each, stores=("aws", "gcp"), proven_in=()) for each in taken]


def states(tier: dict[str, Any], number: int) -> list[str]:
    """Of the newest slots."""
    return [slot["state"] for slot in tier["slots"][:number]]


def test_a_backup_is_in_the_slot_in_which_it_began() -> None:
    daily = calendar(everywhere(3))["daily"]

    assert states(daily, 4) == ["kept", "kept", "kept", "before"]
    assert daily["slots"][0]["slot"] == "2026-03-01T02:00:00+00:00"


def test_a_backup_that_was_proven_anywhere_is_proven() -> None:
    found = calendar([kept(HOUR, proven=("gcp",))])["daily"]

    assert states(found, 1) == ["proven"]


def test_a_backup_that_a_store_lacks_is_partial_and_says_where() -> None:
    slot = calendar([kept(HOUR, stores=("gcp",))])["daily"]["slots"][0]

    assert (slot["state"], slot["missing_in"]) == ("partial", ["aws"])


def test_a_day_without_a_backup_between_others_is_missing() -> None:
    taken = everywhere(4)
    del taken[1]

    assert states(calendar(taken)["daily"], 4) == ["kept", "missing", "kept", "kept"]


def test_a_backup_is_due_until_it_is_overdue() -> None:
    taken = everywhere(20)[1:]

    assert states(calendar(taken)["daily"], 1) == ["due"]
    assert states(calendar(taken)["weekly"], 1) == ["due"]
    assert states(calendar(taken, now=NOW + 20 * HOUR)["weekly"], 1) == ["missing"]


def test_days_before_the_first_backup_are_no_gap() -> None:
    daily = calendar(everywhere(1))["daily"]

    assert set(states(daily, 40)[1:30]) == {"before"}
    assert daily["counts"]["missing"] == 0


def test_what_was_kept_for_as_long_as_its_tier_is_expired() -> None:
    daily = calendar(everywhere(60), DAILY)["daily"]

    assert daily["counts"]["expired"] >= 7
    assert states(daily, 60)[-1] == "expired"


def test_a_gap_that_its_tier_would_no_longer_keep_is_no_gap() -> None:
    taken = [kept(HOUR), kept(40 * DAY, Tier.MONTHLY)]

    assert states(calendar(taken)["daily"], 60)[-1] == "expired"


def test_a_higher_tier_fills_the_slots_of_the_lower_ones() -> None:
    found = calendar([kept(timedelta(hours=10), Tier.MONTHLY)])

    assert states(found["daily"], 1) == ["kept"]
    assert states(found["weekly"], 1) == ["kept"]
    assert found["daily"]["slots"][0]["tier"] == "monthly"


def test_a_lower_tier_fills_no_slot_of_a_higher_one() -> None:
    assert calendar([kept(HOUR)])["monthly"]["slots"][0]["backup"] is None


def test_a_backup_of_the_future_fills_no_slot() -> None:
    assert calendar([kept(-2 * DAY)])["daily"]["slots"][0]["backup"] is None


def test_every_slot_is_counted_once() -> None:
    for tier in calendar(everywhere(20)).values():
        assert sum(tier["counts"].values()) == len(tier["slots"])


def test_a_tier_that_is_not_kept_is_not_shown() -> None:
    assert list(calendar(everywhere(1), DAILY)) == ["daily"]


def test_the_next_slot_begins_after_now() -> None:
    assert next_slot(RETENTION, Tier.HOURLY, NOW) == datetime(2026, 3, 1, 13, tzinfo=UTC)
    assert next_slot(RETENTION, Tier.MONTHLY, NOW) == datetime(2026, 4, 1, 2, tzinfo=UTC)
    for tier in Tier:
        assert RETENTION.slot(tier, next_slot(RETENTION, tier, NOW)) > NOW
