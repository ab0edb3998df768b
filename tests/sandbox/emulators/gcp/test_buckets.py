"""What Cloud Storage takes and refuses of a bucket's configuration."""

from typing import Any

import pytest

from tests.sandbox.emulators.gcp.conftest import Google

BUCKETS = "/storage/v1/b?project=neonhub-test"
BUCKET = "/storage/v1/b/backups"


def test_a_bucket_survives_a_restart_with_all_that_was_said_of_it(google: Google):
    made = google.bucket(rpo="ASYNC_TURBO", versioning={"enabled": True}, labels={"a": "b"})
    google.restart()

    assert google.json("GET", BUCKET) == made
    assert (made["locationType"], made["rpo"], made["labels"]) == (
        "dual-region",
        "ASYNC_TURBO",
        {"a": "b"},
    )


def test_objects_that_are_deleted_are_kept_for_a_week_unless_told_otherwise(google: Google):
    assert google.bucket()["softDeletePolicy"]["retentionDurationSeconds"] == "604800"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "Backups"}, "'name'"),
        ({"name": "my-google-bucket"}, "reserved"),
        ({"name": "a" * 64}, "longer than 63"),
        ({"location": "moon"}, "location constraint is not valid"),
        ({"location": "us-east1", "rpo": "ASYNC_TURBO"}, "two regions only"),
        ({"location": "US", "customPlacementConfig": {"dataLocations": ["US-EAST1"]}}, "needs two"),
        (
            {
                "location": "EU",
                "customPlacementConfig": {"dataLocations": ["US-EAST1", "US-WEST1"]},
            },
            "needs two regions there",
        ),
        ({"storageClass": "GLACIER"}, "storageClass"),
        ({"softDeletePolicy": {"retentionDurationSeconds": "3600"}}, "softDeletePolicy"),
        ({"retentionPolicy": {"retentionPeriod": "0"}}, "retentionPeriod"),
        ({"labels": {"Team": "x"}}, "labels"),
        (
            {"lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {}}]}},
            "at least one",
        ),
        (
            {"lifecycle": {"rule": [{"action": {"type": "Move"}, "condition": {"age": 1}}]}},
            "action.type",
        ),
        (
            {
                "lifecycle": {
                    "rule": [
                        {
                            "action": {"type": "AbortIncompleteMultipartUpload"},
                            "condition": {"isLive": True},
                        }
                    ]
                }
            },
            "isLive",
        ),
        ({"hierarchicalNamespace": {"enabled": True}}, "uniform bucket-level access"),
        ({"objectLock": True}, 'Unknown name "objectLock"'),
    ],
)
def test_what_google_would_refuse_is_refused(google: Google, fields: dict[str, Any], message: str):
    body = {"name": "backups", "location": "NAM4", **fields}
    status, said = google.refusal("POST", BUCKETS, body)

    assert status == 400
    assert message in said


def test_a_name_is_taken_once(google: Google):
    google.bucket()

    assert google.refusal("POST", BUCKETS, {"name": "backups"})[0] == 409


def test_a_bucket_that_is_not_there_is_not_found(google: Google):
    status, said = google.refusal("GET", BUCKET)

    assert (status, said) == (404, "The specified bucket does not exist.")


def test_a_patch_changes_what_it_names_and_nothing_else(google: Google):
    google.bucket(labels={"a": "1", "b": "2"}, versioning={"enabled": True})
    changed = google.json("PATCH", BUCKET, {"labels": {"a": None, "c": "3"}})

    assert changed["labels"] == {"b": "2", "c": "3"}
    assert changed["versioning"] == {"enabled": True}
    assert changed["metageneration"] == "2"
    assert "versioning" not in google.json("PATCH", BUCKET, {"versioning": None})


def test_a_patch_of_an_outdated_state_is_refused(google: Google):
    google.bucket()

    assert google.refusal("PATCH", f"{BUCKET}?ifMetagenerationMatch=7", {})[0] == 412


@pytest.mark.parametrize("change", [{"location": "US"}, {"name": "others"}])
def test_a_place_and_a_name_are_for_ever(google: Google, change: dict[str, str]):
    google.bucket()

    assert google.refusal("PATCH", BUCKET, change)[0] == 400


def test_a_refused_change_changes_nothing(google: Google):
    made = google.bucket()
    google.refusal("PATCH", BUCKET, {"labels": {"a": "b"}, "storageClass": "GLACIER"})

    assert google.json("GET", BUCKET) == made


def test_a_locked_retention_policy_can_be_extended_and_nothing_else(google: Google):
    google.bucket(retentionPolicy={"retentionPeriod": "100"})
    google.json("POST", f"{BUCKET}/lockRetentionPolicy?ifMetagenerationMatch=1")

    assert google.refusal("PATCH", BUCKET, {"retentionPolicy": {"retentionPeriod": "99"}}) == (
        403,
        "Cannot reduce retention duration of a locked Retention Policy for bucket 'backups'.",
    )
    assert google.refusal("PATCH", BUCKET, {"retentionPolicy": None})[0] == 403
    extended = google.json("PATCH", BUCKET, {"retentionPolicy": {"retentionPeriod": "101"}})
    assert extended["retentionPolicy"]["isLocked"] is True


def test_a_retention_policy_that_is_not_locked_can_be_removed(google: Google):
    google.bucket(retentionPolicy={"retentionPeriod": "100"})

    assert "retentionPolicy" not in google.json("PATCH", BUCKET, {"retentionPolicy": None})


def test_a_key_must_be_one_that_cloud_storage_may_use(google: Google):
    key = google.key()
    google.json("POST", f"/v1/{key}:setIamPolicy", {"policy": {"bindings": []}})
    body = {"name": "backups", "location": "US", "encryption": {"defaultKmsKeyName": key}}
    status, said = google.refusal("POST", BUCKETS, body)

    assert status == 403
    assert "Permission denied on Cloud KMS key" in said


@pytest.mark.parametrize(
    ("place", "location", "status"),
    [("us", "US", 200), ("europe", "EU", 200), ("nam4", "NAM4", 200), ("us", "NAM4", 400)],
)
def test_a_key_must_be_where_the_bucket_is(google: Google, place: str, location: str, status: int):
    key = google.key(place)
    body = {"name": "backups", "location": location, "encryption": {"defaultKmsKeyName": key}}

    assert google.request("POST", BUCKETS, body).status_code == status


def test_a_bucket_with_objects_cannot_be_deleted(google: Google):
    google.bucket()
    google.objects.found["backups/a"] = {"name": "a"}

    assert google.refusal("DELETE", BUCKET)[0] == 409
    google.objects.found.clear()
    google.json("DELETE", BUCKET)
    assert google.refusal("GET", BUCKET)[0] == 404
