"""Holdings that are made up: what a store could show of a database."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from neonhub_backup.domain.proof import Proof
from neonhub_backup.domain.retention import Tier
from neonhub_backup.watch.holdings import Backup, Holding
from tests.neonhub_backup.samples import location, proof

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def backup(
    age: timedelta,
    tier: Tier = Tier.DAILY,
    *,
    size: int = 1_000_000,
    rows: Mapping[str, int] | None = None,
) -> Backup:
    """One begun so long before now, that took five minutes."""
    started = (NOW - age).replace(microsecond=0)
    return Backup(
        name=f"{started:%Y%m%dT%H%M%SZ}-{list(Tier).index(tier):08x}",
        tier=tier,
        database="app",
        started=started,
        finished=started + timedelta(minutes=5),
        bytes=size,
        rows=rows or {},
    )


def proven(of: Backup, age: timedelta, *, differences: tuple[str, ...] = ()) -> Proof:
    """A drill of a backup that ended so long ago, and took four seconds."""
    return proof(location(), differences=differences).model_copy(
        update={"backup": of.name, "finished": NOW - age}
    )


def holding(backups: Sequence[Backup], proofs: Sequence[Proof] = (), store: str = "aws") -> Holding:
    """What the store shows, the newest first."""
    return Holding(
        store=store,
        address=f"s3://{store}",
        database="app",
        backups=tuple(sorted(backups, key=lambda each: each.started, reverse=True)),
        proofs=tuple(sorted(proofs, key=lambda each: each.finished, reverse=True)),
    )


def hours(number: int) -> list[Backup]:
    """An hourly backup at 7 minutes past each of the last hours."""
    return [backup(timedelta(minutes=23) + HOUR * each, Tier.HOURLY) for each in range(number)]


def days(sizes: Sequence[int], table: Sequence[int] = ()) -> list[Backup]:
    """A daily backup of each size, the last of them today's; with the rows of a table."""
    return [
        backup(
            DAY * (len(sizes) - 1 - number) + HOUR,
            size=size,
            rows={"public.users": table[number]} if table else None,
        )
        for number, size in enumerate(sizes)
    ]


def full() -> list[Backup]:
    """Every tier as it should be."""
    return [
        *hours(24),
        backup(timedelta(hours=10), Tier.MONTHLY),
        backup(timedelta(days=7, hours=10), Tier.WEEKLY),
        backup(timedelta(days=59, hours=10), Tier.ANNUAL),
    ]
