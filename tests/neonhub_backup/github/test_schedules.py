"""What GitHub says of schedules is understood, and switched on again."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.errors import DeliveryError
from neonhub_backup.github.api import Repository
from neonhub_backup.github.schedules import Scheduled, WorkflowState, enable, look, overdue
from tests.github_server import add_workflow, control, served_repository

DAILY = Scheduled("backup.yml", timedelta(days=1))
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def repository(seeded: Path, tmp_path: Path) -> Iterator[Repository]:
    with served_repository(seeded, tmp_path / "data") as made:
        add_workflow(made, "backup.yml")
        yield made


def record(repository: Repository, day: int, **body: Any) -> None:
    """A run of a day at noon, by default one that a schedule has started and that succeeded."""
    when = f"2026-02-{day:02}T12:00:00Z"
    control(
        repository,
        "POST",
        "actions/workflows/backup.yml/runs",
        {"created_at": when, "run_started_at": when, "updated_at": when} | body,
    )


def on(day: int) -> datetime:
    return datetime(2026, 2, day, 12, tzinfo=UTC)


def test_the_last_success_is_the_newest_of_all_runs_that_do_the_work(
    repository: Repository,
) -> None:
    record(repository, 1)
    record(repository, 2, event="workflow_dispatch")
    record(repository, 3, conclusion="failure")
    record(repository, 4, event="pull_request")
    record(repository, 5, head_branch="topic", head_sha="0" * 40)

    (state,) = look(repository, [DAILY])

    assert (state.state, state.last_success, state.last_run) == ("active", on(2), on(5))
    assert state.page is not None
    assert state.page.endswith("/neonhub/neonhub-backup/actions/workflows/backup.yml")


def test_a_success_before_many_failures_is_found(repository: Repository) -> None:
    record(repository, 1)
    for day in range(2, 16):
        record(repository, day, conclusion="failure")

    (state,) = look(repository, [DAILY])

    assert (state.last_success, state.conclusion) == (on(1), "failure")


def test_what_the_repository_does_not_have_is_said(repository: Repository) -> None:
    (state,) = look(repository, [Scheduled("drill.yml", timedelta(days=1))])

    assert state == WorkflowState(file="drill.yml", state=None)


def test_what_github_has_disabled_is_started_again(repository: Repository) -> None:
    path = "actions/workflows/backup.yml"
    control(repository, "PATCH", path, {"state": "disabled_inactivity"})
    assert [each.state for each in look(repository, [DAILY])] == ["disabled_inactivity"]

    enable(repository, "backup.yml")

    assert [each.state for each in look(repository, [DAILY])] == ["active"]


def test_a_refusal_names_the_permission_that_the_job_needs(repository: Repository) -> None:
    with pytest.raises(DeliveryError, match="the job has the permission actions: write"):
        enable(repository, "gone.yml")


@pytest.mark.parametrize(
    ("age", "late"),
    [
        (timedelta(hours=24), None),
        (timedelta(hours=36), None),
        (timedelta(hours=37), timedelta(hours=1)),
        (timedelta(days=4), timedelta(hours=60)),
    ],
)
def test_a_run_may_be_late_by_half_of_the_time_to_the_next(
    age: timedelta, late: timedelta | None
) -> None:
    state = WorkflowState(file="backup.yml", state="active", last_success=NOW - age)

    assert overdue(state, DAILY, NOW) == late


def test_a_run_may_be_late_by_half_an_hour_however_often_it_is_due() -> None:
    often = Scheduled("watch.yml", timedelta(minutes=20))
    state = WorkflowState(
        file="watch.yml", state="active", last_success=NOW - timedelta(minutes=50)
    )

    assert overdue(state, often, NOW) is None
    assert overdue(state, often, NOW + timedelta(minutes=1)) == timedelta(minutes=1)


def test_what_is_new_has_its_time_from_its_creation_on() -> None:
    state = WorkflowState(file="backup.yml", state="active", created=NOW - timedelta(hours=2))

    assert overdue(state, DAILY, NOW) is None
    assert overdue(state, DAILY, NOW + timedelta(days=2)) is not None


@pytest.mark.parametrize(
    ("file", "every", "message"),
    [
        (".github/workflows/backup.yml", timedelta(days=1), "names a folder"),
        ("backup.yml", timedelta(), "or backup.yml is always overdue"),
    ],
)
def test_what_could_never_be_well_is_refused(file: str, every: timedelta, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Scheduled(file, every)
