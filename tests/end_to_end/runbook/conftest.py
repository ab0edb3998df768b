"""Environments of the sandbox, as `pulumi up` would commit them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.generated import generated_files
from components.settings import parse_settings
from neonhub_backup.github.api import Repository
from sandbox import keys
from sandbox.emulators.github.storage import git_path
from sandbox.installation import PROJECT
from sandbox.postgres import PostgresServer
from tests.end_to_end.runbook import gh
from tests.github_server import job_variables
from tests.golden.stacks import stack_values

REPOSITORY = "neonhub-backup"
"""The one that the emulator of GitHub has."""
KEY_FILE = ".sandbox/keys/backup.asc"


@dataclass
class Machine:
    """A machine on which somebody goes by the runbook."""

    home: Path
    environment: dict[str, str]
    checkout: Path = field(init=False)

    def __post_init__(self) -> None:
        """The programs that are installed there."""
        self.checkout = self.home / "work"
        programs = self.home / "bin"
        programs.mkdir(parents=True)
        for name, command in {
            "neonhub-backup": [sys.executable, "-m", "neonhub_backup"],
            "gh": [sys.executable, gh.__file__],
        }.items():
            path = programs / name
            path.write_text(f'#!/bin/sh\nexec {" ".join(command)} "$@"\n')
            path.chmod(0o755)
        (programs / "psql").symlink_to(Path(self.environment["NEONHUB_BACKUP_PG_BIN"]) / "psql")
        self.environment = {
            **{key: text for key, text in os.environ.items() if key != "GITHUB_ACTIONS"},
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(PROJECT),
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "REASON": "the connectors show wrong names",
            **self.environment,
        }

    def run(self, *words: str) -> str:
        """Run the tool in the checkout, whose configuration it finds; what it writes."""
        ran = subprocess.run(
            ["neonhub-backup", *words],
            env=self.environment,
            cwd=self.checkout,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


@pytest.fixture(scope="session")
def key_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A throwaway key pair."""
    home = tmp_path_factory.mktemp("keys")
    keys.ensure(home)
    return home


@pytest.fixture
def machine(tmp_path: Path, key_home: Path, postgres18: PostgresServer) -> Machine:
    """One with PostgreSQL's programs and the private key."""
    (tmp_path / "t").mkdir()
    return Machine(
        tmp_path,
        {
            "NEONHUB_BACKUP_PG_BIN": str(postgres18.bin_dir),
            "NEONHUB_BACKUP_PRIVATE_KEY_FILE": str(keys.private_key(key_home)),
            "TMPDIR": str(tmp_path / "t"),
        },
    )


@pytest.fixture
def deployed(
    machine: Machine, tmp_path: Path, key_home: Path
) -> Callable[[Repository, Path, Mapping[str, Any]], str]:
    """Call it with a repository, its data and changes to the local stack: the page it commits.

    The repository has what the stack generates, and the machine a checkout of it.
    """

    def deploy(repository: Repository, data: Path, changes: Mapping[str, Any]) -> str:
        found = stack_values("local", tmp_path)
        (tmp_path / KEY_FILE).write_text(keys.public_key(key_home).read_text())
        values = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in {**found.values, **changes}.items()
            if value is not None
        }
        github = json.loads(values["neonhub-backup:github"]) | {"repository": REPOSITORY}
        values["neonhub-backup:github"] = json.dumps(github)
        secrets = found.secrets | {key for key in values if key.endswith(":neonApiKey")}
        settings = parse_settings(values, stack="local", root=tmp_path, secrets=secrets)
        files = generated_files(settings, "Pulumi.local.yaml")
        for path, content in files.items():
            place = machine.checkout / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)
        _push(machine.checkout, git_path(data, repository.name))
        machine.environment |= job_variables(repository)
        return files["docs/RUNBOOK.local.md"]

    return deploy


def _push(checkout: Path, repository: Path) -> None:
    """Commit all files on top of what the repository has."""
    identity = ("-c", "user.name=Deployment", "-c", "user.email=deployment@neonhub.example")
    for words in (
        ["init", "--quiet", "--initial-branch=main"],
        ["remote", "add", "origin", str(repository)],
        ["fetch", "--quiet", "origin", "main"],
        ["reset", "--quiet", "--soft", "FETCH_HEAD"],
        ["add", "--all"],
        [*identity, "commit", "--quiet", "--message", "Generate everything"],
        ["push", "--quiet", "origin", "main"],
    ):
        subprocess.run(["git", *words], cwd=checkout, check=True, capture_output=True)
