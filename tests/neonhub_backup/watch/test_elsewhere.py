"""Snapshots and archived WAL are as young and as whole as they should be, or that is said."""

from dataclasses import replace
from datetime import timedelta

import pytest

from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.errors import StoreError
from neonhub_backup.neon.models import Branch
from neonhub_backup.neon.snapshots import Held
from neonhub_backup.watch.elsewhere import ArchiveState, judge_archive, judge_snapshots
from neonhub_backup.watch.findings import Verdict
from tests.neonhub_backup.neon.conftest import branch
from tests.neonhub_backup.watch.history import DAY, HOUR, NOW

DAILY = RetentionPolicy(hourly=None, weekly=None, monthly=None, annual=None)
STATE = ArchiveState(
    address="s3://operations/wal/app/",
    base="20260228T020000",
    ended=NOW - DAY,
    newest="00000001000000000000000B",
    written=NOW - HOUR / 4,
)


def snapshot(age: timedelta) -> Held:
    created = (NOW - age).isoformat()
    return Held(Branch.model_validate(branch("backup-2026-02-28", created_at=created)), Tier.DAILY)


@pytest.mark.parametrize(
    ("ages", "verdicts"),
    [
        ([10 * HOUR], []),
        ([10 * HOUR, 300 * HOUR], []),
        ([58 * HOUR], [Verdict.WARNING]),
        ([82 * HOUR], [Verdict.BREACH]),
        ([-HOUR], [Verdict.BREACH]),
        ([], [Verdict.BREACH]),
    ],
)
def test_a_tier_without_a_snapshot_in_its_slot_is_found(
    ages: list[timedelta], verdicts: list[Verdict]
) -> None:
    found = judge_snapshots("app", [snapshot(age) for age in ages], DAILY, NOW)

    assert [finding.verdict for finding in found] == verdicts


def test_a_young_base_backup_with_all_its_wal_is_well() -> None:
    assert judge_archive("app", STATE, "weekly", HOUR, NOW) == []


@pytest.mark.parametrize(
    ("age", "verdict"), [(8 * DAY, Verdict.WARNING), (15 * DAY, Verdict.BREACH)]
)
def test_an_old_base_backup_is_found(age: timedelta, verdict: Verdict) -> None:
    (found,) = judge_archive("app", replace(STATE, ended=NOW - age), "weekly", HOUR, NOW)

    assert found.verdict is verdict
    assert "one is owed weekly" in found.text


def test_a_missing_segment_is_a_breach() -> None:
    state = replace(STATE, missing="00000001000000000000000A")

    (found,) = judge_archive("app", state, "weekly", HOUR, NOW)

    assert found.verdict is Verdict.BREACH
    assert "WAL segment 00000001000000000000000A is missing" in found.text


def test_an_archive_without_a_base_backup_is_a_breach() -> None:
    (found,) = judge_archive("app", replace(STATE, base=None, ended=None), "weekly", HOUR, NOW)

    assert "has no complete base backup" in found.text


def test_an_archive_that_cannot_be_read_is_a_breach() -> None:
    (found,) = judge_archive("app", StoreError("it is away"), "daily", HOUR, NOW)

    assert found.verdict is Verdict.BREACH
    assert "it is away" in found.text


@pytest.mark.parametrize(
    ("lag", "verdicts"),
    [
        (HOUR, []),
        (HOUR + timedelta(minutes=1), [Verdict.WARNING]),
        (25 * HOUR, [Verdict.BREACH]),
    ],
)
def test_wal_that_no_longer_comes_is_found(lag: timedelta, verdicts: list[Verdict]) -> None:
    found = judge_archive("app", replace(STATE, written=NOW - lag), "daily", HOUR, NOW)

    assert [finding.verdict for finding in found] == verdicts
    assert all("unless nobody has used the database" in finding.text for finding in found)


def test_without_an_rpo_a_server_may_be_idle_from_one_base_backup_to_the_next() -> None:
    def judged(lag: timedelta) -> int:
        return len(judge_archive("app", replace(STATE, written=NOW - lag), "weekly", None, NOW))

    assert (judged(6 * DAY), judged(8 * DAY)) == (0, 1)


def test_an_archive_whose_store_tells_no_times_has_no_lag() -> None:
    assert judge_archive("app", replace(STATE, written=None), "weekly", HOUR, NOW) == []
