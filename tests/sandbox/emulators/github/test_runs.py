"""Runs of workflows: recorded by a test, listed as GitHub lists its own."""

from typing import Any

import pytest

REPOSITORY = "/repos/neonhub/neonhub"
RUNS = f"{REPOSITORY}/actions/runs"
BACKUPS = f"{REPOSITORY}/actions/workflows/backup.yml/runs"
DRILLS = f"{REPOSITORY}/actions/workflows/drill.yml/runs"


@pytest.fixture(autouse=True)
def _two_workflows(github: Any) -> None:
    for name in ("backup", "drill"):
        github.put_file(f".github/workflows/{name}.yml", f"name: {name}\n")


def record(github: Any, path: str = BACKUPS, **body: Any) -> Any:
    answer = github.control("POST", path, body)
    assert answer.status_code == 201, answer.text
    return answer.json


def created(github: Any, query: str) -> list[str]:
    """The days on which the runs were created that a query finds."""
    return [run["created_at"][8:10] for run in github.json(f"{RUNS}?{query}")["workflow_runs"]]


def test_a_recorded_run_is_shown_as_github_shows_its_own(github: Any):
    moments = {
        "created_at": "2026-01-02T03:04:05Z",
        "run_started_at": "2026-01-02T03:05:00Z",
        "updated_at": "2026-01-02T03:10:00Z",
    }
    made = record(github, event="workflow_dispatch", conclusion="failure", **moments)
    github.restart()

    workflow = github.json(f"{REPOSITORY}/actions/workflows/backup.yml")["id"]
    shown = github.json(f"{RUNS}/{made['id']}")
    assert shown == made
    assert shown.items() >= moments.items()
    assert shown["name"] == "backup"
    assert shown["path"] == ".github/workflows/backup.yml"
    assert (shown["event"], shown["status"]) == ("workflow_dispatch", "completed")
    assert (shown["conclusion"], shown["run_number"]) == ("failure", 1)
    assert (shown["workflow_id"], shown["head_branch"]) == (workflow, "main")
    assert shown["head_sha"] == github.git("rev-parse", "main").strip()
    assert shown["html_url"] == f"http://localhost/neonhub/neonhub/actions/runs/{made['id']}"
    assert github.json(shown["url"]) == made


def test_a_run_of_which_nothing_is_said_was_scheduled_and_succeeds_now(github: Any):
    run = record(github)

    assert (run["event"], run["status"], run["conclusion"]) == ("schedule", "completed", "success")
    assert run["created_at"] == run["run_started_at"] == run["updated_at"]


def test_runs_are_listed_newest_first_whenever_they_were_recorded(github: Any):
    for day in ("02", "03", "01"):
        record(github, created_at=f"2026-01-{day}T00:00:00Z")

    assert created(github, "") == ["03", "02", "01"]


def test_each_workflow_has_runs_and_numbers_of_its_own(github: Any):
    record(github)
    drill = record(github, DRILLS)
    backup = record(github)

    assert github.json(RUNS)["total_count"] == 3
    listed = github.json(DRILLS)
    assert listed == {"total_count": 1, "workflow_runs": [drill]}
    assert (drill["run_number"], backup["run_number"]) == (1, 2)
    by_number = f"{REPOSITORY}/actions/workflows/{backup['workflow_id']}/runs"
    assert github.json(by_number)["total_count"] == 2


def test_runs_come_in_pages(github: Any):
    for day in ("01", "02", "03"):
        record(github, created_at=f"2026-01-{day}T00:00:00Z")

    answer = github.get(f"{BACKUPS}?per_page=2&event=schedule")
    assert answer.json["total_count"] == 3
    assert len(answer.json["workflow_runs"]) == 2
    assert "event=schedule&page=2" in answer.headers["Link"]
    assert created(github, "per_page=2&page=2") == ["01"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status=success", ["04", "02"]),
        ("status=failure", ["03"]),
        ("status=completed", ["04", "03", "02"]),
        ("status=in_progress", ["05"]),
        ("event=schedule", ["05", "03", "02"]),
        ("branch=next", ["04"]),
        ("event=schedule&status=success&branch=main", ["02"]),
        ("event=push", []),
    ],
)
def test_runs_are_found_by_how_they_began_and_ended(github: Any, query: str, found: list[str]):
    github.branch("next")
    record(github, created_at="2026-01-02T00:00:00Z")
    record(github, created_at="2026-01-03T00:00:00Z", conclusion="failure")
    dispatch = {"event": "workflow_dispatch", "head_branch": "next"}
    record(github, created_at="2026-01-04T00:00:00Z", **dispatch)
    record(github, created_at="2026-01-05T00:00:00Z", status="in_progress")

    assert created(github, query) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("2026-01-02", ["02"]),
        (">=2026-01-02", ["03", "02"]),
        (">2026-01-02", ["03"]),
        ("<=2026-01-02", ["02", "01"]),
        ("<2026-01-02", ["01"]),
        ("2026-01-01..2026-01-02", ["02", "01"]),
        ("2026-01-02..*", ["03", "02"]),
        ("*..2026-01-02", ["02", "01"]),
        (">=2026-01-02T12:00:00Z", ["03", "02"]),
        (">2026-01-02T12:00:00Z", ["03"]),
        (">=2026-01-02T14:00:01%2B02:00", ["03"]),
        ("2026-01-02T12:00:00+00:00", ["02"]),
    ],
)
def test_runs_are_found_by_when_they_were_created(github: Any, wanted: str, found: list[str]):
    for day in ("01", "02", "03"):
        record(github, created_at=f"2026-01-{day}T12:00:00Z")

    assert created(github, f"created={wanted}") == found


