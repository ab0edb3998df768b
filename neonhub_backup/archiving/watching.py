"""Whether a server's archiving keeps its promise, as the server itself sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from neonhub_backup.domain.duration import format_duration
from neonhub_backup.postgres.connection import Connection, query


@dataclass(frozen=True)
class Archiver:
    """A server's archiving at one moment."""

    system: str
    mode: str
    timeout: timedelta
    """Time after which a segment is archived though it is not full. Zero: never."""
    waiting: int
    """Files that are to be archived."""
    waiting_for: timedelta
    """How long the oldest of them has been."""
    failing: str | None
    """The file whose archiving failed last, unless one has succeeded since."""
    last_archived: str | None
    last_archived_time: datetime | None


def read_archiver(connection: Connection) -> Archiver:
    """Ask a server.

    Raises:
        psycopg.Error: the role may not look; membership of pg_monitor suffices.
    """
    ((system, mode, seconds, waiting, age),) = query(
        connection,
        "SELECT (SELECT system_identifier::text FROM pg_control_system()),"
        " current_setting('archive_mode'),"
        " (SELECT setting::int FROM pg_settings WHERE name = 'archive_timeout'),"
        " count(*)::int, coalesce(max(extract(epoch FROM now() - modification)), 0)::float8"
        " FROM pg_ls_archive_statusdir() WHERE name LIKE '%%.ready'",
    )
    ((archived, time, failed),) = query(
        connection,
        "SELECT last_archived_wal, last_archived_time,"
        " CASE WHEN last_failed_time > coalesce(last_archived_time, '-infinity')"
        " THEN last_failed_wal END FROM pg_stat_archiver",
    )
    return Archiver(
        system=str(system),
        mode=str(mode),
        timeout=timedelta(seconds=int(str(seconds))),
        waiting=int(str(waiting)),
        waiting_for=timedelta(seconds=max(float(str(age)), 0.0)),
        failing=None if failed is None else str(failed),
        last_archived=None if archived is None else str(archived),
        last_archived_time=time if isinstance(time, datetime) else None,
    )


def problems(found: Archiver, rpo: timedelta | None) -> Sequence[str]:
    """One clause for everything by which more would be lost than was promised."""
    if found.mode == "off":
        return ["archive_mode is off, so nothing is archived"]
    said: list[str] = []
    if found.failing is not None:
        said.append(
            f"archiving of {found.failing} fails, and {found.waiting} files wait, the oldest for"
            f" {found.waiting_for.total_seconds():.0f} s; the server's log says why"
        )
    if rpo is None:
        return said
    if not found.timeout:
        said.append("archive_timeout is 0, so what does not fill a segment may never be archived")
    elif found.timeout + found.waiting_for > rpo:
        said.append(
            f"up to {(found.timeout + found.waiting_for).total_seconds():.0f} s of changes could be"
            f" lost, and the RPO is {format_duration(rpo)}"
        )
    return said
