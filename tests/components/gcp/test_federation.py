"""Who comes in by GitHub's tokens, and who does not."""

from collections.abc import Callable
from typing import Any

import pytest

from components.gcp.federation import Federation, FederationArgs, principal
from components.repository import Repository

Deploy = Callable[..., dict[str, Any]]
APP = Repository(owner="neonhub", owner_id=11, name="app", repository_id=22)
INFRASTRUCTURE = Repository(owner="neonhub", owner_id=11, name="infra", repository_id=33)


@pytest.fixture
def asked(deploy: Deploy) -> dict[str, Any]:
    args = FederationArgs(pool_id="github-production", repositories=[APP, INFRASTRUCTURE])
    return deploy(lambda: Federation("gcp", args))


def test_only_tokens_that_github_signs_are_taken(asked: dict[str, Any]) -> None:
    provider = asked["gcp-provider"].inputs
    assert provider["oidc"] == {"issuerUri": "https://token.actions.githubusercontent.com"}
    assert provider["workloadIdentityPoolId"] == "github-production"


def test_only_known_repositories_come_in_each_by_its_numbers(asked: dict[str, Any]) -> None:
    assert asked["gcp-provider"].inputs["attributeCondition"] == (
        '(assertion.repository_owner_id == "11" && assertion.repository_id == "22")'
        ' || (assertion.repository_owner_id == "11" && assertion.repository_id == "33")'
    )


def test_a_run_is_known_by_its_repository_number_and_its_environment(
    asked: dict[str, Any],
) -> None:
    mapping = asked["gcp-provider"].inputs["attributeMapping"]
    assert mapping["google.subject"] == 'assertion.repository_id + ":" + assertion.environment'


def test_no_name_that_others_could_take_over_is_looked_at(asked: dict[str, Any]) -> None:
    provider = asked["gcp-provider"].inputs
    looked_at = f"{provider['attributeMapping']} {provider['attributeCondition']}"
    for claim in ("assertion.sub", "assertion.repository ", "assertion.actor", "neonhub"):
        assert claim not in looked_at


def test_a_principal_is_one_environment_of_one_repository() -> None:
    assert principal("projects/1/locations/global/workloadIdentityPools/p", APP, "x-backup") == (
        "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p"
        "/subject/22:x-backup"
    )


@pytest.mark.parametrize("pool_id", ["gcp-github", "abc", "GitHub", "a" * 33])
def test_an_id_that_google_would_refuse_is_refused_first(pool_id: str) -> None:
    with pytest.raises(ValueError, match="the pool would be refused"):
        FederationArgs(pool_id=pool_id, repositories=[APP])


def test_a_pool_for_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="no run could ever come in"):
        FederationArgs(pool_id="github-production", repositories=[])


def test_every_child_belongs_to_the_federation(asked: dict[str, Any]) -> None:
    assert all(
        each.options.parent.endswith("neonhub-backup:gcp:Federation::gcp")
        for each in asked.values()
    )
