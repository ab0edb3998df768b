"""`python -m sandbox.runner`, as a person calls it after `make up`."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.runner import __main__ as command
from tests.end_to_end.workflows.conftest import Local

HELLO = """\
name: Hello
on:
  workflow_dispatch:
    inputs:
      name: {required: true}
jobs:
  greet:
    runs-on: ubuntu-24.04
    environment: local-drill
    steps:
      - name: Say hello
        shell: bash
        env:
          NAME: ${{ inputs.name }}
        run: echo "Hello ${NAME}" | tee -a "${GITHUB_STEP_SUMMARY}"
"""

Call = Callable[..., int]


@pytest.fixture(scope="module")
def hello(local: Local) -> str:
    """A workflow that needs nothing."""
    local.github.commit(".github/workflows/hello.yml", HELLO)
    return "hello.yml"


@pytest.fixture
def call(local: Local, monkeypatch: pytest.MonkeyPatch) -> Call:
    """The command, on the stack of these tests; returns its exit code."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["sandbox.runner", *arguments])
        return command.main()

    monkeypatch.setattr(command, "Sandbox", lambda: local.sandbox)
    return run


def test_it_shows_what_steps_say_and_how_they_end_and_keeps_the_summary(
    call: Call, hello: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = tmp_path / "summary.md"

    assert call(hello, "--input", "name=you", "--summary", str(summary)) == 0

    said = capsys.readouterr().out
    assert "    Hello you\n" in said
    assert "success  Say hello" in said
    assert summary.read_text() == "Hello you\n"


def test_a_run_that_fails_is_told_from_one_that_cannot_start(
    call: Call, hello: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(hello, "--input", "name=you", "--reject", "greet") == 1
    assert "failure  job greet" in capsys.readouterr().out

    assert call(hello) == 2
    assert "The required input `name` is missing" in capsys.readouterr().err
    assert call(hello, "--input", "name") == 2
    assert "write it as NAME=VALUE" in capsys.readouterr().err


def test_it_names_what_does_not_run(
    call: Call, hello: str, local: Local, capsys: pytest.CaptureFixture[str]
) -> None:
    (github,) = (each for each in local.sandbox.servers() if each.name == "github")
    local.sandbox.supervisor.stop("github")
    try:
        assert call(hello, "--input", "name=you") == 2
        assert "(github)" in capsys.readouterr().err
    finally:
        local.sandbox.supervisor.start(github)
        local.sandbox.supervisor.wait(github)
