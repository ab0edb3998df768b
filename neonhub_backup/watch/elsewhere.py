"""What is kept beside the backups: snapshots in Neon, and a server's archived WAL."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

from neonhub_backup.archiving.segments import is_segment, reach
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.errors import BackupError
from neonhub_backup.watch.findings import Finding, Verdict
from neonhub_backup.watch.freshness import STARTS_LATE, age_text, empty_slots
from neonhub_backup.wording import moment_text

if TYPE_CHECKING:
    from neonhub_backup.archiving.archive import Archive
    from neonhub_backup.neon.snapshots import Held

_EVERY = {"daily": timedelta(days=1), "weekly": timedelta(days=7)}


@dataclass(frozen=True, kw_only=True)
class ArchiveState:
    """A WAL archive, as far as the newest base backup leads."""

    address: str
    base: str | None
    """The newest complete base backup. None: there is none."""
    ended: datetime | None
    """When it was complete."""
    missing: str | None = None
    """The first segment after it that is not there, though later ones are."""
    newest: str | None = None
    """The newest segment."""
    written: datetime | None = None
    """When the archive took it. None: there is none, or its store does not tell."""

    def lag(self, now: datetime) -> timedelta | None:
        """What has happened since could not be recovered from here."""
        return None if self.written is None else now - self.written


def judge_snapshots(
    database: str, snapshots: Sequence["Held"], retention: RetentionPolicy, now: datetime
) -> list[Finding]:
    """What is wrong with the age of a database's snapshots in Neon."""
    newest: dict[Tier, datetime] = {}
    for held in snapshots:
        created = held.branch.created_at
        if created <= now:
            newest[held.tier] = max(created, newest.get(held.tier, created))
    return [
        Finding(
            verdict=empty.verdict,
            check="snapshot",
            database=database,
            store=None,
            text=f"no {empty.tier} snapshot of {database} has been made in Neon {empty.since}, so"
            " the way back that takes minutes is older than it should be: run neonhub-backup neon"
            " snapshot create",
        )
        for empty in empty_slots(newest, retention, now)
    ]


def read_archive(archive: "Archive") -> ArchiveState:
    """Look at an archive.

    Raises:
        BackupError: it cannot be read, or not be trusted.
    """
    bases = archive.bases()
    if not bases:
        return ArchiveState(address=archive.address, base=None, ended=None)
    newest = bases[-1]
    times = archive.written()
    files = set(times)
    reached = reach(archive.way(files, newest.timeline), newest.begin, files, newest.segment_bytes)
    segments = {name: written for name, written in times.items() if is_segment(name)}
    last = max(segments, key=lambda name: (_time(segments[name]), name), default=None)
    return ArchiveState(
        address=archive.address,
        base=newest.name,
        ended=newest.ended,
        missing=reached.missing,
        newest=last,
        written=None if last is None else segments[last],
    )


def _time(written: datetime | None) -> float:
    return 0.0 if written is None else written.timestamp()


def judge_archive(
    database: str,
    state: ArchiveState | BackupError,
    every: Literal["daily", "weekly"],
    rpo: timedelta | None,
    now: datetime,
) -> list[Finding]:
    """What is wrong with a server's archived WAL; `every` is how often base backups are taken.

    A server that nobody uses writes no WAL, and none is archived. Every base backup has its own, so
    an archive that has taken nothing for longer than from one to the next takes nothing any more.
    """

    def finding(verdict: Verdict, text: str) -> Finding:
        return Finding(verdict=verdict, check="wal", database=database, store=None, text=text)

    if isinstance(state, BackupError):
        text = f"nobody can tell whether the archived WAL of {database} leads anywhere: {state}"
        return [finding(Verdict.BREACH, text)]
    if state.base is None or state.ended is None:
        text = (
            f"the WAL archive {state.address} of {database} has no complete base backup, and WAL"
            " restores nothing alone: take one with neonhub-backup base create"
        )
        return [finding(Verdict.BREACH, text)]
    found: list[Finding] = []
    if state.missing is not None:
        text = (
            f"WAL segment {state.missing} is missing in {state.address}, so nothing after it can be"
            f" recovered from base backup {state.base}: take a new one with neonhub-backup base"
            " create, and look for the segment with neonhub-backup wal check"
        )
        found.append(finding(Verdict.BREACH, text))
    found += _lag(database, state, _EVERY[every], rpo, now)
    age, owed = now - state.ended, _EVERY[every]
    if age > owed + STARTS_LATE:
        verdict = Verdict.BREACH if age > 2 * owed else Verdict.WARNING
        text = (
            f"the newest base backup of the server of {database}, {state.base} of"
            f" {moment_text(state.ended)}, is {age_text(age)} old, and one is owed {every}, so a"
            " recovery has ever more WAL to replay: see neonhub-backup-base.service on its machine"
        )
        found.append(finding(verdict, text))
    return found


def _lag(
    database: str, state: ArchiveState, every: timedelta, rpo: timedelta | None, now: datetime
) -> Iterator[Finding]:
    lag, longest = state.lag(now), every + STARTS_LATE
    if lag is None or lag <= min(longest, rpo or longest):
        return
    text = (
        f"the newest WAL of {database}, {state.newest}, came into {state.address}"
        f" {age_text(lag)} ago, so what has happened since could not be recovered from there:"
        " unless nobody has used the database, run neonhub-backup wal check on its server"
    )
    yield Finding(
        verdict=Verdict.BREACH if lag > longest else Verdict.WARNING,
        check="wal",
        database=database,
        store=None,
        text=text,
    )
