"""How long a recovery took, for `status` to compare with what is promised."""

from datetime import UTC, datetime

from neonhub_backup import __version__
from neonhub_backup.backup import origin
from neonhub_backup.cli.session import Session
from neonhub_backup.domain.recoveries import Recovery, Scenario
from neonhub_backup.holdings.recoveries import add_recovery


def record(
    session: Session,
    database: str,
    scenario: Scenario,
    *,
    command: str,
    source: str,
    store: str | None,
    began: datetime,
) -> None:
    """Keep that a recovery which began then has its data ready now; at most warns."""
    finished = datetime.now(UTC)
    recovery = Recovery(
        scenario=scenario,
        environment=session.configuration.environment,
        database=database,
        command=command,
        source=source,
        store=store,
        finished=finished,
        seconds=round(max(0.0, (finished - began).total_seconds()), 3),
        origin=origin(),
        tool_version=__version__,
    )
    add_recovery(session.operations, recovery)
