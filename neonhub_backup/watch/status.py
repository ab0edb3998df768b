"""How an environment's backups stand: what was measured, and what is wrong with it."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from neonhub_backup.domain.configuration import Configuration
from neonhub_backup.domain.retention import Tier
from neonhub_backup.watch.findings import Finding, Verdict, worst
from neonhub_backup.watch.freshness import judge_copies, judge_freshness, judge_proofs
from neonhub_backup.watch.growth import judge_growth, week_over_week
from neonhub_backup.watch.holdings import Backup, Holding

FORMAT = "neonhub-backup-status/1"


@dataclass(frozen=True, kw_only=True)
class Recoveries:
    """How long drills took until a database could be used, in seconds; newest first."""

    measured: tuple[float, ...]
    target: float

    @property
    def last(self) -> float | None:
        """The newest."""
        return next(iter(self.measured), None)

    @property
    def median(self) -> float | None:
        """Of all that were measured."""
        return statistics.median(self.measured) if self.measured else None

    @property
    def worst(self) -> float | None:
        """The longest."""
        return max(self.measured, default=None)


@dataclass(frozen=True, kw_only=True)
class StoreStatus:
    """One database in one store."""

    store: str
    address: str
    reachable: bool
    backups: int
    """How many were looked at."""
    newest: Backup | None
    age: timedelta | None
    """Since the newest backup began: what would be lost. None: there is no backup."""
    tiers: Mapping[Tier, datetime]
    """When the newest backup of each tier was begun."""
    proven: str | None
    """The backup that a drill has proven last. None: none is."""
    proof_age: timedelta | None
    """Since that drill ended."""
    size_change_percent: float | None
    """Stored bytes against a week before; -30 is 30 % smaller. None: there was none."""
    recoveries: Recoveries


@dataclass(frozen=True, kw_only=True)
class DatabaseStatus:
    """One database."""

    name: str
    stores: tuple[StoreStatus, ...]

    @property
    def age(self) -> timedelta | None:
        """Age of the newest backup in the store where that is oldest. None: one has none."""
        return _oldest([store.age for store in self.stores])

    @property
    def proof_age(self) -> timedelta | None:
        """Age of the newest proof in the store where that is oldest. None: one has none."""
        return _oldest([store.proof_age for store in self.stores])

    @property
    def size_change_percent(self) -> float | None:
        """Of the first store that can tell."""
        known = (store.size_change_percent for store in self.stores)
        return next((each for each in known if each is not None), None)


@dataclass(frozen=True, kw_only=True)
class Status:
    """An environment."""

    environment: str
    taken: datetime
    rpo: timedelta | None
    prove_every: timedelta
    databases: tuple[DatabaseStatus, ...]
    findings: tuple[Finding, ...]
    """The worst first."""

    @property
    def verdict(self) -> Verdict:
        """On all of it."""
        return worst(self.findings)


def assess(
    configuration: Configuration,
    holdings: Sequence[Holding],
    now: datetime,
    further: Sequence[Finding] = (),
) -> Status:
    """Judge what the stores show, beside what was found elsewhere. Contacts nobody."""
    findings = list(further)
    databases: list[DatabaseStatus] = []
    objectives = configuration.objectives
    for name in dict.fromkeys(holding.database for holding in holdings):
        ours = [holding for holding in holdings if holding.database == name]
        for holding in ours:
            findings += judge_freshness(holding, objectives, configuration.retention, now)
            findings += judge_proofs(holding, objectives, now)
            findings += judge_growth(holding, configuration.watch, now)
            findings += _judge_recovery(holding, _recoveries(holding, configuration))
        findings += judge_copies(ours, now)
        stores = tuple(_store(holding, configuration, now) for holding in ours)
        databases.append(DatabaseStatus(name=name, stores=stores))
    return Status(
        environment=configuration.environment,
        taken=now,
        rpo=objectives.rpo,
        prove_every=objectives.prove_every,
        databases=tuple(databases),
        findings=tuple(sorted(findings, key=lambda finding: finding.verdict, reverse=True)),
    )


def describe_status(status: Status) -> dict[str, Any]:
    """As `--json` shows it: times are ISO 8601, ages seconds, sizes bytes; null is unknown."""
    return {
        "format": FORMAT,
        "environment": status.environment,
        "taken": status.taken.isoformat(),
        "verdict": str(status.verdict),
        "rpo_seconds": _seconds(status.rpo),
        "prove_every_seconds": status.prove_every.total_seconds(),
        "databases": [
            {
                "database": database.name,
                "age_seconds": _seconds(database.age),
                "proof_age_seconds": _seconds(database.proof_age),
                "size_change_percent": _rounded(database.size_change_percent),
                "stores": [_describe_store(store) for store in database.stores],
            }
            for database in status.databases
        ],
        "findings": [
            {
                "verdict": str(finding.verdict),
                "check": finding.check,
                "database": finding.database,
                "store": finding.store,
                "text": finding.text,
            }
            for finding in status.findings
        ],
    }


def _describe_store(store: StoreStatus) -> dict[str, Any]:
    newest, recoveries = store.newest, store.recoveries
    return {
        "store": store.store,
        "address": store.address,
        "reachable": store.reachable,
        "newest": None
        if newest is None
        else {
            "name": newest.name,
            "tier": newest.tier.value,
            "started": newest.started.isoformat(),
            "bytes": newest.bytes,
            "rows": newest.total_rows,
        },
        "age_seconds": _seconds(store.age),
        "tiers": {tier.value: started.isoformat() for tier, started in store.tiers.items()},
        "proven": store.proven,
        "proof_age_seconds": _seconds(store.proof_age),
        "size_change_percent": _rounded(store.size_change_percent),
        "recovery": {
            "target_seconds": recoveries.target,
            "drills": len(recoveries.measured),
            "last_seconds": _rounded(recoveries.last),
            "median_seconds": _rounded(recoveries.median),
            "worst_seconds": _rounded(recoveries.worst),
        },
    }


def _store(holding: Holding, configuration: Configuration, now: datetime) -> StoreStatus:
    newest, proof = holding.newest(now), holding.newest_proof()
    change = week_over_week(holding, now)
    return StoreStatus(
        store=holding.store,
        address=holding.address,
        reachable=holding.error is None,
        backups=len(holding.backups),
        newest=newest,
        age=None if newest is None else now - newest.started,
        tiers=holding.newest_by_tier(now),
        proven=None if proof is None else proof.backup,
        proof_age=None if proof is None else now - proof.finished,
        size_change_percent=None if change is None else change.percent,
        recoveries=_recoveries(holding, configuration),
    )


def _recoveries(holding: Holding, configuration: Configuration) -> Recoveries:
    took = (proof.seconds.recovery for proof in holding.proofs)
    return Recoveries(
        measured=tuple(seconds for seconds in took if seconds is not None),
        target=configuration.objectives.rto_minutes * 60.0,
    )


def _judge_recovery(holding: Holding, recoveries: Recoveries) -> list[Finding]:
    last = recoveries.last
    if last is None or last <= recoveries.target:
        return []
    text = (
        f"the last drill of {holding.database} from store {holding.store} took {last / 60:.1f} min"
        f" until the database could be used, and {recoveries.target / 60:.0f} min are promised"
        " (rto_minutes): restore on a larger machine, make the database smaller, or promise less"
    )
    return [
        Finding(
            verdict=Verdict.BREACH,
            check="recovery",
            database=holding.database,
            store=holding.store,
            text=text,
        )
    ]


def _oldest(ages: Sequence[timedelta | None]) -> timedelta | None:
    known = [age for age in ages if age is not None]
    return max(known) if known and len(known) == len(ages) else None


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else round(duration.total_seconds(), 3)


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)
