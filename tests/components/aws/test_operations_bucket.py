"""What an operations bucket promises to those who write to it again and again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from components.aws.operations_bucket import OperationsBucket, OperationsBucketArgs
from neonhub_backup.domain.operations import OperationsPolicy

Deploy = Callable[..., dict[str, Any]]


def args(**changes: Any) -> OperationsBucketArgs:
    known: dict[str, Any] = {
        "bucket": "neonhub-operations",
        "region": "us-west-2",
        "account_id": "123456789012",
        "sources": ("neonhub-backups",),
    }
    return OperationsBucketArgs(**{**known, **changes})


@pytest.fixture
def asked(deploy: Deploy) -> dict[str, Any]:
    return deploy(lambda: OperationsBucket("ops", args()))


def rules(asked: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Lifecycle rules by their prefix."""
    return {rule["filter"]["prefix"]: rule for rule in asked["ops-lifecycle"].inputs["rules"]}


def test_s3_can_deliver_access_logs_to_it(asked: dict[str, Any]) -> None:
    assert "objectLockEnabled" not in asked["ops-bucket"].inputs
    assert asked["ops-encryption"].inputs["rules"] == [
        {"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}
    ]
    assert (
        "arn:aws:s3:::neonhub-operations/access-logs/neonhub-backups/*"
        in (asked["ops-policy"].inputs["policy"])
    )


def test_a_trail_delivers_to_it_only_when_it_is_named(deploy: Deploy) -> None:
    trail = "arn:aws:cloudtrail:us-east-1:123456789012:trail/backups"
    asked = deploy(lambda: OperationsBucket("ops", args(trail_arn=trail)))

    assert trail in asked["ops-policy"].inputs["policy"]


def test_no_door_is_open_to_the_public(asked: dict[str, Any]) -> None:
    known = ("bucket", "region")
    doors = {k: v for k, v in asked["ops-private"].inputs.items() if k not in known}
    assert len(doors) == 4
    assert all(doors.values())
    assert asked["ops-ownership"].inputs["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_what_is_overwritten_can_be_brought_back_for_a_while(asked: dict[str, Any]) -> None:
    assert asked["ops-versioning"].inputs["versioningConfiguration"] == {"status": "Enabled"}
    for prefix, days in (("status/", 30), ("wal/", 7)):
        rule = rules(asked)[prefix]
        assert rule["noncurrentVersionExpiration"] == {"noncurrentDays": days}


def test_how_long_recoveries_took_never_expires_and_pages_do(asked: dict[str, Any]) -> None:
    assert "expiration" not in rules(asked)["status/"]
    assert rules(asked)["status/pages/"]["expiration"] == {"days": 30}
    assert not any(each.startswith("status/recoveries/") for each in rules(asked))


def test_wal_expires_since_nobody_may_delete_it(asked: dict[str, Any]) -> None:
    assert rules(asked)["wal/"]["expiration"] == {"days": 35}
    assert rules(asked)["wal/"]["noncurrentVersionExpiration"] == {"noncurrentDays": 7}


def test_logs_are_kept_for_more_than_a_year(asked: dict[str, Any]) -> None:
    for prefix in ("access-logs/", "trail/", "index/"):
        assert rules(asked)[prefix]["expiration"] == {"days": 400}
        assert rules(asked)[prefix]["noncurrentVersionExpiration"] == {"noncurrentDays": 1}


def test_periods_are_those_that_were_asked_for(deploy: Deploy) -> None:
    asked = deploy(
        lambda: OperationsBucket(
            "ops",
            args(
                periods=OperationsPolicy(
                    logs=timedelta(days=90),
                    undo=timedelta(days=10),
                    wal_undo=timedelta(days=3),
                    further={"exports/daily/": timedelta(days=5)},
                )
            ),
        )
    )

    assert rules(asked)["trail/"]["expiration"] == {"days": 90}
    assert rules(asked)["status/"]["noncurrentVersionExpiration"] == {"noncurrentDays": 10}
    assert rules(asked)["wal/"]["noncurrentVersionExpiration"] == {"noncurrentDays": 3}
    assert rules(asked)["exports/daily/"]["expiration"] == {"days": 5}
    assert rules(asked)["exports/daily/"]["id"] == "expire-exports-daily"


def test_abandoned_uploads_and_delete_markers_are_cleaned_up_by_the_one_configuration(
    asked: dict[str, Any],
) -> None:
    assert rules(asked)[""]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}
    assert rules(asked)[""]["expiration"] == {"expiredObjectDeleteMarker": True}
    assert [name for name, each in asked.items() if "Lifecycle" in each.options.type] == [
        "ops-lifecycle"
    ]


def test_by_default_the_bucket_and_all_that_guards_it_outlive_the_stack(
    asked: dict[str, Any],
) -> None:
    assert all(each.options.protect and each.options.retainOnDelete for each in asked.values())
    assert asked["ops-bucket"].inputs["forceDestroy"] is False


def test_an_unprotected_bucket_can_be_torn_down_and_is_private_to_the_end(deploy: Deploy) -> None:
    asked = deploy(lambda: OperationsBucket("ops", args(protect=False)))

    assert not any(each.options.protect or each.options.retainOnDelete for each in asked.values())
    assert asked["ops-bucket"].inputs["forceDestroy"] is True
    kept = {name for name, each in asked.items() if each.options.deletedWith.endswith("ops-bucket")}
    assert kept == asked.keys() - {"ops-bucket"}


def test_every_child_is_in_the_region_and_the_component(asked: dict[str, Any]) -> None:
    parent = "neonhub-backup:aws:OperationsBucket::ops"
    assert {each.inputs["region"] for each in asked.values()} == {"us-west-2"}
    assert all(each.options.parent.endswith(parent) for each in asked.values())
