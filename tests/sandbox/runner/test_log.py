"""What the runner reads out of act's log."""

import json
from typing import Any

from sandbox.runner.log import Step, entries, readable, steps, summary

SECOND = 1_000_000_000
INNER: dict[str, Any] = {"stage": "Main", "step": "Check out", "stepID": ["0", "1"]}
OUTER: dict[str, Any] = {"stage": "Main", "step": "Check out", "stepID": ["0"]}
UNNAMED: dict[str, Any] = {"stage": "Main", "step": "first line\nsecond line", "stepID": ["1"]}


def line(message: str, level: str = "info", **fields: Any) -> str:
    return json.dumps({"msg": message, "level": level, **fields})


LOG = "\n".join(
    [
        line("LocalRepositoryCache matched"),
        line("\u2b50 Run Main Check out", **OUTER),
        line("\u2b50 Run Main inner", **INNER),
        line("fetched\r\n", raw_output=True, **INNER),
        line("  ::notice::here", command="notice", arg="here", **INNER),
        line("done", executionTime=SECOND, stepResult="success", **INNER),
        line("done", executionTime=2 * SECOND, stepResult="success", **OUTER),
        line("\u2b50 Run Main first line", **UNNAMED),
        line("Summary", command="summary", content="# One\n", **UNNAMED),
        line("Summary", command="summary", content="two", **UNNAMED),
        line("done", executionTime=SECOND, stepResult="failure", **UNNAMED),
        line("exit status 3", level="error", **UNNAMED),
    ]
)


def test_the_steps_are_those_of_the_workflow_not_of_the_actions_that_it_calls() -> None:
    assert list(steps(entries(LOG))) == [
        Step(name="Check out", result="success", seconds=2.0),
        Step(name="first line", result="failure", seconds=1.0),
    ]


def test_summaries_stand_one_below_the_other() -> None:
    assert summary(entries(LOG)) == "# One\n\ntwo\n"


def test_a_person_reads_what_steps_said_and_how_they_ended() -> None:
    assert readable(entries(LOG)).splitlines() == [
        "  Check out",
        "    fetched",
        "    notice: here",
        "    success after 2.0 s",
        "  first line",
        "    failure after 1.0 s",
        "    error: exit status 3",
    ]
