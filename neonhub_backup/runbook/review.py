"""What has changed since the procedures were last reviewed: in git, and in the stores."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast

import yaml

from neonhub_backup.domain.configuration import Configuration
from neonhub_backup.domain.recoveries import Recovery
from neonhub_backup.journal import Event, Journal, Run
from neonhub_backup.runbook.dates import next_review
from neonhub_backup.runbook.markdown import plain, table, time_text
from neonhub_backup.watch.holdings import Holding

_SECONDS = 60
_SHOWN = 30
"""How many changes and commits are shown."""
_VALUE = 80
"""Characters that are shown of a setting's value."""


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A commit that touched what the stack has generated."""

    name: str
    time: str
    author: str
    subject: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """A setting that is not what it was; None: it was not there, or is not any more."""

    setting: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class History:
    """What git knows."""

    commits: tuple[Commit, ...] = ()
    """Newest first."""
    changes: tuple[Change, ...] = ()
    problem: str | None = None
    """Why git could not be asked. None: it was."""


@dataclass(frozen=True, kw_only=True)
class StoreReview:
    """One database in one store since the last review."""

    store: str
    database: str
    backups: Mapping[str, int]
    """Those that are still there, by tier."""
    drills: int
    failed: tuple[str, ...]
    """What drills found wrong: the backup, and the first difference or defect."""
    worst_seconds: float | None
    """The slowest recovery of a drill."""
    problem: str | None
    """Why the store could not be asked."""


@dataclass(frozen=True, kw_only=True)
class Emergency:
    """A run of a journal on this machine."""

    purpose: str
    subject: str
    began: datetime
    by: str
    ended: str | None
    """How. None: it is not finished."""


@dataclass(frozen=True, kw_only=True)
class Review:
    """All of it."""

    since: date | None
    """The day of the last review. None: there was none, so everything counts."""
    due: date | None
    """None: the first one is due now."""
    today: date
    history: History
    stores: tuple[StoreReview, ...]
    recoveries: tuple[Recovery, ...]
    emergencies: tuple[Emergency, ...]

    @property
    def is_due(self) -> bool:
        """Whether it should be held."""
        return self.due is None or self.due <= self.today


def make_review(
    configuration: Configuration,
    path: Path,
    holdings: Sequence[Holding],
    recoveries: Sequence[Recovery],
    journals: Sequence[Journal],
    now: datetime,
) -> Review:
    """Compare everything with the day of the last review; `path` is the configuration's file."""
    since = configuration.runbook.reviewed
    # What came on that day was reviewed.
    after = None if since is None else datetime.combine(since, time.max, UTC)
    return Review(
        since=since,
        due=next_review(configuration.runbook),
        today=now.date(),
        history=read_history(path, configuration.environment, after),
        stores=tuple(_store(holding, after) for holding in holdings),
        recoveries=tuple(each for each in recoveries if _is_new(each.finished, after)),
        emergencies=tuple(_emergencies(journals, after)),
    )


def read_history(path: Path, environment: str, after: datetime | None) -> History:
    """What git knows of a configuration and of what was generated beside it."""
    try:
        root = Path(_git(path.parent, "rev-parse", "--show-toplevel").strip())
        own = path.resolve().relative_to(root.resolve()).as_posix()
        if not _git(root, "ls-files", "--", own).strip():
            return History(problem=f"{path} is not in git, so nobody knows what it held before")
        paths = (own, f"docs/RUNBOOK.{environment}.md", f".github/workflows/db-*-{environment}.yml")
        since = () if after is None else (f"--since={after.isoformat()}",)
        log = _git(root, "log", "--format=%h%x09%cI%x09%an%x09%s", *since, "--", *paths)
        commits = tuple(_commit(line) for line in log.splitlines())
        changes = () if after is None else tuple(_changes(root, own, after))
    except _UnansweredError as error:
        return History(problem=str(error))
    return History(commits=commits, changes=changes)


def _commit(line: str) -> Commit:
    name, when, author, subject = line.split("\t", 3)
    return Commit(name=name, time=when, author=author, subject=subject)


def _changes(root: Path, own: str, after: datetime) -> Iterator[Change]:
    then = _git(root, "rev-list", "-1", f"--before={after.isoformat()}", "HEAD", "--", own).strip()
    old = _settings(_git(root, "show", f"{then}:{own}")) if then else {}
    new = _settings(_git(root, "show", f"HEAD:{own}"))
    for setting in dict.fromkeys((*old, *new)):
        before, later = old.get(setting), new.get(setting)
        if before != later:
            yield Change(setting=setting, before=before, after=later)


def _settings(text: str) -> dict[str, str]:
    """Every value of a file by its path; entries of lists by their names, if they have any."""
    return dict(_flat("", yaml.safe_load(text)))


def _flat(path: str, node: Any) -> Iterator[tuple[str, str]]:
    match node:
        case dict() if node:
            for key, value in cast("dict[str, Any]", node).items():
                yield from _flat(f"{path}.{key}" if path else key, value)
        case list() if node:
            for number, value in enumerate(cast("list[Any]", node)):
                yield from _flat(f"{path}[{_name(value) or number}]", value)
        case _:
            yield path, str(cast("object", node))


def _name(node: Any) -> str | None:
    """What an entry of a list is known by."""
    if not isinstance(node, dict):
        return None
    named = cast("dict[str, Any]", node)
    return named.get("name") or named.get("file")


class _UnansweredError(Exception):
    """Git cannot say."""


