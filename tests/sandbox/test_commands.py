"""The commands behind `make`, where nothing has been installed yet."""

import fcntl
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.installation import PROJECT
from sandbox.processes import Supervisor, started


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in which no command was ever run."""
    clone = tmp_path / "clone"
    shutil.copytree(
        PROJECT / "sandbox", clone / "sandbox", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copytree(PROJECT / "requirements", clone / "requirements")
    shutil.copy(PROJECT / "Makefile", clone)
    return clone


def sandbox(clone: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", command],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )


def test_stopping_where_nothing_runs_is_no_error(clone: Path) -> None:
    done = sandbox(clone, "down")

    assert (done.returncode, done.stdout) == (0, "Nothing was running.\n")


def test_stopping_needs_nothing_installed(clone: Path) -> None:
    supervisor = Supervisor(clone / ".sandbox" / "run", clone / ".sandbox" / "logs")
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as server:
        supervisor.record("server", server.pid, signal.SIGTERM)

        done = sandbox(clone, "down")

    assert (done.returncode, done.stdout) == (0, "Stopped server.\n")
    assert started(server.pid) is None


def test_cleaning_removes_what_is_ours_and_nothing_else(clone: Path) -> None:
    sandbox(clone, "down")
    (clone / ".venv").symlink_to(".sandbox/venv")
    (clone / "notes.txt").write_text("mine")

    done = sandbox(clone, "clean")

    assert done.returncode == 0
    left = sorted(path.name for path in clone.iterdir() if path.name != "__pycache__")
    assert left == ["Makefile", "notes.txt", "requirements", "sandbox"]


def test_cleaning_leaves_a_virtual_environment_that_is_not_ours(clone: Path) -> None:
    (clone / ".venv").mkdir()

    assert sandbox(clone, "clean").returncode == 0
    assert (clone / ".venv").is_dir()


def test_two_commands_at_once_are_refused(clone: Path) -> None:
    (clone / ".sandbox").mkdir()
    with (clone / ".sandbox" / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        done = sandbox(clone, "down")

    assert done.returncode == 1
    assert done.stderr.strip().startswith("Another `make` command is at work")


def test_a_machine_without_a_suitable_python_is_told_so(clone: Path) -> None:
    done = subprocess.run(
        ["make", "PYTHON=", "up"], cwd=clone, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert "This machine has no Python 3.11 or newer" in done.stderr


def test_the_makefiles_targets_explain_themselves(clone: Path) -> None:
    done = subprocess.run(
        ["make", "help"], cwd=clone, capture_output=True, text=True, check=True
    ).stdout

    for target in ("up", "down", "clean", "test"):
        assert f"make {target} " in done
