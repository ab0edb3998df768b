"""Who may have which role, and how policies change."""

from typing import Any

import pytest

from tests.sandbox.emulators.gcp.conftest import Google

POLICY = "/storage/v1/b/backups/iam"
POOL = "locations/global/workloadIdentityPools/pool"
ROLE = "roles/storage.objectCreator"


def _bound(member: str, role: str = ROLE) -> dict[str, Any]:
    return {"bindings": [{"role": role, "members": [member]}]}


def test_a_new_bucket_belongs_to_the_people_of_its_project(google: Google):
    google.bucket()
    roles = {binding["role"] for binding in google.json("GET", POLICY)["bindings"]}

    assert roles == {"roles/storage.legacyBucketOwner", "roles/storage.legacyBucketReader"}


def test_a_policy_made_from_an_outdated_one_is_refused(google: Google):
    google.bucket()
    old = google.json("GET", POLICY)
    google.json("PUT", POLICY, {**old, **_bound("group:ops@example.com")})

    assert google.refusal("PUT", POLICY, {**old, **_bound("group:db@example.com")})[0] == 412
    assert google.json("GET", POLICY)["bindings"][0]["members"] == ["group:ops@example.com"]


@pytest.mark.parametrize(
    "member",
    [
        "ops@example.com",
        "serviceAccount:missing@neonhub-test.iam.gserviceaccount.com",
        f"principalSet://iam.googleapis.com/projects/neonhub-test/{POOL}/attribute.repository/1",
    ],
)
def test_who_cannot_exist_gets_no_role(google: Google, member: str):
    google.bucket()

    assert google.refusal("PUT", POLICY, _bound(member))[0] == 400


def test_a_role_of_the_project_must_exist(google: Google):
    google.bucket()
    body = _bound("group:ops@example.com", "projects/neonhub-test/roles/missing")

    assert google.refusal("PUT", POLICY, body)[0] == 400


def test_conditions_need_uniform_access_and_the_version_that_has_them(google: Google):
    google.bucket()
    policy = _bound("group:ops@example.com")
    policy["bindings"][0]["condition"] = {"title": "t", "expression": "true"}

    assert "uniform" in google.refusal("PUT", POLICY, {**policy, "version": 3})[1]
    uniform = {"uniformBucketLevelAccess": {"enabled": True}}
    google.json("PATCH", "/storage/v1/b/backups", {"iamConfiguration": uniform})
    assert "version 3" in google.refusal("PUT", POLICY, policy)[1]
    assert google.json("PUT", POLICY, {**policy, "version": 3})["version"] == 3


def test_nobody_can_open_a_bucket_that_prevents_public_access(google: Google):
    google.bucket(iamConfiguration={"publicAccessPrevention": "enforced"})

    assert "public access prevention" in google.refusal("PUT", POLICY, _bound("allUsers"))[1]


def test_whoever_is_deleted_loses_every_role(google: Google):
    google.bucket()
    place = "/v1/projects/neonhub-test/serviceAccounts"
    email = google.json("POST", place, {"accountId": "backup"})["email"]
    google.json("PUT", POLICY, _bound(f"serviceAccount:{email}"))
    google.json("DELETE", f"{place}/{email}")

    assert google.json("GET", POLICY)["bindings"] == []
