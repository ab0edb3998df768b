"""`python -m sandbox.emulators.moto`: moto's server, with two corrections.

moto 5 applies the `Deny` of a bucket policy without its condition, so that a bucket which refuses
plain HTTP would refuse everything: here, every request came over TLS. The policy is kept and read
back as written. And moto changes the default lock of empty buckets only, AWS that of any.
"""

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket, S3Backend
from moto.server import main

_PLAIN_HTTP = {"Bool": {"aws:SecureTransport": "false"}}


def permission_over_tls(self: FakeBucket, action: str, resource: str) -> PermissionResult:
    """What a bucket's policy says of a request, leaving out what it says of plain HTTP."""
    if self.policy is None:
        return PermissionResult.NEUTRAL
    document: dict[str, Any] = json.loads(self.policy)
    document["Statement"] = [
        statement
        for statement in document["Statement"]
        if statement.get("Condition") != _PLAIN_HTTP
    ]
    return IAMPolicy(json.dumps(document)).is_action_permitted(action, resource)


def put_object_lock_configuration(
    self: S3Backend,
    bucket_name: str,
    lock_enabled: bool,
    mode: str | None = None,
    days: int | None = None,
    years: int | None = None,
) -> None:
    """Change a bucket's default lock, whether it holds objects or not."""
    bucket = self.get_bucket(bucket_name)
    if not bucket.object_lock_enabled:
        _put_object_lock_configuration(self, bucket_name, lock_enabled, mode, days, years)
        return
    bucket.default_lock_mode = mode or ""
    bucket.default_lock_days = days or 0
    bucket.default_lock_years = years or 0


_put_object_lock_configuration = S3Backend.put_object_lock_configuration

if __name__ == "__main__":
    S3Backend.put_object_lock_configuration = put_object_lock_configuration
    FakeBucket.get_permission = permission_over_tls
    main()
