"""A sandbox beside the clone's own, for tests: a copy of the project, free ports, its own state."""

import shutil
import subprocess
from pathlib import Path
from typing import Self

from sandbox import stack_file
from sandbox.files import link_atomically
from sandbox.installation import PROJECT
from sandbox.local import Sandbox
from sandbox.processes import free_port
from sandbox.stack_file import STACK

_NOT_THE_PROGRAM = shutil.ignore_patterns(
    ".*", "__pycache__", "benchmarks", "docs", "requirements", "sandbox", "tests"
)


class Throwaway(Sandbox):
    """Servers and a stack that nobody else sees; share the clone's programs with it."""

    @classmethod
    def create(cls, place: Path) -> Self:
        """Copies the project into an empty place. Nothing is started."""
        project = place / "project"
        shutil.copytree(PROJECT, project, ignore=_NOT_THE_PROGRAM)
        config = project / f"Pulumi.{STACK}.yaml"
        ports = {port: free_port() for port in stack_file.read(config).ports}
        config.write_text(stack_file.with_ports(config.read_text(), ports))
        sandbox = cls(project)
        link_atomically(project / ".venv", sandbox.installation.environment.place)
        sandbox.prepare()
        return sandbox

    @property
    def moto_url(self) -> str:
        """Where AWS is."""
        return self.addresses.moto_url

    @property
    def github_url(self) -> str:
        """Where GitHub's REST API is, with `/api/v3/`."""
        return self.addresses.github_url

    @property
    def gcs_url(self) -> str:
        """Where Google Cloud is."""
        return self.addresses.gcs_url

    @property
    def database_url(self) -> str:
        """The demo database, which is there and empty."""
        return self.addresses.database_url

    def run(self, *command: str, standard_input: str = "") -> subprocess.CompletedProcess[str]:
        """Any command in the project, with what `sandbox/env` exports."""
        return subprocess.run(
            command,
            cwd=self.project,
            env=self.process_environment(),
            input=standard_input,
            capture_output=True,
            text=True,
            check=False,
        )

    def pulumi(self, *arguments: str, standard_input: str = "") -> subprocess.CompletedProcess[str]:
        """The engine in the project; it is for the test to look at the exit code."""
        engine = str(self.installation.bin / "pulumi")
        return self.run(engine, "--non-interactive", *arguments, standard_input=standard_input)
