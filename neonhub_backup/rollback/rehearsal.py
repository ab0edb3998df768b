"""Trying SQL before it is run: on the database in a transaction that is undone, and on a copy."""

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import psycopg
from psycopg import sql

from neonhub_backup.errors import ConfigurationError, DatabaseError, ProgramError, TargetError
from neonhub_backup.postgres.connection import Connection, Target, connect, query, quoted
from neonhub_backup.postgres.dump import schema_command
from neonhub_backup.postgres.placement import drop, maintenance, scratch_database
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.snapshot import read_server
from neonhub_backup.postgres.statements import Statement, statements
from neonhub_backup.processes import Command, Programs, StoppedError, run

log = logging.getLogger(__name__)

_RELATIONS = """
    SELECT c.oid::bigint, n.nspname::text, c.relname::text, c.relkind::text,
           pg_table_size(c.oid), greatest(c.reltuples, 0)::bigint
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'm', 'v', 'S') AND c.relpersistence <> 't'
       AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
     ORDER BY 2, 3
"""
_LOCKED = """
    SELECT relation::bigint FROM pg_locks
     WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted
       AND mode NOT IN ('AccessShareLock', 'RowShareLock')
"""
"""Everything that was changed, or could not have been changed by others meanwhile."""


@dataclass(frozen=True)
class Relation:
    """A table, view or sequence."""

    oid: int
    schema: str
    name: str
    kind: str
    """As in pg_class: r is a table, p a partitioned one."""
    bytes: int
    rows: int
    """As many as the server last estimated."""

    def __str__(self) -> str:
        return quoted(self.schema, self.name)


@dataclass(frozen=True)
class Script:
    """SQL from a file."""

    name: str
    text: str


def begin(connection: Connection, lock_seconds: int) -> list[Relation]:
    """Prepare a transaction that waits for no lock longer than this; what the database holds."""
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(f"{lock_seconds}s"))
    rows = query(connection, _RELATIONS)
    return [Relation(*cast("tuple[int, str, str, str, int, int]", row)) for row in rows]


def execute(
    connection: Connection, script: Script, relations: Sequence[Relation]
) -> list[Relation]:
    """Run the SQL in the transaction that is open; which of the relations it touched.

    Raises:
        ConfigurationError: it cannot run in a transaction.
        DatabaseError: the server refuses it, or a lock cannot be had; nothing is changed.
    """
    for statement in statements(script.text):
        _execute(connection, script, statement)
    locked = {oid for (oid,) in query(connection, _LOCKED)}
    return [relation for relation in relations if relation.oid in locked]


def _execute(connection: Connection, script: Script, statement: Statement) -> None:
    try:
        connection.execute(statement.text.encode())
    except psycopg.errors.ActiveSqlTransaction as error:
        raise ConfigurationError(
            f"{_place(script, statement, error)}: {error.diag.message_primary}, so nothing was"
            " changed: take that statement out and run it by itself afterwards"
        ) from error
    except psycopg.errors.LockNotAvailable as error:
        raise DatabaseError(
            f"{_place(script, statement, error)}: somebody holds a lock on what it changes, so"
            " nothing was changed: try again in a quieter moment, or with a longer"
            " --lock-timeout-seconds"
        ) from error
    except psycopg.Error as error:
        reason = " ".join(str(error.diag.message_primary or error).split())
        raise DatabaseError(
            f"{_place(script, statement, error)}: {reason}, so nothing was changed: correct the SQL"
        ) from error


def rehearse(target: Target, script: Script, lock_seconds: int) -> list[Relation]:
    """Run the SQL and undo it; which tables, views and sequences it touched.

    Others wait for it where they need what it has changed. Sequences keep numbers they have given.

    Raises:
        BackupError: as it will fail when it is run.
    """
    with connect(target, autocommit=False) as connection:
        touched = execute(connection, script, begin(connection, lock_seconds))
        connection.rollback()
    return touched


def schema_afterwards(
    target: Target, suite: Suite, before: str, script: Script, programs: Programs
) -> str | None:
    """What pg_dump would say of the schema after the SQL, tried on a copy without rows.

    None: such a copy cannot be made, or the SQL depends on rows; a warning says why.
    """
    suffix = f"rehearsal_{secrets.token_hex(4)}"
    psql = [suite.path("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--no-password"]
    with connect(target) as inside:
        server = read_server(inside)
    with maintenance(target) as connection:
        try:
            with scratch_database(connection, target, server, suffix) as copy:
                for text in (before, script.text):
                    arguments = [*psql, "--single-transaction", "--output=/dev/null"]
                    run(programs, Command(arguments, copy.environment(), text))
                after = run(programs, schema_command(suite, copy))
            drop(connection, copy.database)
        except StoppedError:
            raise
        except (ProgramError, TargetError, psycopg.Error) as error:
            log.warning(
                "what the SQL changes in the schema cannot be shown beforehand: %s",
                " ".join(str(error).split()),
            )
            return None
    return after


def _place(script: Script, statement: Statement, error: psycopg.Error) -> str:
    position = int(error.diag.statement_position or 1)
    line = statement.line + statement.text.count("\n", 0, position - 1)
    return f"line {line} of {script.name}"
