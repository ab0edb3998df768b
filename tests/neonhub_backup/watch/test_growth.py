"""Odd sizes are found in bytes and in rows; growth, gaps and planned changes are no alarm."""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from neonhub_backup.domain.configuration import Acknowledged, Watch
from neonhub_backup.domain.retention import Tier
from neonhub_backup.watch.findings import Finding, Verdict
from neonhub_backup.watch.growth import judge_growth, week_over_week
from neonhub_backup.watch.holdings import Backup
from tests.neonhub_backup.watch.history import DAY, HOUR, NOW, backup, days, holding


def judged(backups: list[Backup], watch: Watch | None = None) -> list[Finding]:
    return judge_growth(holding(backups), watch or Watch(), NOW)


def checks(findings: list[Finding]) -> list[tuple[str, Verdict]]:
    return [(finding.check, finding.verdict) for finding in findings]


def test_steady_backups_are_well() -> None:
    assert judged(days([1_000_000 + 1_000 * day for day in range(30)], [5_000] * 30)) == []


def test_over_half_more_than_a_week_before_is_a_warning() -> None:
    sizes = [100, 110, 118, 126, 134, 141, 148, 155]

    (found,) = judged(days([size * 1_000 for size in sizes]))

    assert (found.check, found.verdict) == ("size", Verdict.WARNING)
    assert "+55 % against 100,000 a week before" in found.text


def test_over_30_percent_less_than_a_week_before_is_a_breach() -> None:
    (found,) = judged(days([100_000] * 7 + [69_000]))

    assert (found.check, found.verdict) == ("size", Verdict.BREACH)
    assert "-31 % against 100,000 a week before" in found.text


def test_just_within_the_bounds_is_well() -> None:
    assert judged(days([100_000, 95_000, 91_000, 86_000, 82_000, 78_000, 74_000, 70_000])) == []


def test_the_bounds_are_the_stack_s() -> None:
    backups = days([100_000, 95_000, 90_000, 85_000, 80_000, 76_000, 71_000, 66_000])

    assert checks(judged(backups)) == [("size", Verdict.BREACH)]
    assert judged(backups, Watch(shrink_percent=40)) == []


def test_a_truncated_table_is_seen_inside_a_growing_database() -> None:
    growing = [1_000_000 + 20_000 * day for day in range(10)]

    (found,) = judged(days(growing, [5_000] * 9 + [0]))

    assert (found.check, found.verdict) == ("rows", Verdict.BREACH)
    assert "table public.users of backup" in found.text
    assert "has 0 rows, -100 % against 5,000" in found.text


def test_a_dropped_table_is_said_to_be_gone() -> None:
    backups = days([1_000_000] * 8, [5_000] * 8)
    backups[-1] = replace(backups[-1], rows={})

    (found,) = judged(backups)

    assert "since the table is gone" in found.text


def test_a_small_table_may_come_and_go() -> None:
    assert judged(days([1_000_000] * 10, [99] * 9 + [0])) == []


def test_a_jump_that_is_unusual_for_the_tier_is_seen_within_the_bounds_of_a_week() -> None:
    (found,) = judged(days([1_000_000 + 1_000 * day for day in range(20)] + [1_250_000]))

    assert (found.check, found.verdict) == ("size", Verdict.WARNING)
    assert "is usual" in found.text


def test_one_earlier_jump_does_not_hide_a_loss() -> None:
    sizes = [1_000_000] * 10 + [1_400_000] * 10 + [1_100_000]

    assert checks(judged(days(sizes))) == [("size", Verdict.BREACH)]


def test_a_tier_that_often_jumps_may_jump() -> None:
    swings = [0, 12, -9, 14, 3, -13, 8, -6, 15, -11, 5, 13, -14, 10, -4, 7, -12, 9, -8, 11]
    sizes = [10_000 * (100 + swing) for swing in swings]

    assert judged(days([*sizes, 900_000])) == []
    assert checks(judged(days([*sizes, 750_000]))) == [("size", Verdict.BREACH)]


def test_the_first_backups_are_no_alarm() -> None:
    assert judged([]) == []
    assert judged(days([1_000_000])) == []
    assert judged(days([1_000_000, 10])) == []


def test_a_gap_in_history_is_no_alarm() -> None:
    long_ago = [backup(DAY * (30 + day), size=1_000_000) for day in range(20)]

    assert judged([*long_ago, backup(HOUR, size=3_000_000)]) == []


def test_backups_of_other_tiers_tell_of_the_week_before() -> None:
    week = backup(DAY * 7 + HOUR, Tier.WEEKLY, size=100_000)

    change = week_over_week(holding([week, backup(HOUR, Tier.HOURLY, size=70_000)]), NOW)

    assert change is not None
    assert change.percent == -30


def test_copies_for_other_keys_say_nothing_of_growth() -> None:
    copy = replace(backup(timedelta(0), size=10), planned=False)

    assert judged([copy, *days([100_000] * 8)]) == []


def test_what_was_planned_is_no_alarm_until_its_day() -> None:
    backups = days([1_000_000] * 8, [5_000] * 7 + [0])
    note = Acknowledged(
        database="app", table="public.users", until=date(2026, 3, 1), reason="users move away"
    )

    assert judged(backups, Watch(acknowledged=(note,))) == []
    for other in (
        {"until": date(2026, 2, 28)},
        {"table": "public.others"},
        {"database": "another"},
    ):
        changed = note.model_copy(update=other)
        assert checks(judged(backups, Watch(acknowledged=(changed,)))) == [("rows", Verdict.BREACH)]


def test_a_note_without_a_table_is_of_the_whole_database() -> None:
    backups = days([1_000_000] * 7 + [500_000], [5_000] * 7 + [0])
    note = Acknowledged(database="app", until=date(2026, 3, 1), reason="the archive moves")

    assert judged(backups, Watch(acknowledged=(note,))) == []


@given(
    start=st.integers(10_000, 10**12),
    growth=st.floats(-0.03, 0.05),
    number=st.integers(1, 40),
)
def test_steady_growth_or_decline_is_never_an_alarm(start: int, growth: float, number: int) -> None:
    sizes = [int(start * (1 + growth) ** day) for day in range(number)]

    assert judged(days(sizes)) == []
