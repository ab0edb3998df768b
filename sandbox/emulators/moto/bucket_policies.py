"""What moto's S3 gets wrong of bucket policies.

moto 5 applies every `Deny` whatever its condition says, knows neither versions nor parts of
uploads, and lets any bucket be deleted. It also stumbles over a `Principal` that is `*` when it
looks for who delivers access logs. Here a policy is judged by the request itself, which counts as
one that came over TLS 1.3: the emulators speak plain HTTP.
"""

import json
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from flask import request
from moto.iam.access_control import PermissionResult
from moto.s3.exceptions import BucketAccessDeniedError
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response
from moto.s3.utils import LOGGING_SERVICE_PRINCIPAL
from werkzeug.datastructures import Headers

Statement = dict[str, Any]

_TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
_HEADER = "s3:x-amz-"

_OPERATORS: dict[str, Callable[[str, list[str]], bool]] = {
    "ArnEquals": lambda actual, wanted: any(fnmatchcase(actual, each) for each in wanted),
    "ArnLike": lambda actual, wanted: any(fnmatchcase(actual, each) for each in wanted),
    "Bool": lambda actual, wanted: actual in wanted,
    "NumericLessThan": lambda actual, wanted: float(actual) < float(wanted[0]),
    "NumericLessThanEquals": lambda actual, wanted: float(actual) <= float(wanted[0]),
    "StringEquals": lambda actual, wanted: actual in wanted,
    "StringLike": lambda actual, wanted: any(fnmatchcase(actual, each) for each in wanted),
    "StringNotEquals": lambda actual, wanted: actual not in wanted,
}

# What the query of a request makes of its method. The first that is there counts.
_ACTIONS: Mapping[str, Mapping[str, str]] = {
    "DELETE": {
        "uploadId": "AbortMultipartUpload",
        "tagging": "DeleteObjectTagging",
        "versionId": "DeleteObjectVersion",
        "": "DeleteObject",
    },
    "GET": {
        "uploadId": "ListMultipartUploadParts",
        "legal-hold": "GetObjectLegalHold",
        "retention": "GetObjectRetention",
        "tagging": "GetObjectTagging",
        "versionId": "GetObjectVersion",
        "": "GetObject",
    },
    "HEAD": {"versionId": "GetObjectVersion", "": "GetObject"},
    "POST": {"restore": "RestoreObject", "": "PutObject"},
    "PUT": {
        "legal-hold": "PutObjectLegalHold",
        "retention": "PutObjectRetention",
        "tagging": "PutObjectTagging",
        "": "PutObject",
    },
}

# Of moto's own methods only what is typed there can be typed here.
_delete_bucket: Any = S3Response.delete_bucket


def permission(self: FakeBucket, action: str, resource: str) -> PermissionResult:
    """What a bucket's policy says of the request for an object that is being answered.

    moto's own `action` counts only in a deletion of many objects: else it is the bare method.
    """
    if "delete" not in request.args:
        action = object_action(request.method, request.args)
    return _judge(self, action, resource)


def delete_bucket(self: Any) -> Any:
    """Delete a bucket. Raises AccessDenied if its policy refuses that."""
    bucket = self.backend.get_bucket(self.bucket_name)
    if _judge(bucket, "s3:DeleteBucket", bucket.arn) is PermissionResult.DENIED:
        raise BucketAccessDeniedError(bucket=self.bucket_name)
    return _delete_bucket(self)


def takes_logs(target_bucket: FakeBucket, target_prefix: str | None) -> bool:
    """Whether a bucket's policy lets S3 deliver access logs under a prefix of it."""
    if target_bucket.policy is None:
        return False
    key = f"{target_bucket.arn}/{target_prefix or ''}2026-01-01-00-00-00-0A1B2C3D4E5F6071"
    return any(
        statement["Effect"] == "Allow"
        and statement["Principal"] != "*"
        and LOGGING_SERVICE_PRINCIPAL in listed(statement["Principal"].get("Service", []))
        and matches("s3:PutObject", statement["Action"])
        and matches(key, statement["Resource"])
        for statement in _statements(target_bucket)
    )


def object_action(method: str, query: Mapping[str, str]) -> str:
    """The action that a request for an object is."""
    actions = _ACTIONS.get(method, {"": f"{method.capitalize()}Object"})
    return "s3:" + next(action for word, action in actions.items() if not word or word in query)


def holds(condition: Mapping[str, Mapping[str, str | list[str]]], headers: Headers) -> bool:
    """Whether a request with these headers meets a condition.

    Raises NotImplementedError for an operator that is not known here.
    """
    return all(
        meets(operator, listed(wanted), _value(key, headers))
        for operator, keys in condition.items()
        for key, wanted in keys.items()
    )


def meets(operator: str, wanted: list[str], actual: str | None) -> bool:
    """Whether a value, or that there is none, meets one condition.

    Raises NotImplementedError for an operator that is not known here.
    """
    if operator == "Null":
        return (actual is None) == (wanted == ["true"])
    name = operator.removesuffix("IfExists")
    if name not in _OPERATORS:
        raise NotImplementedError(f"the emulator of S3 does not know the condition {operator}")
    if actual is None:
        # What is not there differs from everything.
        return name != operator or "Not" in name
    return _OPERATORS[name](actual, wanted)


def matches(actual: str, patterns: str | list[str]) -> bool:
    """Whether one of the patterns with `*` and `?` matches."""
    return any(fnmatchcase(actual, pattern) for pattern in listed(patterns))


def listed(value: str | list[str]) -> list[str]:
    """One value as a list of one."""
    return [value] if isinstance(value, str) else value


def correct() -> None:
    """Replace what is wrong in this process."""
    bucket: Any = FakeBucket
    bucket.get_permission = permission
    bucket._log_permissions_enabled_policy = staticmethod(takes_logs)  # noqa: SLF001 - it has no other entrance
    answers: Any = S3Response
    answers.delete_bucket = delete_bucket


def _judge(bucket: FakeBucket, action: str, resource: str) -> PermissionResult:
    if bucket.policy is None:
        return PermissionResult.NEUTRAL
    effects = {
        statement["Effect"]
        for statement in _statements(bucket)
        if _is_about_everybody(statement)
        and matches(action, statement["Action"])
        and matches(resource, statement["Resource"])
        and holds(statement.get("Condition", {}), request.headers)
    }
    if "Deny" in effects:
        return PermissionResult.DENIED
    return PermissionResult.PERMITTED if effects else PermissionResult.NEUTRAL


def _statements(bucket: FakeBucket) -> list[Statement]:
    statements: list[Statement] | Statement = json.loads(bucket.policy or "")["Statement"]
    return statements if isinstance(statements, list) else [statements]


def _is_about_everybody(statement: Statement) -> bool:
    """moto does not tell a bucket who asks: what is about somebody is passed over."""
    return statement["Principal"] in ("*", {"AWS": "*"})


def _value(key: str, headers: Headers) -> str | None:
    if key.startswith(_HEADER):
        return headers.get(key.removeprefix("s3:"))
    return _TLS.get(key)
