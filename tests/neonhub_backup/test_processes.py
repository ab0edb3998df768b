"""In a pipeline every exit status counts, and nothing outlives it."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from neonhub_backup.errors import ProgramError
from neonhub_backup.processes import (
    DATA,
    PIPE_BYTES,
    Command,
    Pipeline,
    Programs,
    StoppedError,
    run,
)

SLEEP = Command(["sh", "-c", "echo $$; exec sleep 60"])
"""Says its process id, then waits."""


def _sh(text: str) -> Command:
    return Command(["sh", "-c", text])


def _feed_without_end(pipeline: Pipeline) -> None:
    while True:
        pipeline.write(bytes(1 << 20))


def _running(pid: int) -> bool:
    """Whether there is such a process, be it only one that nobody has waited for."""
    return Path(f"/proc/{pid}").exists()


def _marked(mark: str) -> bool:
    """Whether a program with this among its arguments is running."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "cmdline").read_bytes():
                return True
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
    return False


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], Command]:
    """A program with a name of its own."""

    def make(name: str, text: str) -> Command:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return Command([str(path)])

    return make


def test_each_program_reads_what_the_one_before_it_writes() -> None:
    with Pipeline(Programs(), [_sh("printf abc"), _sh("tr a-c x-z"), _sh("rev")]) as pipeline:
        assert b"".join(pipeline.blocks()) == b"zyx"
        assert pipeline.finish() == ""


def test_a_program_s_environment_is_added_to_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OURS", "1")

    assert run(Programs(), Command(["sh", "-c", "echo $OURS$ADDED"], {"ADDED": "2"})) == "12\n"


def test_what_was_not_read_is_returned() -> None:
    assert run(Programs(), _sh("echo some text")) == "some text\n"


def test_blocks_are_of_a_limited_size() -> None:
    with Pipeline(Programs(), [_sh("head -c 3000000 /dev/zero")]) as pipeline:
        sizes = [len(block) for block in pipeline.blocks()]
        pipeline.finish()

    assert sum(sizes) == 3_000_000
    assert max(sizes) <= PIPE_BYTES


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_exit_status_is_checked(place: int) -> None:
    commands = [_sh("cat"), _sh("cat"), _sh("cat")]
    commands[place] = _sh("cat; exit 3")

    with (
        pytest.raises(ProgramError, match="sh failed with exit code 3"),
        Pipeline(Programs(), commands) as pipeline,
    ):
        pipeline.finish()


def test_the_last_that_failed_is_named(program: Callable[[str, str], Command]) -> None:
    commands = [program("early", "yes"), program("late", "exit 4"), program("sound", "cat")]

    with (
        pytest.raises(ProgramError, match=r"^late failed with exit code 4"),
        Pipeline(Programs(), commands) as pipeline,
    ):
        pipeline.finish()


def test_a_signal_is_named() -> None:
    with pytest.raises(ProgramError, match="sh was ended by signal SIGKILL"):
        run(Programs(), _sh("kill -KILL $$"))


def test_what_a_failing_program_complained_of_is_quoted_in_one_line() -> None:
    with pytest.raises(ProgramError, match=r"exit code 1 \(the disk is on fire\), so"):
        run(Programs(), _sh("printf 'the disk\n  is on fire\n' >&2; exit 1"))


def test_of_many_complaints_the_last_are_quoted() -> None:
    with pytest.raises(ProgramError) as failed:
        run(Programs(), _sh("seq 100000 >&2; echo the reason >&2; exit 1"))

    assert "100000 the reason" in str(failed.value)
    assert len(str(failed.value)) < 5000


def test_what_is_written_is_fed_to_the_first_program() -> None:
    with Pipeline(Programs(), [_sh("cat"), _sh("wc -c")], fed=True) as pipeline:
        for _ in range(5):
            pipeline.write(bytes(1_000_000))
        assert pipeline.finish().strip() == "5000000"


def test_a_program_that_is_not_fed_reads_nothing() -> None:
    assert run(Programs(), Command(["cat"])) == ""


def test_a_program_that_dies_while_it_is_fed_is_named() -> None:
    dying = _sh("head -c 10; echo no more >&2; exit 5")

    with (
        Pipeline(Programs(), [dying], fed=True) as pipeline,
        pytest.raises(ProgramError, match=r"sh failed with exit code 5 \(no more\)"),
    ):
        _feed_without_end(pipeline)


