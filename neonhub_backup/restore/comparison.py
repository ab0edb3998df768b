"""What a restored database must equal: its manifest, and the answers that the stack expects."""

from collections.abc import Sequence

import psycopg
from psycopg import sql

from neonhub_backup.domain.configuration import Check
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.proof import Answer
from neonhub_backup.postgres.connection import Connection, Target, connect, query, quoted
from neonhub_backup.postgres.dump import schema_command
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.schema import differences, fingerprint
from neonhub_backup.postgres.snapshot import count_large_objects, read_extensions
from neonhub_backup.processes import Programs, run

DIFFERENCES_SHOWN = 20
"""How many of them a message names."""


def shown(lines: Sequence[str]) -> str:
    """As many of the lines as a message names, and how many there are beside."""
    more = len(lines) - DIFFERENCES_SHOWN
    return "; ".join([*lines[:DIFFERENCES_SHOWN], *([f"and {more} more"] if more > 0 else [])])


CHECK_SECONDS = 600
"""Time for each of the stack's own queries."""


def compare(
    manifest: Manifest, target: Target, suite: Suite, programs: Programs, *, roles: bool
) -> list[str]:
    """One line for everything in which a restored database differs from its manifest."""
    found: list[str] = []
    same_major = suite.major == manifest.archive_major
    with connect(target) as connection:
        connection.execute("SET row_security = off")
        for table in manifest.tables:
            name = sql.Identifier(*table.identity)
            ((rows,),) = query(connection, sql.SQL("SELECT count(*) FROM ONLY {}").format(name))
            if rows != table.rows:
                found.append(f"{quoted(*table.identity)} has {rows} rows instead of {table.rows}")
        extensions = read_extensions(connection)
        objects = count_large_objects(connection)
    for name in sorted(manifest.extensions.keys() | extensions.keys()):
        promised, there = manifest.extensions.get(name), extensions.get(name)
        if promised != there:
            found.append(
                f"extension {name} is {there or 'missing'} instead of {promised or 'absent'}"
            )
    if objects != manifest.large_objects:
        found.append(f"{objects} large objects instead of {manifest.large_objects}")
    schema = fingerprint(run(programs, schema_command(suite, target)))
    found += differences(manifest.schema_, schema, roles=roles, definitions=same_major)
    return found


def run_checks(checks: Sequence[Check], target: Target) -> list[str]:
    """One line for each of the stack's own queries that is not answered as expected."""
    return [answer.problem for answer in answers(checks, target) if answer.problem is not None]


def answers(checks: Sequence[Check], target: Target) -> list[Answer]:
    """What became of each of the stack's own queries, which have ten minutes each."""
    with connect(target) as connection:
        connection.execute(sql.SQL("SET statement_timeout = {}").format(f"{CHECK_SECONDS}s"))
        return [Answer(name=check.name, problem=_problem(connection, check)) for check in checks]


def _problem(connection: Connection, check: Check) -> str | None:
    try:
        rows = query(connection, sql.SQL(check.query))  # pyright: ignore[reportArgumentType] - the query is the configuration's
    except psycopg.errors.QueryCanceled:
        return f"check {check.name} was not answered within {CHECK_SECONDS} s"
    except psycopg.Error as error:
        return f"check {check.name} fails: {' '.join(str(error).split())}"
    if check.expect is None and not rows:
        return f"check {check.name} returns no rows"
    if check.expect is not None and tuple(rows) != check.expect:
        return f"check {check.name} returns {rows} instead of {list(check.expect)}"
    return None
