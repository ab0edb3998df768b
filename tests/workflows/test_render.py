"""What the text of a workflow promises to whoever reads it."""

from datetime import timedelta
from typing import Any

import pytest
import yaml

from workflows.model import Action, Choice, Cron, Job, Permission, Run, Step, Text, Uses, Workflow
from workflows.render import render

CHECKOUT = Action("actions/checkout", "a" * 40, "v6")


def text(*steps: Step, header: str = "Generated.") -> str:
    return render(
        Workflow(
            name="Greet",
            header=header,
            schedule=(
                Cron(expression="7 * * * *", comment="Every hour.", every=timedelta(hours=1)),
            ),
            inputs={
                "loud": Choice(description="How: loud?", options=("no", "yes")),
                "why": Text(description="Why", required=True),
            },
            concurrency="greet",
            jobs={
                "greet": Job(
                    name="Greet",
                    runner="ubuntu-24.04",
                    timeout_minutes=5,
                    environment="world",
                    permissions={"contents": Permission("read", "to look around")},
                    steps=steps,
                )
            },
        )
    )


def first_step(*steps: Step) -> object:
    return yaml.safe_load(text(*steps))["jobs"]["greet"]["steps"][0]


def test_the_source_stands_at_the_top() -> None:
    assert text(header="Generated from a file.").startswith("# Generated from a file.\n")


def test_comments_stand_above_what_they_explain() -> None:
    written = text(Run(name="Greet", script="echo hello", comment="Because one greets."))
    assert "    # Every hour.\n    - cron: 7 * * * *\n" in written
    assert "      # Because one greets.\n      - name: Greet\n" in written


def test_no_line_of_a_comment_is_too_long_to_read() -> None:
    written = text(Run(name="Greet", script="true", comment="word " * 60))
    assert max(len(line) for line in written.splitlines()) <= 100


@pytest.mark.parametrize("value", ["3.12", "yes", "a: b", "#", "${{ x || 'y' }}", "", "*", "007"])
def test_a_text_stays_the_same_text(value: str) -> None:
    step = Uses(name="Greet", action=CHECKOUT, inputs={"value": value})
    assert first_step(step) == {
        "name": "Greet",
        "uses": f"actions/checkout@{'a' * 40}",
        "with": {"value": value},
    }


@pytest.mark.parametrize("value", [True, False, 7])
def test_numbers_and_truths_stay_what_they_are(value: int) -> None:
    step = first_step(Uses(name="Greet", action=CHECKOUT, inputs={"value": value}))
    assert isinstance(step, dict)
    assert step["with"] == {"value": value}


def test_a_script_keeps_its_lines_and_its_own_indentation() -> None:
    step = first_step(
        Run(
            name="Greet",
            script="""
                if true; then

                  echo "hello: # world"
                fi
                """,
        )
    )
    assert isinstance(step, dict)
    assert step["run"] == ('set -euo pipefail\nif true; then\n\n  echo "hello: # world"\nfi\n')


def test_a_permission_says_what_it_is_for() -> None:
    assert "      contents: read # to look around\n" in text()


def test_jobs_have_no_permission_but_their_own() -> None:
    assert "\npermissions: {}\n" in text()


def job(**changes: Any) -> Job:
    known: dict[str, Any] = {
        "name": "Greet",
        "runner": "ubuntu-24.04",
        "timeout_minutes": 5,
        "permissions": {},
        "steps": (Run(name="Greet", script="true"),),
    }
    return Job(**{**known, **changes})


def workflow(**changes: Any) -> str:
    known: dict[str, Any] = {
        "name": "Greet",
        "header": "Generated.",
        "concurrency": "greet",
        "jobs": {"greet": job()},
        "inputs": {},
    }
    return render(Workflow(**{**known, **changes}))


def test_what_does_not_start_a_workflow_is_not_written() -> None:
    assert "\non:\n  workflow_dispatch: {}\n\npermissions" in workflow()
    assert "\non:\n  pull_request: {}\n\npermissions" in workflow(pull_requests=True, inputs=None)
    assert "\non:\n  push:\n    branches:\n      - main\n\npermissions" in workflow(
        pushed_branch="main", inputs=None
    )


def test_only_what_may_be_cancelled_is() -> None:
    assert "  group: greet\n  cancel-in-progress: false\n" in workflow()
    assert "  group: greet\n  cancel-in-progress: true\n" in workflow(cancel_in_progress=True)


def test_the_comment_of_a_job_stands_above_it() -> None:
    written = workflow(jobs={"greet": job(comment="Because one greets.")})
    assert "jobs:\n  # Because one greets.\n  greet:\n    name: Greet\n" in written


def test_a_job_says_what_it_waits_for_and_where_it_runs() -> None:
    second = job(needs=("greet",), condition="always()", environment="world", concurrency="one")
    written = yaml.safe_load(workflow(jobs={"greet": job(), "again": second}))["jobs"]
    assert (
        written["again"].items()
        >= {
            "needs": ["greet"],
            "if": "always()",
            "environment": "world",
            "concurrency": {"group": "one", "cancel-in-progress": False},
        }.items()
    )
    assert not {"needs", "if", "environment", "concurrency"} & written["greet"].keys()


def test_an_action_may_have_a_condition() -> None:
    step = Uses(name="Greet", action=CHECKOUT, condition="always()")
    assert first_step(step) == {
        "name": "Greet",
        "if": "always()",
        "uses": f"actions/checkout@{'a' * 40}",
    }
