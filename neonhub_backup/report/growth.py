"""Every backup's size and rows over time, with what was odd about each when it was taken."""

from collections import defaultdict, deque
from typing import Any

from neonhub_backup.domain.configuration import Watch
from neonhub_backup.domain.retention import Tier
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
                    for finding in findings
                ],
            }
            for kept, findings in zip(past.backups, _odd(past, watch), strict=True)
        ],
    }


def _odd(past: Past, watch: Watch) -> list[list[Finding]]:
    """What a watch would have said of each backup on the day it was the newest."""
    # As many of each tier as a watch looks at.
    known: dict[Tier, deque[Backup]] = defaultdict(lambda: deque(maxlen=LOOKED_AT))
    found: list[list[Finding]] = []
    for kept in reversed(past.backups):
        known[kept.backup.tier].append(kept.backup)
        found.append(_judged(kept, past.database, known, watch) if kept.backup.planned else [])
    return found[::-1]


def _judged(
    kept: Kept, database: str, known: dict[Tier, deque[Backup]], watch: Watch
) -> list[Finding]:
    backups = [each for held in known.values() for each in held]
    backups.sort(key=lambda each: (each.started, each.name), reverse=True)
    then = Holding(
        store=kept.stores[0],
        address=kept.stores[0],
        database=database,
        backups=tuple(backups),
    )
    return judge_growth(then, watch, kept.backup.started)
