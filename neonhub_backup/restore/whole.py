"""A whole database: restored beside the live one, proven there, and swapped in by renaming."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.errors import DifferenceError, TargetError
from neonhub_backup.holdings.source import Source, check_presence
from neonhub_backup.postgres.connection import Connection, Target
from neonhub_backup.postgres.naming import aside_name, asides, restored_name, scratch_suffix
from neonhub_backup.postgres.placement import (
    Mark,
    Occupancy,
    Session,
    check_server,
    database_names,
    disconnect,
    drop,
    exists,
    finish,
    finished_copies,
    free_aside,
    look,
    maintenance,
    read_sessions,
    scratch_database,
    take_back,
    take_place,
)
from neonhub_backup.processes import Programs
from neonhub_backup.restore.comparison import compare
from neonhub_backup.restore.loading import Times, load, suite_for
from neonhub_backup.wording import shown

log = logging.getLogger(__name__)

SWAP_ATTEMPTS = 5
"""How often those who connect again at once are disconnected before a renaming is given up."""


@dataclass(frozen=True)
class Beside:
    """A backup restored beside a database and proven, which has not taken its place yet."""

    source: Source
    target: Target
    """The database whose place it can take."""
    name: str
    """Name of the database that holds it."""
    times: Times


@dataclass(frozen=True)
class Restored:
    """A restore that ended well."""

    source: Source
    target: Target
    times: Times
    aside: str | None
    """Name under which the database that had the target's name is kept. None: there was none."""


@dataclass(frozen=True)
class Swap:
    """A database that took, or gave back, another one's name; or would have."""

    target: Target
    moved: str
    """Name, until then, of the database that has the target's name now."""
    backup: str | None
    """Name of the backup that was promoted. None: an older database has its name back."""
    aside: str | None
    """Name under which the database that had the target's name is kept. None: there was none."""
    disconnected: tuple[Session, ...]
    """Connections that were ended for it."""


@dataclass(frozen=True)
class Plan:
    """What a restore of a whole database would do."""

    beside: str
    """Name under which the restored database would be proven."""
    renames: dict[str, str]
    """Databases to their new names, in this order."""


def restore_beside(
    source: Source, target: Target, programs: Programs, now: datetime, *, roles: bool
) -> Beside:
    """Restore a backup into a new database beside the target, which need not exist.

    It is called `<name>_restored_<time>` once it equals its manifest; before that it has another
    name, and is dropped when the restore fails or is interrupted.

    Raises:
        TargetError: the server is not fit.
        IntegrityError: the backup is not what was written.
        DifferenceError: what was restored is not what the manifest promises.
    """
    manifest = source.manifest
    with maintenance(target) as connection:
        check_server(connection, target, manifest, roles=roles)
        suite = suite_for(connection, manifest)
        check_presence(source)
        with scratch_database(connection, target, manifest.server, scratch_suffix()) as scratch:
            log.info("restoring %s into %s, beside %s", manifest.name, scratch, target.database)
            times = load(source, scratch, suite, programs, roles=roles)
            different, notes = compare(manifest, scratch, suite, programs, roles=roles)
            for note in notes:
                log.warning("%s", note)
            if different:
                raise DifferenceError(
                    f"the restored copy of {manifest.name} differs from its manifest"
                    f" ({shown(different)}), so it was dropped and"
                    f" {target.database} was left as it was: restore another backup"
                )
            name = restored_name(target.database, now)
            mark = Mark(manifest.name, target.database, datetime.now(UTC))
            # The first connection has been idle for as long as all this took.
            with maintenance(target) as fresh:
                finish(fresh, scratch, name, mark)
    return Beside(source, target, name, times)


def restore_into(
    source: Source,
    target: Target,
    programs: Programs,
    now: datetime,
    *,
    set_aside: bool,
    roles: bool,
) -> Restored:
    """Restore a backup under the target's name, touching what is there only to rename it.

    `set_aside` allows a database with tables to be renamed to `<name>_before_<time>`.

    Raises:
        TargetError: the target is not fit, or is not empty.
        IntegrityError: the backup is not what was written; the target was not touched.
    """
    with maintenance(target) as connection:
        present = look(connection, target)
    refuse_occupied(target, present, set_aside=set_aside)
    beside = restore_beside(source, target, programs, now, roles=roles)
    with maintenance(target) as connection:
        try:
            # It may have been filled while the restore ran.
            present = look(connection, target)
            refuse_occupied(target, present, set_aside=set_aside)
            aside = free_aside(connection, target, now) if present.exists else None
            take_place(connection, target.with_database(beside.name), target, aside)
        except TargetError as error:
            raise TargetError(
                f"{error}; the restored copy is kept as {beside.name}, and takes the place with"
                " neonhub-backup restore promote"
            ) from error
        if aside is not None and present.tables == 0:
            drop(connection, aside)
            aside = None
    return Restored(source, target, beside.times, aside)


