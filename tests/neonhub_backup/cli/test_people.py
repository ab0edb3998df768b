"""People are asked where there are any, and nothing is taken for their consent."""

import io
import sys

import pytest
import typer

from neonhub_backup.cli.journals import read_skips
from neonhub_backup.cli.people import Terminal
from neonhub_backup.errors import ConfigurationError, UnconfirmedError
from neonhub_backup.postgres.placement import Session

API = Session(7, "app", "api", "node", "10.0.0.7", "idle", "2026-01-05T02:00:00Z")


class Screen(io.StringIO):
    """A terminal, as far as Python sees one."""

    def isatty(self) -> bool:
        return True


def typing(answer: str, monkeypatch: pytest.MonkeyPatch) -> Screen:
    """A terminal on which somebody types this; what they see."""
    seen = Screen()
    monkeypatch.setattr(sys, "stdin", Screen(answer))
    monkeypatch.setattr(sys, "stderr", seen)
    return seen


def test_a_yes_on_a_terminal_confirms(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = typing("y\n", monkeypatch)

    Terminal(yes=False).confirm("the copy takes the name")

    assert "the copy takes the name. Go on?" in seen.getvalue()


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_anything_else_does_not(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    typing(answer, monkeypatch)

    with pytest.raises(typer.Abort):
        Terminal(yes=False).confirm("the copy takes the name")


def test_who_is_connected_is_shown_until_somebody_looks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = typing("\n", monkeypatch)

    Terminal(yes=False).wait([API])

    assert "connected: api of node from 10.0.0.7, idle since" in seen.getvalue()


def test_without_a_terminal_nothing_is_confirmed_but_by_yes() -> None:
    with pytest.raises(UnconfirmedError, match="give --yes"):
        Terminal(yes=False).confirm("the copy takes the name")
    Terminal(yes=True).confirm("the copy takes the name")


@pytest.mark.parametrize("yes", [True, False])
def test_without_a_terminal_connections_are_waited_for_as_long_as_asked(
    yes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr("neonhub_backup.cli.people.time.monotonic", lambda: now)
    monkeypatch.setattr("neonhub_backup.cli.people.time.sleep", sleep)
    people = Terminal(yes=yes, wait_minutes=1)

    while now < 60:
        people.wait([API])
    with pytest.raises(UnconfirmedError, match=r"1 connections are open \(api of node.*--fence"):
        people.wait([API])


def test_every_step_left_out_has_the_reason() -> None:
    assert read_skips(["migrate", "check"], "no node here") == {
        "migrate": "no node here",
        "check": "no node here",
    }
    assert read_skips(None, None) == {}


@pytest.mark.parametrize(
    ("steps", "reason", "message"),
    [
        (["migrate"], None, "--skip-step needs --reason"),
        (["migrate"], " ", "--skip-step needs --reason"),
        (None, "because", "no --skip-step that it would be for"),
    ],
)
def test_a_step_without_a_reason_is_refused(
    steps: list[str] | None, reason: str | None, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_skips(steps, reason)