@pytest.mark.parametrize("query", ["status=done", "created=lately", "created=>", "created="])
def test_a_search_that_means_nothing_is_refused(github: Any, query: str):
    answer = github.get(f"{RUNS}?{query}")

    assert answer.status_code == 422
    assert answer.json["errors"][0]["resource"] == "WorkflowRun"


@pytest.mark.parametrize(
    "body",
    [
        {"status": "done"},
        {"conclusion": "done"},
        {"status": "queued", "conclusion": "success"},
        {"head_branch": "nowhere"},
        {"created_at": "yesterday"},
    ],
)
def test_a_run_that_github_could_not_have_is_not_recorded(github: Any, body: Any):
    assert github.control("POST", BACKUPS, body).status_code == 422
    assert github.json(RUNS)["total_count"] == 0


def test_what_is_not_there_has_no_runs(github: Any):
    absent = f"{REPOSITORY}/actions/workflows/absent.yml/runs"

    assert github.get(absent).status_code == 404
    assert github.control("POST", absent, {}).status_code == 404
    assert github.get(f"{RUNS}/1").status_code == 404


def test_no_client_of_github_s_records_a_run(github: Any):
    assert github.request("POST", BACKUPS, {}).status_code == 404


RESTORE = f"{REPOSITORY}/actions/workflows/restore.yml"
BY_HAND = """\
name: restore
on:
  workflow_dispatch:
    inputs:
      step: {type: choice, options: [restore, promote], default: restore}
      confirm: {type: string, required: true}
"""


def start(github: Any, workflow: str = RESTORE, ref: str = "main", **inputs: str) -> Any:
    return github.request("POST", f"{workflow}/dispatches", {"ref": ref, "inputs": inputs})


def test_a_run_that_somebody_starts_is_queued_with_what_they_gave(github: Any):
    github.put_file(".github/workflows/restore.yml", BY_HAND)

    assert start(github, confirm="production").status_code == 204

    (run,) = github.json(f"{RESTORE}/runs")["workflow_runs"]
    assert (run["event"], run["status"], run["conclusion"]) == ("workflow_dispatch", "queued", None)
    asked = github.control("GET", f"{RUNS}/{run['id']}/inputs")
    assert asked.json == {"confirm": "production"}


@pytest.mark.parametrize(
    ("ref", "inputs", "said"),
    [
        ("gone", {"confirm": "x"}, "No ref found for: gone"),
        ("main", {}, "Required input 'confirm' not provided"),
        ("main", {"confirm": "x", "name": "y"}, 'Unexpected inputs provided: ["name"]'),
        ("main", {"confirm": "x", "step": "drop"}, "Provided value 'drop' for input 'step'"),
    ],
)
def test_a_run_is_refused_that_the_workflow_does_not_ask_for(
    github: Any, ref: str, inputs: dict[str, str], said: str
):
    github.put_file(".github/workflows/restore.yml", BY_HAND)

    answer = start(github, ref=ref, **inputs)

    assert answer.status_code == 422
    assert said in answer.json["message"]
    assert github.json(f"{RESTORE}/runs")["workflow_runs"] == []


def test_nobody_starts_a_workflow_that_is_disabled_or_only_scheduled(github: Any):
    github.put_file(".github/workflows/restore.yml", BY_HAND)
    assert github.request("PUT", f"{RESTORE}/disable").status_code == 204

    disabled = start(github, confirm="production")
    scheduled = start(github, workflow=BACKUPS.removesuffix("/runs"))

    assert disabled.json["message"] == (
        "Cannot trigger a 'workflow_dispatch' on a disabled workflow"
    )
    assert scheduled.json["message"] == "Workflow does not have 'workflow_dispatch' trigger"
