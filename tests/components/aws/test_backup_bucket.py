"""What a bucket of backups promises to whoever relies on it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from components.aws.backup_bucket import BackupBucket, BackupBucketArgs
from neonhub_backup.domain.retention import LockMode, RetentionPolicy, Tier, TierRule
from neonhub_backup.domain.storage import S3StorageClass

Deploy = Callable[..., dict[str, Any]]
SHORT = RetentionPolicy(
    hourly=None,
    daily=TierRule(keep=timedelta(days=30), lock=timedelta(days=14)),
    lock_mode=LockMode.COMPLIANCE,
)


def args(**changes: Any) -> BackupBucketArgs:
    known: dict[str, Any] = {
        "bucket": "neonhub-backups",
        "region": "us-west-2",
        "key_arn": "arn:key",
    }
    return BackupBucketArgs(**{**known, **changes})


def expiring(asked: dict[str, Any]) -> list[dict[str, Any]]:
    """The lifecycle rules that end objects."""
    rules = asked["db-lifecycle"].inputs["rules"]
    return [rule for rule in rules if "days" in rule.get("expiration", {})]


def test_by_default_no_object_is_without_a_lock(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    assert asked["db-bucket"].inputs["objectLockEnabled"] is True
    assert asked["db-lock"].inputs["rule"] == {
        "defaultRetention": {"mode": "GOVERNANCE", "days": 1}
    }


def test_the_default_lock_is_the_shortest_of_the_tiers(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args(retention=SHORT)))

    assert asked["db-lock"].inputs["rule"] == {
        "defaultRetention": {"mode": "COMPLIANCE", "days": 14}
    }


def test_without_a_lock_mode_there_is_no_lock(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args(retention=RetentionPolicy(lock_mode=None))))

    assert "db-lock" not in asked
    assert asked["db-bucket"].inputs["objectLockEnabled"] is False


def test_no_door_is_open_to_the_public(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    known = ("bucket", "region")
    doors = {k: v for k, v in asked["db-private"].inputs.items() if k not in known}
    assert len(doors) == 4
    assert all(doors.values())
    assert asked["db-ownership"].inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_every_object_is_encrypted_under_its_own_name(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    (rule,) = asked["db-encryption"].inputs["rules"]
    assert rule["applyServerSideEncryptionByDefault"] == {
        "sseAlgorithm": "aws:kms",
        "kmsMasterKeyId": "arn:key",
    }
    assert rule["bucketKeyEnabled"] is False


def test_nothing_is_ever_overwritten(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    assert asked["db-versioning"].inputs["versioningConfiguration"] == {"status": "Enabled"}


def test_only_tls_gets_in(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    assert "aws:SecureTransport" in asked["db-policy"].inputs["policy"]


def test_a_bucket_has_one_lifecycle_configuration(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    assert [name for name, each in asked.items() if "Lifecycle" in each.options.type] == [
        "db-lifecycle"
    ]


def test_each_tier_expires_in_its_time(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    assert {rule["filter"]["prefix"]: rule["expiration"]["days"] for rule in expiring(asked)} == {
        "drills/": 2557,
        "db/hourly/": 1,
        "db/daily/": 30,
        "db/weekly/": 84,
        "db/monthly/": 366,
        "db/annual/": 2557,
    }


def test_no_tier_expires_before_its_lock_ends(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args(retention=SHORT)))

    rules = {rule["id"]: rule for rule in asked["db-lifecycle"].inputs["rules"]}
    for tier, rule in SHORT.rules().items():
        assert rules[f"expire-{tier}"]["expiration"]["days"] >= rule.lock_days


def test_expired_objects_are_gone_a_day_later(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    assert all(
        rule["noncurrentVersionExpiration"] == {"noncurrentDays": 1} for rule in expiring(asked)
    )


def test_abandoned_uploads_and_delete_markers_are_cleaned_up(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    rule, *_ = asked["db-lifecycle"].inputs["rules"]
    assert rule["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 1}
    assert rule["expiration"] == {"expiredObjectDeleteMarker": True}


def test_a_tier_that_is_not_used_has_no_rule(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args(retention=SHORT)))

    ids = [rule["id"] for rule in asked["db-lifecycle"].inputs["rules"]]
    assert ids == [
        "clean-up",
        "expire-drills",
        "archive-annual",
        "expire-annual",
        "expire-monthly",
        "expire-weekly",
        "expire-daily",
    ]


def test_a_tier_moves_to_an_archive_once_restores_have_newer_backups(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    moves = [rule for rule in asked["db-lifecycle"].inputs["rules"] if "transitions" in rule]
    assert moves == [
        {
            "id": "archive-annual",
            "status": "Enabled",
            "filter": {"and": {"prefix": "db/annual/", "objectSizeGreaterThan": 1 << 20}},
            "transitions": [{"days": 32, "storageClass": "DEEP_ARCHIVE"}],
        }
    ]


def test_what_is_uploaded_to_its_class_never_moves(deploy: Deploy) -> None:
    classes = dict.fromkeys(Tier, S3StorageClass.GLACIER_IR)
    asked = deploy(lambda: BackupBucket("db", args(storage_classes=classes)))

    assert not any("transitions" in rule for rule in asked["db-lifecycle"].inputs["rules"])


def test_what_expires_before_it_would_move_stays_where_it_is(deploy: Deploy) -> None:
    classes = dict.fromkeys(Tier, S3StorageClass.DEEP_ARCHIVE)
    asked = deploy(lambda: BackupBucket("db", args(storage_classes=classes)))

    moved = {rule["id"] for rule in asked["db-lifecycle"].inputs["rules"] if "transitions" in rule}
    assert moved == {"archive-weekly", "archive-monthly", "archive-annual"}


def test_a_tier_without_a_class_is_refused() -> None:
    with pytest.raises(ValueError, match="no class for hourly, daily, monthly, annual"):
        args(storage_classes={Tier.WEEKLY: S3StorageClass.STANDARD})


def test_access_is_logged_under_the_name_of_the_bucket(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args(logs_bucket="operations")))

    assert asked["db-logging"].inputs == {
        "region": "us-west-2",
        "bucket": "neonhub-backups",
        "targetBucket": "operations",
        "targetPrefix": "access-logs/neonhub-backups/",
    }


def test_without_a_place_for_them_there_are_no_access_logs(deploy: Deploy) -> None:
    assert "db-logging" not in deploy(lambda: BackupBucket("db", args()))


def test_a_protected_bucket_refuses_deletion_by_anybody(deploy: Deploy) -> None:
    protected = deploy(lambda: BackupBucket("db", args()))
    assert "DenyDeletion" in protected["db-policy"].inputs["policy"]


def test_an_unprotected_bucket_refuses_no_deletion(deploy: Deploy) -> None:
    sandbox = deploy(lambda: BackupBucket("db", args(protect=False)))
    assert "DenyDeletion" not in sandbox["db-policy"].inputs["policy"]


def test_the_policy_names_the_key_of_the_bucket_and_whoever_else_gets_in(deploy: Deploy) -> None:
    other = {"Sid": "Other", "Effect": "Allow"}
    asked = deploy(lambda: BackupBucket("db", args(others=[other])))

    policy = asked["db-policy"].inputs["policy"]
    assert '"arn:key"' in policy
    assert json.loads(policy)["Statement"][-1] == other


def test_by_default_a_bucket_and_all_that_guards_it_outlive_the_stack(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    assert all(each.options.protect and each.options.retainOnDelete for each in asked.values())
    assert asked["db-bucket"].inputs["forceDestroy"] is False


def test_an_unprotected_bucket_can_be_torn_down_with_its_backups(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args(protect=False)))

    assert not any(each.options.protect or each.options.retainOnDelete for each in asked.values())
    assert asked["db-bucket"].inputs["forceDestroy"] is True


def test_access_logs_end_before_the_bucket_that_takes_them_must_be_empty(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args(protect=False, logs_bucket="operations")))

    assert not asked["db-logging"].options.deletedWith


def test_a_bucket_is_private_and_locked_until_it_is_gone(deploy: Deploy) -> None:
    asked = deploy(lambda: BackupBucket("db", args(protect=False)))

    kept = {name for name, each in asked.items() if each.options.deletedWith.endswith("db-bucket")}
    assert kept == asked.keys() - {"db-bucket"}


@pytest.mark.parametrize("child", ["bucket", "private", "policy", "encryption", "lifecycle"])
def test_every_child_is_in_the_region_and_the_component(deploy: Deploy, child: str) -> None:
    asked = deploy(lambda: BackupBucket("db", args()))

    assert asked[f"db-{child}"].inputs["region"] == "us-west-2"
    assert asked[f"db-{child}"].options.parent.endswith("neonhub-backup:aws:BackupBucket::db")