def test_a_program_that_does_not_want_all_of_its_input_has_failed() -> None:
    with (
        Pipeline(Programs(), [Command(["head", "-c", "10"])], fed=True) as pipeline,
        pytest.raises(ProgramError, match="head stopped reading before the end of its input"),
    ):
        _feed_without_end(pipeline)


def test_a_program_that_is_offered_more_than_it_wants_has_not_failed() -> None:
    with Pipeline(Programs(), [Command(["head", "-c", "10"])], fed=True) as pipeline:
        while pipeline.offer(b"x" * (1 << 20)):
            pass
        assert pipeline.finish() == "x" * 10


def test_a_program_that_fails_while_it_is_offered_something_is_named() -> None:
    with Pipeline(Programs(), [_sh("head -c 10; exit 5")], fed=True) as pipeline:
        while pipeline.offer(bytes(1 << 20)):
            pass
        with pytest.raises(ProgramError, match="sh failed with exit code 5"):
            pipeline.finish()


def test_a_script_s_data_and_what_it_says_are_kept_apart() -> None:
    script = f"printf data > {DATA}; echo said"

    with Pipeline(Programs(), [Command(["sh"], script=script), _sh("tr a-z A-Z")]) as pipeline:
        assert b"".join(pipeline.blocks()) == b"DATA"
        assert pipeline.finish() == "said\n"


def test_a_script_that_fails_is_noticed() -> None:
    script = f"printf data > {DATA}; exit 6"

    with Pipeline(Programs(), [Command(["sh"], script=script), _sh("cat")]) as pipeline:
        assert b"".join(pipeline.blocks()) == b"data"
        with pytest.raises(ProgramError, match="exit code 6"):
            pipeline.finish()


def test_a_missing_program_is_named_and_those_before_it_are_ended(tmp_path: Path) -> None:
    mark = str(tmp_path)
    first = Command(["sh", "-c", "sleep 60; true", mark])

    with pytest.raises(ProgramError, match="nowhere-at-all is not installed"):
        Pipeline(Programs(), [first, Command(["nowhere-at-all"])]).__enter__()

    assert not _marked(mark)


def test_left_early_a_pipeline_ends_all_of_its_programs() -> None:
    def give_up() -> None:
        with Pipeline(Programs(), [SLEEP, _sh("head -n 1; echo $$; exec sleep 60")]) as pipeline:
            said = b""
            for block in pipeline.blocks():
                said += block
                if said.count(b"\n") == 2:
                    break
            pids.extend(int(line) for line in said.split())
            raise KeyboardInterrupt

    pids: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        give_up()

    assert len(pids) == 2
    assert not any(_running(pid) for pid in pids)


def test_a_program_that_does_not_want_to_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neonhub_backup.processes._KILL_AFTER_SECONDS", 0.1)

    with Pipeline(
        Programs(), [_sh("trap '' TERM; echo $$; while :; do sleep 60; done")]
    ) as pipeline:
        pid = int(next(pipeline.blocks()))

    assert not _running(pid)


def test_nothing_stays_open() -> None:
    script = Command(["sh"], script=f"echo data > {DATA}")
    before = _open_files()

    for commands in ([_sh("exit 1")], [_sh("yes"), SLEEP], [script, _sh("exit 1")]):
        with Pipeline(Programs(), commands) as pipeline:
            next(pipeline.blocks(), None)

    assert _open_files() == before


def test_ctrl_c_at_the_terminal_reaches_no_program() -> None:
    with Pipeline(Programs(), [SLEEP]) as pipeline:
        pid = int(next(pipeline.blocks()))

        assert os.getpgid(pid) != os.getpgid(0)


def test_stopping_ends_every_program_of_every_pipeline() -> None:
    programs = Programs()

    with Pipeline(programs, [SLEEP]) as one, Pipeline(programs, [SLEEP]) as other:
        pids = [int(next(pipeline.blocks())) for pipeline in (one, other)]
        began = time.monotonic()
        programs.stop()
        for pipeline in (one, other):
            with pytest.raises(StoppedError):
                pipeline.finish()

    assert time.monotonic() - began < 30
    assert not any(_running(pid) for pid in pids)


def test_once_stopped_no_program_is_started() -> None:
    programs = Programs()
    programs.stop()

    with pytest.raises(StoppedError, match="sh was not started"):
        run(programs, _sh("true"))


def test_a_program_that_ended_well_does_not_count_once_stopped() -> None:
    programs = Programs()

    with Pipeline(programs, [_sh("echo done")]) as pipeline:
        assert b"".join(pipeline.blocks()) == b"done\n"
        programs.stop()
        with pytest.raises(StoppedError):
            pipeline.finish()
