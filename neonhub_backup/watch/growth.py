"""Whether a backup is oddly large or small, in bytes and in the rows of each table.

Two rules. The first is a bound on the change since a week before. The second asks what is usual:
growth from one backup of a tier to the next, as a logarithm, is compared with the median of the
tier's earlier ones in units of their median absolute deviation, so that neither steady growth nor
one earlier outlier hides a change (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993:
more than 3.5 of 1.4826 MAD is one).
"""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from neonhub_backup.domain.configuration import Watch
from neonhub_backup.watch.findings import Finding, Verdict
from neonhub_backup.watch.holdings import Backup, Holding

WEEK = timedelta(days=7)
_GAP = 2 * WEEK
"""A backup older than this is no measure of the change in a week."""
_ENOUGH = 6
"""Changes from one backup to the next that tell what is usual."""
_OUTLIER = 3.5
_FLOOR = math.log(1.1)
"""A change by less than a tenth is never odd, however still the tier was before."""
_FEW_ROWS = 100
"""Tables that had fewer rows come and go."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """The newest backup against the one of a week before."""

    newest: Backup
    before: Backup

    @property
    def percent(self) -> float | None:
        """Growth of the stored bytes; -30 is 30 % smaller. None: there was nothing."""
        return _percent(self.newest.bytes, self.before.bytes)


def week_over_week(holding: Holding, now: datetime) -> Change | None:
    """The newest backup of a database, and the youngest that is a week older.

    None: there is none that old, or none for a week before that, so the change is of another time.
    """
    backups = [backup for backup in holding.before(now) if backup.planned]
    for newest in backups[:1]:
        for before in backups[1:]:
            if before.started <= newest.started - WEEK:
                return (
                    Change(newest=newest, before=before)
                    if before.started >= newest.started - _GAP
                    else None
                )
    return None


def judge_growth(holding: Holding, watch: Watch, now: datetime) -> list[Finding]:
    """What is odd about the size of the newest backup of a database in a store."""
    found: dict[tuple[str, str], Finding] = {}
    change = week_over_week(holding, now)
    by_rules: list[tuple[str, Finding]] = (
        [] if change is None else [*_of_a_week(holding, change, watch)]
    )
    by_rules += _unusual(holding, now)
    for subject, finding in by_rules:
        if not _is_acknowledged(watch, holding.database, subject, now.date()):
            # What both rules see is said once, by the first.
            found.setdefault((finding.check, subject), finding)
    return list(found.values())


def _of_a_week(holding: Holding, change: Change, watch: Watch) -> Iterator[tuple[str, Finding]]:
    newest, before = change.newest, change.before
    measured = [("", "size", before.bytes, newest.bytes)] + [
        (table, "rows", rows, newest.rows.get(table, 0))
        for table, rows in before.rows.items()
        if rows >= _FEW_ROWS
    ]
    for table, check, was, now in measured:
        percent = _percent(now, was)
        if percent is None or -watch.shrink_percent <= percent <= watch.grow_percent:
            continue
        # Growth may be an import; what is gone may be lost.
        verdict = Verdict.BREACH if percent < 0 else Verdict.WARNING
        text = (
            f"{_subject(holding, newest, table, check)} {now:,} {_unit(check)}, {percent:+.0f} %"
            f" against {was:,} a week before ({before.name}), and {-watch.shrink_percent:+} to"
            f" {watch.grow_percent:+} % is what the stack expects{_gone(table, newest)}"
        )
        yield table, _finding(verdict, check, holding, text)


def _unusual(holding: Holding, now: datetime) -> Iterator[tuple[str, Finding]]:
    backups = [backup for backup in holding.before(now) if backup.planned]
    for newest in backups[:1]:
        series = [backup for backup in backups if backup.tier is newest.tier]
        yield from _unusual_of(holding, series, "", "size", [each.bytes for each in series])
        for table in sorted({*newest.rows, *(series[1].rows if series[1:] else ())}):
            rows = [each.rows.get(table, 0) for each in series]
            if max(rows[:2]) >= _FEW_ROWS:
                yield from _unusual_of(holding, series, table, "rows", rows)


def _unusual_of(
    holding: Holding, series: Sequence[Backup], table: str, check: str, numbers: Sequence[int]
) -> Iterator[tuple[str, Finding]]:
    """Numbers of a tier's backups, newest first."""
    steps = [math.log((later + 1) / (earlier + 1)) for later, earlier in pairwise(numbers)]
    if len(steps) <= _ENOUGH or _is_gap([backup.started for backup in series]):
        return
    newest, *earlier = steps
    usual = statistics.median(earlier)
    spread = 1.4826 * statistics.median(abs(step - usual) for step in earlier)
    bound = max(_OUTLIER * spread, _FLOOR)
    if abs(newest - usual) <= bound:
        return
    backup, before = series[0], series[1]
    verdict = Verdict.BREACH if newest < usual else Verdict.WARNING
    low, high = (f"{100 * math.expm1(limit):+.0f}" for limit in (usual - bound, usual + bound))
    text = (
        f"{_subject(holding, backup, table, check)} {numbers[0]:,} {_unit(check)},"
        f" {100 * math.expm1(newest):+.0f} % against {numbers[1]:,} in the {backup.tier} backup"
        f" before it ({before.name}), and {low} to {high} % is usual{_gone(table, backup)}"
    )
    yield table, _finding(verdict, check, holding, text)


def _is_gap(begun: Sequence[datetime]) -> bool:
    """Whether so much more time than usual has passed that nothing usual can be expected."""
    newest, *earlier = [(later - before).total_seconds() for later, before in pairwise(begun)]
    return newest > 2 * statistics.median(earlier)


def _subject(holding: Holding, backup: Backup, table: str, check: str) -> str:
    where = f"backup {backup.name} of {holding.database} in store {holding.store}"
    return f"table {table} of {where} has" if check == "rows" else f"{where} has"


def _unit(check: str) -> str:
    return "rows" if check == "rows" else "bytes"


def _gone(table: str, backup: Backup) -> str:
    dropped = table and table not in backup.rows
    said = ", since the table is gone" if dropped else ""
    return (
        f"{said}: compare with neonhub-backup show {backup.name}; a planned change is noted in"
        " `watch.acknowledged` of the stack"
    )


def _is_acknowledged(watch: Watch, database: str, table: str, today: date) -> bool:
    return any(
        note.database == database and note.table in (None, table or None) and today <= note.until
        for note in watch.acknowledged
    )


def _percent(now: int, before: int) -> float | None:
    return None if before == 0 else 100 * (now - before) / before


def _finding(verdict: Verdict, check: str, holding: Holding, text: str) -> Finding:
    return Finding(
        verdict=verdict, check=check, database=holding.database, store=holding.store, text=text
    )
