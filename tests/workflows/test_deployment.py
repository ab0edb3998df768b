"""What happens to what was merged."""

import pytest

from tests.workflows.own import job, step, workflow


def test_it_starts_for_every_commit_on_main_or_by_hand() -> None:
    assert workflow("deployment")["on"] == {
        "push": {"branches": ["main"]},
        "workflow_dispatch": {},
    }


def test_production_comes_after_staging_and_a_preview_for_its_reviewers() -> None:
    assert "needs" not in job("deployment", "deploy-staging")
    assert job("deployment", "preview-prod")["needs"] == ["deploy-staging"]
    assert job("deployment", "deploy-prod")["needs"] == ["preview-prod"]


@pytest.mark.parametrize(
    ("stack", "environment"), [("staging", "staging-deploy"), ("prod", "production-deploy")]
)
def test_a_stack_is_deployed_behind_its_environment(stack: str, environment: str) -> None:
    deploy = job("deployment", f"deploy-{stack}")
    assert deploy["environment"] == environment
    assert step(deploy, "Deploy")["env"]["STACK"] == stack
    assert "pulumi up --stack" in step(deploy, "Deploy")["run"]


@pytest.mark.parametrize("stack", ["staging", "prod"])
def test_two_deployments_of_a_stack_wait_for_each_other(stack: str) -> None:
    assert job("deployment", f"deploy-{stack}")["concurrency"] == {
        "group": f"deploy-{stack}",
        "cancel-in-progress": False,
    }


def test_a_production_that_waits_for_a_reviewer_does_not_hold_up_staging() -> None:
    assert workflow("deployment")["concurrency"]["group"] == "deployment-${{ github.run_id }}"


def test_nothing_goes_on_after_a_failure() -> None:
    assert not [name for name, each in workflow("deployment")["jobs"].items() if "if" in each]
