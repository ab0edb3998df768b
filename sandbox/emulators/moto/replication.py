"""moto keeps replication rules and copies nothing; here a new object is in its replica at once.

AWS needs seconds, and promises a quarter of an hour. Deletions stay where they happen, and whatever
was there before the rule was made is not copied, as there.
"""

from collections.abc import Iterator
from typing import Any

from moto.s3.models import FakeKey, S3Backend

_put_object = S3Backend.put_object


def put_object(
    self: S3Backend, bucket_name: str, key_name: str, value: bytes, *others: Any, **named: Any
) -> FakeKey:
    """Make an object, and its copies with their locks, encrypted as their buckets say."""
    made = _put_object(self, bucket_name, key_name, value, *others, **named)
    for replica in _replicas(self.get_bucket_replication(bucket_name) or {}, key_name):
        copy = _put_object(
            self,
            replica,
            key_name,
            value,
            storage=made.storage_class,
            etag=made.etag.strip('"'),
            lock_mode=made.lock_mode,
            lock_until=made.lock_until,
            disable_notification=True,
        )
        copy.set_metadata(made.metadata)
    return made


def _replicas(replication: dict[str, Any], key: str) -> Iterator[str]:
    """Names of the buckets that take a copy of an object."""
    for rule in replication.get("Rule", ()):
        narrowed: dict[str, str] = rule.get("Filter") or {}
        prefix = narrowed.get("Prefix") or ""
        if rule["Status"] == "Enabled" and key.startswith(prefix):
            yield rule["Destination"]["Bucket"].rpartition(":")[2]


def correct() -> None:
    """Replace what is wrong in this process."""
    backend: Any = S3Backend
    backend.put_object = put_object
