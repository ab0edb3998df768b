"""What a restored database must equal: its manifest, and the answers that the stack expects."""

import re
from collections.abc import Sequence
from typing import NamedTuple

import psycopg
from psycopg import sql

from neonhub_backup.domain.configuration import Check
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.proof import Answer
from neonhub_backup.postgres.connection import Connection, Target, connect, query, quoted
from neonhub_backup.postgres.dump import schema_command
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.schema import differences, fingerprint
from neonhub_backup.postgres.snapshot import count_large_objects, count_rows, read_extensions
from neonhub_backup.processes import Programs, run

_NUMBERS = re.compile(r"\d+(\.\d+)*")

CHECK_SECONDS = 600
"""Time for each of the stack's own queries."""


class Compared(NamedTuple):
    """A restored database beside its manifest."""

    differences: list[str]
    """A line for everything that is not as promised."""
    notes: list[str]
    """A line for each extension that is newer than it was."""


def compare(
    manifest: Manifest, target: Target, suite: Suite, programs: Programs, *, roles: bool
) -> Compared:
    """See whether a restored database is what its manifest promises.

    A server has extensions in the version that was installed on it. A newer one is what an update
    would bring, and no reason to refuse a restore; what it defines otherwise, the schema tells.
    """
    found: list[str] = []
    notes: list[str] = []
    same_major = suite.major == manifest.archive_major
    with connect(target) as connection:
        connection.execute("SET row_security = off")
        for table in manifest.tables:
            rows = count_rows(connection, table.identity)
            if rows != table.rows:
                found.append(f"{quoted(*table.identity)} has {rows} rows instead of {table.rows}")
        extensions = read_extensions(connection)
        objects = count_large_objects(connection)
    for name in sorted(manifest.extensions.keys() | extensions.keys()):
        promised, there = manifest.extensions.get(name), extensions.get(name)
        if promised and there and is_newer(there, promised):
            notes.append(f"extension {name} is {there} here and was {promised} in the source")
        elif promised != there:
            found.append(
                f"extension {name} is {there or 'missing'} instead of {promised or 'absent'}"
            )
    if objects != manifest.large_objects:
        found.append(f"{objects} large objects instead of {manifest.large_objects}")
    schema = fingerprint(run(programs, schema_command(suite, target)))
    found += differences(manifest.schema_, schema, roles=roles, definitions=same_major)
    return Compared(found, notes)


def is_newer(version: str, than: str) -> bool:
    """Whether a version of an extension is newer; of versions that are no numbers none is."""
    both = [_NUMBERS.fullmatch(each) and each.split(".") for each in (version, than)]
    here, there = ([int(part) for part in each or ()] for each in both)
    return bool(here and there) and here > there


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
