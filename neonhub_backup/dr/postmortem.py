"""The draft of a post-mortem, from what the journals remember."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from neonhub_backup.domain.configuration import Configuration, Database
from neonhub_backup.dr import checklist
from neonhub_backup.dr.checklist import CHECKLIST, Item
from neonhub_backup.dr.disaster import ANSWER, is_settled
from neonhub_backup.journal import Entry, Event, Fact, Journal, Run
from neonhub_backup.runbook.markdown import plain, table, time_text

GIVEN_UP = "given up: "
"""Begins how a run ended that was ended with steps open; why follows."""

_UNTOLD = {Event.BEGUN, Event.NOTED}
"""What a timeline leaves out: each step is told once it has ended."""
_SHOWN = 300
"""Characters of other people's words in a cell."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a disaster went, beside what is promised."""

    began: datetime
    ended: datetime
    down: timedelta | None
    """From the beginning until traffic was resumed. None: it was not."""
    rto: timedelta
    lost: timedelta | None
    """What changed in this time is gone. None: no backup was chosen."""
    rpo: timedelta | None
    abandoned: str | None
    """Why it was given up. None: it was not."""

    @property
    def within_rto(self) -> bool | None:
        """None: unknown."""
        return None if self.down is None else self.down <= self.rto

    @property
    def within_rpo(self) -> bool | None:
        """None: unknown."""
        return None if self.lost is None or self.rpo is None else self.lost <= self.rpo


def outcome(configuration: Configuration, run: Run, now: datetime) -> Outcome:
    """Measure a run; `now` is its end unless it is closed."""
    closed = [entry for entry in _lines(run) if entry.event is Event.CLOSED]
    how = closed[-1].text if closed else None
    resumed = [
        entry.time
        for entry in _lines(run)
        if entry.step == checklist.RESUME and entry.event is Event.DONE
    ]
    seconds = run.result(checklist.KNOWN_GOOD).get("seconds_lost")
    began, objectives = run.opened.time, configuration.objectives
    return Outcome(
        began=began,
        ended=closed[-1].time if closed else now,
        down=resumed[-1] - began if resumed else None,
        rto=timedelta(minutes=objectives.rto_minutes),
        lost=None if seconds is None else timedelta(seconds=float(cast("float", seconds))),
        rpo=objectives.rpo,
        abandoned=how.removeprefix(GIVEN_UP) if how and how.startswith(GIVEN_UP) else None,
    )


def describe_outcome(found: Outcome) -> dict[str, Any]:
    """As `--json` shows it: times are ISO 8601, durations seconds; null is unknown."""
    return {
        "began": found.began.isoformat(),
        "ended": found.ended.isoformat(),
        "seconds_down": None if found.down is None else round(found.down.total_seconds(), 1),
        "within_rto": found.within_rto,
        "seconds_lost": None if found.lost is None else round(found.lost.total_seconds()),
        "within_rpo": found.within_rpo,
        "abandoned": found.abandoned,
    }


def postmortem(
    configuration: Configuration,
    database: Database,
    run: Run,
    recoveries: Journal,
    found: Outcome,
) -> str:
    """All of it; `recoveries` is the journal of emergency restores and rollbacks."""
    others = [entry for entry in recoveries.entries if found.began <= entry.time <= found.ended]
    parts = [
        (
            f"# Post-mortem: {plain(database.name)} of {plain(configuration.environment)},"
            f" {found.began:%Y-%m-%d}"
        ),
        (
            "A draft from the journal. What it cannot know is asked for below; delete what was"
            " answered."
        ),
        *_summary(run, found),
        *_times(run, found),
        *_lost(run, found),
        *_timeline([*_lines(run), *others]),
        *_questions(run, found),
        *_actions(run),
        f"Journals: `{run.journal.path}` (run {run.name}), `{recoveries.path}`.",
    ]
    return "\n\n".join(parts) + "\n"


def _summary(run: Run, found: Outcome) -> Iterator[str]:
    yield "## Summary"
    rows = [
        ["what was reported", _text(run.inputs.get("what"))],
        ["scope", _answer(run, checklist.SCOPE)],
        ["began", f"{found.began:%Y-%m-%d %H:%M:%S} UTC, by {plain(run.opened.by)}"],
        ["ended", f"{found.ended:%Y-%m-%d %H:%M:%S} UTC"],
        ["restored from", _text(run.result(checklist.KNOWN_GOOD).get("backup"))],
        ["cause", _answer(run, checklist.DOCUMENT)],
    ]
    if found.abandoned is not None:
        rows.append(["given up", plain(found.abandoned)])
    yield table(["", ""], rows)


