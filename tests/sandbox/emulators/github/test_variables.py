"""Variables of repositories and environments."""

from typing import Any

import pytest

REPOSITORY = "/repos/neonhub/neonhub"
ENVIRONMENT = f"{REPOSITORY}/environments/production"
SCOPES = [f"{REPOSITORY}/actions/variables", f"{ENVIRONMENT}/variables"]


@pytest.fixture(autouse=True)
def _environment(github: Any):
    github.request("PUT", ENVIRONMENT)


@pytest.mark.parametrize("scope", SCOPES)
def test_a_variable_is_created_read_changed_and_deleted(github: Any, scope: str):
    body = {"name": "region", "value": "us-east-1"}
    assert github.request("POST", scope, body).status_code == 201

    before = github.json(f"{scope}/REGION")
    assert (before["name"], before["value"]) == ("REGION", "us-east-1")
    assert github.request("PATCH", f"{scope}/REGION", {"value": "us-west-2"}).status_code == 204
    after = github.json(f"{scope}/REGION")
    assert after["value"] == "us-west-2"
    assert after["updated_at"] > before["updated_at"]
    assert github.json(scope)["total_count"] == 1
    assert github.request("DELETE", f"{scope}/REGION").status_code == 204
    assert github.get(f"{scope}/REGION").status_code == 404


@pytest.mark.parametrize("scope", SCOPES)
def test_a_variable_is_not_created_twice(github: Any, scope: str):
    body = {"name": "REGION", "value": "a"}
    github.request("POST", scope, body)
    response = github.request("POST", scope, body)

    assert response.status_code == 409
    assert response.json["message"].startswith("Already exists")


def test_the_scopes_do_not_see_each_other(github: Any):
    github.request("POST", SCOPES[0], {"name": "REGION", "value": "a"})

    assert github.get(f"{SCOPES[1]}/REGION").status_code == 404


def test_what_is_not_there_cannot_be_changed(github: Any):
    assert github.request("PATCH", f"{SCOPES[0]}/NONE", {"value": "x"}).status_code == 404


def test_a_renamed_variable_takes_no_other_s_name(github: Any):
    for name in ("ONE", "TWO"):
        github.request("POST", SCOPES[0], {"name": name, "value": name})

    assert github.request("PATCH", f"{SCOPES[0]}/ONE", {"name": "TWO"}).status_code == 409
    assert github.request("PATCH", f"{SCOPES[0]}/ONE", {"name": "THREE"}).status_code == 204
    assert github.json(f"{SCOPES[0]}/THREE")["value"] == "ONE"
