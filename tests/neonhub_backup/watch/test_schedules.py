"""A workflow that GitHub no longer starts is started again, and people are told."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from neonhub_backup import delivery
from neonhub_backup.github.api import Repository
from neonhub_backup.github.schedules import Scheduled, look
from neonhub_backup.watch.findings import Finding, Verdict
from neonhub_backup.watch.schedules import see_to_schedules
from tests.github_server import add_workflow, control, served_repository

DAILY = Scheduled("backup.yml", timedelta(days=1))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BACKUP = "actions/workflows/backup.yml"


@pytest.fixture
def repository(seeded: Path, tmp_path: Path) -> Iterator[Repository]:
    with served_repository(seeded, tmp_path / "data") as made:
        add_workflow(made, "backup.yml")
        control(made, "PATCH", BACKUP, {"created_at": "2026-01-01T00:00:00Z"})
        yield made


def succeed(repository: Repository, age: timedelta) -> None:
    when = (NOW - age).isoformat()
    body = {"created_at": when, "run_started_at": when, "updated_at": when}
    control(repository, "POST", f"{BACKUP}/runs", body)


def found(repository: Repository, *running: str) -> list[Finding]:
    return see_to_schedules(repository, [DAILY], NOW, running)


def test_what_runs_when_it_should_is_well(repository: Repository) -> None:
    succeed(repository, timedelta(hours=20))

    assert found(repository) == []


@pytest.mark.parametrize("state", ["disabled_inactivity", "disabled_manually"])
def test_what_was_disabled_is_enabled_and_told_of_once(repository: Repository, state: str) -> None:
    succeed(repository, timedelta(hours=20))
    control(repository, "PATCH", BACKUP, {"state": state})

    (finding,) = found(repository)

    assert finding.verdict is Verdict.WARNING
    assert "has been enabled again" in finding.text
    assert [each.state for each in look(repository, [DAILY])] == ["active"]
    assert found(repository) == []


@pytest.mark.parametrize(
    ("hours", "verdict", "ago"), [(40, Verdict.WARNING, "40 h"), (61, Verdict.BREACH, "2 days")]
)
def test_one_late_run_is_a_warning_and_two_are_a_breach(
    repository: Repository, hours: int, verdict: Verdict, ago: str
) -> None:
    succeed(repository, timedelta(hours=hours))

    (finding,) = found(repository)

    assert finding.verdict is verdict
    assert f"last succeeded {ago} ago" in finding.text
    assert "/actions/workflows/backup.yml" in finding.text


def test_what_never_succeeded_says_so(repository: Repository) -> None:
    (finding,) = found(repository)

    assert "workflow backup.yml has never succeeded" in finding.text


def test_the_watch_that_is_under_way_is_not_late(repository: Repository) -> None:
    assert found(repository, "backup.yml") == []


def test_a_workflow_that_is_gone_is_a_breach(repository: Repository) -> None:
    (finding,) = see_to_schedules(repository, [Scheduled("gone.yml", DAILY.every)], NOW)

    assert finding.verdict is Verdict.BREACH
    assert "gone.yml is not in the repository" in finding.text


def test_a_github_that_does_not_answer_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PAUSES", ())
    nowhere = Repository(api="http://127.0.0.1:1", name="a/b", token="t")  # noqa: S106 - no token

    (finding,) = see_to_schedules(nowhere, [DAILY], NOW)

    assert finding.verdict is Verdict.WARNING
    assert "nobody can tell whether the workflows are still started" in finding.text
