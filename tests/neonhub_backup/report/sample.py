"""An environment that is made up: a year of backups of two databases, and all that can go wrong."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    GcsStore,
    Objectives,
    Replica,
    S3Store,
)
from neonhub_backup.domain.manifest import Origin
from neonhub_backup.domain.proof import Proof
from neonhub_backup.domain.recoveries import Recovery, Scenario
from neonhub_backup.domain.retention import Tier
from neonhub_backup.report.document import Known, describe_report
from neonhub_backup.report.gathering import Kept, Past, Unread
from neonhub_backup.watch.elsewhere import ArchiveState
from neonhub_backup.watch.holdings import Backup, Holding
from neonhub_backup.watch.status import Seen, assess, describe_status
from tests.neonhub_backup.samples import location, proof

NOW = datetime(2026, 3, 12, 9, 30, tzinfo=UTC)
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FIRST = datetime(2025, 2, 20, 2, 7, 12, tzinfo=UTC)

CONFIGURATION = Configuration(
    environment="production",
    databases=(Database(name="neonhub"), Database(name="analytics")),
    stores=(
        S3Store(
            name="aws",
            bucket="neonhub-production-backups",
            region="us-east-1",
            operations_bucket="neonhub-production-operations",
            replica=Replica(bucket="neonhub-production-replica", region="eu-central-1"),
        ),
        GcsStore(name="gcp", bucket="neonhub-production-backups"),
    ),
    encryption=Encryption(public_keys=(KEY,)),
    objectives=Objectives(rpo=HOUR, rto_minutes=30),
)


@cache
def document() -> dict[str, Any]:
    """The whole report, with two other environments beside it."""
    return describe_report(known(), [staging(), edge()])


def of_one_database() -> dict[str, Any]:
    """The same of one database alone, which is enough for a picture."""
    return describe_report(known(["neonhub"]), [staging()])


def known(databases: Sequence[str] = ("neonhub", "analytics")) -> Known:
    """What was found out about production: gcp is two days behind with one database."""
    neonhub, analytics = backups("neonhub"), backups("analytics")
    late = [each for each in neonhub if NOW - each.started > 2 * DAY]
    drills = {
        "aws": [*_drills(neonhub, "aws", 240), *_drills(analytics, "aws", 150)],
        "gcp": [*_drills(late, "gcp", 380, failing=True), *_drills(analytics, "gcp", 160)],
    }
    every = [
        _holding("aws", "neonhub", neonhub, drills["aws"]),
        _holding("aws", "analytics", analytics, drills["aws"]),
        _holding("gcp", "neonhub", late, drills["gcp"]),
        _holding("gcp", "analytics", analytics, drills["gcp"]),
    ]
    copied = [
        _holding("aws replica", "neonhub", neonhub[1:], ()),
        _holding("aws replica", "analytics", analytics, ()),
    ]
    holdings = [each for each in every if each.database in databases]
    seen = Seen(
        replicas={"aws": [each for each in copied if each.database in databases]},
        archives={
            "neonhub": ArchiveState(
                address="s3://neonhub-production-operations/wal/neonhub",
                base="20260312T001500",
                ended=NOW - 9 * HOUR,
                newest="0000000100000A3C000000F1",
                written=NOW - timedelta(minutes=3),
            )
        },
        recoveries=[
            _recovery(Scenario.TABLE, "restore", 14.2, DAY * 3),
            _recovery(Scenario.TABLE, "restore", 11.8, DAY * 40),
            _recovery(Scenario.STORE, "emergency restore", 1130.0, DAY * 52),
        ],
    )
    return Known(
        configuration=CONFIGURATION,
        status=assess(CONFIGURATION, holdings, NOW, seen),
        holdings=holdings,
        replicas=seen.replicas,
        pasts=[_past(each, holdings) for each in databases],
        unread=[],
    )


def _recovery(scenario: Scenario, command: str, seconds: float, age: timedelta) -> Recovery:
    return Recovery(
        scenario=scenario,
        environment="production",
        database="neonhub",
        command=command,
        source="20260301T020712Z-0037cb9f",
        store="aws",
        finished=NOW - age,
        seconds=seconds,
        origin=Origin(host="runner", user="restore", run=None),
        tool_version="0.1.0",
    )


def staging() -> dict[str, Any]:
    """Another environment, in which all is well."""
    configuration = CONFIGURATION.model_copy(
        update={
            "environment": "staging",
            "databases": (Database(name="analytics"),),
            "stores": (DirectoryStore(name="disk", path=Path("/backups")),),
        }
    )
    held = backups("analytics")
    holding = _holding("disk", "analytics", held, _drills(held, "disk", 90))
    return describe_status(assess(configuration, [holding], NOW - timedelta(minutes=6)))


def edge() -> dict[str, Any]:
    """One that was looked at long ago, and has nothing."""
    configuration = CONFIGURATION.model_copy(update={"environment": "edge"})
    holding = Holding(store="aws", address="s3://edge", database="neonhub")
    return describe_status(assess(configuration, [holding], NOW - 3 * DAY))


def first_day() -> Known:
    """An environment with one backup on a disk, which a drill has proven."""
    first = replace(backups("neonhub")[0], tier=Tier.ANNUAL)
    holding = _holding(
        "disk", "neonhub", (first,), _drills((first,), "disk", 5, after=timedelta(minutes=9))
    )
    configuration = CONFIGURATION.model_copy(
        update={
            "environment": "local",
            "databases": CONFIGURATION.databases[:1],
            "stores": (DirectoryStore(name="disk", path=Path("/backups")),),
        }
    )
    return Known(
        configuration=configuration,
        status=assess(configuration, [holding], NOW),
        holdings=[holding],
        replicas={},
        pasts=[
            Past(
                database="neonhub",
                backups=(Kept(backup=first, stores=("disk",), proven_in=("disk",)),),
                proofs=holding.proofs,
            )
        ],
        unread=[],
    )


def empty() -> Known:
    """A new environment: no backup, no drill, and a store that cannot be read."""
    lost = Holding(
        store="gcp",
        address="gs://neonhub-production-backups",
        database="neonhub",
        error="gs://neonhub-production-backups cannot be reached",
    )
    holdings = [Holding(store="aws", address="s3://backups", database="neonhub"), lost]
    return Known(
        configuration=CONFIGURATION,
        status=assess(CONFIGURATION, holdings, NOW),
        holdings=holdings,
        replicas={},
        pasts=[Past(database="neonhub", backups=(), proofs=())],
        unread=[Unread(store="gcp", text="gs://neonhub-production-backups cannot be reached")],
    )


@cache
def backups(database: str) -> tuple[Backup, ...]:
    """What is left of a year of hourly runs, newest first."""
    seen: dict[str, Backup] = {}
    for started, tier in _calendar():
        if NOW - started < CONFIGURATION.retention.rules()[tier].keep:
            backup = _backup(database, tier, started)
            seen[backup.name] = backup
    return tuple(sorted(seen.values(), key=lambda each: each.started, reverse=True))


def _calendar() -> Iterator[tuple[datetime, Tier]]:
    newest: dict[Tier, datetime] = {}
    moment = FIRST
    while moment <= NOW:
        owed = CONFIGURATION.retention.owed(moment, newest)
        # A night in which no run began.
        if owed is not None and not datetime(2026, 3, 3, 2, tzinfo=UTC) < moment < datetime(
            2026, 3, 4, 3, tzinfo=UTC
        ):
            newest[owed] = moment
            yield moment, owed
        moment += HOUR


def _backup(database: str, tier: Tier, started: datetime) -> Backup:
    days = (started - FIRST) / DAY
    wave = 1 + 0.015 * math.sin(days * 1.7)
    if database == "neonhub":
        size = 2.1e9 * 1.0028**days * wave
        users = int(41_000 * 1.0021**days)
        events = int(3_400_000 * 1.0028**days * wave)
        # An import that was taken back within a day, and a table that somebody emptied.
        if datetime(2026, 2, 24, tzinfo=UTC) < started < datetime(2026, 2, 25, 2, tzinfo=UTC):
            size, events = size * 1.85, int(events * 1.9)
        if started > datetime(2026, 3, 12, 4, tzinfo=UTC):
            users = int(users * 0.41)
    else:
        size = 5.2e8 * 1.0011**days * wave
        users, events = 1_200, int(880_000 * 1.0011**days)
    return Backup(
        name=f"{started:%Y%m%dT%H%M%SZ}-{list(Tier).index(tier):03x}{_hash(database, days):05x}",
        tier=tier,
        database=database,
        started=started,
        finished=started + timedelta(minutes=4),
        bytes=int(size),
        rows={"public.users": users, "public.events": events},
    )


def _hash(database: str, days: float) -> int:
    return (int(days * 24) * 7919 + len(database) * 104_729) % (1 << 20)


def _drills(
    held: tuple[Backup, ...] | list[Backup],
    store: str,
    seconds: float,
    *,
    failing: bool = False,
    after: timedelta = 3 * HOUR,
) -> list[Proof]:
    """One of every backup of a lasting tier, some time after it began."""
    found: list[Proof] = []
    lasting = [each for each in held if each.tier not in {Tier.HOURLY, Tier.DAILY}]
    for number, each in enumerate(lasting):
        age = (NOW - each.started) / DAY
        took = seconds * (1 + 0.25 * math.sin(number * 2.3)) * 1.0025 ** (300 - age)
        bad = ("public.users: 92,113 rows, 92,120 expected",) if failing and number == 0 else ()
        made = proof(location(), differences=bad)
        times = made.seconds.model_copy(
            update={"verify": 2.0, "data": took / 3, "search": took, "total": took * 1.4}
        )
        found.append(
            made.model_copy(
                update={
                    "backup": each.name,
                    "tier": each.tier,
                    "database": each.database,
                    "store": store,
                    "started": each.started + after,
                    "finished": each.started + after + timedelta(seconds=took * 1.4),
                    "seconds": times,
                }
            )
        )
    return found


def _holding(
    store: str,
    database: str,
    held: tuple[Backup, ...] | list[Backup],
    drills: list[Proof] | tuple[()],
) -> Holding:
    addresses = {
        "aws": "s3://neonhub-production-backups",
        "aws replica": "s3://neonhub-production-replica",
        "gcp": "gs://neonhub-production-backups",
        "disk": "/backups",
    }
    ours = [each for each in drills if each.database == database]
    return Holding(
        store=store,
        address=addresses[store],
        database=database,
        backups=tuple(held),
        proofs=tuple(sorted(ours, key=lambda each: each.finished, reverse=True)),
    )


def _past(database: str, holdings: list[Holding]) -> Past:
    ours = [each for each in holdings if each.database == database]
    proven = {(proof.store, proof.backup) for each in ours for proof in each.proofs if proof.proven}
    kept = [
        Kept(
            backup=backup,
            stores=tuple(each.store for each in ours if backup in each.backups),
            proven_in=tuple(each.store for each in ours if (each.store, backup.name) in proven),
        )
        for backup in backups(database)
    ]
    drills = [proof for each in ours for proof in each.proofs]
    return Past(
        database=database,
        backups=tuple(kept),
        proofs=tuple(sorted(drills, key=lambda each: each.finished, reverse=True)),
    )


DOCUMENTS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "a year": document,
    "one day": lambda: describe_report(first_day()),
    "nothing yet": lambda: describe_report(empty()),
}
"""What a page is drawn of, by how much there is."""
