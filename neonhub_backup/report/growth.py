"""Every backup's size and rows over time, with what was odd about each when it was taken."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from neonhub_backup.domain.configuration import Watch
from neonhub_backup.report.gathering import Kept, Past
from neonhub_backup.watch.findings import Finding
from neonhub_backup.watch.growth import judge_growth
from neonhub_backup.watch.holdings import Backup, Holding
from neonhub_backup.watch.survey import LOOKED_AT


def describe_history(past: Past, watch: Watch) -> dict[str, Any]:
    """The backups of one database, newest first, judged by the rules that `status` has."""
    return {
        "database": past.database,
        "backups": [
            {
                "name": kept.backup.name,
                "tier": kept.backup.tier.value,
                "started": kept.backup.started.isoformat(),
                "bytes": kept.backup.bytes,
                "rows": kept.backup.total_rows,
                "stores": list(kept.stores),
                "proven_in": list(kept.proven_in),
                "anomalies": [
                    {
                        "verdict": str(finding.verdict),
                        "check": finding.check,
                        "text": finding.text,
                    }
                    for finding in _odd(past, number, watch)
                ],
            }
            for number, kept in enumerate(past.backups)
        ],
    }


def _odd(past: Past, number: int, watch: Watch) -> list[Finding]:
    """What a watch would have said of a backup on the day it was the newest."""
    kept = past.backups[number]
    if not kept.backup.planned:
        return []
    then = Holding(
        store=kept.stores[0],
        address=kept.stores[0],
        database=past.database,
        backups=_looked_at(past.backups[number:]),
    )
    return judge_growth(then, watch, kept.backup.started)


def _looked_at(backups: Sequence[Kept]) -> tuple[Backup, ...]:
    """As many of each tier as a watch looks at."""
    seen: Counter[str] = Counter()
    found: list[Backup] = []
    for kept in backups:
        seen[kept.backup.tier] += 1
        if seen[kept.backup.tier] <= LOOKED_AT:
            found.append(kept.backup)
    return tuple(found)