def _git(directory: Path, *words: str) -> str:
    try:
        ran = subprocess.run(
            ["git", "-C", str(directory), *words],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _UnansweredError(f"git cannot be asked ({error})") from error
    if ran.returncode != 0:
        said = " ".join(ran.stderr.split()) or f"exit code {ran.returncode}"
        raise _UnansweredError(f"git cannot be asked ({said})")
    return ran.stdout


def _is_new(moment: datetime, after: datetime | None) -> bool:
    return after is None or moment > after


def _store(holding: Holding, after: datetime | None) -> StoreReview:
    backups: dict[str, int] = {}
    for backup in holding.backups:
        if _is_new(backup.started, after):
            backups[backup.tier.value] = backups.get(backup.tier.value, 0) + 1
    proofs = [proof for proof in holding.proofs if _is_new(proof.finished, after)]
    took = [proof.seconds.recovery for proof in proofs]
    return StoreReview(
        store=holding.store,
        database=holding.database,
        backups=backups,
        drills=len(proofs),
        failed=tuple(
            f"{proof.backup}: {next(iter((*proof.differences, *proof.defects)), 'not proven')}"
            for proof in proofs
            if not proof.proven
        ),
        worst_seconds=max((each for each in took if each is not None), default=None),
        problem=holding.error,
    )


def _emergencies(journals: Sequence[Journal], after: datetime | None) -> Iterator[Emergency]:
    for journal in journals:
        for opened in journal.entries:
            if opened.event is not Event.OPENED or not _is_new(opened.time, after):
                continue
            lines = [each for each in journal.entries if each.run == opened.run]
            yield Emergency(
                purpose=opened.purpose or "",
                subject=opened.subject or "",
                began=opened.time,
                by=opened.by,
                ended=lines[-1].text if Run(journal, opened).closed else None,
            )


def describe_review(review: Review) -> dict[str, Any]:
    """As `--json` shows it: times are ISO 8601, durations seconds; null is unknown or never."""
    return {
        "since": None if review.since is None else review.since.isoformat(),
        "due": None if review.due is None else review.due.isoformat(),
        "is_due": review.is_due,
        "git": review.history.problem,
        "commits": [vars(each) for each in review.history.commits],
        "settings": [vars(each) for each in review.history.changes],
        "stores": [vars(each) | {"failed": list(each.failed)} for each in review.stores],
        "recoveries": [
            {
                "scenario": each.scenario.value,
                "database": each.database,
                "command": each.command,
                "finished": each.finished.isoformat(),
                "seconds": each.seconds,
            }
            for each in review.recoveries
        ],
        "emergencies": [
            vars(each) | {"began": each.began.isoformat()} for each in review.emergencies
        ],
    }


def review_text(review: Review) -> str:
    """In Markdown: for people, and for the end of the runbook."""
    due = (
        "The first review is due."
        if review.due is None
        else f"The next review is {'overdue since' if review.is_due else 'due on'} {review.due}."
    )
    since = "so far" if review.since is None else f"since {review.since}"
    parts = [
        f"### Changed {since}",
        due,
        *_history_text(review),
        *_stores_text(review),
        *_recoveries_text(review),
    ]
    return "\n\n".join(parts)


def _history_text(review: Review) -> Iterator[str]:
    history = review.history
    if history.problem is not None:
        yield f"Settings: unknown, since {plain(history.problem)}."
        return
    changes, commits = history.changes, history.commits
    if review.since is None:
        yield "Settings: there is no review to compare them with."
    elif changes:
        yield table(
            ["setting", "was", "is"],
            [
                [f"`{each.setting}`", _value(each.before), _value(each.after)]
                for each in changes[:_SHOWN]
            ],
        )
        yield from _more(len(changes))
    else:
        yield "Settings: as they were."
    if commits:
        yield table(
            ["commit", "when", "who", "what"],
            [
                [f"`{each.name}`", each.time[:10], plain(each.author), plain(each.subject)]
                for each in commits[:_SHOWN]
            ],
        )
        yield from _more(len(commits))


def _more(number: int) -> Iterator[str]:
    if number > _SHOWN:
        yield f"And {number - _SHOWN} more."


def _value(text: str | None) -> str:
    if text is None:
        return "-"
    line = plain(text)
    return line if len(line) <= _VALUE else f"{line[:_VALUE]}…"


def _stores_text(review: Review) -> Iterator[str]:
    yield table(
        ["store", "database", "backups", "drills", "slowest", "drills that failed"],
        [
            [
                plain(each.store),
                plain(each.database),
                _counts(each),
                str(each.drills),
                "-"
                if each.worst_seconds is None
                else time_text(timedelta(seconds=each.worst_seconds)),
                plain("; ".join(each.failed)) or "none",
            ]
            for each in review.stores
        ],
    )


def _counts(store: StoreReview) -> str:
    if store.problem is not None:
        return f"unknown: {plain(store.problem)}"
    return ", ".join(f"{number} {tier}" for tier, number in store.backups.items()) or "none"


def _recoveries_text(review: Review) -> Iterator[str]:
    if review.recoveries:
        worst: dict[tuple[str, str], list[float]] = {}
        for each in review.recoveries:
            worst.setdefault((each.scenario.words, each.command), []).append(each.seconds)
        yield table(
            ["recovery", "by", "times", "slowest"],
            [
                [words, f"`{command}`", str(len(took)), time_text(timedelta(seconds=max(took)))]
                for (words, command), took in worst.items()
            ],
        )
    else:
        yield "No recovery was recorded."
    if review.emergencies:
        yield table(
            ["on this machine", "of", "began", "who", "ended"],
            [
                [
                    plain(each.purpose),
                    plain(each.subject),
                    f"{each.began:%Y-%m-%d %H:%M}",
                    plain(each.by),
                    "not finished" if each.ended is None else plain(each.ended),
                ]
                for each in review.emergencies
            ],
        )
