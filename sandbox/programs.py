"""The system's own programs that the sandbox cannot bring along."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from sandbox.errors import SandboxError

ALL_HERE = "all here"
"""What `ensure` says when it had nothing to do."""

_PACKAGES = {
    "gpg": "gnupg",
    "zstd": "zstd",
    "git": "git",
    "setpriv": "util-linux",
    "npm": "npm",
    "node": "nodejs",
}
"""Which Debian package holds each program."""


def wanted(*, go: bool) -> list[str]:
    """The programs that this machine must have; Go only when something has to be built."""
    programs = ["gpg", "zstd", "git"]
    if os.geteuid() == 0 and Path("/proc").exists():
        programs.append("setpriv")
    if go:
        programs.append("go")
    return programs


def missing(programs: Iterable[str]) -> list[str]:
    """Those that are not on PATH."""
    return [program for program in programs if shutil.which(program) is None]


def ensure(programs: Iterable[str]) -> str:
    """Finds them all, or installs what Debian packages; says what it did.

    Raises SandboxError, which names everything that is missing at once.
    """
    absent = missing(programs)
    installed = [_PACKAGES[program] for program in absent if program in _PACKAGES]
    if installed and os.geteuid() == 0 and shutil.which("apt-get"):
        _apt_get(installed)
        absent = missing(absent)
    if absent:
        raise SandboxError(_how_to_get(absent))
    return f"installed {', '.join(installed)} with apt-get" if installed else ALL_HERE


def _apt_get(packages: list[str]) -> None:
    print(f"  programs         apt-get install {' '.join(packages)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(
            ["apt-get", "--quiet", *command],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode != 0:
            raise SandboxError(
                f"`apt-get {' '.join(command)}` failed ({' '.join(done.stderr.split())[-300:]}):"
                f" install {', '.join(packages)} yourself"
            )


def _how_to_get(absent: list[str]) -> str:
    advice: list[str] = []
    packages = [_PACKAGES[program] for program in absent if program in _PACKAGES]
    if packages:
        names = " ".join(packages)
        advice.append(f"`sudo apt-get install {names}` or `brew install {names}`")
    if "go" in absent:
        advice.append(
            "Go from https://go.dev/dl"
            " (it builds the engine, two emulators, a linter and a workflow runner)"
        )
    return f"this machine has no {', '.join(absent)}: install {' and '.join(advice)}"
