"""How an environment's backups stand: what was measured, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from neonhub_backup.domain.configuration import Configuration
from neonhub_backup.domain.recoveries import Recovery, Scenario
from neonhub_backup.domain.retention import Tier
from neonhub_backup.watch.elsewhere import ArchiveState
from neonhub_backup.watch.findings import Finding, Verdict, worst
from neonhub_backup.watch.freshness import judge_copies, judge_freshness, judge_proofs
from neonhub_backup.watch.growth import judge_growth, week_over_week
from neonhub_backup.watch.holdings import Backup, Holding
from neonhub_backup.watch.objectives import (
    Measured,
    drill_times,
    exposures,
    judge_recoveries,
    recovery_times,
)
from neonhub_backup.watch.replicas import judge_replica

FORMAT = "neonhub-backup-status/1"


@dataclass(frozen=True, kw_only=True)
class ReplicaStatus:
    """What S3's copy of a store in another region has of one database."""

    address: str
    reachable: bool
    newest: str | None
    """The newest backup of which every byte has arrived. None: there is none."""
    age: timedelta | None
    """Since that backup began."""


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
    recoveries: Measured
    """How long drills from there took until the database could be used."""
    replica: ReplicaStatus | None
    """None: it has none."""


@dataclass(frozen=True, kw_only=True)
class DatabaseStatus:
    """One database."""

    name: str
    stores: tuple[StoreStatus, ...]
    archive: ArchiveState | None
    """Its server's archived WAL. None: it has none, or that was not looked at."""

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
    exposures: Measured
    """What would have been lost before each backup was complete, beside the RPO."""
    recoveries: Mapping[Scenario, Measured]
    """How long each way back took, beside its RTO."""
    findings: tuple[Finding, ...]
    """The worst first."""

    @property
    def verdict(self) -> Verdict:
        """On all of it."""
        return worst(self.findings)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What was found out elsewhere than in the stores themselves."""

    findings: Sequence[Finding] = ()
    replicas: Mapping[str, Sequence[Holding]] = field(default_factory=dict[str, Sequence[Holding]])
    """What the replica of a store has, by the store's name."""
    recoveries: Sequence[Recovery] = ()
    """Newest first."""
    archives: Mapping[str, ArchiveState] = field(default_factory=dict[str, ArchiveState])
    """Archived WAL that was looked at, by the name of the database."""

    def replica(self, original: Holding) -> Holding | None:
        """What the replica of a store has of the same database; None: it has no replica."""
        of_store = self.replicas.get(original.store, ())
        return next((each for each in of_store if each.database == original.database), None)


def assess(
    configuration: Configuration,
    holdings: Sequence[Holding],
    now: datetime,
    seen: Seen | None = None,
) -> Status:
    """Judge what the stores show, beside what was seen elsewhere. Contacts nobody."""
    seen = seen or Seen()
    findings = [*seen.findings, *judge_recoveries(configuration.objectives, seen.recoveries, now)]
    databases: list[DatabaseStatus] = []
    objectives = configuration.objectives
    for name in dict.fromkeys(holding.database for holding in holdings):
        ours = [holding for holding in holdings if holding.database == name]
        stores: list[StoreStatus] = []
        for holding in ours:
            replica = seen.replica(holding)
            store = _store(holding, replica, configuration, now)
            stores.append(store)
            findings += judge_freshness(holding, objectives, configuration.retention, now)
            findings += judge_proofs(holding, objectives, now)
            findings += judge_growth(holding, configuration.watch, now)
            findings += _judge_recovery(holding, store.recoveries)
            if replica is not None:
                findings += judge_replica(holding, replica, now)
        findings += judge_copies(ours, now)
        archive = seen.archives.get(name)
        databases.append(DatabaseStatus(name=name, stores=tuple(stores), archive=archive))
    return Status(
        environment=configuration.environment,
        taken=now,
        rpo=objectives.rpo,
        prove_every=objectives.prove_every,
        databases=tuple(databases),
        exposures=exposures(holdings, configuration.retention, now, objectives.rpo),
        recoveries=recovery_times(configuration, holdings, seen.recoveries),
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
                "wal": _describe_archive(database.archive, status.taken),
            }
            for database in status.databases
        ],
        "objectives": {
            "rpo": _describe_measured(status.exposures),
            "rto": [
                {"scenario": scenario.value, **_describe_measured(measured)}
                for scenario, measured in status.recoveries.items()
            ],
        },
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
    newest, replica = store.newest, store.replica
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
        "recovery": _describe_measured(store.recoveries, "drills"),
        "replica": None
        if replica is None
        else {
            "address": replica.address,
            "reachable": replica.reachable,
            "newest": replica.newest,
            "age_seconds": _seconds(replica.age),
        },
    }


def _describe_archive(archive: ArchiveState | None, now: datetime) -> dict[str, Any] | None:
    if archive is None:
        return None
    return {
        "address": archive.address,
        "base": archive.base,
        "base_age_seconds": None if archive.ended is None else _seconds(now - archive.ended),
        "newest": archive.newest,
        "lag_seconds": _seconds(archive.lag(now)),
        "missing": archive.missing,
    }


def _describe_measured(measured: Measured, counted: str = "measured") -> dict[str, Any]:
    return {
        "target_seconds": measured.target,
        counted: len(measured.seconds),
        "last_seconds": _rounded(measured.last),
        "median_seconds": _rounded(measured.median),
        "worst_seconds": _rounded(measured.worst),
    }


def _store(
    holding: Holding, replica: Holding | None, configuration: Configuration, now: datetime
) -> StoreStatus:
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
        recoveries=drill_times(holding, configuration.objectives.rto_minutes * 60.0),
        replica=None if replica is None else _replica(replica, now),
    )


def _replica(holding: Holding, now: datetime) -> ReplicaStatus:
    newest = holding.newest(now)
    return ReplicaStatus(
        address=holding.address,
        reachable=holding.error is None,
        newest=None if newest is None else newest.name,
        age=None if newest is None else now - newest.started,
    )


def _judge_recovery(holding: Holding, drills: Measured) -> list[Finding]:
    last, target = drills.last, drills.target
    if last is None or target is None or last <= target:
        return []
    text = (
        f"the last drill of {holding.database} from store {holding.store} took {last / 60:.1f} min"
        f" until the database could be used, and {target / 60:.0f} min are promised"
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
