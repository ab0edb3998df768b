"""The steps of rolling a migration back, each taken once."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, cast

import psycopg
from psycopg import sql

from neonhub_backup.backup import take_backup
from neonhub_backup.compression import COMPRESS
from neonhub_backup.domain.configuration import MIGRATION, Configuration, Database
from neonhub_backup.encryption import encryptor
from neonhub_backup.errors import ConfigurationError, DatabaseError, UnconfirmedError
from neonhub_backup.files import new_file, telling
from neonhub_backup.journal import Attempt, Facts, Run, Step
from neonhub_backup.postgres.connection import Connection, Target, connect, query
from neonhub_backup.postgres.dump import schema_command
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.schema_text import schema_difference
from neonhub_backup.postgres.snapshot import LOCK_TIMEOUT_SECONDS
from neonhub_backup.processes import Command, Pipeline, Programs, run
from neonhub_backup.recovery import run_command
from neonhub_backup.rollback.migrations import Migration, State, read_migrations
from neonhub_backup.rollback.rehearsal import (
    Relation,
    Script,
    begin,
    execute,
    rehearse,
    schema_afterwards,
)
from neonhub_backup.stores.base import Store

log = logging.getLogger(__name__)

PURPOSE = "rollback migration"
"""What the journal calls such a run."""
BACK_UP, APPLY, MARK, COMPARE = "back-up", "apply", "mark", "compare"

ROWS = "tables.sql.zst.gpg"
SCHEMA = "schema-before.sql"
DIFFERENCE = "schema.diff"


class People(Protocol):
    """Whoever runs this, as far as they can be asked."""

    def confirm(self, statement: str) -> None:
        """Have them confirm something before it is done.

        Raises:
            UnconfirmedError: they do not, or nobody can be asked.
        """
        ...


@dataclass(frozen=True)
class Preview:
    """What the SQL will do, as tried."""

    touched: tuple[Relation, ...]
    difference: str | None
    """How the schema will change, as a unified diff. None: that cannot be told beforehand."""


@dataclass(frozen=True)
class Rollback:
    """One migration being rolled back: what it works with, and its steps."""

    configuration: Configuration
    database: Database
    stores: Sequence[Store]
    target: Target
    suite: Suite
    migration: str
    script: Script
    directory: Path
    """A directory of this run's own for what it keeps; made when there is something."""
    lock_seconds: int
    to_stores: bool
    """Whether a whole backup is taken first."""
    people: People
    show: Callable[[Preview], None]
    programs: Callable[[], AbstractContextManager[Programs]]

    def steps(self, run: Run) -> list[Step]:
        """All steps, in their order."""
        steps = [Step(BACK_UP, self._back_up)] if self.to_stores else []
        return [
            *steps,
            Step(APPLY, self._apply, self._applied_already),
            Step(MARK, self._mark, optional=True),
            Step(COMPARE, lambda _: self._compare(Path(str(run.result(APPLY)["directory"])))),
        ]

    def preview(self) -> Preview:
        """Try the SQL without changing anything.

        Raises:
            BackupError: as it would fail.
        """
        touched = rehearse(self.target, self.script, self.lock_seconds)
        before = self._schema()
        with self.programs() as programs:
            after = schema_afterwards(self.target, self.suite, before, self.script, programs)
        difference = None if after is None else schema_difference(before, after)
        return Preview(tuple(touched), difference)

    @property
    def sha256(self) -> str:
        """Digest of the SQL."""
        return hashlib.sha256(self.script.text.encode()).hexdigest()

    def _back_up(self, _attempt: Attempt) -> Facts:
        with self.programs() as programs:
            taken = take_backup(self.configuration, self.database, self.stores, programs, tier=None)
        for name in taken.failed:
            log.warning("the backup before the rollback is missing in store %s", name)
        return {"backup": taken.location.name, "missing_in": tuple(taken.failed)}

    def _apply(self, attempt: Attempt) -> Facts:
        preview = self.preview()
        self.show(preview)
        self.people.confirm(f"{self.script.name} is run on {self.target}")
        with telling(self.directory):
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory = self.directory / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        with telling(directory):
            directory.mkdir(mode=0o700)
        with connect(self.target, autocommit=False) as connection:
            relations = begin(connection, self.lock_seconds)
            saved = self._save(connection, relations, preview.touched, directory)
            touched = execute(connection, self.script, relations)
            _refuse_unsaved(touched, saved)
            ((transaction,),) = query(connection, "SELECT pg_current_xact_id()::text")
            result: dict[str, str | tuple[str, ...]] = {
                "directory": str(directory),
                "tables": tuple(str(relation) for relation in touched),
                "sha256": self.sha256,
            }
            attempt.note(transaction=cast("str", transaction), **result)
            _commit(connection, self.script)
        return result

    def _save(
        self,
        connection: Connection,
        relations: Sequence[Relation],
        touched: Sequence[Relation],
        directory: Path,
    ) -> list[Relation]:
        """Keep the touched tables' rows, which nobody can change from here to the commit."""
        wanted = {relation.oid for relation in touched}
        kept = [relation for relation in relations if relation.oid in wanted]
        for relation in kept:
            if relation.kind in {"r", "p"}:
                _lock(connection, relation)
        others = [one for one in relations if one.kind in {"r", "m"} and one.oid not in wanted]
        with self.programs() as programs:
            before = run(programs, schema_command(self.suite, self.target))
            with new_file(directory / SCHEMA) as file:
                file.write(before.encode())
                file.commit()
            with (
                encryptor(self.configuration.encryption.public_keys) as encrypt,
                new_file(directory / ROWS) as file,
                Pipeline(
                    programs,
                    [
                        rows_command(self.suite, self.target, others),
                        COMPRESS,
                        encrypt.command(),
                    ],
                ) as pipeline,
            ):
                for block in pipeline.blocks():
                    file.write(block)
                pipeline.finish()
                file.commit()
        return kept

    def _applied_already(self, noted: Facts) -> Facts | None:
        """Ask the server what became of the transaction, which it alone knows."""
        transaction = noted.get("transaction")
        if transaction is None:
            return None
        with connect(self.target) as connection:
            ((status,),) = query(connection, "SELECT pg_xact_status(%s::xid8)", transaction)
        if status == "aborted":
            return None
        if status != "committed":
            raise UnconfirmedError(
                f"transaction {transaction} of an earlier attempt is {status or 'long forgotten'},"
                " so it is unknown whether the SQL took effect and nothing more was done: look at"
                " the schema, and give the same command again"
            )
        if noted["sha256"] != self.sha256:
            raise ConfigurationError(
                f"an earlier attempt has run another SQL than {self.script.name} holds now, so"
                " nothing more was done: give the file as it was, to go on after it"
            )
        return {name: noted[name] for name in ("directory", "tables", "sha256")}

    def _mark(self, _attempt: Attempt) -> Facts:
        words = self.database.recovery.mark_rolled_back
        with connect(self.target) as connection:
            known = read_migrations(connection)
        if known is not None and not _is_remembered(known, self.migration):
            log.info("%s needs no mark: the database holds it for undone", self.migration)
            return {"marked": "before"}
        if words is None:
            log.warning(
                "recovery.mark_rolled_back is not configured: mark %s as rolled back by hand",
                self.migration,
            )
            return {"marked": "by hand"}
        with self.programs() as programs:
            return run_command(
                [word.replace(MIGRATION, self.migration) for word in words],
                self.database,
                self.target,
                self.suite,
                programs,
                "the SQL has taken effect and the migration is not marked as rolled back",
            )

    def _compare(self, directory: Path) -> Facts:
        before = (directory / SCHEMA).read_text(encoding="utf-8")
        difference = schema_difference(before, self._schema())
        with telling(directory / DIFFERENCE):
            (directory / DIFFERENCE).write_text(difference, encoding="utf-8")
        return {"directory": str(directory), "changed": bool(difference)}

    def _schema(self) -> str:
        with self.programs() as programs:
            return run(programs, schema_command(self.suite, self.target))


