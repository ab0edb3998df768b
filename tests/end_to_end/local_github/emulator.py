"""A GitHub emulator of a test's own, and stacks of programs that are deployed to it."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from sandbox.emulators.github.storage import git_path, reveal_secrets
from sandbox.processes import Server, Supervisor, free_port, listening
from tests.end_to_end.one_program import PROJECT, OneProgram

REPOSITORY = "repos/neonhub/neonhub"
TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but the test's own emulator


class Emulator:
    """A GitHub that is looked at behind the stack's back."""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.url = f"http://127.0.0.1:{port}/api/v3/"

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The parsed answer; None where there is nothing."""
        request = urllib.request.Request(  # noqa: S310 - the emulator's own http address
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {TOKEN}", "User-Agent": "tests"},
        )
        try:
            with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            raise

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def git(self, *arguments: str) -> str:
        """What git itself says about the repository."""
        place = ["git", "-C", str(git_path(self.data, "neonhub/neonhub"))]
        done = subprocess.run([*place, *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    def secrets(self, environment: str = "production-backup") -> dict[str, str]:
        """The opened secrets, as a runner would get them."""
        return reveal_secrets(self.data, "neonhub/neonhub", environment)


@contextmanager
def serving(home: Path) -> Generator[Emulator]:
    """A GitHub with the repository neonhub/neonhub, the user reviewer and the team platform."""
    port = free_port()
    server = Server(
        name="github",
        command=[
            *(sys.executable, "-m", "sandbox.emulators.github", "--port", str(port)),
            *("--data", str(home / "data"), "--token", TOKEN),
            *("--seed", "neonhub/neonhub", "--user", "reviewer", "--team", "neonhub/platform"),
        ],
        port=port,
        ready=lambda: listening(port),
        environment={"PYTHONPATH": str(PROJECT)},
    )
    supervisor = Supervisor(home / "run", home / "logs")
    supervisor.start(server)
    try:
        supervisor.wait(server)
        yield Emulator(home / "data", port)
    finally:
        supervisor.stop("github")


class Stack(OneProgram):
    """A stack of resources of GitHub."""

    def __init__(
        self, home: Path, github: Emulator, program: str, settings: Mapping[str, Any]
    ) -> None:
        config = {"github:baseUrl": github.url, "github:owner": "neonhub"}
        super().__init__(home, "github", config, program)
        self.run("config", "set", "--secret", "github:token", TOKEN)
        self.settings = dict(settings)

    def up(self, *options: str, fails: bool = False, **settings: Any) -> str:
        """Deploy with these settings, kept from then on, and return what the engine says."""
        self.settings |= settings
        return self.deploy(self.settings, *options, fails=fails)
