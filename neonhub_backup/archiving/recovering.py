"""Recovery to a moment: a base backup, the WAL after it, and proof that it can be used."""

import logging
import re
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg

from neonhub_backup.archiving.archive import Archive, Base
from neonhub_backup.archiving.commands import Tool
from neonhub_backup.archiving.goal import (
    Goal,
    Kind,
    choose_base,
    missing_segment,
    recovery_settings,
    refuse_gap,
    render_settings,
)
from neonhub_backup.archiving.segments import Reach, reach, segment_number
from neonhub_backup.archiving.server import (
    RecoveringServer,
    RecoveryEndedError,
    recovering_server,
)
from neonhub_backup.domain.configuration import Check
from neonhub_backup.errors import BackupError, DatabaseError, NoBackupError, StoreError, TargetError
from neonhub_backup.postgres.connection import Connection, query, value
from neonhub_backup.postgres.programs import exact_programs
from neonhub_backup.postgres.snapshot import count_rows
from neonhub_backup.processes import Programs
from neonhub_backup.restore.comparison import run_checks
from neonhub_backup.temporary import remove_folder

log = logging.getLogger(__name__)

_AUTOMATIC = "postgresql.auto.conf"
_SIGNALS = {True: "standby.signal", False: "recovery.signal"}
_TOO_EARLY = "recovery ended before configured recovery target was reached"
_NOT_FETCHED = "from archive: "
_LAST = re.compile(r"last completed transaction was at log time (.+)")
_REPLAYED = "SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint"
_PROGRAMS = ("postgres", "pg_controldata")


@dataclass(frozen=True)
class Plan:
    """What a recovery would do."""

    base: Base
    timeline: int
    goal: Goal
    reached: Reach


@dataclass(frozen=True)
class Recovered:
    """A recovered data directory, with no server running on it."""

    plan: Plan
    last_transaction: datetime | None
    """When the last transaction in it was committed. None: none was replayed."""
    position: str
    timeline: int
    tables: dict[str, int]
    """Rows of each table."""
    problems: tuple[str, ...]
    """Checks of the configuration that are not answered as expected."""
    seconds_to_restore: float
    """Until the base backup was there."""
    seconds_to_data: float
    """Until the recovered database answered."""


@dataclass(frozen=True)
class Wanted:
    """What to recover, beside where to."""

    goal: Goal
    base: str | None
    timeline: int | None
    database: str
    """Name of the database to look at on the server."""
    superuser: str
    checks: Sequence[Check]


def plan_recovery(archive: Archive, wanted: Wanted) -> Plan:
    """Choose where to begin, and make sure that the goal can be reached as far as that is known.

    Raises:
        NoBackupError: no base backup fits.
        IntegrityError: a segment is missing that is needed for certain.
    """
    files = archive.files()
    way = archive.way(files, wanted.timeline)
    base = choose_base(archive, archive.bases_on(way), wanted.goal, wanted.base)
    reached = reach(way, base.begin, files, base.segment_bytes)
    refuse_gap(archive, base, wanted.goal, reached)
    return Plan(base, way[-1].timeline, wanted.goal, reached)


def recover(
    archive: Archive, plan: Plan, wanted: Wanted, data: Path, tool: Tool, programs: Programs
) -> Recovered:
    """Recover into a new directory, which is left as it was unless that succeeds.

    Raises:
        TargetError: the directory is not empty.
        NoBackupError: the archive ends before the goal.
        IntegrityError: a segment before the goal is missing.
        StoreError: the archive could not be read to the end.
        DatabaseError: the server refused to recover.
    """
    suite = exact_programs(_PROGRAMS, plan.base.major)
    began = time.monotonic()
    made = _prepare(data)
    try:
        _refuse_too_large(data, plan.base)
        log.info("restoring base backup %s into %s", plan.base.name, data)
        archive.restore_base(plan.base, data, programs)
        data.chmod(0o700)
        restored = time.monotonic() - began
        log.info("recovering to %s", plan.goal)
        standby = plan.goal.kind is Kind.STANDBY
        before = _set_up(data, plan, tool)
        with recovering_server(
            suite, data, wanted.superuser, wanted.database, standby=standby
        ) as server:
            connection = _caught_up(server, plan) if standby else _recovered(archive, plan, server)
            with connection:
                ready = time.monotonic() - began
                recovered = Recovered(
                    plan=plan,
                    last_transaction=_last_transaction(connection),
                    position=_position(connection),
                    timeline=_timeline(connection, plan),
                    tables=rows_of_tables(connection),
                    problems=tuple(run_checks(wanted.checks, server.target)),
                    seconds_to_restore=restored,
                    seconds_to_data=ready,
                )
        if not standby:
            (data / _AUTOMATIC).write_bytes(before)
    except BaseException:
        _empty(data, remove=made)
        raise
    return recovered


