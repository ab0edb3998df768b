"""The report as a document: what the page is drawn from, and `--json` shows.

Times are ISO 8601, ages and times taken seconds, sizes bytes; null is unknown, or nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neonhub_backup import __version__
from neonhub_backup.domain.configuration import Configuration
from neonhub_backup.report.copies import describe_copies, describe_three_two_one
from neonhub_backup.report.cost import describe_cost
from neonhub_backup.report.drills import describe_drills
from neonhub_backup.report.gathering import Past, Unread
from neonhub_backup.report.growth import describe_history
from neonhub_backup.report.slots import describe_calendar, next_slot
from neonhub_backup.watch.holdings import Holding
from neonhub_backup.watch.status import Status, describe_status

FORMAT = "neonhub-backup-report/1"


@dataclass(frozen=True, kw_only=True)
class Known:
    """All that was found out about one environment."""

    configuration: Configuration
    status: Status
    holdings: Sequence[Holding]
    """What each store shows."""
    replicas: Mapping[str, Sequence[Holding]]
    """What the replica of a store shows, by the store's name."""
    pasts: Sequence[Past]
    unread: Sequence[Unread]


def describe_report(known: Known, others: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    """The document; `others` are what `status --json` showed of other environments."""
    configuration, now = known.configuration, known.status.taken
    status = describe_status(known.status)
    copies = describe_copies(configuration, _by_copy(known), now)
    target = configuration.objectives.rto_minutes * 60.0
    return {
        "format": FORMAT,
        "tool_version": __version__,
        "environments": [_glance(each, now) for each in (status, *others)],
        "status": status,
        "three_two_one": describe_three_two_one(configuration, copies),
        "copies": copies,
        "calendar": [
            describe_calendar(past, configuration.retention, _reachable(known), now)
            for past in known.pasts
        ],
        "history": [describe_history(past, configuration.watch) for past in known.pasts],
        "drills": [drill for past in known.pasts for drill in describe_drills(past, target)],
        "cost": describe_cost(configuration, known.pasts, now),
        "next_runs": list(_next_runs(configuration, now)),
        "owed_drills": list(_owed_drills(known)),
        "unread": [{"store": each.store, "text": each.text} for each in known.unread],
    }


def _glance(status: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """One environment in a line: the oldest of its databases counts."""
    databases: Sequence[Mapping[str, Any]] = status["databases"]
    stores = [store for database in databases for store in database["stores"]]
    taken = datetime.fromisoformat(status["taken"])
    verdicts = [finding["verdict"] for finding in status["findings"]]
    return {
        "environment": status["environment"],
        "verdict": status["verdict"],
        "taken": status["taken"],
        "taken_age_seconds": round((now - taken).total_seconds(), 3),
        "databases": len(databases),
        "breaches": verdicts.count("breach"),
        "warnings": verdicts.count("warning"),
        "rpo_seconds": status["rpo_seconds"],
        "age_seconds": _worst([each["age_seconds"] for each in databases]),
        "prove_every_seconds": status["prove_every_seconds"],
        "proof_age_seconds": _worst([each["proof_age_seconds"] for each in databases]),
        "recovery_target_seconds": min(
            (store["recovery"]["target_seconds"] for store in stores), default=None
        ),
        "recovery_seconds": max(
            (
                store["recovery"]["last_seconds"]
                for store in stores
                if store["recovery"]["last_seconds"] is not None
            ),
            default=None,
        ),
    }


def _worst(ages: Sequence[float | None]) -> float | None:
    """The greatest; None when one of them is unknown."""
    known = [age for age in ages if age is not None]
    return max(known) if known and len(known) == len(ages) else None


def _by_copy(known: Known) -> dict[str, list[Holding]]:
    """What every copy shows, by its name."""
    found: dict[str, list[Holding]] = {}
    for holding in known.holdings:
        found.setdefault(holding.store, []).append(holding)
    for store, held in known.replicas.items():
        found[f"{store} replica"] = list(held)
    return found


def _reachable(known: Known) -> list[str]:
    down = {holding.store for holding in known.holdings if holding.error is not None}
    return [store.name for store in known.configuration.stores if store.name not in down]


def _next_runs(configuration: Configuration, now: datetime) -> Iterator[dict[str, Any]]:
    for tier, rule in configuration.retention.rules().items():
        begins = next_slot(configuration.retention, tier, now)
        yield {
            "tier": tier.value,
            "begins": begins.isoformat(),
            "in_seconds": round((begins - now).total_seconds(), 3),
            "keep_seconds": rule.keep.total_seconds(),
        }


def _owed_drills(known: Known) -> Iterator[dict[str, Any]]:
    """When a copy's proof will be too old; null: it has none."""
    every, now = known.status.prove_every, known.status.taken
    for holding in known.holdings:
        proof = holding.newest_proof()
        due = None if proof is None else proof.finished + every
        yield {
            "database": holding.database,
            "store": holding.store,
            "proven": None if proof is None else proof.backup,
            "due": None if due is None else due.isoformat(),
            "in_seconds": None if due is None else round((due - now).total_seconds(), 3),
        }
