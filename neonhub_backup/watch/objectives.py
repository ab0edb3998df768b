"""What was promised beside what was measured: how much would have been lost, and for how long."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from neonhub_backup.domain import configuration
from neonhub_backup.domain.recoveries import Recovery, Scenario
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.watch.findings import Finding, Verdict
from neonhub_backup.watch.holdings import Backup, Holding


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One objective and what was measured of it, in seconds; newest first."""

    target: float | None
    """None: nothing is promised."""
    seconds: tuple[float, ...]

    @property
    def last(self) -> float | None:
        """The newest."""
        return next(iter(self.seconds), None)

    @property
    def median(self) -> float | None:
        """Of all that were measured."""
        return statistics.median(self.seconds) if self.seconds else None

    @property
    def worst(self) -> float | None:
        """The longest."""
        return max(self.seconds, default=None)


def targets(objectives: configuration.Objectives) -> dict[Scenario, float]:
    """How many seconds each way back may take."""
    return {
        Scenario.TABLE: objectives.rto_table_minutes * 60.0,
        Scenario.BRANCH: objectives.rto_branch_minutes * 60.0,
        Scenario.STORE: objectives.rto_minutes * 60.0,
        Scenario.PITR: objectives.rto_pitr_minutes * 60.0,
    }


def drill_times(holding: Holding, target: float) -> Measured:
    """How long drills of a database from one store took until it could be used."""
    took = (proof.seconds.recovery for proof in holding.proofs)
    return Measured(target=target, seconds=tuple(each for each in took if each is not None))


def recovery_times(
    settings: configuration.Configuration,
    holdings: Sequence[Holding],
    recoveries: Sequence[Recovery],
) -> dict[Scenario, Measured]:
    """What each way back that the environment has took: restores, and drills from any store."""
    promised = targets(settings.objectives)
    return {
        scenario: Measured(
            target=promised[scenario],
            seconds=tuple(
                seconds
                for _, seconds in sorted(_times(scenario, holdings, recoveries), reverse=True)
            ),
        )
        for scenario in Scenario
        if _possible(scenario, settings) or any(each.scenario is scenario for each in recoveries)
    }


def _times(
    scenario: Scenario, holdings: Sequence[Holding], recoveries: Sequence[Recovery]
) -> Iterator[tuple[datetime, float]]:
    for recovery in recoveries:
        if recovery.scenario is scenario:
            yield recovery.finished, recovery.seconds
    if scenario is Scenario.STORE:
        for holding in holdings:
            for proof in holding.proofs:
                if proof.seconds.recovery is not None:
                    yield proof.finished, proof.seconds.recovery


def _possible(scenario: Scenario, settings: configuration.Configuration) -> bool:
    match scenario:
        case Scenario.TABLE | Scenario.STORE:
            return True
        case Scenario.BRANCH:
            return any(each.neon is not None for each in settings.databases)
        case Scenario.PITR:
            return any(each.archiving is not None for each in settings.databases)


def exposures(
    holdings: Sequence[Holding],
    retention: RetentionPolicy,
    now: datetime,
    rpo: timedelta | None = None,
) -> Measured:
    """The most that would have been lost before each backup was complete, beside the RPO.

    That is the time from the beginning of one backup to the end of the next, whose copy in any
    store counts, of the database for which it is longest. It is measured as far back as the tier
    that is taken most often is kept and was looked at: beyond that others are kept alone.
    """
    by_database: dict[str, dict[str, Backup]] = {}
    for holding in holdings:
        known = by_database.setdefault(holding.database, {})
        known.update({backup.name: backup for backup in holding.before(now)})
    found = [
        pair
        for known in by_database.values()
        for pair in _exposed(list(known.values()), next(iter(retention.rules())))
    ]
    return Measured(
        target=None if rpo is None else rpo.total_seconds(),
        seconds=tuple(each for _, each in sorted(found, reverse=True)),
    )


def _exposed(backups: Sequence[Backup], shortest: Tier) -> Iterator[tuple[datetime, float]]:
    since = min((each.started for each in backups if each.tier is shortest), default=None)
    if since is None:
        return
    taken = sorted(
        (each for each in backups if each.planned and each.started >= since),
        key=lambda each: each.started,
    )
    for before, after in pairwise(taken):
        yield after.finished, (after.finished - before.started).total_seconds()


def judge_recoveries(
    promised: configuration.Objectives, recoveries: Sequence[Recovery], now: datetime
) -> Iterator[Finding]:
    """The newest recovery of each way, if it took longer than is promised.

    A drill that is owed measures anew, so one that is older than that is history.
    """
    target = targets(promised)
    newest: dict[Scenario, Recovery] = {}
    for recovery in recoveries:
        newest.setdefault(recovery.scenario, recovery)
    for scenario, recovery in newest.items():
        if recovery.seconds > target[scenario] and now - recovery.finished <= promised.prove_every:
            text = (
                f"the last recovery of {recovery.database} by {recovery.command} took"
                f" {recovery.seconds / 60:.1f} min, and {target[scenario] / 60:.0f} min are"
                f" promised for {scenario.words} ({_FIELDS[scenario]}): see in its log what took"
                " the time, or promise less"
            )
            yield Finding(
                verdict=Verdict.WARNING,
                check="recovery",
                database=recovery.database,
                store=recovery.store,
                text=text,
            )


_FIELDS: Mapping[Scenario, str] = {
    Scenario.TABLE: "rto_table_minutes",
    Scenario.BRANCH: "rto_branch_minutes",
    Scenario.STORE: "rto_minutes",
    Scenario.PITR: "rto_pitr_minutes",
}
