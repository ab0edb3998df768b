"""What a machine does by itself, as whom, and when."""

from collections.abc import Iterator
from dataclasses import dataclass

from neonhub_backup.domain.configuration import Database
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.domain.schedule import Slot, lowest_slot, slot
from neonhub_backup.host.host import SERVER_USER, USER, Host

_AFTER_BACKUPS_HOURS = 2
_HEARTBEAT = """\
if [[ -n "${NEONHUB_BACKUP_HEARTBEAT_URL:-}" ]]; then
  "${tool[@]}" heartbeat
fi
"""
_WAL_HEARTBEAT = """\
if [[ -n "${NEONHUB_BACKUP_WAL_HEARTBEAT_URL:-}" ]]; then
  export NEONHUB_BACKUP_HEARTBEAT_URL="${NEONHUB_BACKUP_WAL_HEARTBEAT_URL}"
  "${tool[@]}" heartbeat
fi
"""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One of them: a script, and what starts it."""

    unit: str
    """Name of its service and its timer."""
    script: str
    """Name of its script."""
    does: str
    """What it does, for people."""
    why: str
    """What the script says of itself, as a comment."""
    steps: str
    """What it runs: lines of bash, in which `tool` is the program."""
    slot: Slot
    """When it starts."""
    user: str = USER
    """As whom it runs."""


def jobs(host: Host) -> tuple[Job, ...]:
    """All that a machine does; what concerns WAL where its server archives."""
    archived = host.archived
    return (_backup(host), *(() if archived is None else _archiving(host, archived)))


def _backup(host: Host) -> Job:
    database = f" --database {host.database}" if host.database else ""
    prune = '"${tool[@]}" prune --yes\n' if host.directory_stores else ""
    return Job(
        unit="neonhub-backup",
        script="backup-db.sh",
        does=f"Back up {host.environment}",
        why="Back up, validate, and then alone delete what has had its time.",
        steps=f'"${{tool[@]}}" backup{database}\n'
        f'"${{tool[@]}}" validate{database}\n'
        f"{prune}{_HEARTBEAT}",
        slot=lowest_slot(host.configuration.retention),
    )


def _archiving(host: Host, database: Database) -> Iterator[Job]:
    archiving = database.archiving
    assert archiving is not None  # noqa: S101 - what `archived` means
    retention = host.configuration.retention
    in_directory = archiving.store in {store.name for store in host.directory_stores}
    named = f"--database {database.name}"
    prune = f'"${{tool[@]}}" base prune --yes {named}\n' if in_directory else ""
    yield Job(
        unit="neonhub-backup-base",
        script="base-backup.sh",
        does=f"Take a base backup of the server of {database.name}",
        why="Take a base backup, from which a recovery replays WAL.",
        steps=f'"${{tool[@]}}" base create {named}\n{prune}',
        slot=slot(Tier(archiving.base_backups), _hours_later(retention, _AFTER_BACKUPS_HOURS)),
        user=SERVER_USER,
    )
    yield Job(
        unit="neonhub-backup-wal",
        script="check-wal.sh",
        does=f"See whether the WAL of {database.name} is archived without a gap",
        why="See whether WAL is archived, soon enough and without a gap.",
        steps=f'"${{tool[@]}}" wal check {named}\n{_WAL_HEARTBEAT}',
        slot=slot(Tier.HOURLY, 0, minute=30),
        user=SERVER_USER,
    )


def _hours_later(retention: RetentionPolicy, hours: int) -> int:
    return (retention.hour_utc + hours) % 24