def plan_restore(
    manifest: Manifest, target: Target, now: datetime, *, set_aside: bool | None, roles: bool
) -> Plan:
    """Check all that can be checked before a restore, and say what it would do.

    `set_aside` as for `restore_into`; None: the copy stays beside.

    Raises:
        TargetError: the server or the target is not fit.
    """
    with maintenance(target) as connection:
        check_server(connection, target, manifest, roles=roles)
        present = look(connection, target)
    beside = restored_name(target.database, now)
    renames: dict[str, str] = {}
    if set_aside is not None:
        refuse_occupied(target, present, set_aside=set_aside)
        if present.tables:
            renames[target.database] = aside_name(target.database, now)
        renames[beside] = target.database
    return Plan(beside, renames)


def promote(
    target: Target,
    now: datetime,
    *,
    beside: str | None = None,
    end_sessions: bool = False,
    dry_run: bool = False,
) -> Swap:
    """Give a finished copy the target's name; the present one becomes `<name>_before_<time>`.

    All in one transaction. `beside` names the copy, which otherwise is the newest; `end_sessions`
    allows connections to be ended; `dry_run` checks everything and changes nothing.

    Raises:
        TargetError: there is no such finished copy, or someone is connected.
    """
    with maintenance(target) as connection:
        name, mark = _finished(connection, target, beside)
        aside = free_aside(connection, target, now) if exists(connection, target) else None
        swap = Swap(target, name, mark.backup, aside, ())
        return _swapped(connection, swap, end_sessions=end_sessions, dry_run=dry_run)


def revert(
    target: Target,
    now: datetime,
    *,
    aside: str | None = None,
    end_sessions: bool = False,
    dry_run: bool = False,
) -> Swap:
    """Give the database that had the target's name last that name back, undoing `promote`.

    The present one becomes `<name>_before_<time>`, so that another `revert` undoes this one.
    `aside` names the one to bring back, which otherwise is the newest.

    Raises:
        TargetError: there is no such database, or someone is connected.
    """
    with maintenance(target) as connection:
        name = _set_aside(connection, target, aside)
        kept = free_aside(connection, target, now) if exists(connection, target) else None
        swap = Swap(target, name, None, kept, ())
        return _swapped(connection, swap, end_sessions=end_sessions, dry_run=dry_run)


def refuse_occupied(target: Target, present: Occupancy, *, set_aside: bool) -> None:
    """Refuse a target that cannot be replaced.

    Raises:
        TargetError: it has tables and may not be set aside, or someone is connected.
    """
    if present.tables and not set_aside:
        raise TargetError(
            f"{target} already holds {present.tables} tables, views or sequences, so nothing was"
            " changed: restore under another name, or give --set-aside-existing to keep it as"
            f" {target.database}_before_<time> and put the backup in its place"
        )
    if present.sessions:
        raise TargetError(
            f"{target} has {len(present.sessions)} open connections"
            f" ({'; '.join(str(session) for session in present.sessions)}), and a database in use"
            " cannot be renamed, so nothing was changed: stop the applications that use it"
        )


def _swapped(connection: Connection, swap: Swap, *, end_sessions: bool, dry_run: bool) -> Swap:
    names = [swap.target.database, swap.moved]
    sessions = read_sessions(connection, names)
    if sessions and not end_sessions:
        who = "; ".join(f"{session.database}: {session}" for session in sessions)
        raise TargetError(
            f"{len(sessions)} connections are open ({who}), and a database in use cannot be"
            " renamed, so every database keeps its name: stop the applications, or end their"
            " connections with --disconnect"
        )
    if dry_run:
        return Swap(swap.target, swap.moved, swap.backup, swap.aside, sessions)
    ended: tuple[Session, ...] = ()
    for left in reversed(range(SWAP_ATTEMPTS if end_sessions else 1)):
        disconnect(connection, sessions, swap.target)
        ended += sessions
        try:
            _rename(connection, swap)
        except TargetError:
            sessions = read_sessions(connection, names)
            # Whoever came back in between is ended once more.
            if not left or not sessions:
                raise
        else:
            break
    return Swap(swap.target, swap.moved, swap.backup, swap.aside, ended)


def _rename(connection: Connection, swap: Swap) -> None:
    if swap.backup is None:
        take_back(connection, swap.moved, swap.target, swap.aside)
    else:
        take_place(connection, swap.target.with_database(swap.moved), swap.target, swap.aside)


def _finished(connection: Connection, target: Target, wanted: str | None) -> tuple[str, Mark]:
    copies = finished_copies(connection, target)
    for name, mark in copies:
        if wanted in (None, name):
            return name, mark
    known = ", ".join(name for name, _ in copies) or "none"
    what = "copy" if wanted is None else f"copy {wanted}"
    raise TargetError(
        f"the server of {target} has no finished {what} that a restore left beside it (there are:"
        f" {known}), so nothing was changed: make one with neonhub-backup restore --beside"
    )


def _set_aside(connection: Connection, target: Target, wanted: str | None) -> str:
    names = asides(database_names(connection), target.database)
    if wanted is None and names and not names[0].startswith(f"{target.database}_"):
        raise TargetError(
            f"the name {target.database} is so long that it was cut in {names[0]}, which may have"
            " been another database, so nothing was changed: name the one to bring back with --from"
        )
    for name in names:
        if wanted in (None, name):
            return name
    known = ", ".join(names) or "none"
    what = "database" if wanted is None else f"database {wanted}"
    raise TargetError(
        f"the server of {target} has no {what} that was set aside for another (there are: {known}),"
        " so nothing was changed: there is nothing to revert to"
    )
