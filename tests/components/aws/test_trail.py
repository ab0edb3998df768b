"""What the trail promises to the alarms that live on it."""

from collections.abc import Callable
from typing import Any

import pytest

from components.aws.tampering import OBJECT_EVENTS
from components.aws.trail import Trail, TrailArgs, trail_arn

Deploy = Callable[..., dict[str, Any]]
ARGS = TrailArgs(
    prefix="neonhub-production",
    region="us-east-1",
    operations_bucket="neonhub-backups-operations",
    buckets=("neonhub-backups", "neonhub-backups-replica"),
)


@pytest.fixture
def asked(deploy: Deploy) -> dict[str, Any]:
    return deploy(lambda: Trail("aws", ARGS))


def selector(asked: dict[str, Any], category: str) -> dict[str, dict[str, Any]]:
    """What one selector asks of each field."""
    for each in asked["aws-trail"].inputs["advancedEventSelectors"]:
        fields = {field.pop("field"): field for field in each["fieldSelectors"]}
        if fields["eventCategory"] == {"equals": [category]}:
            return fields
    raise AssertionError(f"no selector for {category}")


def test_changes_in_every_region_are_recorded_and_reads_are_not(asked: dict[str, Any]) -> None:
    assert asked["aws-trail"].inputs["isMultiRegionTrail"] is True
    assert selector(asked, "Management")["readOnly"] == {"equals": ["false"]}


def test_deletions_are_recorded_in_both_buckets_as_a_whole(asked: dict[str, Any]) -> None:
    fields = selector(asked, "Data")
    assert fields["resources.type"] == {"equals": ["AWS::S3::Object"]}
    assert fields["resources.ARN"] == {
        "startsWiths": [
            "arn:aws:s3:::neonhub-backups/",
            "arn:aws:s3:::neonhub-backups-replica/",
        ]
    }
    assert fields["eventName"] == {"equals": list(OBJECT_EVENTS)}


def test_the_record_shows_when_it_was_changed(asked: dict[str, Any]) -> None:
    assert asked["aws-trail"].inputs["enableLogFileValidation"] is True


def test_the_record_goes_below_its_prefix_of_the_operations_bucket(asked: dict[str, Any]) -> None:
    inputs = asked["aws-trail"].inputs
    assert (inputs["s3BucketName"], inputs["s3KeyPrefix"]) == (
        "neonhub-backups-operations",
        "trail",
    )


def test_the_trail_is_known_before_it_exists(asked: dict[str, Any]) -> None:
    assert trail_arn("neonhub-production", "us-east-1", "123456789012") == (
        "arn:aws:cloudtrail:us-east-1:123456789012:trail/" + asked["aws-trail"].inputs["name"]
    )


def test_by_default_a_trail_cannot_be_destroyed_with_its_stack(asked: dict[str, Any]) -> None:
    assert asked["aws-trail"].options.protect


def test_a_trail_that_watches_no_bucket_is_refused() -> None:
    with pytest.raises(ValueError, match="no deletion would be recorded"):
        TrailArgs(prefix="p", region="us-east-1", operations_bucket="o", buckets=())
