"""The ways back to a moment: which of them loses least, and how long each may take."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.proof import Proof
from neonhub_backup.errors import NoBackupError

ESTIMATED_FROM = 3
"""Drills, the newest ones, of which the median counts."""


class Kind(StrEnum):
    """A way; of two that lose the same, the first one here is taken."""

    NEON = "neon"
    """A branch of Neon's history."""
    WAL = "wal"
    """A base backup and the archived WAL after it, on the server's machine."""
    BACKUP = "backup"
    """The newest backup from before the moment."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """One of them, as far as that is known before it is taken."""

    kind: Kind
    reaches: datetime | None
    """The moment that it brings back. None: it cannot be taken."""
    what: str
    """What it brings back, or why it cannot be taken."""
    seconds: float | None = None
    """How long it may take until the database can be used. None: no drill has measured it."""

    def loses(self, at: datetime) -> timedelta | None:
        """How long before the moment it ends. None: it cannot be taken."""
        return None if self.reaches is None else at - self.reaches


def least_loss(ways: Sequence[Way], at: datetime) -> Way:
    """The way that ends last before the moment.

    Raises:
        NoBackupError: none can be taken.
    """
    order = list(Kind)
    possible = [
        (loss, order.index(way.kind), way) for way in ways if (loss := way.loses(at)) is not None
    ]
    if not possible:
        reasons = "; ".join(f"{way.kind}: {way.what}" for way in ways)
        raise NoBackupError(
            f"no way leads back to {at.isoformat()}, so nothing was restored: {reasons}"
        )
    return min(possible, key=lambda each: each[:2])[2]


def estimate(manifest: Manifest, proofs: Sequence[Proof]) -> float | None:
    """How long a restore may take, in seconds, by the newest drills of backups of its database.

    A drill of a backup half as large took half as long.
    """
    measured = [
        proof.seconds.recovery / proof.counts.bytes
        for proof in sorted(proofs, key=lambda proof: proof.finished, reverse=True)
        if proof.database == manifest.database and proof.seconds.recovery and proof.counts.bytes
    ]
    if not measured:
        return None
    return statistics.median(measured[:ESTIMATED_FROM]) * manifest.bytes
