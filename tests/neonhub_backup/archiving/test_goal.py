"""Which base backup a recovery begins with, and what the server is told of its end."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from neonhub_backup.archiving.goal import (
    Goal,
    Kind,
    choose_base,
    goal_at,
    recovery_settings,
    refuse_gap,
    render_settings,
)
from neonhub_backup.archiving.segments import Reach
from neonhub_backup.errors import IntegrityError, NoBackupError
from tests.neonhub_backup.archiving.archives import base, directory_archive

ARCHIVE = directory_archive(Path("/mnt/backup"))
BASES = [base(1), base(8), base(15)]
NOON = datetime(2026, 1, 9, 12, tzinfo=UTC)
GAP = Reach("00000001000000000000000F", "00000001000000000000000A", 2)


@pytest.mark.parametrize(
    ("goal", "expected"),
    [
        (goal_at(NOON), BASES[1]),
        (goal_at(BASES[1].ended), BASES[1]),
        (goal_at(BASES[1].ended - timedelta(microseconds=1)), BASES[0]),
        (Goal(Kind.LSN, "0/8000200"), BASES[1]),
        (Goal(Kind.LSN, "0/80000FF"), BASES[0]),
        (Goal(Kind.LATEST), BASES[2]),
        (Goal(Kind.STANDBY), BASES[2]),
        # Nothing tells when they were.
        (Goal(Kind.XID, "800"), BASES[0]),
        (Goal(Kind.NAME, "release"), BASES[0]),
    ],
)
def test_the_newest_base_backup_before_the_goal_is_chosen(goal: Goal, expected: object) -> None:
    assert choose_base(ARCHIVE, BASES, goal) == expected


def test_a_goal_before_all_base_backups_is_refused_with_the_oldest_possible_time() -> None:
    early = goal_at(datetime(2025, 12, 31, tzinfo=UTC))

    with pytest.raises(NoBackupError, match=r"oldest possible time is 2026-01-01T03:00:00\+00:00"):
        choose_base(ARCHIVE, BASES, early)


def test_without_a_base_backup_nothing_is_recovered() -> None:
    with pytest.raises(NoBackupError, match="WAL restores nothing alone"):
        choose_base(ARCHIVE, [], Goal(Kind.LATEST))


def test_a_base_backup_can_be_asked_for_if_it_is_before_the_goal() -> None:
    assert choose_base(ARCHIVE, BASES, goal_at(NOON), BASES[0].name) == BASES[0]
    with pytest.raises(NoBackupError, match=f"--base {BASES[2].name} is not a base backup"):
        choose_base(ARCHIVE, BASES, goal_at(NOON), BASES[2].name)


@pytest.mark.parametrize(
    "goal", [Goal(Kind.LATEST), Goal(Kind.STANDBY), Goal(Kind.LSN, "0/B000000")]
)
def test_a_gap_that_is_certainly_in_the_way_is_named(goal: Goal) -> None:
    with pytest.raises(IntegrityError, match="WAL segment 00000001000000000000000A is missing"):
        refuse_gap(ARCHIVE, BASES[1], goal, GAP)


@pytest.mark.parametrize("goal", [goal_at(NOON), Goal(Kind.LSN, "0/9000000")])
def test_a_gap_that_may_come_after_the_goal_is_left_to_the_server(goal: Goal) -> None:
    refuse_gap(ARCHIVE, BASES[1], goal, GAP)


def test_a_recovery_stops_at_its_target_and_opens_the_server() -> None:
    assert recovery_settings(goal_at(NOON, before=True), "fetch %f", 2) == {
        "restore_command": "fetch %f",
        "recovery_target_timeline": "2",
        "recovery_target_time": "2026-01-09 12:00:00.000000+00",
        "recovery_target_inclusive": "off",
        "recovery_target_action": "promote",
    }


def test_a_standby_follows_whatever_timeline_comes() -> None:
    assert recovery_settings(Goal(Kind.STANDBY), "fetch %f", 2) == {
        "restore_command": "fetch %f",
        "recovery_target_timeline": "latest",
    }


def test_settings_are_quoted_as_postgresql_reads_them() -> None:
    assert render_settings({"restore_command": r"it's \ %f"}) == (
        "restore_command = 'it''s \\\\ %f'\n"
    )
