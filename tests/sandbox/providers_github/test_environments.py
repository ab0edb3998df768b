"""Environments and the policies of their branches."""

from typing import Any

import pytest

from sandbox.providers.framework import diff
from sandbox.providers.github.environments import (
    DeploymentPolicy,
    RepositoryEnvironment,
    environment_body,
)

ENVIRONMENT, POLICY = RepositoryEnvironment(), DeploymentPolicy()
WANTED: dict[str, Any] = {
    "repository": "neonhub",
    "environment": "production",
    "canAdminsBypass": True,
    "preventSelfReview": False,
}


def test_what_the_program_leaves_out_is_reset():
    assert environment_body(WANTED) == {
        "wait_timer": 0,
        "can_admins_bypass": True,
        "prevent_self_review": False,
        "reviewers": [],
        "deployment_branch_policy": None,
    }


def test_reviewers_are_told_by_type():
    body = environment_body({**WANTED, "reviewers": [{"users": [2], "teams": [1]}]})

    assert body["reviewers"] == [{"type": "Team", "id": 1}, {"type": "User", "id": 2}]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"waitTimer": 43201}, "waitTimer"),
        ({"reviewers": [{"users": [1]}, {"users": [2]}]}, "reviewers"),
        ({"reviewers": [{"users": [1, 2, 3, 4], "teams": [5, 6, 7]}]}, "reviewers"),
    ],
)
def test_what_github_would_refuse_or_drop_is_refused(change: dict[str, Any], field: str):
    assert [problem.path for problem in ENVIRONMENT.problems({**WANTED, **change})] == [field]


def test_protection_is_read_back_as_it_was_given(cloud: Any):
    viewer = cloud.get("user")["id"]
    wanted = {
        **WANTED,
        "waitTimer": 5,
        "preventSelfReview": True,
        "reviewers": [{"users": [viewer]}],
        "deploymentBranchPolicy": {"protectedBranches": True, "customBranchPolicies": False},
    }
    found = ENVIRONMENT.read(cloud, ENVIRONMENT.create(cloud, wanted), {})

    assert found is not None
    assert not diff(ENVIRONMENT, old=found, new=wanted).changes


def test_a_branch_policy_never_becomes_one_for_tags(cloud: Any):
    place = {"repository": "neonhub", "environment": "production"}
    old = POLICY.wanted(cloud, {**place, "branchPattern": "main"})
    renamed = POLICY.wanted(cloud, {**place, "branchPattern": "release/*"})
    tags = POLICY.wanted(cloud, {**place, "tagPattern": "v*"})

    assert diff(POLICY, old=old, new=renamed).replaces == []
    assert diff(POLICY, old=old, new=tags).replaces == ["policyType"]


def test_a_policy_is_for_branches_or_for_tags():
    assert list(POLICY.problems({"branchPattern": "a", "tagPattern": "b"}))
    assert list(POLICY.problems({}))
