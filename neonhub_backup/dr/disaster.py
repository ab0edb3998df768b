"""What is done by itself in each step of a disaster, and what is asked."""

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from neonhub_backup.backup import take_backup
from neonhub_backup.domain.configuration import Configuration, Database
from neonhub_backup.dr import checklist
from neonhub_backup.dr.checklist import CHECKLIST, Item
from neonhub_backup.emergency.choice import (
    choose_good,
    choose_proven,
    damaged_states,
    is_proven,
)
from neonhub_backup.emergency.restore import BACK_UP as KEPT_ASIDE
from neonhub_backup.emergency.restore import PURPOSE as EMERGENCY
from neonhub_backup.emergency.restore import RESTORE, keeping_tier
from neonhub_backup.encryption import decryptor
from neonhub_backup.errors import (
    BackupError,
    ConfigurationError,
    DrillFailedError,
    NoBackupError,
)
from neonhub_backup.holdings.selection import Candidate, Wanted, choose, first_that_works
from neonhub_backup.journal import (
    Attempt,
    Entry,
    Event,
    Fact,
    Facts,
    Journal,
    Run,
    Step,
    default_path,
)
from neonhub_backup.postgres.connection import Target, connect, server_major, value
from neonhub_backup.postgres.placement import maintenance, read_sessions
from neonhub_backup.postgres.programs import Suite, client_programs
from neonhub_backup.processes import Programs
from neonhub_backup.recovery import check_command, run_command
from neonhub_backup.restore.comparison import run_checks
from neonhub_backup.restore.whole import Restored, restore_into
from neonhub_backup.stores.base import Store
from neonhub_backup.watch.status import Status
from neonhub_backup.wording import moment_text, shown

log = logging.getLogger(__name__)

PURPOSE = "disaster"
"""What the journal calls such a run."""
KEPT = "emergency backup"
"""What the journal of recoveries calls a backup of the damaged state, which is never `latest`."""
ANSWER = "answer"
"""The fact that somebody said."""


class People(Protocol):
    """Whoever is on call."""

    def answer(self, question: str) -> str:
        """Ask, and return what they say.

        Raises:
            UnconfirmedError: nobody can be asked.
        """
        ...

    def volunteered(self) -> str | None:
        """What they said without being asked. None: nothing."""
        ...


