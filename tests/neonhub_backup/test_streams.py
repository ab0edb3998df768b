"""Of streams that run side by side, the first that fails ends the rest."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NoReturn

import pytest

from neonhub_backup.errors import ProgramError
from neonhub_backup.processes import Command, Programs, StoppedError, run
from neonhub_backup.streams import parallelism, settle, workers

PATIENCE_SECONDS = 30.0


def _fail() -> NoReturn:
    raise ProgramError("the first one")


def _interrupt(*_: object, **__: object) -> NoReturn:
    raise KeyboardInterrupt


def test_what_all_return_can_be_read_once_settled() -> None:
    with workers() as pool:
        futures = [pool.submit(str, number) for number in range(10)]
        settle(futures, Programs())

    assert [future.result() for future in futures] == [str(number) for number in range(10)]


def test_the_first_failure_is_raised_and_ends_the_programs_of_the_others() -> None:
    programs = Programs()

    with workers() as pool:
        long = pool.submit(run, programs, Command(["sleep", "60"]))
        with pytest.raises(ProgramError, match="the first one"):
            settle([long, pool.submit(_fail)], programs)

    # Whether it had been started already or not.
    assert isinstance(long.exception(), StoppedError)


def test_what_has_not_begun_after_a_failure_never_does() -> None:
    started = threading.Event()
    begun: list[int] = []

    with ThreadPoolExecutor(2) as pool:
        busy = pool.submit(started.wait, PATIENCE_SECONDS)
        failing = pool.submit(_fail)
        programs = Programs()
        # With both threads held, none of those that wait can begin before the failure is seen.
        failing.exception()
        holding = pool.submit(started.wait, PATIENCE_SECONDS)
        waiting = [pool.submit(begun.append, number) for number in range(5)]
        with pytest.raises(ProgramError):
            settle([busy, failing, holding, *waiting], programs)
        started.set()

    assert begun == []
    assert all(future.cancelled() for future in waiting)


def test_an_interrupt_while_waiting_ends_the_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = Programs()
    waiting: Future[None] = Future()
    monkeypatch.setattr("neonhub_backup.streams.wait", _interrupt)

    with pytest.raises(KeyboardInterrupt):
        settle([waiting], programs)

    assert programs.stopped
    assert waiting.cancelled()


def test_no_thread_outlives_the_workers() -> None:
    with workers() as pool:
        for _ in range(10):
            pool.submit(str)

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("stream")]


def test_there_are_always_two_streams_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)

    assert parallelism() == 2
