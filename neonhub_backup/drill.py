"""Proof that a backup can be restored: done, in an empty server, and compared."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg import sql

from neonhub_backup.domain.configuration import Check
from neonhub_backup.postgres.connection import connect
from neonhub_backup.postgres.placement import check_server, scratch_database
from neonhub_backup.postgres.programs import server_programs
from neonhub_backup.postgres.server import throwaway_server
from neonhub_backup.processes import Programs
from neonhub_backup.restore.comparison import compare, run_checks
from neonhub_backup.restore.loading import Times, load
from neonhub_backup.restore.source import Source, check_objects

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drilled:
    """What a drill found."""

    source: Source
    server_major: int
    """Major version of the server that it was restored into."""
    verified_seconds: float
    """Time to read every object and compare it with the manifest."""
    times: Times
    rows_compared: int
    differences: tuple[str, ...]
    """Empty: the backup is proven."""


def drill(source: Source, checks: Sequence[Check], programs: Programs) -> Drilled:
    """Restore a backup into a server of its own and compare it with its manifest.

    Raises:
        IntegrityError: an object is not what was written.
        BackupError: the restore itself failed.
    """
    manifest = source.manifest
    suite = server_programs(max(manifest.server.major, manifest.archive_major))
    began = time.monotonic()
    check_objects(source, programs)
    verified = time.monotonic() - began
    log.info("every object of %s is what was written", manifest.name)
    with (
        throwaway_server(suite, manifest.server.superuser) as server,
        connect(server) as connection,
    ):
        for role in manifest.roles:
            if role != manifest.server.superuser:
                connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(role)))
        place = server.with_database(manifest.database)
        check_server(connection, place, manifest, roles=True)
        with scratch_database(
            connection, place, manifest.server, "drill", any_locale=True
        ) as target:
            times = load(source, target, suite, programs, roles=True)
            log.info("restored; comparing with the manifest")
            found = compare(manifest, target, suite, programs, roles=True)
            found += run_checks(checks, target)
    return Drilled(source, suite.major, verified, times, manifest.rows, tuple(found))
