"""Showing how far a run is: now and then, in words or events, and in bars on a terminal."""

import json
import logging
import os
import pty
import re
import select
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from neonhub_backup.cli.messages import say_logs
from neonhub_backup.cli.progress import Live, Periodic, State, listener, tell_event, tell_line
from neonhub_backup.progress import phase

SIZES = {"public.users": 60 << 20, "public.vectors": 40 << 20}
SILENCE_SECONDS = 0.3
"""After so long, a terminal has shown all that was written to it."""


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Told:
    """What was told, and when."""

    states: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    def __call__(self, state: State, now: float) -> None:
        self.states.append((now, state.bytes_done))


def _state() -> State:
    """60 MiB of users done and 20 of 40 MiB of vectors, in 8 seconds."""
    state = State("rows", dict(SIZES), began=100.0)
    state.done = {"public.users": 60 << 20, "public.vectors": 20 << 20}
    return state


class TestASlowListener:
    """Is told now and then, however often the engine says something."""

    def test_is_told_once_in_its_time(self) -> None:
        clock, told = Clock(), Told()
        periodic = Periodic(10.0, told, clock)

        with phase(periodic, "rows", SIZES):
            for second in range(1, 25):
                clock.now = second
                periodic.advance("public.users", 100)

        assert told.states == [(10.0, 1000), (20.0, 2000), (24.0, 2400)]

    def test_hears_nothing_of_a_phase_that_is_over_at_once(self) -> None:
        clock, told = Clock(), Told()
        periodic = Periodic(10.0, told, clock)

        with phase(periodic, "rows", SIZES):
            clock.now = 9
            periodic.advance("public.users", 100)

        assert told.states == []

    def test_hears_of_the_end_when_the_phase_fails(self) -> None:
        clock, told = Clock(), Told()
        periodic = Periodic(1.0, told, clock)

        def run() -> None:
            with phase(periodic, "indexes", {}):
                clock.now = 2
                periodic.place("by_meaning", 5, 10)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            run()

        assert len(told.states) == 2

    def test_hears_nothing_outside_of_phases(self) -> None:
        told = Told()

        Periodic(0.0, told).advance("public.users", 100)

        assert told.states == []


class TestALine:
    """Says how much is done of how much, how fast, how long it will take, and at what."""

    def test_of_rows(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)

        tell_line(_state(), 108.0)

        assert caplog.messages == [
            "rows: 80.0 MiB of 100.0 MiB (80%), 10.0 MiB/s, 2 s left, at public.vectors 50%"
        ]

    def test_of_indexes_whose_bytes_nobody_knows(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)
        state = State("indexes", {}, began=0.0)
        state.places = {"by_meaning": (30, 120), "by_name": (10, 10)}

        tell_line(state, 4000.0)

        assert caplog.messages == ["indexes, at by_meaning 25%"]

    @pytest.mark.parametrize(
        ("seconds", "words"),
        [(59.4, "59 s left"), (61, "1 min 1 s left"), (7260, "2 h 1 min left")],
    )
    def test_counts_time_as_people_do(
        self, seconds: float, words: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        state = State("rows", {"a": 2000}, began=0.0)
        state.done = {"a": 1000}

        tell_line(state, seconds)

        assert words in caplog.text


def test_an_event_holds_the_same_as_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    tell_event(_state(), 108.0)

    assert json.loads(capsys.readouterr().err) == {
        "event": "progress",
        "phase": "rows",
        "bytes": 80 << 20,
        "bytes_in_all": 100 << 20,
        "bytes_per_second": 10 << 20,
        "seconds_left": 2.0,
        "at_work": {"public.vectors": 0.5},
    }


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Callable[[], str]]:
    """Make standard error a terminal from now on; gives what it shows so far."""

    def attach() -> Callable[[], str]:
        controller, terminal = pty.openpty()
        monkeypatch.setattr(sys, "stderr", os.fdopen(terminal, "w", buffering=1))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "120")
        return lambda: _all_of(controller)

    return attach


def _all_of(controller: int) -> str:
    """What has been written to a terminal; it comes in pieces."""
    shown = b""
    while select.select([controller], [], [], SILENCE_SECONDS)[0]:
        shown += os.read(controller, 1 << 16)
    return shown.decode()


class TestBars:
    """On a terminal there is one for the phase and one for each table at work."""

    def test_name_the_phase_and_the_tables(self, terminal: Callable[[], Callable[[], str]]) -> None:
        shown = terminal()
        live = Live()

        with phase(live, "rows", SIZES):
            live.advance("public.users", 15 << 20)
            live.advance("public.vectors", 40 << 20)

        said = shown()
        assert "rows" in said
        assert "public.users" in said
        assert "15.0/60.0 MiB" in said

    def test_of_indexes_follow_the_server(self, terminal: Callable[[], Callable[[], str]]) -> None:
        shown = terminal()
        live = Live()

        with phase(live, "indexes", {}):
            live.place("by_meaning", 1, 4)

        assert " 25%" in shown()

    def test_give_the_cursor_back(self, terminal: Callable[[], Callable[[], str]]) -> None:
        shown = terminal()
        live = Live()

        with pytest.raises(RuntimeError), phase(live, "rows", SIZES):
            raise RuntimeError

        assert shown().rstrip().endswith(("\x1b[?25h", "\x1b[2K"))

    def test_have_no_colours_where_nobody_wants_them(
        self, terminal: Callable[[], Callable[[], str]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("NO_COLOR", "1")
        shown = terminal()

        with phase(Live(), "rows", SIZES):
            pass

        assert not re.search(r"\x1b\[[0-9;]*m", shown())


class TestWhoListens:
    """Depends on where standard error goes."""

    def test_on_a_terminal_there_are_bars(self, terminal: Callable[[], Callable[[], str]]) -> None:
        terminal()
        say_logs(as_events=False)

        assert isinstance(listener(), Live)

    def test_with_json_there_are_events_even_on_a_terminal(
        self, terminal: Callable[[], Callable[[], str]]
    ) -> None:
        terminal()
        say_logs(as_events=True)
        try:
            assert isinstance(listener(), Periodic)
        finally:
            say_logs(as_events=False)

    def test_where_nobody_looks_there_are_lines(self) -> None:
        assert isinstance(listener(), Periodic)
