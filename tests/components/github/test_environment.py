"""What an environment promises to the secrets in it."""

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.github.environment import Environment, EnvironmentArgs
from components.github.reviewers import NOBODY, Reviewers

Deploy = Callable[..., dict[str, Any]]
MARK = "1b47061264138c4ac30d75fd1eb44270"
"""What the engine knows secrets by."""


def environment(reviewers: Reviewers = NOBODY, wait_minutes: int = 0) -> Environment:
    return Environment(
        "backup",
        EnvironmentArgs(
            environment="production-backup",
            repository="app",
            branches=["main"],
            secrets={"DATABASE_URL": pulumi.Output.secret("postgresql://user:word@host/db")},
            variables={"AWS_REGION": "us-east-1"},
            reviewers=reviewers,
            wait_minutes=wait_minutes,
        ),
    )


def test_one_branch_alone_may_enter(deploy: Deploy) -> None:
    asked = deploy(environment)

    policy = asked["backup-environment"].inputs["deploymentBranchPolicy"]
    assert policy == {"protectedBranches": False, "customBranchPolicies": True}
    assert asked["backup-branch"].inputs["branchPattern"] == "main"


def test_administrators_are_no_exception(deploy: Deploy) -> None:
    asked = deploy(environment)

    assert asked["backup-environment"].inputs["canAdminsBypass"] is False


def test_a_schedule_waits_for_nobody(deploy: Deploy) -> None:
    inputs = deploy(environment)["backup-environment"].inputs

    assert "reviewers" not in inputs
    assert "waitTimer" not in inputs
    assert inputs["preventSelfReview"] is False


def test_reviewers_must_agree_and_then_a_while_must_pass(deploy: Deploy) -> None:
    inputs = deploy(lambda: environment(Reviewers(users=(9, 7), teams=(8,)), wait_minutes=30))[
        "backup-environment"
    ].inputs

    assert inputs["reviewers"] == [{"users": [7, 9], "teams": [8]}]
    assert inputs["preventSelfReview"] is True
    assert inputs["waitTimer"] == 30


def test_a_single_reviewer_is_not_locked_out(deploy: Deploy) -> None:
    inputs = deploy(lambda: environment(Reviewers(users=(7,))))["backup-environment"].inputs

    assert inputs["reviewers"] == [{"users": [7]}]
    assert inputs["preventSelfReview"] is False


@pytest.mark.parametrize("minutes", [-1, 43201])
def test_a_time_that_github_would_refuse_is_refused(minutes: int) -> None:
    with pytest.raises(ValueError, match=f"wait_minutes is {minutes}, and GitHub takes 0 to 43200"):
        EnvironmentArgs(environment="e", repository="app", branches=["main"], wait_minutes=minutes)


def test_a_connection_string_stays_secret_on_its_way(deploy: Deploy) -> None:
    asked = deploy(environment)

    assert asked["backup-database-url"].inputs["secretName"] == "DATABASE_URL"
    assert MARK in asked["backup-database-url"].options.object["value"].values()


def test_a_changed_secret_survives_its_own_replacement(deploy: Deploy) -> None:
    asked = deploy(environment)

    assert asked["backup-database-url"].options.deleteBeforeReplace


def test_variables_are_there_for_the_workflow(deploy: Deploy) -> None:
    asked = deploy(environment)

    assert asked["backup-aws-region"].inputs == {
        "repository": "app",
        "environment": "production-backup",
        "variableName": "AWS_REGION",
        "value": "us-east-1",
    }


def test_every_child_belongs_to_the_environment(deploy: Deploy) -> None:
    asked = deploy(environment)

    assert all(
        each.options.parent.endswith("neonhub-backup:github:Environment::backup")
        for each in asked.values()
    )
