"""Servers are found again by what they are, never by a number alone."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.jobs import Job
from sandbox.processes import Server, Supervisor, started


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    supervisor = Supervisor(tmp_path / "run", tmp_path / "logs", patience_seconds=0.5)
    yield supervisor
    for name in supervisor.names():
        supervisor.stop(name)


def sleeper(*command: str, ready: bool = True, start_seconds: float = 30.0) -> Server:
    """A process that listens nowhere: port 1 is never answered here."""
    return Server(
        name="sleeper",
        command=command or ("sleep", "60"),
        port=1,
        ready=lambda: ready,
        start_seconds=start_seconds,
    )


def test_a_server_is_found_again_by_the_next_command(supervisor: Supervisor) -> None:
    supervisor.start(sleeper())

    assert supervisor.running(sleeper())


def test_a_server_with_another_command_is_not_the_one_wanted(supervisor: Supervisor) -> None:
    supervisor.start(sleeper())

    assert not supervisor.running(sleeper("sleep", "61"))


def test_a_server_that_is_slow_to_answer_is_given_time(supervisor: Supervisor) -> None:
    answers = iter([False, False, True])
    server = replace(sleeper(), ready=lambda: next(answers))
    supervisor.start(server)

    assert supervisor.running(server)


def test_a_server_that_does_not_answer_any_more_is_not_running(supervisor: Supervisor) -> None:
    supervisor.start(sleeper())

    assert not supervisor.running(sleeper(ready=False))


def test_a_process_that_got_the_same_number_later_is_never_touched(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        supervisor.record("sleeper", stranger.pid, signal.SIGTERM)
        record = tmp_path / "run" / "sleeper.json"
        record.write_text(json.dumps(json.loads(record.read_text()) | {"started": "earlier"}))

        assert not supervisor.stop("sleeper")
        assert stranger.poll() is None
        stranger.kill()


def test_stopping_ends_what_the_server_started_too(supervisor: Supervisor, tmp_path: Path) -> None:
    child = tmp_path / "child"
    supervisor.start(
        sleeper("sh", "-c", f"sleep 60 & echo $! > {child}.new; mv {child}.new {child}; wait")
    )
    while not child.exists():
        time.sleep(0.01)

    assert supervisor.stop("sleeper")
    # The kill is certain, but not instantaneous.
    deadline = time.monotonic() + 10
    while started(int(child.read_text())) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_server_that_does_not_listen_to_reason_is_killed(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    deaf = tmp_path / "deaf"
    supervisor.start(sleeper("sh", "-c", f"trap '' TERM; touch {deaf}; while :; do sleep 1; done"))
    while not deaf.exists():
        time.sleep(0.01)

    assert supervisor.stop("sleeper")
    assert supervisor.identity("sleeper") is None


def test_a_server_that_ends_at_once_is_reported_with_its_last_words(
    supervisor: Supervisor,
) -> None:
    server = sleeper("sh", "-c", "echo the disk is full", ready=False)
    supervisor.start(server)

    with pytest.raises(
        SandboxError, match=r"sleeper ended as soon as it started(.|\n)*disk is full"
    ):
        supervisor.wait(server)


def test_a_server_that_stays_silent_is_reported(supervisor: Supervisor) -> None:
    server = sleeper(ready=False, start_seconds=0.3)
    supervisor.start(server)

    with pytest.raises(SandboxError, match="sleeper did not answer within"):
        supervisor.wait(server)


def test_a_dead_process_has_not_started() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()

    assert started(process.pid) is None
    assert started(os.getpid()) is not None


def test_a_failed_job_says_what_it_wrote_last_and_the_fix(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    job = Job(supervisor, "build", ["sh", "-c", "echo no network; exit 3"], directory=tmp_path)

    with pytest.raises(SandboxError, match=r"exit code 3; plug it in(.|\n)*no network"):
        job.wait("plug it in")


def test_a_job_whose_command_was_killed_is_ended_by_the_next(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    code = (
        "from pathlib import Path; import os\n"
        "from sandbox.jobs import Job; from sandbox.processes import Supervisor\n"
        f"place = Path({str(tmp_path)!r})\n"
        "supervisor = Supervisor(place / 'run', place / 'logs')\n"
        "Job(supervisor, 'build', ['sleep', '60'], directory=place)\n"
        "os._exit(1)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False)

    assert supervisor.identity("build") is not None
    supervisor.end_orphans()
    assert supervisor.names() == []


def test_ending_orphans_leaves_servers_alone(supervisor: Supervisor) -> None:
    supervisor.start(sleeper())

    supervisor.end_orphans()

    assert supervisor.running(sleeper())
