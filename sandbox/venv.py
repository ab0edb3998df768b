"""The Python environment: made from hashed requirements, and made anew when they change."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.files import fingerprint, link_atomically, write_atomically
from sandbox.jobs import Job
from sandbox.processes import Supervisor

OLDEST = (3, 11)
REUSED = "reused"

_OFFLINE = "see whether this machine reaches PyPI, and run it again"


class Environment:
    """A virtual environment with everything the sandbox and the tests need."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.python = place / "bin" / "python"
        # Written last: a stamp means that everything before it was done.
        self._requirements_stamp = place / ".requirements"
        self._project_stamp = place / ".project"

    def key(self, project: Path) -> str:
        """Changes when the environment has to be made anew."""
        requirements = sorted((project / "requirements").glob("*.txt"))
        version = ".".join(map(str, sys.version_info[:3]))
        return fingerprint(*requirements, version, sys.base_prefix, str(self.place))

    def ensure(self, project: Path, supervisor: Supervisor) -> str:
        """Makes what is missing or stale; says what it did."""
        done: list[str] = []
        key = self.key(project)
        if not _says(self._requirements_stamp, key):
            self._create(project, supervisor)
            write_atomically(self._requirements_stamp, key)
            done.append("installed with uv from hashed requirements")
        key = fingerprint(project / "pyproject.toml")
        if not _says(self._project_stamp, key):
            self._run(
                supervisor,
                project,
                [
                    *self._uv("install"),
                    "--no-deps",
                    "--no-build-isolation",
                    "--editable",
                    str(project),
                ],
                "correct pyproject.toml",
            )
            write_atomically(self._project_stamp, key)
            done = done or ["this project installed anew"]
        self._link(project)
        return done[0] if done else REUSED

    def _create(self, project: Path, supervisor: Supervisor) -> None:
        requirements = project / "requirements"
        if self.place.exists():
            shutil.rmtree(self.place)
        self._run(
            supervisor,
            project,
            [str(_base_python()), "-m", "venv", str(self.place)],
            "install Python's venv module (Debian: `apt-get install python3-venv`)",
        )
        self._run(
            supervisor,
            project,
            [
                *(str(self.python), "-m", "pip", "install", "--quiet", "--no-input"),
                *("--require-hashes", "-r", str(requirements / "bootstrap.txt")),
            ],
            _OFFLINE,
        )
        self._run(
            supervisor,
            project,
            [*self._uv("install"), "--require-hashes", "-r", str(requirements / "dev.txt")],
            _OFFLINE,
        )

    def _uv(self, command: str) -> list[str]:
        uv = str(self.place / "bin" / "uv")
        return [uv, "pip", command, "--quiet", "--python", str(self.python)]

    def _run(self, supervisor: Supervisor, project: Path, command: list[str], fix: str) -> None:
        environment = os.environ | self._pips_index()
        job = Job(supervisor, "python", command, directory=project, environment=environment)
        job.wait(fix)

    def _pips_index(self) -> dict[str, str]:
        """uv does not read pip's configuration, which is where people name their mirror."""
        if not self.python.exists() or "UV_DEFAULT_INDEX" in os.environ:
            return {}
        configured = subprocess.run(
            [self.python, "-m", "pip", "config", "list"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        index = re.search(r"^[\w:.]*\.index-url='(.*)'$", configured, re.MULTILINE)
        return {"UV_DEFAULT_INDEX": index.group(1)} if index else {}

    def _link(self, project: Path) -> None:
        """`.venv` is where editors and type checkers look."""
        link = project / ".venv"
        if link.exists() and not link.is_symlink():
            raise SandboxError(
                f"{link} is not a link of ours, so it was left alone: move it away, because editors"
                " and the type checker look there"
            )
        link_atomically(link, Path(os.path.relpath(self.place, project)))


def offer_base_python(folder: Path) -> None:
    """Puts the interpreter outside of any virtual environment there, as `python` and `python3`."""
    for name in ("python", "python3"):
        # A link would look for its libraries beside itself.
        write_atomically(
            folder / name, f'#!/bin/sh\nexec {shlex.quote(str(_base_python()))} "$@"\n', mode=0o755
        )


def _says(stamp: Path, key: str) -> bool:
    return stamp.exists() and stamp.read_text() == key


def _base_python() -> Path:
    """The interpreter outside of any virtual environment: ours is about to be replaced."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix) / "bin" / version
    return base if base.exists() else Path(sys.executable)