def rows_command(suite: Suite, target: Target, without: Sequence[Relation]) -> Command:
    """pg_dump of every definition, and the rows of all tables but these.

    Constraints and indexes are left out: rows that point to a table which is left out would keep
    it from being loaded.
    """
    return Command(
        [
            *(suite.path("pg_dump"), "--no-password"),
            f"--lock-wait-timeout={LOCK_TIMEOUT_SECONDS}s",
            *("--section=pre-data", "--section=data", "--no-large-objects"),
            *(f"--exclude-table-data={relation}" for relation in without),
        ],
        target.environment(),
    )


def _lock(connection: Connection, relation: Relation) -> None:
    name = sql.Identifier(relation.schema, relation.name)
    try:
        connection.execute(sql.SQL("LOCK TABLE ONLY {} IN EXCLUSIVE MODE").format(name))
    except psycopg.errors.LockNotAvailable as error:
        raise DatabaseError(
            f"{relation} is being changed by somebody else, so nothing was changed: try again in a"
            " quieter moment, or with a longer --lock-timeout-seconds"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseError(
            f"{relation} may not be locked by this user, so nothing was changed: connect as its"
            " owner"
        ) from error


def _refuse_unsaved(touched: Sequence[Relation], saved: Sequence[Relation]) -> None:
    missing = {relation.oid for relation in saved}
    unsaved = [str(relation) for relation in touched if relation.oid not in missing]
    if unsaved:
        raise DatabaseError(
            f"the SQL touched {', '.join(unsaved)}, which it had not when it was tried, so it was"
            " undone and nothing was changed: give the same command again"
        )


def _is_remembered(known: Sequence[Migration], name: str) -> bool:
    states = [migration.state for migration in known if migration.name == name]
    return bool(states) and states[0] is not State.ROLLED_BACK


def _commit(connection: Connection, script: Script) -> None:
    try:
        connection.commit()
    except psycopg.errors.IntegrityConstraintViolation as error:
        raise DatabaseError(
            f"a constraint that is checked last refuses {script.name}"
            f" ({error.diag.message_primary}), so nothing was changed: correct the SQL"
        ) from error
