"""Restores to any second of Neon's history: a branch beside production, looked at before use."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from neonhub_backup.domain.configuration import Check, Neon
from neonhub_backup.domain.duration import format_duration
from neonhub_backup.errors import ConfigurationError, NoBackupError
from neonhub_backup.neon.api import Api, NewBranch
from neonhub_backup.neon.models import Branch
from neonhub_backup.neon.snapshots import View, note
from neonhub_backup.postgres.connection import Target, connect, parse_url, quoted
from neonhub_backup.postgres.snapshot import count_rows, table_names
from neonhub_backup.restore.comparison import run_checks
from neonhub_backup.wording import moment_text

RESTORE = "restore"


@dataclass(frozen=True)
class Restored:
    """A branch of an earlier time that can be used."""

    branch: Branch
    uri: str
    """Its connection string, with the password."""
    seconds_to_data: float
    """From the request until it answers."""


@dataclass(frozen=True)
class Inspection:
    """What was found in it."""

    rows: dict[str, int]
    """Of each table, by its quoted name."""
    problems: tuple[str, ...]
    """The checks that are not answered as expected."""


def decide(view: View, at: datetime, name: str | None, now: datetime) -> str:
    """The name of the branch that will be made.

    Raises:
        NoBackupError: the time is outside of the history.
        ConfigurationError: it is yet to come, or there is a branch of that name.
    """
    oldest = view.oldest(now)
    wanted, possible = moment_text(at), moment_text(oldest)
    if at > now:
        raise ConfigurationError(
            f"--at {wanted} is yet to come, so nothing was restored: give a time from {possible} to"
            " now"
        )
    if at < oldest:
        older = [held.branch.name for held in view.snapshots if held.branch.created_at <= at]
        instead = f"use the snapshot {older[-1]}" if older else "restore a backup"
        raise NoBackupError(
            f"--at {wanted} is before {possible}, the oldest time to which branch"
            f" {view.production.name} can go back ({format_duration(view.project.history)} of"
            f" history), so nothing was restored: give that time or a later one, or {instead}"
        )
    chosen = name or f"restore-{at:%Y-%m-%d-%H%M%S}"
    if chosen in view.branches:
        raise ConfigurationError(
            f"there is a branch {chosen} already, so nothing was restored: give another name with"
            " --branch, or delete that one in the Neon Console"
        )
    return chosen


def restore(
    api: Api, settings: Neon, environment: str, view: View, at: datetime, name: str
) -> Restored:
    """Make a branch of an earlier time with a compute, and wait until it answers.

    Raises:
        NeonError: Neon refused, or it was not ready in time.
        DatabaseError: it does not answer.
    """
    begun = time.monotonic()
    branch = api.create_branch(
        NewBranch(
            name=name,
            parent=view.production,
            at=at,
            endpoint=True,
            annotation=note(RESTORE, environment),
        )
    )
    uri = api.connection_uri(branch, database=settings.database, role=settings.role)
    connect(target_of(uri)).close()
    return Restored(branch, uri, time.monotonic() - begun)


def target_of(uri: str) -> Target:
    """The database that a connection string of Neon's leads to."""
    return parse_url(uri, "the connection string that Neon gave")


def inspect(target: Target, checks: Sequence[Check]) -> Inspection:
    """Count the rows of every table, and ask the configuration's own queries.

    Raises:
        DatabaseError: it cannot be reached.
    """
    rows: dict[str, int] = {}
    with connect(target) as connection:
        connection.execute("SET row_security = off")
        for identity in sorted(table_names(connection)):
            rows[quoted(*identity)] = count_rows(connection, identity)
    return Inspection(rows, tuple(run_checks(checks, target)))
