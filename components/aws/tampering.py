"""What somebody would do who wants an end of the backups, and how it is told in one sentence."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

OBJECT_EVENTS = ("DeleteObject", "DeleteObjects", "PutObjectLegalHold", "PutObjectRetention")
"""What ends an object or its lock, as CloudTrail calls it. Expiry by lifecycle is none of it."""

BUCKET_EVENTS = (
    "DeleteBucket",
    "DeleteBucketEncryption",
    "DeleteBucketLifecycle",
    "DeleteBucketOwnershipControls",
    "DeleteBucketPolicy",
    "DeleteBucketPublicAccessBlock",
    "DeleteBucketReplication",
    "PutBucketAcl",
    "PutBucketEncryption",
    "PutBucketLifecycle",
    "PutBucketLifecycleConfiguration",
    "PutBucketLogging",
    "PutBucketObjectLockConfiguration",
    "PutBucketOwnershipControls",
    "PutBucketPolicy",
    "PutBucketPublicAccessBlock",
    "PutBucketReplication",
    "PutBucketVersioning",
    "PutObjectLockConfiguration",
)
"""What changes how a bucket guards its objects. Two have two names in CloudTrail's history."""

KEY_EVENTS = (
    "CreateGrant",
    "DisableKey",
    "DisableKeyRotation",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
)
"""What makes a key, and with it every object, useless or somebody else's."""

TRAIL_EVENTS = ("DeleteTrail", "PutEventSelectors", "StopLogging", "UpdateTrail")
"""What blinds the alarms."""


class Watched(NamedTuple):
    """Events that raise an alarm, and what is said of each."""

    pattern: dict[str, Any]
    """What EventBridge compares events with."""
    paths: dict[str, str]
    """Names for parts of an event, by the paths to them."""
    sentence: str
    """What is said; `<name>` stands for a part, or for nothing where the event has none."""

    @property
    def template(self) -> str:
        """The sentence as EventBridge wants it: a text in quotes."""
        return json.dumps(self.sentence)


_WHO = {
    "account": "$.account",
    "region": "$.region",
    "when": "$.detail.eventTime",
    "who": "$.detail.userIdentity.arn",
    "from": "$.detail.sourceIPAddress",
    "what": "$.detail.eventName",
    "error": "$.detail.errorCode",
}
_OUTCOME = (
    " in account <account>, <region>, at <when>; refused with: <error> (if nothing stands here, it"
    " was done)."
)


def bucket_events(buckets: Sequence[str]) -> Watched:
    """Deletion in buckets, and changes of what guards them; refused attempts too."""
    return Watched(
        _pattern(
            "s3",
            [*OBJECT_EVENTS, *BUCKET_EVENTS],
            {"requestParameters": {"bucketName": list(buckets)}},
        ),
        {
            **_WHO,
            "bucket": "$.detail.requestParameters.bucketName",
            "key": "$.detail.requestParameters.key",
        },
        "Backups in danger: <who> from <from> asked for <what> of bucket <bucket> <key>"
        f"{_OUTCOME} Unless a deployment did it, take that identity's permissions away and compare"
        " the bucket with its stack: pulumi refresh shows what differs, pulumi up repairs it.",
    )


def key_events(key_arns: Sequence[str]) -> Watched:
    """Changes of keys that make objects unreadable; refused attempts too.

    The request names a key as its caller did; what KMS makes of it is among the resources.
    """
    names = [*key_arns, *(arn.rpartition("/")[2] for arn in key_arns)]
    return Watched(
        _pattern(
            "kms",
            KEY_EVENTS,
            {
                "$or": [
                    {"requestParameters": {"keyId": names}},
                    {"resources": {"ARN": list(key_arns)}},
                ]
            },
        ),
        {**_WHO, "key": "$.detail.requestParameters.keyId"},
        f"Backups in danger: <who> from <from> asked for <what> of key <key>{_OUTCOME} Without its"
        " key no backup can be read: unless a deployment did it, cancel it in KMS (a deletion waits"
        " for 30 days), then take that identity's permissions away.",
    )


def trail_events(trail_arn: str) -> Watched:
    """An end of the records that these alarms live on; refused attempts too."""
    names = [trail_arn, trail_arn.rpartition("/")[2]]
    return Watched(
        _pattern(
            "cloudtrail",
            TRAIL_EVENTS,
            {
                "$or": [
                    {"requestParameters": {"name": names}},
                    {"requestParameters": {"trailName": names}},
                ]
            },
        ),
        {
            **_WHO,
            "name": "$.detail.requestParameters.name",
            "trail": "$.detail.requestParameters.trailName",
        },
        f"Alarms in danger: <who> from <from> asked for <what> of trail <name><trail>{_OUTCOME}"
        " Without the trail nobody hears of deleted backups: unless a deployment did it, repair it"
        " with pulumi refresh and pulumi up, and look at what that identity did since.",
    )


def _pattern(service: str, names: Sequence[str], which: dict[str, Any]) -> dict[str, Any]:
    return {
        "source": [f"aws.{service}"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {
            "eventSource": [f"{service}.amazonaws.com"],
            "eventName": list(names),
            **which,
        },
    }
