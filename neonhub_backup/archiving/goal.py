"""Where a recovery stops, which base backup it begins with, and what the server is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from neonhub_backup.archiving.archive import Archive, Base
from neonhub_backup.archiving.segments import Reach, parse_lsn, segment_number
from neonhub_backup.errors import IntegrityError, NoBackupError


class Kind(StrEnum):
    """What tells where to stop."""

    TIME = "time"
    XID = "xid"
    NAME = "name"
    LSN = "lsn"
    LATEST = "latest"
    STANDBY = "standby"


@dataclass(frozen=True)
class Goal:
    """Where to stop."""

    kind: Kind
    value: str = ""
    before: bool = False
    """Just before the target instead of just after it."""
    time: datetime | None = None
    """The target, if it is a time."""

    @property
    def is_end(self) -> bool:
        """Whether it is the end of all WAL, so that a gap would be mistaken for it."""
        return self.kind in {Kind.LATEST, Kind.STANDBY}

    def __str__(self) -> str:
        match self.kind:
            case Kind.LATEST | Kind.STANDBY:
                return "the end of the archive"
            case _:
                return f"{self.kind} {self.value}"


def goal_at(time: datetime, *, before: bool = False) -> Goal:
    """To stop at a time."""
    text = time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
    return Goal(Kind.TIME, text, before, time)


def choose_base(
    archive: Archive, bases: Sequence[Base], goal: Goal, wanted: str | None = None
) -> Base:
    """The newest base backup before the goal, or the one that is wanted.

    Where a transaction or a named restore point is, no base backup tells; then it is the oldest.

    Raises:
        NoBackupError: there is none, or all are younger than the goal.
    """
    if not bases:
        raise NoBackupError(
            f"{archive.here} has no complete base backup for this recovery, and WAL restores"
            " nothing alone: take one with `base create`, or restore a logical backup"
        )
    before = [base for base in bases if _is_before(base, goal)]
    if wanted is not None:
        before = [base for base in before if base.name == wanted]
        if not before:
            names = ", ".join(base.name for base in bases)
            raise NoBackupError(
                f"--base {wanted} is not a base backup of {archive.here} before {goal}: there are"
                f" {names}"
            )
    if not before:
        oldest = bases[0]
        raise NoBackupError(
            f"{goal} is before the oldest base backup of {archive.here} was complete, so nothing"
            f" can be recovered there: the oldest possible time is {oldest.ended.isoformat()}"
        )
    return before[0] if goal.kind in {Kind.XID, Kind.NAME} else before[-1]


def refuse_gap(archive: Archive, base: Base, goal: Goal, reached: Reach) -> None:
    """Name a segment without which the goal cannot be reached.

    Raises:
        IntegrityError: it is missing.
    """
    if reached.missing is None:
        return
    gap = segment_number(reached.missing, base.segment_bytes) * base.segment_bytes
    if goal.is_end or (goal.kind is Kind.LSN and parse_lsn(goal.value) > gap):
        raise missing_segment(archive, base, goal, reached.missing)


def missing_segment(archive: Archive, base: Base, goal: Goal, name: str) -> IntegrityError:
    """What is said of the first segment that is not there."""
    return IntegrityError(
        f"WAL segment {name} is missing in {archive.here}, so that a recovery from base backup"
        f" {base.name} ends before {goal}: bring the segment back, as from the server's pg_wal or"
        " an earlier version of the bucket, or recover to a time before it with --at"
    )


def recovery_settings(goal: Goal, command: str, timeline: int) -> dict[str, str]:
    """What the server is told in `postgresql.auto.conf`."""
    settings = {"restore_command": command}
    match goal.kind:
        case Kind.STANDBY:
            return {**settings, "recovery_target_timeline": "latest"}
        case Kind.LATEST:
            return {**settings, "recovery_target_timeline": str(timeline)}
        case _:
            return {
                **settings,
                "recovery_target_timeline": str(timeline),
                f"recovery_target_{goal.kind}": goal.value,
                "recovery_target_inclusive": "off" if goal.before else "on",
                "recovery_target_action": "promote",
            }


def render_settings(settings: dict[str, str]) -> str:
    """Settings as a configuration file of PostgreSQL has them."""
    return "".join(f"{name} = {quoted(text)}\n" for name, text in settings.items())


def quoted(text: str) -> str:
    """A value as a configuration file of PostgreSQL has it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _is_before(base: Base, goal: Goal) -> bool:
    if goal.time is not None:
        return base.ended <= goal.time
    if goal.kind is Kind.LSN:
        return base.end <= parse_lsn(goal.value)
    return True
