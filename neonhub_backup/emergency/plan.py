"""What an emergency restore will do, and what is found before it does it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from neonhub_backup.domain.configuration import Database
from neonhub_backup.emergency.restore import (
    BACK_UP,
    CHECK,
    MIGRATE,
    OPEN,
    RESTART,
    RESTORE,
    SMOKE_TEST,
    STOP,
    SWAP,
    Emergency,
    keeping_tier,
)
from neonhub_backup.encryption import encryptor
from neonhub_backup.postgres.connection import query
from neonhub_backup.postgres.naming import aside_name, restored_name
from neonhub_backup.postgres.placement import (
    Session,
    check_server,
    exists,
    maintenance,
    read_sessions,
)
from neonhub_backup.recovery import check_command
from neonhub_backup.restore.loading import suite_for


@dataclass(frozen=True)
class Situation:
    """How things are on the server."""

    exists: bool
    bytes: int | None
    """Size of the database. None: there is none."""
    sessions: tuple[Session, ...]


def look_around(emergency: Emergency, skip: Collection[str]) -> Situation:
    """See what is there, and refuse beforehand what would fail half-way.

    Raises:
        BackupError: the server, the keys, the programs or the commands are not fit.
    """
    manifest = emergency.candidates[0].manifest
    target, recovery = emergency.target, emergency.database.recovery
    with maintenance(target) as connection:
        check_server(connection, target, manifest, roles=emergency.roles)
        there = exists(connection, target)
        sessions = read_sessions(connection, [target.database])
        size = None
        if there:
            ((size,),) = query(connection, "SELECT pg_database_size(%s)", target.database)
        suite = suite_for(connection, manifest)
    with encryptor(emergency.configuration.encryption.public_keys):
        pass
    for step, field in ((MIGRATE, "migrate"), (SMOKE_TEST, "smoke_test")):
        words = getattr(recovery, field)
        if words is not None and step not in skip:
            check_command(words, field, emergency.database, suite)
    return Situation(there, cast("int | None", size), sessions)


def describe_plan(
    emergency: Emergency, situation: Situation, now: datetime, *, proven: bool
) -> dict[str, Any]:
    """Everything that `--dry-run` shows; times are ISO 8601, sizes bytes."""
    first = emergency.candidates[0]
    manifest, objectives = first.manifest, emergency.configuration.objectives
    window = now - manifest.started
    does = _what(emergency, situation, now)
    return {
        "environment": emergency.configuration.environment,
        "database": emergency.database.name,
        "target": str(emergency.target),
        "backup": manifest.name,
        "tier": str(manifest.tier),
        "started": manifest.started.isoformat(),
        "rows": manifest.rows,
        "bytes": manifest.bytes,
        "stores": [one.store.name for one in emergency.candidates],
        "proven": proven,
        "seconds_lost": round(window.total_seconds()),
        "within_rpo": None if objectives.rpo is None else window <= objectives.rpo,
        "database_bytes": situation.bytes,
        "connections": [str(session) for session in situation.sessions],
        "rto_minutes": objectives.rto_minutes,
        "journal": str(emergency.run.journal.path),
        "steps": [
            {
                "name": step.name,
                "settled": emergency.run.is_settled(step),
                "does": does[step.name],
            }
            for step in emergency.steps()
        ],
    }


def _what(emergency: Emergency, situation: Situation, now: datetime) -> dict[str, list[str]]:
    """What each step does, with the real names: a line, and more where there are several things."""
    name, recovery = emergency.target.database, emergency.database.recovery
    copy = str(emergency.run.result(RESTORE).get("copy") or restored_name(name, now))
    stop = "end every connection, and let new ones only read: a fence"
    if not emergency.fenced:
        stop = "wait until nobody is connected"
    kept = f"{name} becomes {aside_name(name, now)}, " if situation.exists else ""
    restart = recovery.restart or ["nothing is configured: start what was stopped"]
    return {
        STOP: [stop, *recovery.stop],
        BACK_UP: [_back_up(emergency, situation)],
        RESTORE: [f"restore into {copy}, beside {name}, and compare it with its manifest"],
        MIGRATE: [_command(emergency.database, recovery.migrate, copy)],
        CHECK: [f"ask {copy} the {len(emergency.database.checks)} checks of the configuration"],
        SMOKE_TEST: [_command(emergency.database, recovery.smoke_test, copy)],
        SWAP: [f"{kept}{copy} becomes {name}"],
        OPEN: ["take the fence down"],
        RESTART: [*restart],
    }


def _back_up(emergency: Emergency, situation: Situation) -> str:
    if not situation.exists:
        return "nothing: there is no such database"
    tier = keeping_tier(emergency.configuration.retention)
    stores = ", ".join(store.name for store in emergency.stores)
    folder = emergency.run.journal.path.parent
    return (
        f"the present state as {tier} backup to {stores}; if it cannot be read, table by table into"
        f" {folder}"
    )


def _command(database: Database, words: tuple[str, ...] | None, copy: str) -> str:
    folder = f" in {database.recovery.directory}" if database.recovery.directory else ""
    variables = ", ".join((database.url_variable, *database.recovery.url_variables))
    return f"{' '.join(words or ())}{folder}, with {variables} naming {copy}"
