"""Putting a branch in production's place: production keeps its id, its computes and its address."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from neonhub_backup.domain.configuration import Database, Neon
from neonhub_backup.errors import DatabaseError, DrillFailedError
from neonhub_backup.journal import Attempt, Event, Facts, Run, Step
from neonhub_backup.neon.api import Api
from neonhub_backup.neon.models import Branch
from neonhub_backup.neon.restoring import inspect, target_of
from neonhub_backup.postgres.connection import Target, connect, parse_url, server_major
from neonhub_backup.postgres.programs import client_programs
from neonhub_backup.processes import Programs
from neonhub_backup.recovery import run_command
from neonhub_backup.restore.comparison import run_checks
from neonhub_backup.wording import shown

log = logging.getLogger(__name__)

PURPOSE = "neon promote"
"""What the journal calls such a run."""
CHECK, SMOKE_TEST, SWITCH, PROVE = "check", "smoke-test", "switch", "prove"
RECONNECT, RESTART = "reconnect", "restart"


class People(Protocol):
    """Whoever runs this, as far as they can be asked."""

    def confirm(self, statement: str) -> None:
        """Have them confirm something before it is done.

        Raises:
            UnconfirmedError: they do not, or nobody can be asked.
        """
        ...


@dataclass(frozen=True)
class Promotion:
    """One branch taking production's place: what it works with, and its steps."""

    api: Api
    settings: Neon
    database: Database
    production: Branch
    branch: Branch
    """The one that production will be like."""
    run: Run
    people: People
    programs: Callable[[], AbstractContextManager[Programs]]
    url: str | None
    """The application's own connection string. None: it is not known here."""
    now: datetime

    def steps(self) -> list[Step]:
        """All steps, in their order."""
        # Once production is like the branch, the branch does not matter any more.
        guard = self.run.state(SWITCH) is not Event.DONE
        steps = [Step(CHECK, self._check, always=guard, optional=True)]
        if self.database.recovery.smoke_test is not None:
            steps.append(Step(SMOKE_TEST, self._smoke_test, optional=True))
        return [
            *steps,
            Step(SWITCH, self._switch, self._switched_already),
            Step(PROVE, self._prove, optional=True),
            Step(RECONNECT, self._reconnect, optional=True),
            Step(RESTART, self._restart),
        ]

    def _check(self, _attempt: Attempt) -> Facts:
        found = inspect(self._target(self.branch), self.database.checks)
        if found.problems:
            raise DrillFailedError(
                f"branch {self.branch.name} does not answer the checks of {self.database.name} as"
                f" expected ({shown(found.problems)}), so production was left as it is: correct the"
                " branch or the checks, or leave the step out with --skip-step and --reason"
            )
        return {
            "checks": len(self.database.checks),
            "tables": len(found.rows),
            "rows": sum(found.rows.values()),
        }

    def _smoke_test(self, _attempt: Attempt) -> Facts:
        words = self.database.recovery.smoke_test
        assert words is not None  # noqa: S101 - the step is only there for a command
        target = self._target(self.branch)
        with connect(target) as connection, self.programs() as programs:
            suite = client_programs(server_major(connection))
            return run_command(
                words, self.database, target, suite, programs, "production was left as it is"
            )

    def _switch(self, attempt: Attempt) -> Facts:
        kept = f"{self.production.name}-before-{self.now:%Y%m%d-%H%M%S}"
        self.people.confirm(
            f"branch {self.production.name} becomes like {self.branch.name}, everybody is"
            f" disconnected from it once, and what it holds now is kept as branch {kept}"
        )
        if self.branch.expires_at is not None:
            self.api.set_expiry(self.branch, None)
            log.info("branch %s does not expire any more", self.branch.name)
        attempt.note(kept_as=kept)
        self.api.restore_branch(self.production, self.branch, at=None, preserve_as=kept)
        return {"kept_as": kept}

    def _switched_already(self, noted: Facts) -> Facts | None:
        kept = kept_branch(self.api, noted)
        if kept is None:
            return None
        for branch in (kept, self.production):
            self.api.settle(branch)
        return {"kept_as": kept.name}

    def _prove(self, _attempt: Attempt) -> Facts:
        problems = run_checks(self.database.checks, self._target(self.production))
        if problems:
            raise DrillFailedError(
                f"branch {self.production.name} has been made like {self.branch.name} and does not"
                f" answer the checks of {self.database.name} as expected ({shown(problems)}): look"
                " into it and give the same command again, or bring back what was there with --undo"
            )
        return {"checks": len(self.database.checks)}

    def _reconnect(self, _attempt: Attempt) -> Facts:
        variable = self.database.url_variable
        if self.url is None:
            log.warning(
                "%s is not set, so it is unknown whether the application's own connection string"
                " still opens production: see that it does",
                variable,
            )
            return {"connects": None}
        try:
            connect(parse_url(self.url, variable)).close()
        except DatabaseError as error:
            raise DatabaseError(
                f"{variable} does not open production any more ({error}): a branch of a protected"
                " one has passwords of its own; put the connection string that the Neon Console"
                " shows into the application's environment, and give the same command again"
            ) from error
        return {"connects": True}

    def _restart(self, _attempt: Attempt) -> Facts:
        for line in self.database.recovery.restart:
            log.warning("start again: %s", line)
        return {}

    def _target(self, branch: Branch) -> Target:
        return reach(self.api, self.settings, branch)


def reach(api: Api, settings: Neon, branch: Branch) -> Target:
    """How a branch is reached, by a compute that it is given if it has none.

    Raises:
        NeonError: Neon refused.
    """
    if not any(endpoint.type == "read_write" for endpoint in api.endpoints(branch)):
        api.create_endpoint(branch)
    return target_of(api.connection_uri(branch, database=settings.database, role=settings.role))


def kept_branch(api: Api, facts: Facts) -> Branch | None:
    """The branch that holds what production held, by what was noted. None: there is none."""
    found, _ = api.branches()
    return found.get(str(facts.get("kept_as")))
