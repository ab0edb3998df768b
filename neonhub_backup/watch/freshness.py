"""Whether backups and their proofs are as young as was promised, in each store by itself."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from neonhub_backup.domain.configuration import Objectives
from neonhub_backup.domain.duration import format_duration
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.watch.findings import Finding, Verdict
from neonhub_backup.watch.holdings import Backup, Holding
from neonhub_backup.wording import moment_text

STARTS_LATE = timedelta(minutes=15)
"""How long a schedule may keep a run waiting before its backup is missed.
https://docs.github.com/actions/using-workflows/events-that-trigger-workflows#schedule"""


def judge_freshness(
    holding: Holding, objectives: Objectives, retention: RetentionPolicy, now: datetime
) -> list[Finding]:
    """What is wrong with the age of a database's backups in a store."""
    if holding.error is not None:
        text = (
            f"nobody can tell whether store {holding.store} ({holding.address}) keeps its promises:"
            f" {holding.error}"
        )
        return [_finding(Verdict.BREACH, "store", holding, text)]
    found = [_finding(Verdict.BREACH, "manifest", holding, text) for text in holding.damaged]
    newest = holding.newest(now)
    if newest is None:
        text = (
            f"store {holding.store} ({holding.address}) has no complete backup of"
            f" {holding.database}, so nothing could be restored from there: take one with"
            " neonhub-backup backup"
        )
        return [*found, _finding(Verdict.BREACH, "freshness", holding, text)]
    found += _future(holding, now)
    found += _age(holding, newest, objectives.rpo, now)
    found += _tiers(holding, retention, now)
    return found


def judge_proofs(holding: Holding, objectives: Objectives, now: datetime) -> list[Finding]:
    """What is wrong with the proof that a store's backups of a database can be restored.

    A store whose first backup is younger than drills are owed has had no time for one.
    """
    if holding.error is not None or not holding.backups:
        return []
    found: list[Finding] = []
    failed = _newest_failure(holding)
    if failed is not None:
        text = (
            f"backup {failed} did not pass its newest drill from store {holding.store}: do not rely"
            f" on it; neonhub-backup show {failed} says what differs, and docs/drill.md what to do"
        )
        found.append(_finding(Verdict.BREACH, "proof", holding, text))
    every = objectives.prove_every
    proof = holding.newest_proof()
    oldest = min(backup.started for backup in holding.backups)
    since = oldest if proof is None else proof.finished
    if now - since > every:
        last = "never" if proof is None else f"last on {moment_text(proof.finished)}"
        text = (
            f"a backup of {holding.database} in store {holding.store} was proven {last}, and one is"
            f" owed every {format_duration(every)}, so it is unknown whether any can be restored:"
            f" run neonhub-backup drill latest --store {holding.store}"
        )
        found.append(_finding(Verdict.BREACH, "proof", holding, text))
    return found


def judge_copies(holdings: Sequence[Holding], now: datetime) -> list[Finding]:
    """Which stores lack the newest backup of a database that another has.

    A run writes to every store at once, so a copy that is missing when the backup is complete was
    refused, or removed since.
    """
    newest = max(
        (backup for holding in holdings if (backup := holding.newest(now))),
        key=lambda backup: (backup.started, backup.name),
        default=None,
    )
    if newest is None:
        return []
    return [
        _finding(
            Verdict.WARNING,
            "copy",
            holding,
            f"the newest backup of {newest.database}, {newest.name}, is not in store"
            f" {holding.store}, so the loss of the others would take it: bring it there with"
            f" neonhub-backup copy {newest.name} --to {holding.store}",
        )
        for holding in holdings
        if holding.error is None and all(each.name != newest.name for each in holding.backups)
    ]


def _age(
    holding: Holding, newest: Backup, rpo: timedelta | None, now: datetime
) -> Iterator[Finding]:
    """Data since the newest backup began would be lost."""
    age = now - newest.started
    if rpo is None or age <= rpo:
        return
    # The next one has begun, or may still begin: it is not missed yet.
    missed = age > rpo + newest.took + STARTS_LATE
    text = (
        f"the newest backup of {holding.database} in store {holding.store}, {newest.name}, is"
        f" {age_text(age)} old, and at most {format_duration(rpo)} may be lost (rpo): see why none"
        " has been made since, and run neonhub-backup backup"
    )
    yield _finding(Verdict.BREACH if missed else Verdict.WARNING, "freshness", holding, text)


def _tiers(holding: Holding, retention: RetentionPolicy, now: datetime) -> Iterator[Finding]:
    """Tiers whose slot is empty."""
    for empty in empty_slots(holding.newest_by_tier(now), retention, now):
        text = (
            f"no {empty.tier} backup of {holding.database} has been made in store {holding.store}"
            f" {empty.since}, so what is kept for that long has a gap: run neonhub-backup backup"
            " --tier auto"
        )
        yield _finding(empty.verdict, "tier", holding, text)


@dataclass(frozen=True, kw_only=True)
class EmptySlot:
    """A time in which something was owed to a tier, and was not made."""

    tier: Tier
    slot: datetime
    """When it began."""
    twice: bool
    """Whether the slot before it is empty too."""

    @property
    def verdict(self) -> Verdict:
        """One run may be dropped; two are not."""
        return Verdict.BREACH if self.twice else Verdict.WARNING

    @property
    def since(self) -> str:
        """In words."""
        before = ", nor in the time before that" if self.twice else ""
        return f"since {moment_text(self.slot)}{before}"


def empty_slots(
    newest: Mapping[Tier, datetime], retention: RetentionPolicy, now: datetime
) -> Iterator[EmptySlot]:
    """The tiers whose slot has been empty for too long: what a higher one has fills it too."""
    for tier in retention.rules():
        higher = list(Tier)[list(Tier).index(tier) :]
        last = max((newest[each] for each in higher if each in newest), default=None)
        slot = retention.slot(tier, now - _patience(tier))
        if last is None or last < slot:
            before = retention.slot(tier, slot - timedelta(microseconds=1))
            yield EmptySlot(tier=tier, slot=slot, twice=last is None or last < before)


def _patience(tier: Tier) -> timedelta:
    """How long after its slot has begun a tier's backup may be missing: one run may be dropped."""
    return timedelta(hours=2) if tier is Tier.HOURLY else timedelta(hours=26)


def _future(holding: Holding, now: datetime) -> Iterator[Finding]:
    for backup in holding.backups:
        if backup.started > now:
            text = (
                f"backup {backup.name} in store {holding.store} is dated in the future, so the age"
                " of what it holds is unknown and it fills no slot: set the clock of the machine"
                " that wrote it, or of this one"
            )
            yield _finding(Verdict.WARNING, "clock", holding, text)


def _newest_failure(holding: Holding) -> str | None:
    """The newest backup with a drill, if its newest drill has not proven it."""
    for backup in holding.backups:
        result = next((each for each in holding.proofs if each.backup == backup.name), None)
        if result is not None:
            return None if result.proven else backup.name
    return None


def age_text(age: timedelta) -> str:
    """An age for people: minutes, hours or days."""
    minutes = int(age / timedelta(minutes=1))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def _finding(verdict: Verdict, check: str, holding: Holding, text: str) -> Finding:
    return Finding(
        verdict=verdict, check=check, database=holding.database, store=holding.store, text=text
    )
