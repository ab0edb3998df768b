"""What a bucket of backups promises to whoever relies on it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from components.gcp.backup_bucket import BackupBucket, BackupBucketArgs
from components.gcp.dual_region import DualRegion
from neonhub_backup.domain.retention import LockMode, RetentionPolicy, TierRule

Deploy = Callable[..., dict[str, Any]]
SHORT = RetentionPolicy(
    hourly=None,
    daily=TierRule(keep=timedelta(days=30), lock=timedelta(days=14)),
    lock_mode=LockMode.COMPLIANCE,
)
TIERS = ["db/annual/", "db/monthly/", "db/weekly/", "db/daily/", "db/hourly/"]


def args(**changes: Any) -> BackupBucketArgs:
    known: dict[str, Any] = {
        "bucket": "neonhub-backups",
        "place": DualRegion(location="US", regions=("us-east4", "us-west1")),
        "key_id": "projects/p/locations/us/keyRings/r/cryptoKeys/k",
        "log_bucket": "neonhub-operations",
    }
    return BackupBucketArgs(**{**known, **changes})


@pytest.fixture
def made(deploy: Deploy) -> Callable[..., dict[str, Any]]:
    def inputs(**changes: Any) -> dict[str, Any]:
        return deploy(lambda: BackupBucket("db", args(**changes)))["db-bucket"].inputs

    return inputs


Made = Callable[..., dict[str, Any]]


def expiries(inputs: dict[str, Any]) -> dict[str, int]:
    conditions = [rule["condition"] for rule in inputs["lifecycleRules"]]
    return {
        each["matchesPrefixes"][0]: each["age"]
        for each in conditions
        if "withState" in each and each["withState"] == "LIVE"
    }


def test_both_regions_have_every_object_within_15_minutes(made: Made) -> None:
    inputs = made()
    assert inputs["location"] == "US"
    assert inputs["customPlacementConfig"] == {"dataLocations": ["US-EAST4", "US-WEST1"]}
    assert inputs["rpo"] == "ASYNC_TURBO"


def test_a_pair_with_a_name_is_placed_by_it(made: Made) -> None:
    inputs = made(place=DualRegion(location="EUR4"))
    assert inputs["location"] == "EUR4"
    assert "customPlacementConfig" not in inputs


def test_no_door_is_open_to_the_public(made: Made) -> None:
    inputs = made()
    assert inputs["uniformBucketLevelAccess"] is True
    assert inputs["publicAccessPrevention"] == "enforced"


def test_every_object_is_encrypted_with_the_key(made: Made) -> None:
    assert made()["encryption"] == {
        "defaultKmsKeyName": "projects/p/locations/us/keyRings/r/cryptoKeys/k"
    }


def test_no_object_is_without_a_lock(made: Made) -> None:
    inputs = made()
    assert inputs["retentionPolicy"] == {"retentionPeriod": "86400", "isLocked": False}
    assert inputs["enableObjectRetention"] is True


def test_the_bucket_lock_is_the_shortest_of_the_tiers(made: Made) -> None:
    assert made(retention=SHORT)["retentionPolicy"]["retentionPeriod"] == str(14 * 86400)


def test_under_compliance_not_even_an_owner_shortens_the_lock(made: Made) -> None:
    assert made(retention=SHORT)["retentionPolicy"]["isLocked"] is True


def test_what_is_not_protected_is_never_locked_for_good(made: Made) -> None:
    assert made(retention=SHORT, protect=False)["retentionPolicy"]["isLocked"] is False


def test_without_a_lock_mode_there_is_no_lock_yet_it_can_come(made: Made) -> None:
    inputs = made(retention=RetentionPolicy(lock_mode=None))
    assert "retentionPolicy" not in inputs
    assert inputs["enableObjectRetention"] is True


def test_what_is_deleted_or_expired_can_be_brought_back(made: Made) -> None:
    assert made()["versioning"] == {"enabled": True}
    assert made()["softDeletePolicy"] == {"retentionDurationSeconds": 7 * 86400}
    assert made(soft_delete_days=90)["softDeletePolicy"] == {"retentionDurationSeconds": 90 * 86400}


@pytest.mark.parametrize("days", [6, 91])
def test_a_soft_delete_that_google_would_refuse_is_refused_first(days: int) -> None:
    with pytest.raises(ValueError, match=f"from 7 to 90, or Google refuses.* got {days}"):
        args(soft_delete_days=days)


def test_each_tier_expires_in_its_time_and_a_drill_with_the_last_of_them(made: Made) -> None:
    assert expiries(made()) == {
        "drills/": 2557,
        "db/annual/": 2557,
        "db/monthly/": 366,
        "db/weekly/": 84,
        "db/daily/": 30,
        "db/hourly/": 1,
    }


def test_nothing_expires_before_its_lock_ends(made: Made) -> None:
    inputs = made(retention=SHORT)
    found = expiries(inputs)
    for tier, rule in SHORT.rules().items():
        assert found[f"db/{tier}/"] >= rule.lock_days
    assert min(found.values()) * 86400 >= int(inputs["retentionPolicy"]["retentionPeriod"])


def test_expired_objects_are_gone_a_day_later(made: Made) -> None:
    (rule,) = [
        rule
        for rule in made()["lifecycleRules"]
        if rule["condition"].get("withState") == "ARCHIVED"
    ]
    assert rule["action"] == {"type": "Delete"}
    assert rule["condition"]["daysSinceNoncurrentTime"] == 1
    assert rule["condition"]["matchesPrefixes"] == ["drills/", *TIERS]


def test_abandoned_uploads_are_cleaned_up(made: Made) -> None:
    assert made()["lifecycleRules"][0] == {
        "action": {"type": "AbortIncompleteMultipartUpload"},
        "condition": {"age": 1},
    }


def test_a_tier_that_is_not_used_keeps_what_it_has(made: Made) -> None:
    assert "db/hourly/" not in str(made(retention=SHORT)["lifecycleRules"])


def test_no_object_is_moved_to_another_class(made: Made) -> None:
    inputs = made()
    assert inputs["storageClass"] == "STANDARD"
    kinds = {rule["action"]["type"] for rule in inputs["lifecycleRules"]}
    assert kinds == {"AbortIncompleteMultipartUpload", "Delete"}


def test_every_request_is_logged_in_another_bucket(made: Made) -> None:
    assert made()["logging"] == {
        "logBucket": "neonhub-operations",
        "logObjectPrefix": "access-logs/neonhub-backups",
    }


def test_by_default_a_bucket_outlives_its_stack(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    assert all(each.options.protect and each.options.retainOnDelete for each in asked.values())
    assert asked["db-bucket"].inputs["forceDestroy"] is False


def test_an_unprotected_bucket_can_be_torn_down_with_its_backups(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args(protect=False)))

    assert not any(each.options.protect or each.options.retainOnDelete for each in asked.values())
    assert asked["db-bucket"].inputs["forceDestroy"] is True


def test_the_bucket_belongs_to_the_component(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    assert asked["db-bucket"].options.parent.endswith("neonhub-backup:gcp:BackupBucket::db")
