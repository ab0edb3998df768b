"""A whole database: checked before, restored beside, compared after, renamed last."""

import logging
import secrets
from dataclasses import dataclass
from datetime import datetime

from neonhub_backup.errors import IntegrityError, TargetError
from neonhub_backup.postgres.connection import Target
from neonhub_backup.postgres.placement import (
    Occupancy,
    aside_suffix,
    beside_name,
    check_server,
    drop,
    look,
    maintenance,
    scratch_database,
    take_place,
)
from neonhub_backup.postgres.programs import client_programs
from neonhub_backup.processes import Programs
from neonhub_backup.restore.comparison import DIFFERENCES_SHOWN, compare
from neonhub_backup.restore.loading import Times, load
from neonhub_backup.restore.source import Source, check_objects

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Restored:
    """A restore that ended well."""

    source: Source
    target: Target
    times: Times
    aside: str | None
    """Name under which the database that had the target's name is kept. None: there was none."""


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
    manifest = source.manifest
    with maintenance(target) as connection:
        connection.autocommit = True
        check_server(connection, target, manifest, roles=roles)
        present = look(connection, target)
        _refuse_occupied(target, present, set_aside=set_aside)
        suite = client_programs(
            max(connection.info.server_version // 10000, manifest.archive_major)
        )
        check_objects(source, programs)
        suffix = f"restore_{secrets.token_hex(4)}"
        with scratch_database(connection, target, manifest.server, suffix) as beside:
            log.info("restoring %s into %s, beside %s", manifest.name, beside, target.database)
            times = load(source, beside, suite, programs, roles=roles)
            different = compare(manifest, beside, suite, programs, roles=roles)
            if different:
                raise IntegrityError(
                    f"the restored copy of {manifest.name} differs from its manifest"
                    f" ({'; '.join(different[:DIFFERENCES_SHOWN])}), so it was dropped and"
                    f" {target.database} was left as it was: restore another backup"
                )
            aside = None
            if present.exists:
                aside = beside_name(target.database, aside_suffix(now))
            take_place(connection, beside, target, aside)
        if aside is not None and present.tables == 0:
            drop(connection, aside)
            aside = None
    return Restored(source, target, times, aside)


def _refuse_occupied(target: Target, present: Occupancy, *, set_aside: bool) -> None:
    if present.tables and not set_aside:
        raise TargetError(
            f"{target} already holds {present.tables} tables, views or sequences, so nothing was"
            " changed: restore under another name, or give --set-aside-existing to keep it as"
            f" {target.database}_before_<time> and put the backup in its place"
        )
    if present.sessions:
        raise TargetError(
            f"{target} has {present.sessions} open connections, and a database in use cannot be"
            " renamed, so nothing was changed: stop the applications that use it"
        )
