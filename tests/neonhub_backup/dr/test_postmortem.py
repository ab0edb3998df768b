"""What the draft of a post-mortem says, and what it asks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import Objectives
from neonhub_backup.domain.duration import parse_duration
from neonhub_backup.dr import checklist
from neonhub_backup.dr.checklist import CHECKLIST
from neonhub_backup.dr.postmortem import (
    GIVEN_UP,
    Outcome,
    describe_outcome,
    outcome,
    postmortem,
)
from neonhub_backup.emergency.restore import PURPOSE as EMERGENCY
from neonhub_backup.journal import Event, Journal, Run, open_journal
from tests.neonhub_backup.runbook.configurations import configuration

BEGAN = datetime(2026, 1, 5, 2, tzinfo=UTC)
FOUND = configuration(objectives=Objectives(rpo=parse_duration("1h"), rto_minutes=10))


class Clock:
    """A minute passes with every line."""

    def __init__(self) -> None:
        self.now = BEGAN - timedelta(minutes=1)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path / "app.disaster.jsonl", "ann@laptop", now=Clock()) as opened:
        yield opened


@pytest.fixture
def recoveries(tmp_path: Path) -> Iterator[Journal]:
    with open_journal(tmp_path / "app.jsonl", "bob@desk", now=Clock()) as opened:
        yield opened


@pytest.fixture
def run(journal: Journal) -> Run:
    return journal.begin(journal.draft("disaster", "app", {"what": "names are wrong | all"}))


def do(run: Run, *names: str, **facts: str | float | bool) -> None:
    for name in names:
        run.journal.write(run.name, Event.BEGUN, step=name)
        run.journal.write(run.name, Event.DONE, step=name, facts=facts)


def drafted(run: Run, recoveries: Journal, abandoned: str | None = None) -> tuple[str, Outcome]:
    if abandoned is not None:
        run.close(f"{GIVEN_UP}{abandoned}")
    found = outcome(FOUND, run, BEGAN + timedelta(hours=1))
    return postmortem(FOUND, FOUND.databases[0], run, recoveries, found), found


def test_the_time_until_traffic_was_resumed_is_held_to_the_rto(
    run: Run, recoveries: Journal
) -> None:
    do(run, checklist.SCOPE, checklist.STOP, checklist.RESUME)

    text, found = drafted(run, recoveries)

    assert (found.down, found.within_rto) == (timedelta(minutes=6), True)
    assert "| until traffic was resumed (RTO) | 10 min | 6 min | kept |" in text


def test_traffic_that_was_resumed_too_late_is_a_question(run: Run, recoveries: Journal) -> None:
    do(run, *(item.name for item in CHECKLIST))

    text, found = drafted(run, recoveries)

    assert found.within_rto is False
    assert "| 10 min | 18 min | **missed** |" in text
    assert "What took the time beyond the recovery time objective?" in text


@pytest.mark.parametrize(("seconds", "kept"), [(1800, True), (7200, False)])
def test_what_is_lost_is_held_to_the_rpo(
    run: Run, recoveries: Journal, seconds: int, kept: bool
) -> None:
    do(run, checklist.KNOWN_GOOD, backup="20260105T013000Z-00000000", seconds_lost=seconds)

    text, found = drafted(run, recoveries)

    assert found.within_rpo is kept
    assert describe_outcome(found)["seconds_lost"] == seconds
    assert "is not in backup 20260105T013000Z-00000000" in text
    assert ("Why was there no younger good backup?" in text) is not kept


def test_what_is_unknown_is_not_called_kept(run: Run, recoveries: Journal) -> None:
    text, found = drafted(run, recoveries)

    assert (found.within_rto, found.within_rpo) == (None, None)
    assert "No backup was chosen." in text
    assert text.count("| unknown |") == 2


def test_steps_that_failed_or_were_left_out_or_are_open_are_questions(
    run: Run, recoveries: Journal
) -> None:
    run.journal.write(run.name, Event.BEGUN, step=checklist.SCOPE)
    run.journal.write(run.name, Event.FAILED, step=checklist.SCOPE, text="no store answers")
    do(run, checklist.SCOPE)
    run.journal.write(run.name, Event.SKIPPED, step=checklist.STOP, text="nobody is online")

    text, _ = drafted(run, recoveries, "a rehearsal")

    assert "Why did `scope` fail at first?" in text
    assert "Was it right to leave `stop-traffic` out?" in text
    assert "What became of `back-up`, which is open" in text
    assert "| scope | done, after 1 that failed | 3 min |" in text
    assert "| given up | a rehearsal |" in text


def test_the_timeline_has_emergency_restores_of_the_same_time(
    run: Run, recoveries: Journal
) -> None:
    do(run, checklist.SCOPE)
    other = recoveries.begin(recoveries.draft(EMERGENCY, "app", {"backup": "b"}))
    other.close("the restored copy is in use")

    text, _ = drafted(run, recoveries)

    timeline = text.partition("## Timeline")[2].partition("##")[0]
    assert "| bob@desk | emergency restore closed | the restored copy is in use |" in timeline
    assert "| ann@laptop | disaster scope done |" in timeline
    times = [line[2:21] for line in timeline.splitlines() if line.startswith("| 2026")]
    assert times == sorted(times)
    # Opened, done, and opened and closed again.
    assert len(times) == 4


def test_what_people_wrote_formats_nothing(run: Run, recoveries: Journal) -> None:
    text, _ = drafted(run, recoveries)

    assert "| what was reported | names are wrong \\| all |" in text


def test_a_backup_that_nobody_had_proven_is_an_action(run: Run, recoveries: Journal) -> None:
    do(run, checklist.KNOWN_GOOD, seconds_lost=1, proven=False)

    text, _ = drafted(run, recoveries)

    assert "- [ ] drill more often" in text
