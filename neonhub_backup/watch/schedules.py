"""Whether the workflows that do all of this are still started."""

from collections.abc import Container, Iterable, Iterator
from datetime import datetime, timedelta

from neonhub_backup.errors import DeliveryError
from neonhub_backup.github.api import Repository
from neonhub_backup.github.schedules import Scheduled, WorkflowState, enable, look, overdue
from neonhub_backup.watch.findings import Finding, Verdict
from neonhub_backup.watch.freshness import age_text

_ACTIVE = "active"
_DELETED = "deleted"


def see_to_schedules(
    repository: Repository,
    expected: Iterable[Scheduled],
    now: datetime,
    running: Container[str] = (),
) -> list[Finding]:
    """Have GitHub start again what it no longer starts, and say what is not as it should be.

    `running` are files of which a run is under way: how long ago they last succeeded is not
    counted against them, since a watch that finds something wrong does not.
    """
    wanted = list(expected)
    try:
        states = look(repository, wanted)
    except DeliveryError as error:
        text = f"nobody can tell whether the workflows are still started: {error}"
        return [_finding(Verdict.WARNING, text)]
    return [
        finding
        for scheduled, state in zip(wanted, states, strict=True)
        for finding in _judge(repository, scheduled, state, now, running)
    ]


def _judge(
    repository: Repository,
    scheduled: Scheduled,
    state: WorkflowState,
    now: datetime,
    running: Container[str],
) -> Iterator[Finding]:
    file = scheduled.file
    if state.state in (None, _DELETED):
        text = (
            f"workflow {file} is not in the repository, so nobody does on schedule what it is for:"
            " run pulumi up, and see that what it delivers is merged"
        )
        yield _finding(Verdict.BREACH, text)
        return
    if state.state != _ACTIVE:
        yield _enabled_again(repository, state)
    late = overdue(state, scheduled, now)
    if late is not None and file not in running:
        since = "never" if state.last_success is None else f"{age_text(now - state.last_success)}"
        said = "has never succeeded" if since == "never" else f"last succeeded {since} ago"
        text = (
            f"workflow {file} {said}, and it is due {_often(scheduled.every)}: see its runs"
            f"{f' on {state.page}' if state.page else ''}, and start it by hand"
        )
        # One run may be dropped by GitHub; the next should have made up for it.
        yield _finding(Verdict.BREACH if late > scheduled.every else Verdict.WARNING, text)


def _enabled_again(repository: Repository, state: WorkflowState) -> Finding:
    why = {
        "disabled_inactivity": "GitHub had disabled it, as it does after 60 days without activity",
        "disabled_manually": "somebody had disabled it",
    }.get(state.state or "", f"its state was {state.state}")
    try:
        enable(repository, state.file)
    except DeliveryError as error:
        text = f"workflow {state.file} is not started any more ({why}): {error}"
        return _finding(Verdict.BREACH, text)
    text = (
        f"workflow {state.file} was not started any more ({why}), and has been enabled again:"
        " whoever does not want it takes it out of the stack"
    )
    return _finding(Verdict.WARNING, text)


def _often(every: timedelta) -> str:
    return f"every {age_text(every)}"


def _finding(verdict: Verdict, text: str) -> Finding:
    return Finding(verdict=verdict, check="schedule", database=None, store=None, text=text)
