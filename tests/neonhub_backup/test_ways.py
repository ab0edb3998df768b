"""Of several ways back to a moment the one that loses least is taken, and its time estimated."""

from datetime import UTC, datetime, timedelta

import pytest

from neonhub_backup.domain.proof import Proof
from neonhub_backup.errors import NoBackupError
from neonhub_backup.ways import Kind, Way, estimate, least_loss
from tests.neonhub_backup.samples import location, manifest, proof

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


def _way(kind: Kind, hours: float | None) -> Way:
    reaches = None if hours is None else AT - timedelta(hours=hours)
    return Way(kind=kind, reaches=reaches, what=f"because of {kind}")


@pytest.mark.parametrize(
    ("backup", "neon", "wal", "taken"),
    [
        (3, 0, 0, Kind.NEON),
        (3, None, 0, Kind.WAL),
        (3, None, None, Kind.BACKUP),
        (0, 0, 0, Kind.NEON),
        (0.5, None, 1, Kind.BACKUP),
    ],
)
def test_the_least_loss_counts_and_then_the_quickest(
    backup: float, neon: float | None, wal: float | None, taken: Kind
) -> None:
    ways = [_way(Kind.BACKUP, backup), _way(Kind.NEON, neon), _way(Kind.WAL, wal)]

    assert least_loss(ways, AT).kind is taken


def test_where_no_way_leads_back_each_reason_is_told() -> None:
    ways = [_way(Kind.BACKUP, None), _way(Kind.NEON, None)]

    with pytest.raises(NoBackupError) as refused:
        least_loss(ways, AT)

    assert str(refused.value) == (
        "no way leads back to 2026-01-05T12:00:00+00:00, so nothing was restored: backup: because"
        " of backup; neon: because of neon"
    )


def _drill(day: int, *, size: int, seconds: float | None, database: str = "app") -> Proof:
    found = proof(location(day=day), day=day)
    return found.model_copy(
        update={
            "database": database,
            "counts": found.counts.model_copy(update={"bytes": size}),
            "seconds": found.seconds.model_copy(update={"search": seconds, "verify": 0.0}),
        }
    )


def test_the_time_follows_the_size_by_the_median_of_the_newest_drills() -> None:
    backup = manifest(location())
    backup = backup.model_copy(
        update={"archive": backup.archive.model_copy(update={"bytes": 1000})}
    )
    drills = [
        _drill(1, size=1, seconds=1e6),  # too long ago to count
        _drill(2, size=100, seconds=1),
        _drill(3, size=100, seconds=3),
        _drill(4, size=50, seconds=4),
        _drill(5, size=100, seconds=1e6, database="another"),
        _drill(6, size=100, seconds=None),
    ]

    assert estimate(backup, drills) == pytest.approx(30)
    assert estimate(backup, drills[4:]) is None
    assert estimate(backup, []) is None
