"""When a server's archiving would lose more than was promised."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from neonhub_backup.archiving.watching import Archiver, problems

WELL = Archiver(
    system="7000000000000000001",
    mode="on",
    timeout=timedelta(minutes=15),
    waiting=0,
    waiting_for=timedelta(0),
    failing=None,
    last_archived="000000010000000000000002",
    last_archived_time=datetime(2026, 1, 5, tzinfo=UTC),
)
HOUR = timedelta(hours=1)


def test_a_quiet_server_that_archives_is_well_however_long_ago_it_did() -> None:
    assert problems(WELL, HOUR) == []


def test_a_server_that_does_not_archive_is_told_of() -> None:
    assert problems(replace(WELL, mode="off"), None) == [
        "archive_mode is off, so nothing is archived"
    ]


def test_what_fails_is_told_even_where_nothing_is_promised() -> None:
    failing = replace(
        WELL,
        waiting=3,
        waiting_for=timedelta(seconds=90),
        failing="000000010000000000000003",
    )

    (said,) = problems(failing, None)

    assert "archiving of 000000010000000000000003 fails, and 3 files wait" in said
    assert "the oldest for 90 s" in said


def test_what_could_be_lost_is_compared_with_the_objective() -> None:
    late = replace(WELL, waiting=1, waiting_for=timedelta(minutes=50))

    assert problems(late, HOUR) == ["up to 3900 s of changes could be lost, and the RPO is 1h"]
    assert problems(replace(late, waiting_for=timedelta(minutes=40)), HOUR) == []


def test_without_a_timeout_nothing_bounds_the_loss() -> None:
    (said,) = problems(replace(WELL, timeout=timedelta(0)), HOUR)

    assert said.startswith("archive_timeout is 0")
