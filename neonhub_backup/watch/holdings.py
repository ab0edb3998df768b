"""What a store shows of one database, as far as a watch needs to know it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.proof import Proof
from neonhub_backup.domain.retention import Tier


@dataclass(frozen=True, kw_only=True)
class Backup:
    """One complete backup."""

    name: str
    tier: Tier
    database: str
    started: datetime
    finished: datetime
    bytes: int
    """Stored, without the manifest."""
    rows: Mapping[str, int]
    """Of each table, by `schema.name`."""
    planned: bool = True
    """Whether it was taken from the database. False: it is a copy for other keys."""

    @property
    def total_rows(self) -> int:
        """Rows of all tables."""
        return sum(self.rows.values())

    @property
    def took(self) -> timedelta:
        """From its beginning until it was complete."""
        return self.finished - self.started


@dataclass(frozen=True, kw_only=True)
class Holding:
    """The newest backups of one database in one store, and the newest results of their drills."""

    store: str
    address: str
    database: str
    backups: tuple[Backup, ...] = ()
    """Newest first, so many of each tier as were looked at."""
    proofs: tuple[Proof, ...] = ()
    """Newest first."""
    error: str | None = None
    """Why the store could not be asked. None: it was."""
    damaged: tuple[str, ...] = ()
    """What is wrong with manifests that cannot be trusted, whoever's backups they are."""

    def before(self, now: datetime) -> tuple[Backup, ...]:
        """Those that were begun by now: a wrong clock's are left out."""
        return tuple(backup for backup in self.backups if backup.started <= now)

    def newest(self, now: datetime) -> Backup | None:
        """The newest that was begun by now."""
        return next(iter(self.before(now)), None)

    def newest_by_tier(self, now: datetime) -> dict[Tier, datetime]:
        """When the newest of each tier was begun."""
        found: dict[Tier, datetime] = {}
        for backup in self.before(now):
            found.setdefault(backup.tier, backup.started)
        return found

    def newest_proof(self) -> Proof | None:
        """The newest drill that proved what is the newest result of its backup."""
        seen: set[str] = set()
        for proof in self.proofs:
            if proof.backup not in seen and proof.proven:
                return proof
            seen.add(proof.backup)
        return None


def backup_of(manifest: Manifest) -> Backup:
    """What a manifest says."""
    return Backup(
        name=manifest.name,
        tier=manifest.tier,
        database=manifest.database,
        started=manifest.started,
        finished=manifest.finished,
        bytes=manifest.bytes,
        rows=manifest.table_rows,
        planned=manifest.rewrapped_from is None,
    )
