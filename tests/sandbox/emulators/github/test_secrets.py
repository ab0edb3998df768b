"""Secrets: sealed by the client, opened by nobody but the runner."""

import stat
from typing import Any

import pytest

from sandbox.emulators.github.storage import reveal_secrets

REPOSITORY = "/repos/neonhub/neonhub"
ENVIRONMENT = f"{REPOSITORY}/environments/production"
SCOPES = [(f"{REPOSITORY}/actions/secrets", None), (f"{ENVIRONMENT}/secrets", "production")]


@pytest.fixture(autouse=True)
def _environment(github: Any):
    github.request("PUT", ENVIRONMENT)


@pytest.mark.parametrize(("scope", "environment"), SCOPES)
def test_a_sealed_secret_is_revealed_to_the_runner_alone(
    github: Any, scope: str, environment: str | None
):
    response = github.request("PUT", f"{scope}/DATABASE_URL", github.seal(scope, "postgres://ü"))

    assert response.status_code == 201
    assert reveal_secrets(github.data_dir, "neonhub/neonhub", environment) == {
        "DATABASE_URL": "postgres://ü"
    }
    assert set(github.json(f"{scope}/DATABASE_URL")) == {"name", "created_at", "updated_at"}
    assert github.json(scope)["total_count"] == 1


@pytest.mark.parametrize(("scope", "environment"), SCOPES)
def test_an_update_replaces_the_value_and_survives(
    github: Any, scope: str, environment: str | None
):
    github.request("PUT", f"{scope}/KEY", github.seal(scope, "old"))
    before = github.json(f"{scope}/KEY")
    response = github.request("PUT", f"{scope}/KEY", github.seal(scope, "new"))
    github.restart()

    after = github.json(f"{scope}/KEY")
    assert response.status_code == 204
    assert after["created_at"] == before["created_at"]
    assert after["updated_at"] > before["updated_at"]
    assert reveal_secrets(github.data_dir, "neonhub/neonhub", environment) == {"KEY": "new"}


def test_a_secret_sealed_for_another_vault_is_refused(github: Any):
    elsewhere = github.seal(f"{REPOSITORY}/actions/secrets", "text")
    scope = f"{ENVIRONMENT}/secrets"
    own = github.json(f"{scope}/public-key")

    wrong_key = github.request("PUT", f"{scope}/KEY", elsewhere)
    wrong_box = github.request("PUT", f"{scope}/KEY", {**elsewhere, "key_id": own["key_id"]})

    assert (wrong_key.status_code, wrong_box.status_code) == (422, 422)
    assert "key_id" in wrong_key.json["message"]
    assert "encrypted_value" in wrong_box.json["message"]
    assert github.json(scope)["total_count"] == 0


@pytest.mark.parametrize("name", ["1ST", "GITHUB_TOKEN", "WITH-DASH"])
def test_a_name_that_actions_could_not_use_is_refused(github: Any, name: str):
    scope = f"{ENVIRONMENT}/secrets"

    assert github.request("PUT", f"{scope}/{name}", github.seal(scope, "x")).status_code == 422


def test_a_value_over_48_kilobytes_is_refused(github: Any):
    scope = f"{ENVIRONMENT}/secrets"
    body = github.seal(scope, "x" * (48 * 1024 + 1))

    assert github.request("PUT", f"{scope}/KEY", body).status_code == 422


def test_names_are_kept_in_capitals(github: Any):
    scope = f"{ENVIRONMENT}/secrets"
    github.request("PUT", f"{scope}/database_url", github.seal(scope, "x"))

    assert github.json(f"{scope}/Database_Url")["name"] == "DATABASE_URL"


def test_a_deleted_secret_is_gone_and_so_are_those_of_a_deleted_environment(github: Any):
    scope = f"{ENVIRONMENT}/secrets"
    github.request("PUT", f"{scope}/KEY", github.seal(scope, "x"))

    assert github.request("DELETE", f"{scope}/KEY").status_code == 204
    assert github.request("DELETE", f"{scope}/KEY").status_code == 404
    github.request("PUT", f"{scope}/KEY", github.seal(scope, "x"))
    github.request("DELETE", ENVIRONMENT)
    github.request("PUT", ENVIRONMENT)
    assert github.json(scope)["secrets"] == []


def test_an_environment_must_exist_before_its_secrets(github: Any):
    assert github.get(f"{REPOSITORY}/environments/none/secrets/public-key").status_code == 404


def test_at_rest_only_the_owner_can_read_and_no_plain_text_is_there(github: Any):
    scope = f"{ENVIRONMENT}/secrets"
    github.request("PUT", f"{scope}/KEY", github.seal(scope, "a-very-recognisable-text"))
    state = github.data_dir / "repositories" / "neonhub" / "neonhub" / "state.json"

    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert "a-very-recognisable-text" not in state.read_text()
