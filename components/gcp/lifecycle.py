"""What becomes of objects in time: the rules of buckets, as plain data."""

from collections.abc import Sequence

from pulumi_gcp import storage

SECONDS_A_DAY = 86400
"""Google counts retention in seconds."""

_SOFT_DELETE_DAYS = (7, 90)


def give_up_uploads(*, days: int) -> storage.BucketLifecycleRuleArgsDict:
    """Remove the parts of uploads that were begun so long ago and not completed."""
    return {"action": {"type": "AbortIncompleteMultipartUpload"}, "condition": {"age": days}}


def expire(prefix: str, days: int) -> storage.BucketLifecycleRuleArgsDict:
    """Make objects of an age non-current."""
    return {
        "action": {"type": "Delete"},
        "condition": {"age": days, "matches_prefixes": [prefix], "with_state": "LIVE"},
    }


def forget_old(prefixes: Sequence[str], days: int) -> storage.BucketLifecycleRuleArgsDict:
    """Remove objects that have been non-current for some days."""
    return {
        "action": {"type": "Delete"},
        "condition": {
            "days_since_noncurrent_time": days,
            "matches_prefixes": list(prefixes),
            "with_state": "ARCHIVED",
        },
    }


def soft_delete(days: int) -> storage.BucketSoftDeletePolicyArgsDict:
    """Keep what is removed for some days, in which Google can bring it back.

    Raises:
        ValueError: Google would refuse the period.
    """
    least, most = _SOFT_DELETE_DAYS
    if not least <= days <= most:
        raise ValueError(
            f"soft_delete_days must be from {least} to {most}, or Google refuses the bucket: got"
            f" {days}"
        )
    return {"retention_duration_seconds": days * SECONDS_A_DAY}
