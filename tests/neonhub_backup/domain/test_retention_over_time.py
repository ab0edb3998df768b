"""Years of runs, on time, late, missed or by a wrong clock: what the retention table says holds.

Each example is a policy and the times at which its scheduler ran. A simulated store expires backups
as bucket lifecycles do: by the age of their tier, counted from when they were begun.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from neonhub_backup.domain.retention import RetentionPolicy, Tier, TierRule

TIERS = list(Tier)
Taken = tuple[datetime, Tier]


@dataclass
class Timeline:
    """A store over the years, and the runs that fill it."""

    policy: RetentionPolicy
    taken: list[Taken] = field(default_factory=list[Taken])
    """Every backup ever taken, in the order of the runs."""

    def there(self, at: datetime) -> list[Taken]:
        """What has been taken by then and has not expired."""
        rules = self.policy.rules()
        return [
            (begun, tier)
            for begun, tier in self.taken
            if begun <= at < begun + timedelta(days=rules[tier].keep_days)
        ]

    def run(self, now: datetime) -> Tier:
        """Take the tier that is owed, else the lowest, as the tool does; which one it was."""
        newest: dict[Tier, datetime] = {}
        for begun, tier in self.there(now):
            newest[tier] = max(begun, newest.get(tier, begun))
        tier = self.policy.owed(now, newest) or next(iter(self.policy.rules()))
        self.taken.append((now, tier))
        return tier

    def standing_in(self, tier: Tier, slot: datetime, at: datetime) -> list[Taken]:
        """Backups, still there, that give back what the tier's slot promises."""
        return [
            (begun, other)
            for begun, other in self.there(at)
            if TIERS.index(other) >= TIERS.index(tier) and self.policy.slot(tier, begun) == slot
        ]


@st.composite
def policies(draw: st.DrawFn) -> RetentionPolicy:
    """Any tiers, each kept longer than the one below, locked for all or a part of it or not."""
    tiers = draw(st.lists(st.sampled_from(TIERS), min_size=1, unique=True))
    keep, rules = 0, dict[str, TierRule | None]()
    for tier in TIERS:
        rules[tier] = None
        if tier in tiers:
            keep += draw(st.integers(1, 24 * 800))
            lock = draw(st.none() | st.integers(1, keep).map(lambda hours: timedelta(hours=hours)))
            rules[tier] = TierRule(keep=timedelta(hours=keep), lock=lock)
    return RetentionPolicy(hour_utc=draw(st.integers(0, 23)), **rules)  # pyright: ignore[reportArgumentType] - the keys are the tiers


TIMES = st.one_of(
    st.sampled_from(
        [
            datetime.fromisoformat(f"{written}+00:00")
            for written in (
                "2023-12-31 01:59:30",
                "2024-02-28 23:30:00",
                "2024-02-29 02:00:00",
                "2027-12-31 23:59:59",
                "2099-12-31 12:00:00",  # 2100 is no leap year
                "2100-02-28 20:00:00",
            )
        ]
    ),
    st.datetimes(
        min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
        timezones=st.just(UTC),
    ),
)
WAITS = st.one_of(
    # Several in one minute, on time, late, a day missed, a year missed.
    st.timedeltas(timedelta(0), timedelta(minutes=1)),
    st.timedeltas(timedelta(minutes=50), timedelta(minutes=70)),
    st.timedeltas(timedelta(hours=1), timedelta(days=2)),
    st.timedeltas(timedelta(days=2), timedelta(days=500)),
)


@st.composite
def schedules(draw: st.DrawFn) -> list[datetime]:
    """When the runs of some time came."""
    times = [draw(TIMES)]
    for wait in draw(st.lists(WAITS, max_size=40)):
        times.append(times[-1] + wait)
    return times


def _moments(runs: Sequence[datetime], policy: RetentionPolicy) -> list[datetime]:
    """When something may just have been lost: at every run, and around every expiry."""
    ages = {timedelta(days=rule.keep_days) for rule in policy.rules().values()}
    ends = [run + age for run in runs for age in ages]
    return [*runs, *ends, *(end - timedelta(microseconds=1) for end in ends)]


@given(policies(), schedules())
def test_every_slot_in_which_a_run_came_is_kept_for_the_time_of_its_tier(
    policy: RetentionPolicy, runs: list[datetime]
) -> None:
    timeline = Timeline(policy)
    for now in runs:
        timeline.run(now)

    for tier, rule in policy.rules().items():
        for slot, first in {policy.slot(tier, run): run for run in reversed(runs)}.items():
            for at in _moments(runs, policy):
                if first <= at < slot + rule.keep:
                    assert timeline.standing_in(tier, slot, at)


@given(policies(), schedules())
def test_after_a_run_nothing_is_owed_before_the_next_slot_begins_or_one_expires(
    policy: RetentionPolicy, runs: list[datetime]
) -> None:
    timeline = Timeline(policy)
    for now in runs:
        timeline.run(now)

        for tier in policy.rules():
            assert timeline.standing_in(tier, policy.slot(tier, now), now)


@given(policies(), schedules())
def test_no_slot_of_a_tier_is_filled_twice_while_its_backup_is_there(
    policy: RetentionPolicy, runs: list[datetime]
) -> None:
    timeline = Timeline(policy)
    lowest = next(iter(policy.rules()))
    for now in runs:
        there = timeline.there(now)
        tier = timeline.run(now)

        if tier is not lowest:
            slot = policy.slot(tier, now)
            assert not any(
                policy.slot(tier, begun) == slot and TIERS.index(other) >= TIERS.index(tier)
                for begun, other in there
            )


@given(policies(), schedules())
def test_nothing_expires_before_its_keep_or_while_it_is_locked(
    policy: RetentionPolicy, runs: list[datetime]
) -> None:
    timeline = Timeline(policy)
    for now in runs:
        timeline.run(now)

    for begun, tier in timeline.taken:
        locked_until = policy.locked_until(tier, begun)
        assert locked_until is not None
        for end in (locked_until, begun + policy.rules()[tier].keep):
            assert (begun, tier) in timeline.there(end - timedelta(microseconds=1))


@given(policies(), st.lists(TIMES, min_size=1, max_size=30))
@example(  # A clock that was a year ahead for one run.
    RetentionPolicy(),
    [datetime(2026, 5, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in (0, 365, 1, 2, 40)],
)
def test_a_clock_that_was_wrong_leaves_no_slot_of_a_later_run_empty(
    policy: RetentionPolicy, clock: list[datetime]
) -> None:
    timeline = Timeline(policy)
    for now in clock:
        timeline.run(now)

        for tier in policy.rules():
            assert timeline.standing_in(tier, policy.slot(tier, now), now)


@given(st.lists(TIMES, min_size=1, max_size=30))
def test_a_wrong_clock_costs_no_more_than_a_backup_for_each_time_it_was_set_back(
    clock: list[datetime],
) -> None:
    timeline = Timeline(RetentionPolicy())
    for now in clock:
        timeline.run(now)

    set_back = sum(later < earlier for earlier, later in pairwise(clock))
    for tier in TIERS[1:]:
        slots = {timeline.policy.slot(tier, now) for now in clock}
        number = sum(taken == tier for _, taken in timeline.taken)
        assert number <= len(slots) + set_back
