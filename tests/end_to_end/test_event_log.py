"""The engine's log of events is still what the reports of previews are read from."""

from pathlib import Path

import pytest

from tests.end_to_end.one_program import OneProgram
from workflows.ci.preview import Action, Change, Preview, Verdict, read_preview

PROGRAM = """
import pulumi

pulumi.ComponentResource("demo:index:Greeting", "hello")
pulumi.export("secret", pulumi.Output.secret("hunter2"))
"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OneProgram:
    """A stack that needs no provider."""
    monkeypatch.setenv("PULUMI_DEBUG_COMMANDS", "true")
    return OneProgram(tmp_path, "github", {}, PROGRAM)


def preview(stack: OneProgram, log: Path, *options: str, fails: bool = False) -> Preview:
    stack.run("preview", "--diff", "--event-log", str(log), *options, fails=fails)
    return read_preview(log.read_text().splitlines())


def test_a_preview_is_read_while_it_changes_something_and_when_it_does_not(
    stack: OneProgram, tmp_path: Path
) -> None:
    log = tmp_path / "events.jsonl"

    before = preview(stack, log, "--refresh", "--expect-no-changes", fails=True)
    stack.run("up", "--yes", "--skip-preview")
    after = preview(stack, log, "--refresh", "--expect-no-changes")

    assert before.verdict is Verdict.CHANGED
    assert Change(Action.CREATE, "demo:index:Greeting", "hello", ()) in before.changes
    assert after == Preview(Verdict.SAME, unchanged=2)


def test_a_program_that_fails_is_read(stack: OneProgram, tmp_path: Path) -> None:
    stack.program("import pulumi\nraise pulumi.RunError('a setting is wrong')\n")
    found = preview(stack, tmp_path / "events.jsonl", fails=True)

    assert found.verdict is Verdict.FAILED
    assert found.errors == ("a setting is wrong",)
