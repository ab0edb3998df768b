"""A project of Neon's for a test: the sandbox's own, or with a key a real one."""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from neonhub_backup.domain.configuration import Neon
from neonhub_backup.neon.api import Api, open_api
from neonhub_backup.neon.models import Branch
from neonhub_backup.neon.sending import Patience
from sandbox.emulators.neon.__main__ import KEY, SERVER
from sandbox.emulators.neon.models import Fault, Plan, Project
from sandbox.emulators.neon.storage import Store
from sandbox.files import write_atomically
from sandbox.postgres import SUPERUSER, PostgresServer
from sandbox.processes import Server, Supervisor, free_port, listening

REAL_KEY = "NEON_API_KEY"
REAL_PROJECT = "NEONHUB_BACKUP_TEST_NEON_PROJECT"
"""With the key: a project of Neon's that tests may do with as they like."""

EMULATED_KEY = "napi_sandbox"
PROJECT = "quiet-sandbox-12345678"
ROOT = Path(__file__).parents[3]


@dataclass
class Hosted:
    """A project, and what a test does to it behind the tool's back."""

    settings: Neon
    key: str
    data: Path | None
    """Where the emulator keeps it. None: it is a real one."""

    @contextmanager
    def api(self, **patience: Any) -> Generator[Api]:
        """Neon's API, quicker than by default."""
        quick: dict[str, Any] = {"look_seconds": 0.02, "pause_seconds": 0.05} if self.data else {}
        with open_api(self.settings, {REAL_KEY: self.key}, Patience(**quick | patience)) as api:
            yield api

    def uri(self, branch: str | None = None) -> str:
        """The connection string of a branch, or of production."""
        with self.api() as api:
            found = api.branch(branch or self.settings.branch)
            names = {"database": self.settings.database, "role": self.settings.role}
            return api.connection_uri(found, **names)

    def execute(self, statement: str, branch: str | None = None) -> list[tuple[Any, ...]]:
        """Run SQL on a branch, or on production."""
        with psycopg.connect(self.uri(branch), autocommit=True) as connection:
            done = connection.execute(sql.SQL(statement))  # pyright: ignore[reportArgumentType] - the tests' own
            return done.fetchall() if done.description else []

    def moment(self) -> datetime:
        """A second with the present state at its beginning; the next one has begun."""
        if self.data is not None:
            self._post("/_keep")
        found = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
        time.sleep(max(0.0, (found - datetime.now(UTC)).total_seconds()) + 0.1)
        return found

    @contextmanager
    def changed(self) -> Generator[Project]:
        """What the emulator remembers, changed between two requests."""
        assert self.data is not None, "only the emulator's project can be changed like that"
        store = Store(self.data)
        project = Project.model_validate_json(store.path.read_bytes())
        yield project
        write_atomically(store.path, project.model_dump_json(), mode=0o600)

    def age(self, name: str, age: timedelta) -> None:
        """Make a branch older, and have it not expire meanwhile."""
        with self.changed() as project:
            branch = next(each for each in project.branches if each.name == name)
            branch.created_at -= age
            branch.expires_at = None

    def faults(self, *statuses: int) -> None:
        """Have the next requests answered with these; 0 for an answer that is lost."""
        with self.changed() as project:
            project.faults = [Fault(status=each, carried_out=each == 0) for each in statuses]

    def lose_answer_to(self, path: str) -> None:
        """Have the next request for what ends like this carried out, and answered with 502."""
        with self.changed() as project:
            project.faults = [Fault(path=path, status=502, carried_out=True)]

    def names(self) -> list[str]:
        """The branches beside production, oldest first."""
        with self.api() as api:
            found, _ = api.branches()
        return [name for name in found if name != self.settings.branch]

    def _post(self, path: str) -> None:
        address = self.settings.api.removesuffix("/api/v2") + path
        request = urllib.request.Request(address, method="POST")  # noqa: S310 - the emulator's own
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            json.load(answer)


@contextmanager
def emulated(home: Path, postgres: PostgresServer, database: str, plan: Plan) -> Generator[Hosted]:
    """A project of the sandbox whose branch main is a database of a server."""
    port = free_port()
    server = Server(
        name="neon",
        command=[
            *(sys.executable, "-m", "sandbox.emulators.neon", "--port", str(port)),
            *("--data", str(home / "data"), "--project", PROJECT, "--database", database),
            *("--plan", plan, "--programs", str(postgres.bin_dir)),
        ],
        port=port,
        ready=lambda: listening(port),
        environment={"PYTHONPATH": str(ROOT), KEY: EMULATED_KEY, SERVER: postgres.url()},
    )
    supervisor = Supervisor(home / "run", home / "logs")
    supervisor.start(server)
    try:
        supervisor.wait(server)
        settings = Neon(
            project=PROJECT,
            database=database,
            role=SUPERUSER,
            api=f"http://127.0.0.1:{port}/api/v2",
        )
        yield Hosted(settings, EMULATED_KEY, home / "data")
    finally:
        supervisor.stop("neon")


@contextmanager
def real(key: str, project: str) -> Generator[Hosted]:
    """A project of Neon's with what it has by default; what a test makes there is deleted."""
    settings = Neon(project=project, database="neondb", role="neondb_owner")
    with open_api(settings, {REAL_KEY: key}) as api:
        before, _ = api.branches()
        production = next(branch for branch in before.values() if branch.default)
    found = Hosted(settings.model_copy(update={"branch": production.name}), key, None)
    found.execute("DROP SCHEMA public CASCADE")
    found.execute("CREATE SCHEMA public")
    try:
        yield found
    finally:
        with found.api() as api:
            after, _ = api.branches()
            for branch in after.values():
                if branch.name not in before:
                    _delete(api, branch)


def is_real() -> bool:
    """Whether the environment names a real project."""
    return bool(os.environ.get(REAL_KEY) and os.environ.get(REAL_PROJECT))


def _delete(api: Api, branch: Branch) -> None:
    if branch.protected:
        api.protect(branch, protected=False)
    api.delete_branch(branch)