@dataclass(frozen=True, kw_only=True)
class Disaster:
    """One disaster: what it works with, and what each step does."""

    configuration: Configuration
    database: Database
    stores: Sequence[Store]
    run: Run
    recoveries: Callable[[], AbstractContextManager[Journal]]
    """Opens the journal of emergency restores, to write to."""
    peek: Callable[[], Journal]
    """The same as it is, to look at."""
    look: Callable[[], Status]
    """How the backups of the database stand."""
    live: Callable[[], Target]
    """The database that is lost or damaged."""
    staging: Callable[[str], Target]
    """A database by the name of the variable that holds its connection string."""
    into: str | None
    """The variable that was given now. None: none was."""
    well_at: datetime | None
    """When all was well for the last time, as somebody says now. None: nobody does."""
    people: People
    programs: Callable[[], AbstractContextManager[Programs]]
    record: Callable[[Candidate, datetime], None]
    """Keeps how long a restore took that began then."""

    def carry_out(self, item: Item, skip: str | None = None) -> None:
        """Do one step, though it may be done already, or leave it out for a reason.

        Raises:
            BackupError: it failed, which is written down. It can be done again.
        """
        act = {
            checklist.SCOPE: self._stand,
            checklist.STOP: self._stop,
            checklist.BACK_UP: self._back_up,
            checklist.KNOWN_GOOD: self._known_good,
            checklist.STAGE: self._stage,
            checklist.VERIFY: self._verify,
            checklist.MIGRATE: self._migrate,
            checklist.SWITCH: self._switch,
            checklist.RESUME: self._resume,
            checklist.MONITOR: self._stand,
            checklist.DOCUMENT: _nothing,
        }[item.name]

        def whole(attempt: Attempt) -> Facts:
            facts = dict(act(attempt))
            ran = facts.pop(_DONE, False)
            if item.question is None or ran:
                # It needs nobody, and takes what somebody says all the same.
                said = self.people.volunteered()
            else:
                said = self.people.answer(item.question)
            if item.name == checklist.SWITCH:
                # People may have restored while they were asked.
                facts |= self._restored()
            return facts if said is None else {**facts, ANSWER: said}

        skips = {} if skip is None else {item.name: skip}
        self.run.carry_out([Step(item.name, whole, always=True)], skips)

    def _stand(self, _attempt: Attempt) -> Facts:
        status = self.look()
        findings = tuple(finding.text for finding in status.findings)
        newest = {
            f"newest in {store.store}": store.newest.name if store.newest else "none"
            for database in status.databases
            for store in database.stores
        }
        age = next((each.age for each in status.databases), None)
        facts: dict[str, Fact] = {
            "verdict": str(status.verdict),
            "findings": findings,
            **newest,
            "age_seconds": None if age is None else round(age.total_seconds()),
            **self._server(),
        }
        _say_facts(facts)
        return facts

    def _server(self) -> dict[str, Fact]:
        """How the database is, as far as it can be asked; that it cannot be is an answer too."""
        try:
            target = self.live()
            with maintenance(target) as connection:
                sessions = read_sessions(connection, [target.database])
            with connect(target) as inside:
                size = value(inside, int, "SELECT pg_database_size(current_database())")
        except BackupError as error:
            return {"database": f"cannot be reached: {error}"}
        return {
            "database": str(target),
            "database_bytes": size,
            "connections": tuple(str(session) for session in sessions),
        }

    def _stop(self, _attempt: Attempt) -> Facts:
        _say(f"stop: {line}" for line in self.database.recovery.stop)
        facts = self._server()
        _say_facts(facts)
        return {**facts, "to_stop": self.database.recovery.stop}

    def _back_up(self, _attempt: Attempt) -> Facts:
        tier = keeping_tier(self.configuration.retention)
        with self.programs() as programs:
            taken = take_backup(self.configuration, self.database, self.stores, programs, tier=tier)
        facts: Facts = {"backup": taken.location.name, "missing_in": tuple(taken.failed)}
        # An emergency restore must not take it for the last good one.
        with self.recoveries() as journal:
            kept = journal.begin(journal.draft(KEPT, self.database.name, {"run": self.run.name}))
            journal.write(kept.name, Event.DONE, step=KEPT_ASIDE, facts=facts)
            kept.close("kept for whoever looks into the damage")
        _say([f"the present state is backup {taken.location.name}"])
        return facts

    def _known_good(self, _attempt: Attempt) -> Facts:
        # What was begun since then, by a schedule or by this run, is of the damaged state.
        until = min(self.well_at or self.run.opened.time, self.run.opened.time)
        wanted = Wanted(database=self.database.name, at=until)
        found = choose_good(self.stores, wanted, damaged_states(self.peek()))
        manifest = found[0].manifest
        lost = self.run.opened.time - manifest.started
        rpo = self.configuration.objectives.rpo
        proven = is_proven(found)
        sure = None if proven else self._newest_proven(wanted)
        facts: Facts = {
            "until": until.isoformat(timespec="seconds"),
            "backup": manifest.name,
            "tier": str(manifest.tier),
            "started": manifest.started.isoformat(),
            "stores": tuple(candidate.store.name for candidate in found),
            "proven": proven,
            "seconds_lost": max(0, round(lost.total_seconds())),
            "within_rpo": None if rpo is None else lost <= rpo,
            "newest_proven": manifest.name if proven else sure,
        }
        _say_facts(facts)
        if self.well_at is None:
            log.warning(
                "if the damage began before %s, do this step again with --step %s and --at, the"
                " last time at which all was well",
                *(moment_text(until), checklist.KNOWN_GOOD),
            )
        if sure is not None:
            log.warning("no drill has proven it; %s is the newest that one has", sure)
        return facts

    def _newest_proven(self, wanted: Wanted) -> str | None:
        try:
            return choose_proven(self.stores, wanted)[0].manifest.name
        except NoBackupError:
            return None

    def _good(self) -> str:
        return str(self.run.result(checklist.KNOWN_GOOD).get("backup") or "BACKUP")

    def _stage(self, attempt: Attempt) -> Facts:
        name = self._good()
        if self.into is None:
            command = f"neonhub-backup restore {name} --into STAGING_URL --set-aside-existing"
            _say([f"the command, whose variable names a database of staging: {command}"])
            return {"command": command}
        target = self._not_the_live_one(self.into)
        attempt.note(into=self.into)
        found = choose(self.stores, Wanted(database=self.database.name, name=name))
        began = datetime.now(UTC)

        def restore(candidate: Candidate) -> tuple[Candidate, Restored]:
            with self.programs() as programs, decryptor() as decrypt:
                source = candidate.source(decrypt)
                done = restore_into(source, target, programs, began, set_aside=True, roles=False)
                return candidate, done

        candidate, done = first_that_works(found, restore)
        self.record(candidate, began)
        _say([f"{name} is restored into {target}"])
        return {
            _DONE: True,
            "backup": name,
            "into": self.into,
            "target": str(target),
            "store": candidate.store.name,
            "seconds_to_data": round(done.times.to_data, 1),
            "seconds_to_search": round(done.times.to_search, 1),
        }

    def _not_the_live_one(self, variable: str) -> Target:
        target = self.staging(variable)
        if variable == self.database.url_variable or str(target) == str(self.live()):
            raise ConfigurationError(
                f"--into {variable} names {target}, the database that is lost or damaged, and this"
                " step is for another one, so nothing was restored: name a database of staging;"
                " the next steps put the backup in production's place"
            )
        return target

    def _copy(self) -> Target | None:
        """The restored copy of an earlier step. None: people restored it themselves."""
        variable = self.run.result(checklist.STAGE).get("into")
        return None if variable is None else self._not_the_live_one(str(variable))

    def _verify(self, _attempt: Attempt) -> Facts:
        copy, command = self._copy(), self.database.recovery.smoke_test
        checks = self.database.checks
        if copy is None or not (checks or command):
            _say(["neither is known here: the configuration's checks and smoke test, and a copy"])
            return {}
        wrong = run_checks(checks, copy)
        if wrong:
            raise DrillFailedError(
                f"{copy} does not answer as it should ({shown(wrong)}), so it was not relied on:"
                " choose an older backup with --step known-good and --at, and restore it with"
                " --step restore-to-staging; or leave this step out with --skip and the reason"
            )
        facts: Facts = {"checks": len(checks)}
        if command is not None:
            ran = self._command(command, "smoke_test", copy)
            facts = {**facts, "smoke_test": " ".join(command), **ran}
        _say([f"{copy} answers all {len(checks)} checks"])
        return {**facts, _DONE: True}

    def _migrate(self, _attempt: Attempt) -> Facts:
        copy, command = self._copy(), self.database.recovery.migrate
        if copy is None or command is None:
            return {}
        return {
            "migrate": " ".join(command),
            **self._command(command, "migrate", copy),
            _DONE: True,
        }

    def _command(self, words: tuple[str, ...], field: str, copy: Target) -> Facts:
        suite = _suite(copy)
        check_command(words, field, self.database, suite)
        with self.programs() as programs:
            return run_command(
                words, self.database, copy, suite, programs, "the copy is not to be relied on yet"
            )

    def _switch(self, _attempt: Attempt) -> Facts:
        option = f" --database {self.database.name}" * (len(self.configuration.databases) > 1)
        command = f"neonhub-backup emergency restore {self._good()}{option}"
        if not self._restored():
            _say([f"now, in another terminal: {command}", "it asks before it changes something"])
        return {"command": command}

    def _restored(self) -> Facts:
        """The last emergency restore since the disaster began."""
        done = emergency_restores(self.peek(), self.database.name, self.run.opened.time)
        if not done:
            log.warning("the journal has no emergency restore since the disaster began")
        return done[-1].facts if done else {}

    def _resume(self, _attempt: Attempt) -> Facts:
        restart = self.database.recovery.restart
        _say(f"start again: {line}" for line in restart)
        return {"to_start": restart}


