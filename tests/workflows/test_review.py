"""What happens to a pull request."""

import pytest

from tests.workflows.own import job, step, workflow

SAME_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
STACKS = pytest.mark.parametrize("stack", ["staging", "prod"])


def test_it_starts_for_pull_requests_alone() -> None:
    assert workflow("review")["on"] == {"pull_request": {}}


def test_a_newer_push_ends_the_run_of_an_older() -> None:
    assert workflow("review")["concurrency"] == {
        "group": "review-${{ github.ref }}",
        "cancel-in-progress": True,
    }


def test_everyones_code_is_checked_without_secrets() -> None:
    check = job("review", "check")
    assert "if" not in check
    assert "environment" not in check
    assert check["permissions"] == {"contents": "read"}
    assert check["steps"][-1]["run"] == "set -euo pipefail\nmake test\n"


@pytest.mark.parametrize(
    ("stack", "environment"), [("staging", "staging-preview"), ("prod", "production-preview")]
)
def test_a_stack_is_previewed_by_its_looking_identity(stack: str, environment: str) -> None:
    preview = job("review", f"preview-{stack}")
    assert preview["environment"] == environment
    command = step(preview, "Preview")
    assert command["env"]["STACK"] == stack
    assert "pulumi preview --stack" in command["run"]
    assert "--refresh" not in command["run"]


@STACKS
def test_forks_are_not_previewed(stack: str) -> None:
    assert job("review", f"preview-{stack}")["if"] == SAME_REPOSITORY
    assert f"needs.preview-{stack}.result != 'skipped'" in job("review", f"comment-{stack}")["if"]


@STACKS
def test_the_comment_is_written_by_code_that_was_merged(stack: str) -> None:
    comment = job("review", f"comment-{stack}")
    checkout = step(comment, "Check out the code that writes")
    assert checkout["with"]["ref"] == "${{ github.event.pull_request.base.sha }}"
    assert comment["permissions"] == {"contents": "read", "pull-requests": "write"}


@STACKS
def test_a_failed_preview_is_commented_on_too(stack: str) -> None:
    preview, comment = job("review", f"preview-{stack}"), job("review", f"comment-{stack}")
    assert step(preview, "Write the report")["if"] == "${{ !cancelled() }}"
    assert step(preview, "Hand the report over")["if"] == "${{ !cancelled() }}"
    assert comment["needs"] == [f"preview-{stack}"]
    assert comment["if"].startswith("${{ !cancelled() && ")


@STACKS
def test_the_report_alone_is_handed_over(stack: str) -> None:
    handed = step(job("review", f"preview-{stack}"), "Hand the report over")["with"]
    taken = step(job("review", f"comment-{stack}"), "Take the report")["with"]
    assert handed["path"] == "${{ runner.temp }}/report.json"
    assert handed["name"] == taken["name"] == f"report-{stack}"
