"""Runs of workflows. Nothing runs here: each is what somebody recorded, or asked for."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.emulators.github import accounts, clock, workflows
from sandbox.emulators.github.errors import invalid, not_found, unprocessable
from sandbox.emulators.github.models import WorkflowRun
from sandbox.emulators.github.routing import NO_CONTENT, Reply, RepositoryCall, Routes, one_of
from sandbox.emulators.github.storage import node_id

routes = Routes()

_COMPLETED = "completed"
_STATUSES = (_COMPLETED, "in_progress", "pending", "queued", "requested", "waiting")
_CONCLUSIONS = (
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "skipped",
    "stale",
    "startup_failure",
    "success",
    "timed_out",
)
_COMPARED = re.compile(r"(>=|<=|>|<|)([^.<>*]+)")
_RANGE = re.compile(r"([^.<>*]+|\*)\.\.([^.<>*]+|\*)")
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@routes.repository("GET", "/actions/runs")
def list_runs(call: RepositoryCall) -> Reply:
    return _listed(call, call.repository.state.runs)


@routes.repository("GET", "/actions/workflows/<workflow>/runs")
def list_runs_of_workflow(call: RepositoryCall, workflow: str) -> Reply:
    number = workflows.find(call, workflow).workflow.id
    return _listed(call, [run for run in call.repository.state.runs if run.workflow_id == number])


@routes.repository("GET", "/actions/runs/<int:run_id>")
def show(call: RepositoryCall, run_id: int) -> Reply:
    for run in call.repository.state.runs:
        if run.id == run_id:
            return Reply(_render(call, run))
    raise not_found()


@routes.control("POST", "/actions/workflows/<workflow>/runs")
def record(call: RepositoryCall, workflow: str) -> Reply:
    """Remember a run, by default one that a schedule has started and that succeeds at once.

    The body may hold `event`, `status`, `conclusion`, `head_branch`, `head_sha`, `created_at`,
    `run_started_at` and `updated_at`.
    """
    file = workflows.find(call, workflow)
    status = one_of("WorkflowRun", "status", call.optional("status", str) or _COMPLETED, _STATUSES)
    conclusion = call.optional("conclusion", str)
    if conclusion is not None:
        one_of("WorkflowRun", "conclusion", conclusion, _CONCLUSIONS)
        if status != _COMPLETED:
            raise invalid("WorkflowRun", "conclusion", "invalid", "It has not ended yet.")
    elif status == _COMPLETED:
        conclusion = "success"
    branch = call.optional("head_branch", str) or call.repository.state.settings.default_branch
    sha = call.optional("head_sha", str) or call.repository.git.branch(branch)
    if sha is None:
        raise invalid("WorkflowRun", "head_branch", "invalid")
    created = call.moment("created_at") or clock.now()
    started = call.moment("run_started_at") or created
    run = _add(
        call,
        file,
        event=call.optional("event", str) or "schedule",
        status=status,
        conclusion=conclusion,
        head_branch=branch,
        head_sha=sha,
        created_at=created,
        run_started_at=started,
        updated_at=call.moment("updated_at") or started,
    )
    return Reply(_render(call, run), 201)


@routes.repository("POST", "/actions/workflows/<workflow>/dispatches")
def dispatch(call: RepositoryCall, workflow: str) -> Reply:
    """Begin a run, which stays queued, with the inputs that the workflow asks for."""
    file, ref = workflows.find(call, workflow), call.require("ref", str)
    branch = ref.removeprefix("refs/heads/")
    sha = call.repository.git.branch(branch)
    if sha is None:
        raise unprocessable(f"No ref found for: {ref}")
    if file.workflow.state != "active":
        raise unprocessable("Cannot trigger a 'workflow_dispatch' on a disabled workflow")
    given = call.object("inputs") or {}
    _check_inputs(workflows.asked_inputs(call, file, sha), given)
    moment = clock.now()
    _add(
        call,
        file,
        event="workflow_dispatch",
        status="queued",
        conclusion=None,
        head_branch=branch,
        head_sha=sha,
        created_at=moment,
        run_started_at=moment,
        updated_at=moment,
        inputs={name: str(value) for name, value in given.items()},
    )
    return NO_CONTENT


@routes.control("GET", "/actions/runs/<int:run_id>/inputs")
def inputs(call: RepositoryCall, run_id: int) -> Reply:
    """What a run was started with, which GitHub shows to the run alone."""
    for run in call.repository.state.runs:
        if run.id == run_id:
            return Reply(run.inputs)
    raise not_found()


def _check_inputs(asked: Mapping[str, Mapping[str, Any]] | None, given: Mapping[str, Any]) -> None:
    if asked is None:
        raise unprocessable("Workflow does not have 'workflow_dispatch' trigger")
    unexpected = [name for name in given if name not in asked]
    if unexpected:
        raise unprocessable(f"Unexpected inputs provided: {json.dumps(unexpected)}")
    for name, wanted in asked.items():
        value = given.get(name, wanted.get("default"))
        if wanted.get("required") and value in (None, ""):
            raise unprocessable(f"Required input '{name}' not provided")
        if wanted.get("type") == "choice" and value not in wanted.get("options", ()):
            raise unprocessable(
                f"Provided value '{value}' for input '{name}' not in the list of allowed values"
            )


def _add(call: RepositoryCall, file: workflows.File, **known: Any) -> WorkflowRun:
    runs = call.repository.state.runs
    earlier = (run.run_number for run in runs if run.workflow_id == file.workflow.id)
    run = WorkflowRun(
        id=call.store.next_id(),
        workflow_id=file.workflow.id,
        name=file.name,
        path=file.path,
        run_number=max(earlier, default=0) + 1,
        **known,
    )
    runs.append(run)
    return run


def _listed(call: RepositoryCall, runs: list[WorkflowRun]) -> Reply:
    """Those that the query asks for, newest first."""
    status = call.query.get("status")
    if status is not None:
        one_of("WorkflowRun", "status", status, (*_STATUSES, *_CONCLUSIONS))
    event, branch = call.query.get("event"), call.query.get("branch")
    earliest, before = _span(call.query.get("created", "*..*"))
    found = [
        run
        for run in runs
        if status in (None, run.status, run.conclusion)
        and event in (None, run.event)
        and branch in (None, run.head_branch)
        and (earliest is None or clock.read(run.created_at) >= earliest)
        and (before is None or clock.read(run.created_at) < before)
    ]
    found.sort(key=lambda run: (run.created_at, run.id), reverse=True)
    return call.page(found, lambda run: _render(call, run), "workflow_runs")


def _span(written: str) -> tuple[datetime | None, datetime | None]:
    """What a search for a time asks for: from when on, and before when; None is open."""
    try:
        if (found := _RANGE.fullmatch(written)) is not None:
            first, last = found.groups()
            return (
                None if first == "*" else _unit(first)[0],
                None if last == "*" else _unit(last)[1],
            )
        if (found := _COMPARED.fullmatch(written)) is not None:
            begin, end = _unit(found[2])
            return {
                ">=": (begin, None),
                ">": (end, None),
                "<=": (None, end),
                "<": (None, begin),
                "": (begin, end),
            }[found[1]]
    except ValueError:
        pass
    raise invalid("WorkflowRun", "created", "invalid")


def _unit(written: str) -> tuple[datetime, datetime]:
    """The day or the second that is meant: its begin, and the begin of the next."""
    # A plus sign that a client left as it is in a query arrives as a space.
    begin = clock.read(written.replace(" ", "+"))
    return begin, begin + (_SECOND if "T" in written else _DAY)


def _render(call: RepositoryCall, run: WorkflowRun) -> dict[str, Any]:
    somebody = accounts.simple(call, call.viewer)
    return {
        "id": run.id,
        "node_id": node_id("WorkflowRun", run.id),
        "name": run.name,
        "path": run.path,
        "display_title": run.name,
        "run_number": run.run_number,
        "run_attempt": 1,
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": run.workflow_id,
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "pull_requests": [],
        "actor": somebody,
        "triggering_actor": somebody,
        "created_at": run.created_at,
        "run_started_at": run.run_started_at,
        "updated_at": run.updated_at,
        "url": f"{call.repository_api}/actions/runs/{run.id}",
        "html_url": f"{call.host}/{call.repository.full_name}/actions/runs/{run.id}",
        "workflow_url": f"{call.repository_api}/actions/workflows/{run.workflow_id}",
    }
