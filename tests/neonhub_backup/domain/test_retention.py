"""Which backup is owed, and how long each is kept and locked."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from neonhub_backup.domain.retention import LockMode, RetentionPolicy, Tier, TierRule

POLICY = RetentionPolicy()
TIMES = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2060, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
TIERS = st.sampled_from(Tier)


def _at(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("tier", "now", "slot"),
    [
        (Tier.HOURLY, "2025-01-05 13:59:59", "2025-01-05 13:00"),
        (Tier.HOURLY, "2025-01-05 13:00:00", "2025-01-05 13:00"),
        (Tier.DAILY, "2025-01-05 02:00:00", "2025-01-05 02:00"),
        (Tier.DAILY, "2025-01-05 01:59:59", "2025-01-04 02:00"),
        (Tier.DAILY, "2025-01-01 01:59:59", "2024-12-31 02:00"),
        # 5 January 2025 is a Sunday.
        (Tier.WEEKLY, "2025-01-05 02:00:00", "2025-01-05 02:00"),
        (Tier.WEEKLY, "2025-01-05 01:59:59", "2024-12-29 02:00"),
        (Tier.WEEKLY, "2025-01-11 23:00:00", "2025-01-05 02:00"),
        (Tier.WEEKLY, "2024-03-02 12:00:00", "2024-02-25 02:00"),
        (Tier.MONTHLY, "2025-01-01 02:00:00", "2025-01-01 02:00"),
        (Tier.MONTHLY, "2025-01-01 01:59:59", "2024-12-01 02:00"),
        (Tier.MONTHLY, "2024-02-29 12:00:00", "2024-02-01 02:00"),
        (Tier.MONTHLY, "2024-03-01 01:00:00", "2024-02-01 02:00"),
        (Tier.MONTHLY, "2025-01-31 12:00:00", "2025-01-01 02:00"),
        (Tier.ANNUAL, "2025-01-01 02:00:00", "2025-01-01 02:00"),
        (Tier.ANNUAL, "2025-01-01 01:59:59", "2024-01-01 02:00"),
        (Tier.ANNUAL, "2024-02-29 12:00:00", "2024-01-01 02:00"),
        (Tier.ANNUAL, "2024-12-31 23:59:59", "2024-01-01 02:00"),
    ],
)
def test_a_slot_begins_when_the_table_says(tier: Tier, now: str, slot: str) -> None:
    assert POLICY.slot(tier, _at(now)) == _at(slot)


def test_the_hour_of_the_slots_can_be_chosen() -> None:
    policy = RetentionPolicy(hour_utc=23)

    assert policy.slot(Tier.DAILY, _at("2025-01-05 22:59")) == _at("2025-01-04 23:00")
    assert policy.slot(Tier.ANNUAL, _at("2025-01-01 22:59")) == _at("2024-01-01 23:00")


def test_slots_are_in_utc_wherever_the_clock_is() -> None:
    now = datetime(2025, 1, 5, 4, 0, tzinfo=timezone(timedelta(hours=9)))

    assert POLICY.slot(Tier.DAILY, now) == _at("2025-01-04 02:00")


@given(TIERS, TIMES)
def test_a_slot_has_begun_and_is_the_newest(tier: Tier, now: datetime) -> None:
    slot = POLICY.slot(tier, now)
    longest = {
        Tier.HOURLY: timedelta(hours=1),
        Tier.DAILY: timedelta(days=1),
        Tier.WEEKLY: timedelta(weeks=1),
        Tier.MONTHLY: timedelta(days=31),
        Tier.ANNUAL: timedelta(days=366),
    }[tier]

    assert slot <= now < slot + longest
    assert POLICY.slot(tier, slot) == slot
    assert POLICY.slot(tier, slot - timedelta(microseconds=1)) < slot


@given(TIMES)
def test_slots_of_the_rarer_tiers_are_slots_of_the_daily_one(now: datetime) -> None:
    for tier in (Tier.WEEKLY, Tier.MONTHLY, Tier.ANNUAL):
        slot = POLICY.slot(tier, now)
        assert POLICY.slot(Tier.DAILY, slot) == slot


def test_an_empty_store_is_owed_the_highest_tier() -> None:
    assert POLICY.owed(_at("2025-06-15 12:00"), {}) is Tier.ANNUAL


def test_a_store_with_every_slot_filled_is_owed_nothing() -> None:
    now = _at("2025-06-15 12:30")

    assert POLICY.owed(now, {tier: POLICY.slot(tier, now) for tier in Tier}) is None


def test_only_the_slot_that_began_is_owed() -> None:
    newest = {Tier.ANNUAL: _at("2025-06-15 11:05")}

    assert POLICY.owed(_at("2025-06-15 11:59"), newest) is None
    assert POLICY.owed(_at("2025-06-15 12:00"), newest) is Tier.HOURLY
    assert POLICY.owed(_at("2025-06-16 02:00"), newest) is Tier.DAILY
    assert POLICY.owed(_at("2025-06-22 02:00"), newest) is Tier.WEEKLY
    assert POLICY.owed(_at("2025-07-01 02:00"), newest) is Tier.MONTHLY
    assert POLICY.owed(_at("2026-01-01 02:00"), newest) is Tier.ANNUAL


def test_a_run_that_never_came_is_made_up_for_by_the_next() -> None:
    before_new_year = _at("2024-12-31 23:10")
    newest = dict.fromkeys(Tier, before_new_year)

    # The runs of the whole first week were dropped: the next one takes the annual slot, and the
    # one after finds only its own hour owed.
    late = _at("2025-01-08 09:10")
    assert POLICY.owed(late, newest) is Tier.ANNUAL
    newest[Tier.ANNUAL] = late
    assert POLICY.owed(late + timedelta(minutes=10), newest) is None
    assert POLICY.owed(late + timedelta(hours=1), newest) is Tier.HOURLY


def test_a_lower_tier_does_not_fill_a_higher_one() -> None:
    now = _at("2025-06-15 12:30")
    newest = {tier: POLICY.slot(tier, now) for tier in Tier}
    newest[Tier.MONTHLY] = _at("2025-05-01 02:00")

    assert POLICY.owed(now, newest) is Tier.MONTHLY


def test_a_tier_that_is_not_in_use_is_never_owed() -> None:
    policy = RetentionPolicy(annual=None, hourly=None)

    assert policy.owed(_at("2025-06-15 12:00"), {}) is Tier.MONTHLY
    assert policy.owed(_at("2025-06-15 12:00"), {Tier.MONTHLY: _at("2025-06-15 02:00")}) is None


def test_backups_of_a_tier_that_is_no_longer_in_use_still_count() -> None:
    policy = RetentionPolicy(annual=None)

    assert policy.owed(_at("2025-06-15 12:00"), {Tier.ANNUAL: _at("2025-06-15 12:00")}) is None


@given(TIMES, st.dictionaries(TIERS, TIMES))
def test_nothing_is_owed_once_what_was_owed_is_there(
    now: datetime, newest: dict[Tier, datetime]
) -> None:
    owed = POLICY.owed(now, newest)

    if owed is not None:
        assert POLICY.owed(now, newest | {owed: now}) is None


@given(TIMES, st.dictionaries(TIERS, TIMES))
def test_no_tier_above_the_owed_one_is_missing_in_its_slot(
    now: datetime, newest: dict[Tier, datetime]
) -> None:
    owed = POLICY.owed(now, newest)

    tiers = list(Tier)
    for tier in tiers[0 if owed is None else tiers.index(owed) + 1 :]:
        slot = POLICY.slot(tier, now)
        assert any(
            newest[other] >= slot for other in newest if tiers.index(other) >= tiers.index(tier)
        )


def test_the_defaults_are_the_table_of_the_readme() -> None:
    kept = {tier.value: rule.keep_days for tier, rule in POLICY.rules().items()}

    assert kept == {"hourly": 1, "daily": 30, "weekly": 84, "monthly": 366, "annual": 2557}
    assert POLICY.lock_mode is LockMode.GOVERNANCE


def test_an_object_is_locked_as_long_as_it_is_kept_unless_told_otherwise() -> None:
    policy = RetentionPolicy(daily=TierRule.model_validate({"keep": "30d", "lock": "7d"}))
    uploaded = _at("2025-01-31 02:00")

    assert policy.locked_until(Tier.DAILY, uploaded) == _at("2025-02-07 02:00")
    assert policy.locked_until(Tier.WEEKLY, uploaded) == uploaded + timedelta(weeks=12)
    assert policy.shortest_lock_days() == 1


def test_without_a_lock_mode_nothing_is_locked() -> None:
    policy = RetentionPolicy(lock_mode=None)

    assert policy.locked_until(Tier.ANNUAL, _at("2025-01-01 02:00")) is None


def test_a_lock_longer_than_the_time_kept_is_refused() -> None:
    with pytest.raises(ValidationError, match="lock 31d is longer than keep 30d"):
        TierRule.model_validate({"keep": "30d", "lock": "31d"})


def test_a_higher_tier_that_expires_first_is_refused() -> None:
    with pytest.raises(
        ValidationError, match=r"weekly\.keep 30d is not longer than daily\.keep 30d"
    ):
        RetentionPolicy.model_validate({"weekly": {"keep": "30d"}})


def test_tiers_are_compared_across_one_that_is_not_in_use() -> None:
    with pytest.raises(ValidationError, match=r"monthly\.keep 30d is not longer than daily\.keep"):
        RetentionPolicy.model_validate({"weekly": None, "monthly": {"keep": "30d"}})


def test_a_policy_without_any_tier_is_refused() -> None:
    with pytest.raises(ValidationError, match="nothing would ever be backed up"):
        RetentionPolicy(hourly=None, daily=None, weekly=None, monthly=None, annual=None)


def test_a_policy_survives_being_written_and_read() -> None:
    policy = RetentionPolicy(
        hourly=None, daily=TierRule.model_validate({"keep": "45d", "lock": "7d"})
    )

    assert RetentionPolicy.model_validate(policy.model_dump(mode="json")) == policy
    assert policy.model_dump(mode="json")["daily"] == {"keep": "45d", "lock": "1w"}
