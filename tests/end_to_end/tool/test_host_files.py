"""A machine that backs up by itself: its script, on a real server."""

import fcntl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.tool.aging import aged
from tests.end_to_end.tool.conftest import Tool

SECRETS = ("DATABASE_URL", "NEONHUB_BACKUP_PG_BIN", "TMPDIR")


@dataclass(frozen=True)
class Machine:
    """Where the files of an installation were rendered."""

    tool: Tool
    directory: Path

    @property
    def script(self) -> Path:
        """What cron starts."""
        return self.directory / "scripts" / "backup-db.sh"

    def keep_secrets(self, **changed: str) -> None:
        """Write the file with the secrets."""
        known = {name: self.tool.environment[name] for name in SECRETS} | changed
        path = self.directory / "backup.env"
        path.write_text("".join(f"{name}='{value}'\n" for name, value in known.items()))
        path.chmod(0o600)

    def start(self) -> subprocess.Popen[str]:
        """Start the script as cron does, with next to no environment."""
        return subprocess.Popen(
            [self.script],
            cwd="/",
            env={"PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, expect: int) -> str:
        """Run it to its end, which must have this exit code; what it said on standard error."""
        process = self.start()
        stdout, stderr = process.communicate(timeout=120)
        assert process.returncode == expect, f"{process.returncode}: {stdout}{stderr}"
        return stderr

    def is_at_work(self) -> bool:
        """Whether a run holds the lock."""
        with self.script.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


@pytest.fixture
def machine(tool: Tool, tmp_path: Path) -> Machine:
    """A machine with a directory store and the file with its secrets."""
    machine = Machine(tool, tmp_path / "host")
    tool.run("host-files", str(machine.directory))
    machine.keep_secrets()
    return machine


def test_the_script_backs_up_and_prunes_what_has_had_its_time(machine: Machine) -> None:
    tool = machine.tool
    machine.run(expect=0)
    (first,) = tool.names()
    old = aged(tool, first, 90)

    machine.run(expect=0)

    assert old.name not in tool.names()
    assert first in tool.names()
    tool.run("drill", "latest")


def test_a_second_run_is_refused_while_the_first_is_at_work(machine: Machine) -> None:
    with machine.start() as first:
        deadline = time.monotonic() + 30
        while not machine.is_at_work():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        said = machine.run(expect=75)
        output, errors = first.communicate(timeout=120)

    assert "another run is still at work" in said
    assert first.returncode == 0, f"{output}{errors}"
    assert len(machine.tool.names()) == 1


def test_a_database_that_fails_ends_the_run_and_prunes_nothing(machine: Machine) -> None:
    tool = machine.tool
    old = aged(tool, tool.backup(), 90)
    machine.keep_secrets(DATABASE_URL="postgresql://nobody:secret@127.0.0.1:1/none")

    said = machine.run(expect=4)

    assert "ended with exit code 4, and what follows was not done" in said
    assert "secret" not in said
    assert old.name in tool.names()