@dataclass(frozen=True)
class Ended:
    """An emergency restore that is over."""

    name: str
    facts: dict[str, Fact]


def emergency_restores(journal: Journal, database: str, since: datetime) -> list[Ended]:
    """Those of a database that began since then and are over, oldest first."""
    found: list[Ended] = []
    for opened in journal.entries:
        if opened.event is not Event.OPENED or opened.time < since:
            continue
        run = Run(journal, opened)
        if (opened.purpose, opened.subject) == (EMERGENCY, database) and run.closed:
            closed = _last(journal, run)
            found.append(
                Ended(
                    run.name,
                    {
                        "emergency_run": run.name,
                        "restored": run.inputs.get("backup"),
                        "target": run.inputs.get("target"),
                        "copy_from": run.result(RESTORE).get("store"),
                        "ended": closed.text,
                        "seconds": round((closed.time - opened.time).total_seconds(), 1),
                    },
                )
            )
    return found


def journal_path(environment: str, database: str) -> Path:
    """Where the journal of a database's disasters is unless --journal says otherwise.

    Beside that of emergency restores, which one must be able to do while a step is asked about.
    """
    path = default_path(environment, database)
    return path.with_name(f"{path.stem}.disaster.jsonl")


def next_item(run: Run) -> Item | None:
    """The first step that is neither done nor left out. None: there is none."""
    return next((item for item in CHECKLIST if not is_settled(run, item)), None)


def is_settled(run: Run, item: Item) -> bool:
    """Whether a step is done or left out."""
    return run.state(item.name) in {Event.DONE, Event.SKIPPED}


_DONE = "_done"
"""A fact between a step's work and its question: nothing has to be asked. It is not written."""


def _nothing(_attempt: Attempt) -> Facts:
    return {}


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        log.info("%s", line)


def _say_facts(facts: Facts) -> None:
    for name, fact in facts.items():
        if isinstance(fact, tuple):
            _say(f"{name}: {line}" for line in fact or ("none",))
        else:
            _say([f"{name}: {'unknown' if fact is None else fact}"])


def _suite(target: Target) -> Suite:
    with connect(target) as connection:
        return client_programs(server_major(connection))


def _last(journal: Journal, run: Run) -> Entry:
    return [entry for entry in journal.entries if entry.run == run.name][-1]
