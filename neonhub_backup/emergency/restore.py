"""The steps from a database that is lost or damaged to a restored one in its place."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, cast

import psycopg

from neonhub_backup.backup import take_backup
from neonhub_backup.domain.configuration import Configuration, Database
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.emergency import fence
from neonhub_backup.emergency.salvage import Salvaged, salvage
from neonhub_backup.encryption import Decryptor
from neonhub_backup.errors import BackupError, DrillFailedError
from neonhub_backup.holdings.selection import Candidate, first_that_works
from neonhub_backup.journal import Attempt, Event, Facts, Run, Step
from neonhub_backup.postgres.connection import Connection, Target, query, server_major
from neonhub_backup.postgres.naming import restored_name, scratches
from neonhub_backup.postgres.placement import (
    Session,
    database_names,
    drop,
    exists,
    finished_copies,
    free_aside,
    maintenance,
    read_sessions,
)
from neonhub_backup.postgres.programs import client_programs
from neonhub_backup.processes import Programs, StoppedError
from neonhub_backup.recovery import run_command
from neonhub_backup.restore.comparison import run_checks
from neonhub_backup.restore.whole import Beside, promote, restore_beside
from neonhub_backup.stores.base import Store
from neonhub_backup.wording import shown

log = logging.getLogger(__name__)

PURPOSE = "emergency restore"
"""What the journal calls such a run."""
KEPT_AT_LEAST = timedelta(days=7)
"""How long the backup of the present state is kept: time to find out what happened."""

STOP, BACK_UP, RESTORE, MIGRATE = "stop-writers", "back-up", "restore", "migrate"
CHECK, SMOKE_TEST, SWAP, OPEN, RESTART = "check", "smoke-test", "swap", "lift-fence", "restart"


class People(Protocol):
    """Whoever runs this, as far as they can be asked."""

    def wait(self, sessions: Sequence[Session]) -> None:
        """Have them see who is still connected; return when it is time to look again.

        Raises:
            UnconfirmedError: nobody can be asked, or it has taken too long.
        """
        ...

    def confirm(self, statement: str) -> None:
        """Have them confirm something before it is relied on.

        Raises:
            UnconfirmedError: they do not, or nobody can be asked.
        """
        ...


@dataclass(frozen=True)
class Emergency:
    """One emergency restore: what it works with, and its steps."""

    configuration: Configuration
    database: Database
    stores: Sequence[Store]
    target: Target
    """The database to replace."""
    candidates: Sequence[Candidate]
    """The copies of the backup that replaces it."""
    decrypt: Decryptor
    run: Run
    people: People
    programs: Callable[[], AbstractContextManager[Programs]]
    fenced: bool
    """Whether connections are ended and may only read, instead of having people stop them."""
    roles: bool

    def steps(self) -> list[Step]:
        """All steps, in their order."""
        recovery = self.database.recovery
        # Once the copy is in its place, whoever is connected is meant to be.
        guard = self.run.state(SWAP) is not Event.DONE
        steps = [
            Step(STOP, self._stop_writers, always=guard),
            Step(BACK_UP, self._back_up, optional=True),
            Step(RESTORE, self._restore, self._restored_already),
        ]
        if recovery.migrate is not None:
            steps.append(Step(MIGRATE, self._migrate, optional=True))
        if self.database.checks:
            steps.append(Step(CHECK, self._check, optional=True))
        if recovery.smoke_test is not None:
            steps.append(Step(SMOKE_TEST, self._smoke_test, optional=True))
        steps.append(Step(SWAP, self._swap, self._swapped_already))
        if self.fenced:
            steps.append(Step(OPEN, self._lift_fence))
        return [*steps, Step(RESTART, self._restart)]

    def carry_out(self, skip: Mapping[str, str]) -> None:
        """Do every step that is not done, and close the run.

        A failure takes the fence down, unless the restored copy has the database's name already.
        """
        try:
            self.run.carry_out(self.steps(), skip)
        except BaseException as error:
            if self.run.state(SWAP) is not Event.DONE:
                self._lift_after(error)
            settled = {Event.DONE, Event.SKIPPED}
            left = [one.name for one in self.steps() if self.run.state(one.name) not in settled]
            log.warning(
                "the restore has stopped, and what was done is kept: the same command goes on with"
                " %s, --undo gives it up",
                left[0],
            )
            raise
        self.run.close("the restored copy is in use")

    def _stop_writers(self, attempt: Attempt) -> Facts:
        for line in self.database.recovery.stop:
            log.warning("stop: %s", line)
        if self.fenced:
            return self._put_up_fence(attempt)
        while sessions := self._sessions():
            self.people.wait(sessions)
        self.people.confirm(
            f"nobody is connected to {self.target}, and nothing that writes to it will start again"
            " before the restore is over"
        )
        return {"connections": 0}

    def _put_up_fence(self, attempt: Attempt) -> Facts:
        self.people.confirm(
            f"everybody who is connected to {self.target} is disconnected and can only read from"
            " then on"
        )
        if not fence_is_up(self.run):
            with maintenance(self.target) as connection:
                previous = fence.read_setting(connection, self.target.database)
            attempt.note(fence="up", previous=previous)
        ended = fence.put_up(self.target)
        log.info("%s can only be read now; %d connections were ended", self.target, ended)
        return {"ended": ended}

    def _back_up(self, _attempt: Attempt) -> Facts:
        with maintenance(self.target) as connection:
            if not exists(connection, self.target):
                log.warning("%s does not exist, so there is nothing to back up", self.target)
                return {"backup": None}
        try:
            with self.programs() as programs:
                taken = take_backup(
                    self.configuration,
                    self.database,
                    self.stores,
                    programs,
                    tier=keeping_tier(self.configuration.retention),
                )
        except StoppedError:
            raise
        except (BackupError, psycopg.Error) as error:
            log.warning(
                "the present state cannot be backed up whole (%s), so what can be read is saved"
                " table by table",
                " ".join(str(error).split()),
            )
            return self._salvage(error)
        for name in taken.failed:
            log.warning("the backup of the present state is missing in store %s", name)
        return {"backup": taken.location.name, "missing_in": tuple(taken.failed)}

    def _salvage(self, reason: Exception) -> Facts:
        moment = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        directory = self.run.journal.path.parent / f"{self.database.name}-damaged-{moment}"
        saved = self._salvage_into(directory)
        for name, why in saved.unreadable.items():
            log.warning("not whole in %s: %s (%s)", directory, name, why)
        log.warning(
            "%d parts of the present state were saved in %s, %d could not be read to their end; the"
            " database itself is kept as it is",
            *(len(saved.saved), directory, len(saved.unreadable)),
        )
        return {
            "backup": None,
            "reason": " ".join(str(reason).split()),
            "directory": str(directory),
            "saved": saved.saved,
            "unreadable": tuple(saved.unreadable),
        }

    def _salvage_into(self, directory: Path) -> Salvaged:
        keys = self.configuration.encryption.public_keys
        with maintenance(self.target) as connection, self.programs() as programs:
            suite = client_programs(server_major(connection))
            return salvage(self.target, suite, keys, directory, programs)

    def _restore(self, attempt: Attempt) -> Facts:
        now = datetime.now(UTC)
        with maintenance(self.target) as connection:
            present = _unfinished_restores(connection, self.target)
        attempt.note(copy=restored_name(self.target.database, now), present=present)

        def beside(candidate: Candidate) -> Beside:
            with self.programs() as programs:
                source = candidate.source(self.decrypt)
                return restore_beside(source, self.target, programs, now, roles=self.roles)

        left = first_that_works(self.candidates, beside)
        return {
            "copy": left.name,
            "store": left.source.store.name,
            "seconds_to_data": round(left.times.to_data, 1),
            "seconds_to_search": round(left.times.to_search, 1),
        }

    def _restored_already(self, noted: Facts) -> Facts | None:
        with maintenance(self.target) as connection:
            finished = [name for name, _ in finished_copies(connection, self.target)]
            if noted.get("copy") in finished:
                return {"copy": noted["copy"]}
            _drop_leftovers(connection, self.target, noted)
        return None

    def _migrate(self, _attempt: Attempt) -> Facts:
        return self._command(self.database.recovery.migrate)

    def _smoke_test(self, _attempt: Attempt) -> Facts:
        return self._command(self.database.recovery.smoke_test)

    def _command(self, words: Sequence[str] | None) -> Facts:
        assert words is not None  # noqa: S101 - such a step is only there for a command
        copy = self._copy()
        with maintenance(self.target) as connection, self.programs() as programs:
            suite = client_programs(server_major(connection))
            return run_command(
                words,
                self.database,
                copy,
                suite,
                programs,
                f"{self.target.database} was left as it was",
            )

    def _check(self, _attempt: Attempt) -> Facts:
        copy = self._copy()
        wrong = run_checks(self.database.checks, copy)
        if wrong:
            raise DrillFailedError(
                f"{copy.database} does not answer the checks of {self.database.name} as expected"
                f" ({shown(wrong)}), so it was not put in the place of"
                f" {self.target.database}: correct the copy or the checks, or give up with --undo"
                " and restore another backup"
            )
        return {"checks": len(self.database.checks)}

    def _swap(self, attempt: Attempt) -> Facts:
        copy = self._copy()
        now = datetime.now(UTC)
        with maintenance(self.target) as connection:
            ((number,),) = query(
                connection, "SELECT oid::bigint FROM pg_database WHERE datname = %s", copy.database
            )
            there = exists(connection, self.target)
            aside = free_aside(connection, self.target, now) if there else None
        self.people.confirm(
            f"{copy.database} takes the name {self.target.database}"
            + (f", and what has it now is kept as {aside}" if aside else "")
        )
        attempt.note(number=cast("int", number), aside=aside)
        done = promote(self.target, now, beside=copy.database, end_sessions=self.fenced)
        return {"aside": done.aside, "ended": len(done.disconnected)}

    def _swapped_already(self, noted: Facts) -> Facts | None:
        with maintenance(self.target) as connection:
            names = query(
                connection,
                "SELECT FROM pg_database WHERE oid::bigint = %s AND datname = %s",
                noted.get("number"),
                self.target.database,
            )
        return {"aside": noted["aside"], "ended": 0} if names else None

    def _lift_fence(self, _attempt: Attempt) -> Facts:
        lift(self.run, self.target)
        return {}

    def _restart(self, _attempt: Attempt) -> Facts:
        for line in self.database.recovery.restart:
            log.warning("start again: %s", line)
        return {}

    def _copy(self) -> Target:
        return self.target.with_database(str(self.run.result(RESTORE)["copy"]))

    def _sessions(self) -> tuple[Session, ...]:
        with maintenance(self.target) as connection:
            return read_sessions(connection, [self.target.database])

    def _lift_after(self, failure: BaseException) -> None:
        try:
            lift(self.run, self.target)
        except (BackupError, psycopg.Error) as error:
            failure.add_note(
                f"{self.target} can still only be read ({' '.join(str(error).split())}): the same"
                " command with --undo lifts that"
            )


def fence_is_up(run: Run) -> bool:
    """Whether this run has put a fence up and not taken it down."""
    return run.noted(STOP).get("fence") == "up"


def lift(run: Run, target: Target) -> None:
    """Take the fence down, if it is up, from the database and from the one that was set aside."""
    if not fence_is_up(run):
        return
    aside = run.result(SWAP).get("aside")
    databases = (target.database, *([str(aside)] if aside is not None else []))
    fence.take_down(target, databases, cast("str | None", run.noted(STOP).get("previous")))
    run.journal.write(run.name, Event.NOTED, step=STOP, facts={"fence": "down"})
    log.warning("%s can be written to again", target)


def undo(run: Run, target: Target, *, dry_run: bool = False) -> str | None:
    """Give up a run whose copy has not taken the place: the copy is dropped; its name, if any.

    `dry_run` only looks for the copy.

    Raises:
        DatabaseError: the server cannot be reached; the run stays open.
    """
    copy = run.result(RESTORE).get("copy") or run.noted(RESTORE).get("copy")
    with maintenance(target) as connection:
        found = next((one for one, _ in finished_copies(connection, target) if one == copy), None)
        if dry_run:
            return found
        lift(run, target)
        if found is not None:
            drop(connection, found)
        _drop_leftovers(connection, target, run.noted(RESTORE))
    run.close("given up; the database was left as it was")
    return found


def keeping_tier(retention: RetentionPolicy) -> Tier:
    """The lowest tier that keeps a backup for a week, or else the one that keeps it longest."""
    rules = retention.rules()
    for tier, rule in rules.items():
        if rule.keep >= KEPT_AT_LEAST:
            return tier
    return list(rules)[-1]


def _unfinished_restores(connection: Connection, target: Target) -> tuple[str, ...]:
    return tuple(scratches(database_names(connection), target.database))


def _drop_leftovers(connection: Connection, target: Target, noted: Facts) -> None:
    """Drop what a restore that was killed has left, unless it was there before or is in use."""
    if "present" not in noted:
        return
    before = cast("Sequence[str]", noted["present"])
    for name in _unfinished_restores(connection, target):
        if name not in before and not read_sessions(connection, [name]):
            log.info("dropping %s, which an interrupted restore has left", name)
            drop(connection, name)
