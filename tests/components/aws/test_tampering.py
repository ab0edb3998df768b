"""Which events raise an alarm, judged as EventBridge judges them."""

import json
import re
from typing import Any, cast

import pytest

from components.aws import tampering
from components.aws.tampering import Watched

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
TRAIL = "arn:aws:cloudtrail:us-east-1:123456789012:trail/neonhub-production-trail"

BUCKETS = tampering.bucket_events(["backups"])
KEYS = tampering.key_events([KEY])
TRAILS = tampering.trail_events(TRAIL)


def matches(pattern: dict[str, Any], event: Any) -> bool:
    """Whether an event has, at every place of the pattern, one of the values there."""
    events = cast("list[Any]", event) if isinstance(event, list) else [event]
    return any(_has(pattern, each) for each in events if each is not None)


def _has(pattern: dict[str, Any], event: dict[str, Any]) -> bool:
    for key, wanted in pattern.items():
        if key == "$or":
            held = any(matches(each, event) for each in wanted)
        elif isinstance(wanted, dict):
            held = matches(cast("dict[str, Any]", wanted), event.get(key))
        else:
            held = event.get(key) in wanted
        if not held:
            return False
    return True


def call(service: str, name: str, parameters: dict[str, Any] | None, **more: Any) -> dict[str, Any]:
    return {
        "source": f"aws.{service}",
        "detail-type": "AWS API Call via CloudTrail",
        "account": "123456789012",
        "region": "us-east-1",
        "detail": {
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "eventTime": "2026-11-23T02:00:00Z",
            "sourceIPAddress": "198.51.100.7",
            "userIdentity": {"arn": "arn:aws:iam::123456789012:user/mallory"},
            "requestParameters": parameters,
            **more,
        },
    }


def said_of(watched: Watched, event: dict[str, Any]) -> str:
    """What is published, as EventBridge fills the template in."""

    def part(name: re.Match[str]) -> str:
        found: Any = event
        for step in watched.paths[name[1]].removeprefix("$.").split("."):
            found = {} if found is None else found
            found = found.get(step)
        return "" if found is None else str(found)

    return re.sub(r"<([a-z]+)>", part, json.loads(watched.template))


@pytest.mark.parametrize(
    "name",
    [
        "DeleteBucket",
        "DeleteBucketPolicy",
        "DeleteObject",
        "DeleteObjects",
        "PutBucketEncryption",
        "PutBucketLifecycle",
        "PutBucketObjectLockConfiguration",
        "PutBucketPolicy",
        "PutBucketPublicAccessBlock",
        "PutBucketReplication",
        "PutBucketVersioning",
        "PutObjectRetention",
    ],
)
def test_deleting_a_backup_or_changing_its_guard_raises_an_alarm(name: str) -> None:
    assert matches(BUCKETS.pattern, call("s3", name, {"bucketName": "backups"}))


def test_a_refused_attempt_raises_the_same_alarm() -> None:
    event = call("s3", "DeleteObject", {"bucketName": "backups"}, errorCode="AccessDenied")
    assert matches(BUCKETS.pattern, event)


@pytest.mark.parametrize("name", ["PutObject", "GetObject", "CompleteMultipartUpload"])
def test_making_and_reading_a_backup_raises_none(name: str) -> None:
    assert not matches(BUCKETS.pattern, call("s3", name, {"bucketName": "backups"}))


def test_what_happens_in_other_buckets_raises_none() -> None:
    assert not matches(BUCKETS.pattern, call("s3", "DeleteObject", {"bucketName": "uploads"}))


@pytest.mark.parametrize(
    "name", ["DisableKey", "DisableKeyRotation", "PutKeyPolicy", "ScheduleKeyDeletion"]
)
@pytest.mark.parametrize("key", [KEY, "1234abcd"])
def test_weakening_a_key_raises_an_alarm_however_it_is_named(name: str, key: str) -> None:
    assert matches(KEYS.pattern, call("kms", name, {"keyId": key}))


def test_a_key_that_is_named_by_its_alias_is_known_by_what_kms_makes_of_it() -> None:
    event = call("kms", "DisableKey", {"keyId": "alias/backups"}, resources=[{"ARN": KEY}])
    assert matches(KEYS.pattern, event)


def test_other_keys_and_the_use_of_this_one_raise_none() -> None:
    assert not matches(KEYS.pattern, call("kms", "DisableKey", {"keyId": "other"}))
    assert not matches(KEYS.pattern, call("kms", "GenerateDataKey", {"keyId": KEY}))


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("StopLogging", "name"),
        ("DeleteTrail", "name"),
        ("UpdateTrail", "name"),
        ("PutEventSelectors", "trailName"),
    ],
)
@pytest.mark.parametrize("trail", [TRAIL, "neonhub-production-trail"])
def test_blinding_the_alarms_raises_one(name: str, parameter: str, trail: str) -> None:
    assert matches(TRAILS.pattern, call("cloudtrail", name, {parameter: trail}))


def test_other_trails_raise_none() -> None:
    assert not matches(TRAILS.pattern, call("cloudtrail", "StopLogging", {"name": "other"}))


@pytest.mark.parametrize("watched", [BUCKETS, KEYS, TRAILS])
def test_each_part_of_a_sentence_has_a_path_and_each_path_a_part(watched: Watched) -> None:
    assert set(re.findall(r"<([^>]*)>", watched.sentence)) == set(watched.paths)


def test_the_sentence_says_who_did_what_to_which_backup_and_when() -> None:
    event = call("s3", "DeleteObject", {"bucketName": "backups", "key": "db/daily/x"})
    assert said_of(BUCKETS, event).startswith(
        "Backups in danger: arn:aws:iam::123456789012:user/mallory from 198.51.100.7 asked for"
        " DeleteObject of bucket backups db/daily/x in account 123456789012, us-east-1, at"
        " 2026-11-23T02:00:00Z; refused with:  (if nothing stands here, it was done)."
    )


def test_the_sentence_says_when_an_attempt_was_refused() -> None:
    event = call("kms", "DisableKey", {"keyId": KEY}, errorCode="AccessDenied")
    assert "refused with: AccessDenied" in said_of(KEYS, event)
