"""What a user reads while the sandbox works."""

import pytest

from sandbox import programs
from sandbox.errors import SandboxError
from sandbox.steps import StepError, Steps


def test_a_step_says_what_it_did_and_how_long_it_took(capsys: pytest.CaptureFixture[str]) -> None:
    with Steps().step("engine") as step:
        step.done = "built"

    words = capsys.readouterr().out.split()
    assert words[:2] == ["engine", "built"]
    assert words[-1] == "s"


def test_a_failing_step_names_itself_and_the_reason() -> None:
    with (
        pytest.raises(StepError, match="the step `engine` failed: no Go: install it"),
        Steps().step("engine"),
    ):
        raise SandboxError("no Go: install it")


def test_a_quiet_command_is_silent_about_what_was_there_already(
    capsys: pytest.CaptureFixture[str],
) -> None:
    steps = Steps(quiet=True)
    with steps.step("python") as step:
        step.done, step.reused = "reused", True
    with steps.step("engine") as step:
        step.done = "built"

    assert capsys.readouterr().out.split()[:2] == ["engine", "built"]


def test_everything_that_is_missing_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "missing", list)
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(SandboxError, match=r"no gpg, go: install .*gnupg.*go\.dev"):
        programs.ensure(["gpg", "go"])
