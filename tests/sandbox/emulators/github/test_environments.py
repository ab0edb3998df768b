"""Deployment environments and their protection."""

from typing import Any

import pytest

REPOSITORY = "/repos/neonhub/neonhub"
ENVIRONMENT = f"{REPOSITORY}/environments/production-restore"


def _rules(environment: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule["type"]: rule for rule in environment["protection_rules"]}


def test_an_environment_keeps_its_protection(github: Any):
    reviewer = github.json("/users/reviewer")
    body = {
        "wait_timer": 10,
        "prevent_self_review": True,
        "can_admins_bypass": False,
        "reviewers": [{"type": "User", "id": reviewer["id"]}],
        "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
    }
    assert github.request("PUT", ENVIRONMENT, body).status_code == 200

    found = github.json(ENVIRONMENT)
    assert found["name"] == "production-restore"
    assert found["can_admins_bypass"] is False
    assert found["deployment_branch_policy"] == body["deployment_branch_policy"]
    rules = _rules(found)
    assert rules["wait_timer"]["wait_timer"] == 10
    assert rules["required_reviewers"]["prevent_self_review"] is True
    assert rules["required_reviewers"]["reviewers"][0]["reviewer"]["login"] == "reviewer"
    assert "branch_policy" in rules


def test_what_a_put_leaves_out_is_reset(github: Any):
    first = github.request("PUT", ENVIRONMENT, {"wait_timer": 10}).json
    second = github.request("PUT", ENVIRONMENT).json

    assert second["protection_rules"] == []
    assert second["id"] == first["id"]
    assert second["deployment_branch_policy"] is None


@pytest.mark.parametrize(
    "body",
    [
        {"wait_timer": 43201},
        {"wait_timer": -1},
        {"reviewers": [{"type": "User", "id": 1}]},
        {"reviewers": [{"type": "Robot", "id": 1}]},
        {"reviewers": [{"type": "Team", "id": 1}]},
        {"reviewers": [{"type": "User", "id": 1001}] * 7},
        {"deployment_branch_policy": {"protected_branches": True, "custom_branch_policies": True}},
        {"deployment_branch_policy": {"protected_branches": True}},
    ],
)
def test_impossible_protection_is_refused_and_changes_nothing(github: Any, body: dict[str, Any]):
    assert github.request("PUT", ENVIRONMENT, body).status_code == 422
    assert github.get(ENVIRONMENT).status_code == 404


def test_environments_are_listed_and_deleted(github: Any):
    github.request("PUT", ENVIRONMENT)
    listed = github.json(f"{REPOSITORY}/environments")

    assert listed["total_count"] == 1
    assert listed["environments"][0]["name"] == "production-restore"
    assert github.request("DELETE", ENVIRONMENT).status_code == 204
    assert github.request("DELETE", ENVIRONMENT).status_code == 404


def test_a_name_with_a_slash_or_another_case_is_found(github: Any):
    github.request("PUT", f"{REPOSITORY}/environments/eu%2Fproduction")

    assert github.json(f"{REPOSITORY}/environments/EU%2Fproduction")["name"] == "eu/production"
    assert github.get(f"{REPOSITORY}/environments/eu/production").status_code == 404


def test_branch_policies_need_an_environment_that_takes_them(github: Any):
    github.request("PUT", ENVIRONMENT)
    url = f"{ENVIRONMENT}/deployment-branch-policies"

    assert github.request("POST", url, {"name": "main"}).status_code == 404


def test_branch_policies_are_created_changed_and_deleted(github: Any):
    policy = {"protected_branches": False, "custom_branch_policies": True}
    github.request("PUT", ENVIRONMENT, {"deployment_branch_policy": policy})
    url = f"{ENVIRONMENT}/deployment-branch-policies"
    created = github.request("POST", url, {"name": "main"})

    assert created.status_code == 200
    assert created.json["type"] == "branch"
    one = f"{url}/{created.json['id']}"
    assert github.request("POST", url, {"name": "main"}).status_code == 303
    assert github.request("POST", url, {"name": "v*", "type": "tag"}).status_code == 200
    assert github.request("PUT", one, {"name": "release/*"}).json["name"] == "release/*"
    assert github.json(url)["total_count"] == 2
    assert github.request("DELETE", one).status_code == 204
    assert github.get(one).status_code == 404
