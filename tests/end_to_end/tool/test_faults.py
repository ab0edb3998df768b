"""Whatever dies: a clear message, nothing half-written, the last good backup intact."""

import json
import os
import resource
import shutil
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from neonhub_backup.domain.configuration import DirectoryStore
from tests.end_to_end.tool.conftest import Tool

MARK = "NEONHUB_BACKUP_TEST_RUN"


@contextmanager
def nothing_stays_behind(tool: Tool) -> Generator[None]:
    """No process of the run, no partial object, no temporary file, no database but those before."""
    run = str(tool.home)
    tool.environment[MARK] = run
    databases = tool.databases()
    before = [path for path in tool.files() if path.name == "manifest.json"]
    yield
    assert left(run) == []
    assert [path for path in tool.files() if path.name.startswith(".partial")] == []
    assert [path for path in tool.files() if path.name == "manifest.json"] == before
    assert list(Path(tool.environment["TMPDIR"]).iterdir()) == []
    assert tool.databases() == databases


def descendants(run: str) -> list[str]:
    """Command lines of processes that carry a run's mark in their environment."""
    found: list[str] = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                environment = (process / "environ").read_bytes()
                command = (process / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                # Gone meanwhile, or another user's.
                continue
            if f"{MARK}={run}".encode() in environment:
                found.append(command.replace(b"\0", b" ").decode())
    return found


def left(run: str, program: str = "") -> list[str]:
    """Those that are still there when what was told to end has had time to."""
    deadline = time.monotonic() + 20
    while True:
        found = [command for command in descendants(run) if program in command]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def dying(tool: Tool, directory: Path, program: str, after_bytes: int) -> dict[str, str]:
    """An environment in which one program is killed after it has written so many bytes."""
    directory.mkdir()
    real = tool.server.bin_dir / program
    if not real.exists():
        real = Path(str(shutil.which(program)))
    for other in tool.server.bin_dir.iterdir():
        if other.name != program:
            (directory / other.name).symlink_to(other)
    wrapper = directory / program
    wrapper.write_text(
        "#!/bin/bash\n"
        f'[ "$1" = --version ] && exec {real} --version\n'
        f'case "$*" in *--show-keys*|*--import*|*--list-secret-keys*) exec {real} "$@";; esac\n'
        f'{real} "$@" > >(head -c {after_bytes})\n'
        "kill -KILL $$\n"
    )
    wrapper.chmod(0o755)
    return {
        "NEONHUB_BACKUP_PG_BIN": str(directory),
        "PATH": f"{directory}{os.pathsep}{os.environ['PATH']}",
    }


@pytest.mark.parametrize("program", ["pg_dump", "zstd", "gpg"])
def test_a_program_killed_halfway_leaves_no_backup(
    program: str, tool: Tool, tmp_path: Path
) -> None:
    good = tool.backup()
    environment = dying(tool, tmp_path / "bin", program, 500)

    with nothing_stays_behind(tool):
        failed = tool.run("backup", expect=5, **environment)

    assert program in failed.stderr
    assert "SIGKILL" in failed.stderr
    assert tool.names() == [good]


def test_psql_killed_halfway_leaves_no_backup(tool: Tool, tmp_path: Path) -> None:
    good = tool.backup()
    wrapper = tmp_path / "bin" / "psql"
    environment = dying(tool, tmp_path / "bin", "psql", 0)
    # psql writes its data into a pipe of its own: it is killed while that pipe is read.
    wrapper.write_text(
        "#!/bin/bash\n"
        f'{tool.server.bin_dir}/psql "$@" & child=$!\n'
        "kill -KILL $child; wait $child; kill -KILL $$\n"
    )

    with nothing_stays_behind(tool):
        failed = tool.run("backup", expect=5, **environment)

    assert "psql" in failed.stderr
    assert tool.names() == [good]


def test_restoring_the_latest_takes_the_last_complete_backup(tool: Tool, tmp_path: Path) -> None:
    good = tool.backup()
    tool.run("backup", expect=5, **dying(tool, tmp_path / "bin", "zstd", 500))
    url = tool.url("after_a_failure")

    restored = tool.run("restore", "latest", "--into", "COPY_URL", "--json", COPY_URL=url)

    assert json.loads(restored.stdout)["name"] == good


def test_a_store_that_runs_out_of_space_halfway_has_no_backup(tool: Tool) -> None:
    good = tool.backup()

    with nothing_stays_behind(tool):
        process = tool.start("backup")
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
        _, stderr = process.communicate(timeout=60)

    assert process.returncode == 6, stderr
    assert "disk" in stderr
    assert tool.names() == [good]


def test_a_store_that_fails_does_not_cost_the_other_its_copy(tool: Tool, tmp_path: Path) -> None:
    tool.stores = [DirectoryStore(name="unmounted", path=tmp_path / "nowhere"), *tool.stores]

    failed = tool.run("backup", expect=3)

    assert "unmounted" in failed.stderr
    (kept,) = json.loads(tool.run("list", "--store", "disk", "--json").stdout)
    assert tool.run("drill", kept["name"], "--store", "disk").returncode == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("command", ["backup", "restore", "drill"])
def test_an_interrupt_leaves_nothing_behind(
    command: str, number: signal.Signals, code: int, tool: Tool, tmp_path: Path
) -> None:
    tool.backup()
    # Slow enough for the interrupt to come in the middle.
    slow = tmp_path / "bin"
    slow.mkdir()
    zstd = shutil.which("zstd")
    (slow / "zstd").write_text(f'#!/bin/bash\nsleep 0.5\nexec {zstd} "$@"\n')
    (slow / "zstd").chmod(0o755)
    arguments = ["--into", "COPY_URL"] if command == "restore" else []
    environment = {
        "COPY_URL": tool.url("interrupted"),
        "PATH": f"{slow}{os.pathsep}{os.environ['PATH']}",
    }

    with nothing_stays_behind(tool):
        process = tool.start(command, *arguments, **environment)
        wait_for("zstd", str(tool.home))
        process.send_signal(number)
        _, stderr = process.communicate(timeout=60)

    assert process.returncode == code, stderr
    assert "nothing incomplete was kept" in stderr
    assert "Traceback" not in stderr


def test_an_interrupt_cancels_the_statement_that_the_server_is_at(
    tool: Tool, tmp_path: Path
) -> None:
    slow = tmp_path / "slow.sql"
    slow.write_text("SELECT pg_sleep(600)")
    at_work = (
        "SELECT FROM pg_stat_activity WHERE state = 'active' AND query = 'SELECT pg_sleep(600)'"
    )

    process = tool.start("rollback", "migration", "1_slow", "--sql", str(slow), "--dry-run")
    with psycopg.connect(tool.url(tool.database), autocommit=True) as connection:
        while not connection.execute(at_work).fetchall():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=60)
        left = connection.execute(at_work).fetchall()

    assert process.returncode == 130, stderr
    assert left == []
    assert stderr == "neonhub-backup: stopped by SIGINT; nothing incomplete was kept\n"


def test_a_drill_that_is_killed_outright_leaves_no_server_running(tool: Tool) -> None:
    tool.backup()
    tool.environment[MARK] = str(tool.home)

    process = tool.start("drill")
    wait_for("postgres", str(tool.home))
    process.kill()
    process.communicate(timeout=60)

    # gpg-agent notices only later that nobody needs it any more.
    assert left(str(tool.home), "postgres") == []


def test_a_password_shows_in_no_list_of_processes_and_no_output(tool: Tool) -> None:
    password = urlsplit(tool.url("x")).password
    assert password
    tool.environment[MARK] = str(tool.home)

    process = tool.start("--verbose", "backup")
    seen: set[str] = set()
    while process.poll() is None:
        seen.update(descendants(str(tool.home)))
    stdout, stderr = process.communicate()

    assert any("psql" in command for command in seen)
    assert not any(password in command for command in seen)
    assert password not in stdout + stderr


def wait_for(program: str, run: str) -> None:
    """Wait until a program of a run is at work."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if any(program in command for command in descendants(run)):
            return
        time.sleep(0.01)
    raise AssertionError(f"{program} was never started")
