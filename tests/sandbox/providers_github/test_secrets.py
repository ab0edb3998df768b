"""Secrets: sealed for GitHub, updated in place, found when changed elsewhere."""

import base64
from typing import Any

import pytest
from nacl.public import PrivateKey, SealedBox

from sandbox.emulators.github.storage import reveal_secrets
from sandbox.providers.github.secrets import ActionsEnvironmentSecret, sealed_for
from sandbox.providers.values import UNKNOWN

SECRET = ActionsEnvironmentSecret()
WANTED: dict[str, Any] = {
    "repository": "neonhub",
    "environment": "production",
    "secretName": "DATABASE_URL",
    "value": "postgres://ü",
}
SCOPE = "repos/neonhub/neonhub/environments/production/secrets"


def _revealed(cloud: Any) -> dict[str, str]:
    return reveal_secrets(cloud.data_dir, "neonhub/neonhub", "production")


def test_only_the_private_key_opens_what_is_sealed():
    private = PrivateKey.generate()
    sealed = sealed_for(base64.b64encode(bytes(private.public_key)).decode(), "ü")

    assert SealedBox(private).decrypt(base64.b64decode(sealed)).decode() == "ü"


def test_a_plain_value_is_sealed_on_the_way(cloud: Any):
    assert SECRET.create(cloud, WANTED) == "neonhub:production:DATABASE_URL"
    assert _revealed(cloud) == {"DATABASE_URL": "postgres://ü"}


def test_a_value_sealed_by_the_program_is_passed_on(cloud: Any):
    key = cloud.get(f"{SCOPE}/public-key")
    given = {name: WANTED[name] for name in ("repository", "environment", "secretName")}
    sealed = sealed_for(key["key"], "theirs")
    SECRET.create(cloud, {**given, "valueEncrypted": sealed, "keyId": key["key_id"]})

    assert _revealed(cloud) == {"DATABASE_URL": "theirs"}


def test_an_update_needs_no_delete(cloud: Any):
    resource_id = SECRET.create(cloud, WANTED)
    before = SECRET.read(cloud, resource_id, WANTED)
    SECRET.update(cloud, resource_id, WANTED, {**WANTED, "value": "new"})
    after = SECRET.read(cloud, resource_id, {**WANTED, "value": "new"})

    assert before is not None
    assert after is not None
    assert after["createdAt"] == before["createdAt"]
    assert after["updatedAt"] > before["updatedAt"]
    assert _revealed(cloud) == {"DATABASE_URL": "new"}


def test_a_value_set_elsewhere_is_no_longer_ours(cloud: Any):
    resource_id = SECRET.create(cloud, WANTED)
    ours = SECRET.read(cloud, resource_id, WANTED)
    assert ours is not None
    SECRET.update(cloud, resource_id, WANTED, {**WANTED, "value": "theirs"})
    found = SECRET.read(cloud, resource_id, {**WANTED, **ours})

    assert ours["value"] == WANTED["value"]
    assert found is not None
    assert "value" not in found
    assert found["updatedAt"] == ours["updatedAt"]
    assert found["remoteUpdatedAt"] > ours["updatedAt"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"plaintextValue": "again"}, "value"),
        ({"keyId": "1"}, "keyId"),
        ({"secretName": "GITHUB_TOKEN"}, "secretName"),
        ({"secretName": "A-B"}, "secretName"),
    ],
)
def test_contradictions_are_refused(change: dict[str, str], field: str):
    assert [problem.path for problem in SECRET.problems({**WANTED, **change})] == [field]


def test_an_encrypted_value_needs_its_key():
    inputs = {**WANTED, "encryptedValue": "x"}
    del inputs["value"]

    assert [problem.path for problem in SECRET.problems(inputs)] == ["keyId"]


def test_what_a_preview_does_not_know_is_no_problem():
    assert not list(SECRET.problems({**WANTED, "value": UNKNOWN, "secretName": UNKNOWN}))
