"""Whether GitHub still starts the workflows that it should, and how that ends.

It stops without telling a run: a public repository without activity for 60 days has its schedules
disabled, and single runs are delayed or dropped. Nothing but Python's standard library, as in
`neonhub_backup.alert`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from neonhub_backup.github.api import Repository

_FOLDER = ".github/workflows"
_EVENTS = ("schedule", "workflow_dispatch")
"""A run that somebody started by hand does the same as one that was due."""
_NEWEST = 10
"""How many runs are looked at first; an answer holds some 10 kB for each."""
_LEAST_GRACE = timedelta(minutes=30)


@dataclass(frozen=True)
class Scheduled:
    """A workflow that must run again and again."""

    file: str
    """Its file, without its folder."""
    every: timedelta
    """The longest time from one run to the next if all goes well."""

    def __post_init__(self) -> None:
        """Refuse what would always be missing, or always be overdue."""
        if "/" in self.file:
            raise ValueError(
                f"file {self.file!r} names a folder, so GitHub would find no such workflow: give"
                f" the name that the file has in {_FOLDER}"
            )
        if self.every <= timedelta():
            raise ValueError(
                f"every must be longer than 0, or {self.file} is always overdue: got {self.every}"
            )


@dataclass(frozen=True, kw_only=True)
class WorkflowState:
    """What GitHub says of a workflow."""

    file: str
    """As in `Scheduled`."""
    state: str | None
    """In GitHub's words: active, disabled_inactivity, disabled_manually, disabled_fork, deleted.
    None: there is none, and never was."""
    created: datetime | None = None
    """When GitHub first saw it. None: never."""
    last_success: datetime | None = None
    """When the last run ended that did its work: it was on the default branch, by schedule or by
    hand, and succeeded. None: GitHub knows of none."""
    last_run: datetime | None = None
    """When the newest run began, whatever started it. None: GitHub knows of none."""
    conclusion: str | None = None
    """How the newest run ended, in GitHub's words. None: it has not ended, or there is none."""
    page: str | None = None
    """Where people find its runs, start it, and enable it. None: there is no such page."""


def look(repository: Repository, expected: Iterable[Scheduled]) -> list[WorkflowState]:
    """Ask GitHub for each workflow; the answers are in the same order.

    Raises:
        DeliveryError: GitHub did not answer, or the token lacks `actions: read`.
    """
    listed = repository.all("actions/workflows?", key="workflows")
    known = {workflow["path"]: workflow for workflow in listed}
    branch: str = repository.send("GET", "")["default_branch"]
    return [
        _look(repository, each.file, known.get(f"{_FOLDER}/{each.file}"), branch)
        for each in expected
    ]


def overdue(state: WorkflowState, scheduled: Scheduled, now: datetime) -> timedelta | None:
    """How much too long ago the last success is. None: it is not, or the workflow is missing.

    What has not succeeded yet has from its creation on as long as from a success.

    GitHub: "The schedule event can be delayed during periods of high loads of GitHub Actions
    workflow runs. [...] If the load is sufficiently high enough, some queued jobs may be dropped."
    (https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows#schedule)
    So a run may be late by half of the time to the next, and by half an hour in any case. Dropped
    runs are not excused: what they should have done is missing.
    """
    known = [moment for moment in (state.created, state.last_success) if moment is not None]
    if not known:
        return None
    grace = max(scheduled.every / 2, _LEAST_GRACE)
    late = now - max(known) - scheduled.every - grace
    return late if late > timedelta() else None


def enable(repository: Repository, file: str) -> None:
    """Let GitHub start a workflow again.

    Raises:
        DeliveryError: GitHub did not answer, has no such workflow, or the token lacks
            `actions: write`.
    """
    repository.send("PUT", f"actions/workflows/{quote(file, safe='')}/enable")


def _look(
    repository: Repository, file: str, workflow: Mapping[str, Any] | None, branch: str
) -> WorkflowState:
    if workflow is None:
        return WorkflowState(file=file, state=None)
    path = f"actions/workflows/{workflow['id']}/runs?per_page={_NEWEST}"
    runs = _runs(repository, path)
    newest = max(runs, key=_began, default=None)
    # Only after many failures is anything older asked for.
    successes = [run for run in runs if _did_its_work(run, branch)] or [
        run
        for event in _EVENTS
        for run in _runs(
            repository, f"{path}&event={event}&status=success&branch={quote(branch, safe='')}"
        )
    ]
    return WorkflowState(
        file=file,
        state=workflow["state"],
        created=datetime.fromisoformat(workflow["created_at"]),
        last_success=max(map(_ended, successes), default=None),
        last_run=None if newest is None else _began(newest),
        conclusion=None if newest is None else newest["conclusion"],
        page=_page(workflow["html_url"], file),
    )


def _runs(repository: Repository, path: str) -> Sequence[Mapping[str, Any]]:
    return repository.send("GET", path)["workflow_runs"]


def _did_its_work(run: Mapping[str, Any], branch: str) -> bool:
    return (
        run["event"] in _EVENTS and run["conclusion"] == "success" and run["head_branch"] == branch
    )


def _began(run: Mapping[str, Any]) -> datetime:
    """Of the newest attempt; GitHub may leave that out."""
    return datetime.fromisoformat(run.get("run_started_at") or run["created_at"])


def _ended(run: Mapping[str, Any]) -> datetime:
    """Nothing changes a run any more once it is completed."""
    return datetime.fromisoformat(run["updated_at"])


def _page(file_page: str, file: str) -> str:
    """From the page of the file, which begins with the server, the owner and the repository."""
    repository_page = "/".join(file_page.split("/")[:5])
    return f"{repository_page}/actions/workflows/{quote(file)}"