def _times(run: Run, found: Outcome) -> Iterator[str]:
    yield "## Beside what is promised"
    yield table(
        ["", "promised", "was", ""],
        [
            [
                "until traffic was resumed (RTO)",
                time_text(found.rto),
                "-" if found.down is None else time_text(found.down),
                _kept(within=found.within_rto),
            ],
            [
                "changes that are lost (RPO)",
                "-" if found.rpo is None else time_text(found.rpo),
                "-" if found.lost is None else time_text(found.lost),
                _kept(within=found.within_rpo),
            ],
        ],
    )
    yield table(["step", "how it ended", "took"], [_took(run, item) for item in CHECKLIST])


def _took(run: Run, item: Item) -> list[str]:
    state = run.state(item.name)
    lines = [entry for entry in _lines(run) if entry.step == item.name]
    times = [entry.time for entry in lines]
    failed = sum(entry.event is Event.FAILED for entry in lines)
    ended = "open" if state is None else {Event.SKIPPED: "left out"}.get(state, str(state))
    again = f", after {failed} that failed" if failed and state is Event.DONE else ""
    return [item.name, ended + again, time_text(max(times) - min(times)) if times else "-"]


def _lost(run: Run, found: Outcome) -> Iterator[str]:
    yield "## What was lost"
    good = run.result(checklist.KNOWN_GOOD)
    if found.lost is None:
        yield "No backup was chosen."
        return
    kept = run.result(checklist.BACK_UP).get("backup")
    yield (
        f"What changed between {_text(good.get('started'))} and"
        f" {found.began.isoformat(timespec='seconds')} is not in backup"
        f" {_text(good.get('backup'))}: {time_text(found.lost)}, at most."
        + (
            f" The damaged state is backup `{kept}`, where some of it may be found."
            if kept is not None
            else " The damaged state was not backed up."
        )
    )


def _timeline(entries: Sequence[Entry]) -> Iterator[str]:
    yield "## Timeline"
    names = {entry.run: entry.purpose or "" for entry in entries if entry.event is Event.OPENED}
    yield table(
        ["UTC", "who", "what", "came of it"],
        [
            [
                f"{entry.time:%Y-%m-%d %H:%M:%S}",
                plain(entry.by),
                plain(" ".join(filter(None, (names.get(entry.run), entry.step, str(entry.event))))),
                _facts(entry),
            ]
            for entry in sorted(entries, key=lambda entry: entry.time)
            if entry.event not in _UNTOLD
        ],
    )


def _facts(entry: Entry) -> str:
    said = [_text(entry.text)] if entry.text else []
    said += [
        f"{plain(name.replace('_', ' '))}: {_text(fact)}"
        for name, fact in entry.facts.items()
        if fact not in ((), None)
    ]
    return "; ".join(said) or "-"


def _questions(run: Run, found: Outcome) -> Iterator[str]:
    yield "## Open questions"
    lines = [
        "What was noticed first, by whom, and how long after it had begun?",
        "Whom did it touch, and what were they told?",
    ]
    if found.within_rto is False:
        lines.append("What took the time beyond the recovery time objective?")
    if found.within_rpo is False:
        lines.append("Why was there no younger good backup?")
    for item in CHECKLIST:
        state = run.state(item.name)
        if state is Event.SKIPPED:
            lines.append(f"Was it right to leave `{item.name}` out?")
        elif not is_settled(run, item):
            lines.append(f"What became of `{item.name}`, which is open: {item.title}?")
        elif any(entry.event is Event.FAILED and entry.step == item.name for entry in _lines(run)):
            lines.append(f"Why did `{item.name}` fail at first?")
    yield "\n".join(f"- {line}" for line in lines)


def _actions(run: Run) -> Iterator[str]:
    yield "## Actions"
    good = run.result(checklist.KNOWN_GOOD)
    lines = [
        "prevent the cause: who, by when",
        "notice it sooner: who, by when",
    ]
    if "emergency_run" in run.result(checklist.SWITCH):
        lines.append("drop the database that was set aside, once nobody needs it: who, by when")
    if good.get("proven") is False:
        lines.append("drill more often: the backup that was needed had not been proven")
    lines.append("correct the runbook where it was wrong or slow, and hold the review")
    yield "\n".join(f"- [ ] {line}" for line in lines)


def _lines(run: Run) -> list[Entry]:
    return [entry for entry in run.journal.entries if entry.run == run.name]


def _answer(run: Run, step: str) -> str:
    skipped = [entry.text for entry in _lines(run) if entry.step == step and entry.text]
    found = run.result(step).get(ANSWER)
    if found is not None:
        return _text(found)
    return f"left out: {_text(skipped[-1])}" if skipped else "-"


def _kept(*, within: bool | None) -> str:
    return {True: "kept", False: "**missed**", None: "unknown"}[within]


def _text(fact: Fact) -> str:
    if fact is None:
        return "-"
    if isinstance(fact, tuple):
        return plain(", ".join(fact))[:_SHOWN] or "none"
    return plain(str(fact)[:_SHOWN])
