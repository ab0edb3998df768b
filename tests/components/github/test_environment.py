"""What an environment promises to the secrets in it."""

from collections.abc import Callable
from typing import Any

import pulumi

from components.github.environment import Environment, EnvironmentArgs

Deploy = Callable[..., dict[str, Any]]
MARK = "1b47061264138c4ac30d75fd1eb44270"
"""What the engine knows secrets by."""


def environment() -> Environment:
    return Environment(
        "backup",
        EnvironmentArgs(
            environment="production-backup",
            repository="app",
            branch="main",
            secrets={"DATABASE_URL": pulumi.Output.secret("postgresql://user:word@host/db")},
            variables={"AWS_REGION": "us-east-1"},
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
