"""Who comes in by GitHub's tokens, and who does not."""

from collections.abc import Callable
from typing import Any

import pytest

from components.gcp.federation import Federation, FederationArgs, principal
from components.repository import Repository

Deploy = Callable[..., dict[str, Any]]
APP = Repository(owner="neonhub", owner_id=11, name="app", repository_id=22)
INFRASTRUCTURE = Repository(owner="neonhub", owner_id=11, name="infra", repository_id=33)


def args(**changes: Any) -> FederationArgs:
    known: dict[str, Any] = {
        "environment": "production",
        "letters": "1a2b3c4",
        "repositories": [APP, INFRASTRUCTURE],
    }
    return FederationArgs(**{**known, **changes})


@pytest.fixture
def asked(deploy: Deploy) -> dict[str, Any]:
    return deploy(lambda: Federation("gcp", args()))


def test_only_tokens_that_github_signs_are_taken(asked: dict[str, Any]) -> None:
    provider = asked["gcp-provider"].inputs
    assert provider["oidc"] == {"issuerUri": "https://token.actions.githubusercontent.com"}
    assert provider["workloadIdentityPoolId"] == "github-production-1a2b3c4"


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


def test_a_stack_that_comes_back_is_not_stopped_by_its_old_pool(deploy: Deploy) -> None:
    pools = {
        letters: deploy(lambda letters=letters: Federation("gcp", args(letters=letters)))[
            "gcp-pool"
        ].inputs["workloadIdentityPoolId"]
        for letters in ("1a2b3c4", "5d6e7f8")
    }
    assert pools == {
        "1a2b3c4": "github-production-1a2b3c4",
        "5d6e7f8": "github-production-5d6e7f8",
    }


def test_the_longest_environment_s_pool_has_an_id_that_google_takes(deploy: Deploy) -> None:
    asked = deploy(lambda: Federation("gcp", args(environment="e" * 16)))

    assert len(asked["gcp-pool"].inputs["workloadIdentityPoolId"]) <= 32


def test_the_trust_stays_as_long_as_what_its_letters_are_taken_from(deploy: Deploy) -> None:
    for protect in (True, False):
        asked = deploy(lambda protect=protect: Federation("gcp", args(protect=protect)))

        assert {each.options.protect for each in asked.values()} == {protect}
        assert {each.options.retainOnDelete for each in asked.values()} == {protect}


@pytest.mark.parametrize("environment", ["", "Production", "pre_prod", "e" * 17])
def test_an_environment_that_google_would_refuse_is_refused_first(environment: str) -> None:
    with pytest.raises(ValueError, match="would be refused"):
        args(environment=environment)


def test_a_pool_for_nobody_is_refused() -> None:
    with pytest.raises(ValueError, match="no run could ever come in"):
        args(repositories=[])


def test_every_child_belongs_to_the_federation(asked: dict[str, Any]) -> None:
    assert all(
        each.options.parent.endswith("neonhub-backup:gcp:Federation::gcp")
        for each in asked.values()
    )
