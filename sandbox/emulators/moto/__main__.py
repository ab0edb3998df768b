"""`python -m sandbox.emulators.moto`: moto's server, to which every request came over TLS.

moto 5 applies the `Deny` of a bucket policy without its condition, so that a bucket which refuses
plain HTTP would refuse everything. The policy is kept and read back as written.
"""

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket
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


if __name__ == "__main__":
    FakeBucket.get_permission = permission_over_tls
    main()
