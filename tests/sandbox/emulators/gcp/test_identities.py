"""Keys of Cloud KMS, service accounts and their keys, roles, and identities from elsewhere."""

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.sandbox.emulators.gcp.conftest import Google

PROJECT = "/v1/projects/neonhub-test"
ACCOUNTS = f"{PROJECT}/serviceAccounts"
POOLS = f"{PROJECT}/locations/global/workloadIdentityPools"
OIDC: dict[str, Any] = {
    "attributeMapping": {"google.subject": "assertion.sub"},
    "attributeCondition": "assertion.repository_id == '1'",
    "oidc": {"issuerUri": "https://token.actions.githubusercontent.com"},
}


def test_a_project_has_one_number_for_ever(google: Google):
    number = google.json("GET", PROJECT)["projectNumber"]
    google.restart()

    assert google.json("GET", PROJECT)["projectNumber"] == number
    assert google.json("GET", f"/v1/projects/{number}")["projectId"] == "neonhub-test"


def test_a_service_is_off_until_it_is_enabled(google: Google):
    service = f"{PROJECT}/services/cloudkms.googleapis.com"

    assert google.json("GET", service)["state"] == "DISABLED"
    google.json("POST", f"{service}:enable")
    assert google.json("GET", service)["state"] == "ENABLED"


def test_a_key_can_only_be_destroyed_and_its_name_stays_taken(google: Google):
    key = google.key()
    version = google.json("POST", f"/v1/{key}/cryptoKeyVersions/1:destroy")
    again = f"/v1/{key.partition('/cryptoKeys/')[0]}/cryptoKeys?cryptoKeyId=key"

    assert version["state"] == "DESTROY_SCHEDULED"
    assert google.request("DELETE", f"/v1/{key}").status_code == 404
    assert google.refusal("POST", again, {"purpose": "ENCRYPT_DECRYPT"})[0] == 409


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"rotationPeriod": "3600s", "nextRotationTime": "2030-01-01T00:00:00Z"}, "rotationPeriod"),
        ({"rotationPeriod": "86400s"}, "next rotation"),
        ({"destroyScheduledDuration": "3600s"}, "destroyScheduledDuration"),
        ({"purpose": "SIGN"}, "purpose"),
    ],
)
def test_a_key_that_google_would_refuse_is_refused(
    google: Google, fields: dict[str, str], message: str
):
    place = f"{PROJECT}/locations/us/keyRings"
    google.json("POST", f"{place}?keyRingId=ring")
    body = {"purpose": "ENCRYPT_DECRYPT", **fields}

    assert message in google.refusal("POST", f"{place}/ring/cryptoKeys?cryptoKeyId=key", body)[1]


def test_a_key_ring_needs_a_place_that_there_is(google: Google):
    assert google.refusal("POST", f"{PROJECT}/locations/moon/keyRings?keyRingId=r")[0] == 404


def test_a_private_key_is_real_and_told_once(google: Google):
    email = google.json("POST", ACCOUNTS, {"accountId": "backup"})["email"]
    made = google.json("POST", f"{ACCOUNTS}/{email}/keys", {})
    file = json.loads(base64.b64decode(made["privateKeyData"]))

    private = load_pem_private_key(file["private_key"].encode(), None)

    assert isinstance(private, RSAPrivateKey)
    assert private.key_size == 2048
    assert file["client_email"] == email
    assert "privateKeyData" not in google.json("GET", f"/v1/{made['name']}")
    assert file["private_key"] not in (google.data / "state.json").read_text()


@pytest.mark.parametrize("account_id", ["short", "Backup", "a" * 31])
def test_an_account_needs_an_id_that_google_takes(google: Google, account_id: str):
    assert google.refusal("POST", ACCOUNTS, {"accountId": account_id})[0] == 400


def test_a_deleted_role_keeps_its_id_until_it_comes_back(google: Google):
    role = {"title": "t", "includedPermissions": ["storage.objects.list"]}
    body = {"roleId": "backup.list", "role": role}
    place = f"{PROJECT}/roles"
    google.json("POST", place, body)
    google.json("DELETE", f"{place}/backup.list")

    assert google.refusal("POST", place, body)[0] == 409
    google.json("POST", f"{place}/backup.list:undelete")
    assert "deleted" not in google.json("GET", f"{place}/backup.list")


def test_the_id_of_a_deleted_pool_stays_taken(google: Google):
    google.json("POST", f"{POOLS}?workloadIdentityPoolId=neonhub", {})
    google.json("DELETE", f"{POOLS}/neonhub")

    assert google.json("GET", f"{POOLS}/neonhub")["state"] == "DELETED"
    assert google.refusal("POST", f"{POOLS}?workloadIdentityPoolId=neonhub", {})[0] == 409


@pytest.mark.parametrize("pool", ["abc", "gcp-pool", "a" * 33, "Pool"])
def test_a_pool_needs_an_id_that_google_takes(google: Google, pool: str):
    assert google.refusal("POST", f"{POOLS}?workloadIdentityPoolId={pool}", {})[0] == 400


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"attributeCondition": ""}, "must reference one of the provider's claims"),
        ({"attributeCondition": "true"}, "must reference one of the provider's claims"),
        ({"attributeMapping": {}}, "google.subject"),
        ({"oidc": {"issuerUri": "http://issuer"}}, "issuerUri"),
        ({"aws": {"accountId": "1"}}, "exactly one of"),
    ],
)
def test_a_provider_that_anybody_could_use_is_refused(
    google: Google, change: dict[str, Any], message: str
):
    google.json("POST", f"{POOLS}?workloadIdentityPoolId=neonhub", {})
    place = f"{POOLS}/neonhub/providers?workloadIdentityPoolProviderId=github"

    assert message in google.refusal("POST", place, {**OIDC, **change})[1]


def test_a_provider_is_named_by_the_number_of_its_project(google: Google):
    number = google.json("GET", PROJECT)["projectNumber"]
    google.json("POST", f"{POOLS}?workloadIdentityPoolId=neonhub", {})
    place = f"{POOLS}/neonhub/providers?workloadIdentityPoolProviderId=github"
    made = google.json("POST", place, OIDC)

    assert made["done"] is True
    assert made["response"]["name"].startswith(f"projects/{number}/locations/global/")
