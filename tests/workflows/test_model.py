"""What cannot be built, and so is in no workflow of ours."""

import pytest

from workflows.model import Action, Job, Run, Workflow


@pytest.mark.parametrize("commit", ["v4", "main", "de0fac2", "A" * 40])
def test_an_action_that_can_change_is_refused(commit: str) -> None:
    with pytest.raises(ValueError, match="full SHA of a commit"):
        Action("actions/checkout", commit, "v4")


def test_a_script_that_github_would_paste_values_into_is_refused() -> None:
    with pytest.raises(ValueError, match="a value could become a command; pass it by env"):
        Run(name="Greet", script='echo "${{ github.actor }}"')


def job(needs: tuple[str, ...] = ()) -> Job:
    return Job(
        name="Greet",
        runner="ubuntu-24.04",
        timeout_minutes=5,
        permissions={},
        steps=(),
        needs=needs,
    )


def test_a_workflow_that_nothing_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing starts 'Greet'"):
        Workflow(name="Greet", header="", concurrency="greet", jobs={"greet": job()})


def test_a_job_that_needs_another_workflows_job_is_refused() -> None:
    jobs = {"greet": job(needs=("wake",))}
    with pytest.raises(ValueError, match="the job 'greet' needs wake, which 'Greet' does not have"):
        Workflow(name="Greet", header="", concurrency="greet", jobs=jobs, inputs={})
