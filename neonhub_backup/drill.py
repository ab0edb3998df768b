"""Proof that a backup can be restored: done, in an empty server, compared, and checked.

Two things can be wrong. The copy *differs* from what the manifest, or one of the stack's own
queries, promises: then the backup is not to be relied on. Or it is faithful and the data has a
*defect* that the source has too, such as a sequence behind its table. By default neither proves a
backup, since an application could not go on from it; docs/drill.md says more.
"""

import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg
from psycopg import sql

from neonhub_backup import __version__
from neonhub_backup.backup import origin
from neonhub_backup.domain.configuration import Check
from neonhub_backup.domain.manifest import manifest_digest
from neonhub_backup.domain.proof import Answer, Counts, Proof, Seconds, proves
from neonhub_backup.errors import BackupError, DatabaseError, IntegrityError, ProgramError
from neonhub_backup.holdings.source import Source, check_presence
from neonhub_backup.postgres.connection import Connection, Target, connect, value
from neonhub_backup.postgres.placement import check_server, scratch_database
from neonhub_backup.postgres.programs import Suite, server_programs
from neonhub_backup.postgres.server import throwaway_server
from neonhub_backup.processes import Programs, StoppedError
from neonhub_backup.restore.comparison import answers, compare
from neonhub_backup.restore.loading import Times, load
from neonhub_backup.restore.soundness import Soundness, examine

log = logging.getLogger(__name__)

SETTINGS = (
    "fsync",
    "full_page_writes",
    "maintenance_work_mem",
    "max_parallel_maintenance_workers",
    "shared_buffers",
    "synchronous_commit",
    "wal_level",
    "work_mem",
)
"""What the speed of a restore depends on, and is recorded with it."""


@dataclass(frozen=True)
class Drilled:
    """What a drill found, and why it ended early."""

    proof: Proof
    failure: BackupError | psycopg.Error | None
    """None: everything was compared."""


@dataclass
class _Findings:
    """What is known so far."""

    server: str | None = None
    settings: dict[str, str] = field(default_factory=dict[str, str])
    verified: float | None = None
    times: Times | None = None
    compared: float | None = None
    differences: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    answers: list[Answer] = field(default_factory=list[Answer])
    soundness: Soundness | None = None
    failure: BackupError | psycopg.Error | None = None


def drill(
    source: Source,
    checks: Sequence[Check],
    programs: Programs,
    *,
    accept_defects: bool = False,
    objective: float | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Drilled:
    """Restore a backup into a server of its own, compare it with its manifest, and check it.

    `objective` is the longest, in seconds, that the stack allows a recovery to take.

    Raises:
        BackupError: nothing was found out: a store, a program or this machine is at fault.
    """
    started, began = now(), time.monotonic()
    found = _Findings()
    try:
        _restore_and_compare(source, checks, programs, found)
    except (BackupError, psycopg.Error):
        if found.failure is None:
            raise
        found.differences.append(f"it could not be restored and compared: {found.failure}")
    seconds = _seconds(found, time.monotonic() - began, objective)
    return Drilled(_proof(source, found, seconds, (started, now()), accept_defects), found.failure)


def _restore_and_compare(
    source: Source, checks: Sequence[Check], programs: Programs, found: _Findings
) -> None:
    manifest = source.manifest
    suite = server_programs(max(manifest.server.major, manifest.archive_major))
    began = time.monotonic()
    with _blaming_the_backup(found):
        check_presence(source)
    found.verified = time.monotonic() - began
    log.info("every object of %s is there; restoring it into a server of its own", manifest.name)
    with (
        throwaway_server(suite, manifest.server.superuser) as server,
        connect(server) as connection,
    ):
        found.server = value(connection, str, "SHOW server_version")
        found.settings = {name: _setting(connection, name) for name in SETTINGS}
        for role in manifest.roles:
            if role != manifest.server.superuser:
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        place = server.with_database(manifest.database)
        check_server(connection, place, manifest, roles=True)
        with (
            scratch_database(
                connection, place, manifest.server, "drill", any_locale=True
            ) as target,
            _blaming_the_backup(found),
        ):
            found.times = load(source, target, suite, programs, roles=True)
            _compare(source, target, suite, checks, programs, found)


def _compare(
    source: Source,
    target: Target,
    suite: Suite,
    checks: Sequence[Check],
    programs: Programs,
    found: _Findings,
) -> None:
    log.info("restored; comparing with the manifest")
    began = time.monotonic()
    compared = compare(source.manifest, target, suite, programs, roles=True)
    found.differences += compared.differences
    found.notes += compared.notes
    found.answers += answers(checks, target)
    found.differences += [one.problem for one in found.answers if one.problem is not None]
    log.info("checking keys, sequences, indexes and vector search")
    found.soundness = examine(target)
    found.compared = time.monotonic() - began


@contextmanager
def _blaming_the_backup(found: _Findings) -> Generator[None]:
    """Remember a failure that says something about the backup, and not about a store."""
    try:
        yield
    except StoppedError:
        raise
    except (IntegrityError, ProgramError, DatabaseError, psycopg.Error) as error:
        found.failure = error
        raise


def _setting(connection: Connection, name: str) -> str:
    return value(connection, str, "SELECT current_setting(%s)", name)


def _seconds(found: _Findings, total: float, objective: float | None) -> Seconds:
    def rounded(seconds: float | None) -> float | None:
        return None if seconds is None else round(seconds, 3)

    return Seconds(
        verify=rounded(found.verified),
        data=rounded(found.times.to_data if found.times else None),
        search=rounded(found.times.to_search if found.times else None),
        compare=rounded(found.compared),
        total=round(total, 3),
        objective=objective,
    )


def _proof(
    source: Source,
    found: _Findings,
    seconds: Seconds,
    period: tuple[datetime, datetime],
    accept_defects: bool,
) -> Proof:
    manifest = source.manifest
    sound = found.soundness
    late = [f"{seconds.late}: use a larger machine, or promise less"] if seconds.late else []
    defects = sound.defects if sound else ()
    return Proof(
        backup=manifest.name,
        tier=manifest.tier,
        database=manifest.database,
        environment=manifest.environment,
        manifest_digest=manifest_digest(manifest),
        store=source.store.name,
        address=source.store.address,
        started=period[0],
        finished=period[1],
        tool_version=__version__,
        origin=origin(),
        server=found.server,
        settings=found.settings,
        counts=Counts(
            tables=len(manifest.tables),
            rows=manifest.rows,
            large_objects=manifest.large_objects,
            objects=len(manifest.objects()) + 1,
            bytes=manifest.bytes,
            schema_objects=len(manifest.schema_.objects),
            foreign_keys=sound.foreign_keys if sound else 0,
            sequences=sound.sequences if sound else 0,
            indexes=sound.indexes if sound else 0,
            btrees=sound.btrees if sound else 0,
        ),
        seconds=seconds,
        checks=tuple(found.answers),
        recall=sound.recall if sound else (),
        differences=tuple(found.differences),
        defects=defects,
        notes=(*found.notes, *(sound.notes if sound else ()), *late),
        accepts_defects=accept_defects,
        proven=proves(found.differences, defects, accepts_defects=accept_defects),
    )
