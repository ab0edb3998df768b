"""What a bucket of operations promises to whoever relies on it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from components.gcp.dual_region import DualRegion
from components.gcp.operations_bucket import OperationsBucket, OperationsBucketArgs
from neonhub_backup.domain.operations import OperationsPolicy

Deploy = Callable[..., dict[str, Any]]


def args(**changes: Any) -> OperationsBucketArgs:
    known: dict[str, Any] = {
        "bucket": "neonhub-operations",
        "place": DualRegion(location="US", regions=("us-east4", "us-west1")),
        "key_id": "projects/p/locations/us/keyRings/r/cryptoKeys/k",
    }
    return OperationsBucketArgs(**{**known, **changes})


@pytest.fixture
def asked(deploy: Deploy) -> dict[str, Any]:
    return deploy(lambda: OperationsBucket("ops", args()))


@pytest.fixture
def bucket(asked: dict[str, Any]) -> dict[str, Any]:
    return asked["ops-bucket"].inputs


def test_no_door_is_open_to_the_public(bucket: dict[str, Any]) -> None:
    assert bucket["uniformBucketLevelAccess"] is True
    assert bucket["publicAccessPrevention"] == "enforced"


def test_every_object_is_encrypted_with_the_key(bucket: dict[str, Any]) -> None:
    assert bucket["encryption"] == {
        "defaultKmsKeyName": "projects/p/locations/us/keyRings/r/cryptoKeys/k"
    }


def test_the_wal_archive_has_two_regions_too(bucket: dict[str, Any]) -> None:
    assert bucket["customPlacementConfig"] == {"dataLocations": ["US-EAST4", "US-WEST1"]}
    assert bucket["rpo"] == "ASYNC_TURBO"


def test_nothing_is_locked_and_all_can_be_brought_back(bucket: dict[str, Any]) -> None:
    assert "retentionPolicy" not in bucket
    assert "enableObjectRetention" not in bucket
    assert bucket["versioning"] == {"enabled": True}
    assert bucket["softDeletePolicy"] == {"retentionDurationSeconds": 7 * 86400}


def test_google_delivers_access_logs_and_the_bucket_has_none_of_its_own(
    asked: dict[str, Any],
) -> None:
    assert asked["ops-logs"].inputs == {
        "bucket": "neonhub-operations",
        "role": "roles/storage.objectCreator",
        "member": "group:cloud-storage-analytics@google.com",
    }
    assert "logging" not in asked["ops-bucket"].inputs


def test_logs_indexes_pages_and_wal_expire_and_nothing_else_does(bucket: dict[str, Any]) -> None:
    live = [
        rule["condition"]
        for rule in bucket["lifecycleRules"]
        if rule["action"]["type"] == "Delete" and rule["condition"]["withState"] == "LIVE"
    ]
    assert live == [
        {"age": 400, "matchesPrefixes": ["access-logs/"], "withState": "LIVE"},
        {"age": 400, "matchesPrefixes": ["index/"], "withState": "LIVE"},
        {"age": 30, "matchesPrefixes": ["status/pages/"], "withState": "LIVE"},
        {"age": 35, "matchesPrefixes": ["wal/"], "withState": "LIVE"},
    ]


def test_each_prefix_can_be_undone_for_its_own_time(bucket: dict[str, Any]) -> None:
    undone = {
        prefix: rule["condition"]["daysSinceNoncurrentTime"]
        for rule in bucket["lifecycleRules"]
        if rule["condition"].get("withState") == "ARCHIVED"
        for prefix in rule["condition"]["matchesPrefixes"]
    }
    assert undone == {"access-logs/": 1, "index/": 1, "status/pages/": 1, "status/": 30, "wal/": 7}


def test_an_upload_may_take_days_but_not_for_ever(bucket: dict[str, Any]) -> None:
    assert bucket["lifecycleRules"][0] == {
        "action": {"type": "AbortIncompleteMultipartUpload"},
        "condition": {"age": 7},
    }


def test_further_prefixes_expire_in_their_own_time(deploy: Deploy) -> None:
    periods = OperationsPolicy(further={"exports/": timedelta(days=5)})
    asked = deploy(lambda: OperationsBucket("ops", args(periods=periods)))

    conditions = [each["condition"] for each in asked["ops-bucket"].inputs["lifecycleRules"]]
    assert {"age": 5, "matchesPrefixes": ["exports/"], "withState": "LIVE"} in conditions


def test_a_soft_delete_that_google_would_refuse_is_refused_first() -> None:
    with pytest.raises(ValueError, match="from 7 to 90"):
        args(soft_delete_days=0)


def test_by_default_a_bucket_and_its_logs_outlive_the_stack(asked: dict[str, Any]) -> None:
    assert all(each.options.protect and each.options.retainOnDelete for each in asked.values())
    assert asked["ops-bucket"].inputs["forceDestroy"] is False


def test_an_unprotected_bucket_can_be_torn_down(deploy: Deploy) -> None:
    asked = deploy(lambda: OperationsBucket("ops", args(protect=False)))

    assert not any(each.options.protect or each.options.retainOnDelete for each in asked.values())
    assert asked["ops-bucket"].inputs["forceDestroy"] is True


def test_every_child_belongs_to_the_component(asked: dict[str, Any]) -> None:
    assert all(
        each.options.parent.endswith("neonhub-backup:gcp:OperationsBucket::ops")
        for each in asked.values()
    )
