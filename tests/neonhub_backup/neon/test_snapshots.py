"""Which snapshots are owed, what they are called, and which have had their time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from neonhub_backup.domain.retention import RetentionPolicy, Tier, TierRule
from neonhub_backup.errors import NeonError
from neonhub_backup.neon.models import Branch, Project
from neonhub_backup.neon.snapshots import Held, View, free_name, owed, plan
from tests.neonhub_backup.neon.conftest import SETTINGS, branch

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
DAY = timedelta(days=1)
RETENTION = RetentionPolicy(
    hourly=None,
    weekly=None,
    annual=None,
    daily=TierRule(keep=7 * DAY),
    monthly=TierRule(keep=90 * DAY),
)


def _branch(name: str, age: timedelta = 200 * DAY, **more: Any) -> Branch:
    created = (NOW - age).isoformat()
    return Branch.model_validate(branch(name, created_at=created, **more))


def _daily(name: str, age: timedelta, **more: Any) -> Held:
    return Held(_branch(name, age, **more), Tier.DAILY)


def _view(*held: Held, others: tuple[Branch, ...] = ()) -> View:
    production = _branch("main", default=True)
    every = [production, *others, *(each.branch for each in held)]
    return View(
        Project(id=SETTINGS.project, history_retention_seconds=7 * 86400),
        production,
        {each.name: each for each in every},
        tuple(sorted(held, key=lambda each: each.branch.created_at)),
    )


def _decided(view: View) -> tuple[list[str], dict[str, str]]:
    decided = plan(RETENTION, view, NOW)
    return (
        [held.branch.name for held in decided.expired],
        {kept.held.branch.name: kept.reason for kept in decided.kept},
    )


def test_a_day_s_first_snapshot_is_called_by_the_day_and_its_next_by_the_minute() -> None:
    assert free_name(Tier.DAILY, {"main"}, NOW) == "backup-2026-03-10"
    assert free_name(Tier.DAILY, {"backup-2026-03-10"}, NOW) == "backup-2026-03-10-1230"
    assert free_name(Tier.HOURLY, {"main"}, NOW) == "backup-2026-03-10-1230"


def test_two_snapshots_of_a_minute_are_refused() -> None:
    with pytest.raises(NeonError, match="backup-2026-03-10-1230 already"):
        free_name(Tier.HOURLY, {"backup-2026-03-10-1230"}, NOW)


def test_the_highest_tier_without_a_snapshot_in_its_slot_is_owed() -> None:
    monthly = Held(_branch("backup-2026-03-01", 9 * DAY), Tier.MONTHLY)

    assert owed(RETENTION, _view(), NOW) is Tier.MONTHLY
    assert owed(RETENTION, _view(monthly), NOW) is Tier.DAILY
    assert owed(RETENTION, _view(monthly, _daily("b", timedelta(hours=1))), NOW) is None


def test_what_is_older_than_its_tier_is_kept_goes_oldest_first() -> None:
    view = _view(_daily("b", 9 * DAY), _daily("a", 10 * DAY), _daily("c", 6 * DAY))

    gone, kept = _decided(view)

    assert gone == ["a", "b"]
    assert kept == {"c": "kept until 2026-03-11 12:30 UTC"}


def test_the_newest_of_a_tier_stays_for_that_tier_alone() -> None:
    monthly = Held(_branch("m", 10 * DAY), Tier.MONTHLY)

    gone, kept = _decided(_view(_daily("a", 30 * DAY), _daily("b", 20 * DAY), monthly))

    assert gone == ["a"]
    assert kept["b"] == "the newest daily snapshot"


def test_one_dated_in_the_future_does_not_stand_in_for_the_newest() -> None:
    gone, kept = _decided(_view(_daily("a", 20 * DAY), _daily("z", -DAY)))

    assert gone == []
    assert kept["a"] == "the newest daily snapshot"
    assert "a clock is wrong" in kept["z"]


@pytest.mark.parametrize(
    ("more", "others", "reason"),
    [
        ({"default": True}, (), "it is a branch that is used"),
        (
            {},
            (_branch("child", parent_id="br-old"),),
            "branch child was made of it",
        ),
    ],
)
def test_a_branch_that_is_used_stays(
    more: dict[str, Any], others: tuple[Branch, ...], reason: str
) -> None:
    gone, kept = _decided(_view(_daily("old", 50 * DAY, **more), _daily("new", DAY), others=others))

    assert gone == []
    assert kept["old"] == reason


def test_a_tier_that_is_no_longer_configured_is_left_to_people() -> None:
    weekly = Held(_branch("w", 99 * DAY), Tier.WEEKLY)

    assert _decided(_view(weekly)) == (
        [],
        {"w": "no retention is configured for weekly snapshots any more"},
    )


def test_production_goes_back_to_its_own_beginning_and_no_further_than_the_history() -> None:
    assert _view().oldest(NOW) == NOW - 7 * DAY
    young = View(_view().project, _branch("main", DAY), {}, ())
    assert young.oldest(NOW) == NOW - DAY