def rows_of_tables(connection: Connection) -> dict[str, int]:
    """The rows of every table, partitions each by themselves."""
    found = query(
        connection,
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
        " ORDER BY 1, 2",
    )
    tables = [(str(schema), str(table)) for schema, table in found]
    return {".".join(table): count_rows(connection, table) for table in tables}


def _prepare(data: Path) -> bool:
    """Have an empty directory; whether it was made."""
    if data.is_symlink() or (data.exists() and not data.is_dir()):
        raise TargetError(
            f"{data} is no directory, so nothing was recovered into it: give a new or empty one"
        )
    if data.is_dir():
        if any(data.iterdir()):
            raise TargetError(
                f"{data} is not empty, and a recovery never writes over data, so nothing was done:"
                " give a new directory, or move what is there away"
            )
        return False
    try:
        data.mkdir(mode=0o700)
    except OSError as error:
        raise TargetError(
            f"{data} cannot be created ({error.strerror}), so nothing was recovered: give a place"
            " in a directory that exists and is yours"
        ) from error
    return True


def _refuse_too_large(data: Path, base: Base) -> None:
    free = shutil.disk_usage(data).free
    if base.bytes is not None and free < base.bytes:
        raise TargetError(
            f"{data} has room for {free:,} bytes and base backup {base.name} has {base.bytes:,},"
            " with WAL after it, so nothing was recovered: give a directory on a larger disk"
        )


def _empty(data: Path, *, remove: bool) -> None:
    if remove:
        remove_folder(data)
        return
    for entry in data.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            remove_folder(entry)
        else:
            entry.unlink()


def _set_up(data: Path, plan: Plan, tool: Tool) -> bytes:
    """Write what makes a server recover; what `postgresql.auto.conf` had before."""
    standby = plan.goal.kind is Kind.STANDBY
    command = tool.fetch_command if standby else tool.recovery_command
    automatic = data / _AUTOMATIC
    before = automatic.read_bytes() if automatic.exists() else b""
    text = render_settings(recovery_settings(plan.goal, command, plan.timeline))
    automatic.write_bytes(before + text.encode())
    for name in _SIGNALS.values():
        (data / name).unlink(missing_ok=True)
    (data / _SIGNALS[standby]).touch(mode=0o600)
    return before


def _recovered(archive: Archive, plan: Plan, server: RecoveringServer) -> Connection:
    """A connection, once the recovery has ended where it should."""
    try:
        while _is_recovering(server):
            server.wait()
    except RecoveryEndedError as ended:
        raise _explain(archive, plan, ended) from ended
    return server.connect()


def _is_recovering(server: RecoveringServer) -> bool:
    try:
        with server.watch() as connection:
            return value(connection, bool, "SELECT pg_is_in_recovery()")
    except psycopg.OperationalError:  # it ended meanwhile, or is about to
        return True


def _caught_up(server: RecoveringServer, plan: Plan) -> Connection:
    """A connection, once a standby has replayed all that was archived."""
    newest = plan.reached.newest
    size = plan.base.segment_bytes
    until = plan.base.end if newest is None else segment_number(newest, size) * size
    with server.watch() as connection:
        while value(connection, int, _REPLAYED) < until:
            if value(connection, str, "SELECT pg_get_wal_replay_pause_state()") == "paused":
                raise DatabaseError(
                    "the standby stopped replaying, because the original was given a larger"
                    " max_connections or the like after base backup"
                    f" {plan.base.name}, so it was given up: take a new base backup"
                )
            server.wait()
    return server.connect()


def _explain(archive: Archive, plan: Plan, ended: RecoveryEndedError) -> BackupError:
    if _NOT_FETCHED in ended.log and _TOO_EARLY not in ended.log:
        (line, *_) = [line for line in ended.log.splitlines() if _NOT_FETCHED in line]
        return StoreError(
            f"{archive.here} could not be read to the end ({line.strip()}), so nothing was"
            " recovered, since what is missing would be lost: mend the store and try again"
        )
    if _TOO_EARLY not in ended.log:
        return ended
    if plan.reached.missing is not None:
        return missing_segment(archive, plan.base, plan.goal, plan.reached.missing)
    found = _LAST.findall(ended.log)
    last = f"its last transaction is of {found[-1]}" if found else "it has no transaction"
    return NoBackupError(
        f"{archive.here} ends before {plan.goal}: from base backup {plan.base.name} on, {last};"
        " give an earlier target, or --latest for all that there is"
    )


def _last_transaction(connection: Connection) -> datetime | None:
    ((found,),) = query(connection, "SELECT pg_last_xact_replay_timestamp()")
    return found if isinstance(found, datetime) else None


def _position(connection: Connection) -> str:
    return value(
        connection,
        str,
        "SELECT (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn()"
        " ELSE pg_current_wal_lsn() END)::text",
    )


def _timeline(connection: Connection, plan: Plan) -> int:
    if value(connection, bool, "SELECT pg_is_in_recovery()"):
        return plan.timeline
    name = value(connection, str, "SELECT pg_walfile_name(pg_current_wal_lsn())")
    return int(name[:8], 16)
