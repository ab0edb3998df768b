"""What moto gets wrong of permissions once they are enforced: POST `0` to /moto-api/reset-auth.

moto 5 reads of a statement its effect, its actions and its resources: no conditions, no
`NotResource`, no `?`, no permission boundaries. It knows keys and metrics under other names than
AWS, takes some requests about buckets for the creation of one, and refuses nobody a role who
brings a token. Here a request is judged by everything that its policies say of it; a token, even
where nothing else is enforced. It counts as signed by whom it names.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from flask import g, request
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import AccessDeniedError
from moto.iam.access_control import AssumedRoleAccessKey, IAMPolicy, IAMRequestBase
from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend, iam_backends
from moto.kms.models import kms_backends

from sandbox.emulators.moto.bucket_policies import listed, matches, meets, object_action
from sandbox.emulators.moto.users import permissions_boundary

Context = Mapping[str, str]
"""What a condition may ask for, by its key."""

_TLS = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
_WEB_IDENTITY = "AssumeRoleWithWebIdentity"
_SERVICES = {"monitoring": "cloudwatch"}
"""What a service is called in policies if a signature calls it otherwise."""

# By the query of a request about a bucket: what moto does not tell from the bucket's creation.
_PARTS = {
    "encryption": "EncryptionConfiguration",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
}
# By the header of a request for an object: what else its sender must be allowed.
_ALSO = {
    "x-amz-tagging": "s3:PutObjectTagging",
    "x-amz-object-lock-mode": "s3:PutObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
    "x-amz-bypass-governance-retention": "s3:BypassGovernanceRetention",
}
_LOCK_DAYS = "s3:object-lock-remaining-retention-days"
_DAY_SECONDS = 24 * 3600
_KEY_ID_BYTES = 36
"""moto's ciphertexts begin with the id of their key."""

_authorize: Any = ActionAuthenticatorMixin._authenticate_and_authorize_action  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - it has no other entrance
_check: Any = IAMRequestBase.check_action_permitted


def authorize(self: Any, kind: type, resource: str = "*") -> None:
    """Refuse a request that is not allowed, if that is enforced; who brings a token, always."""
    # Who brings a token has no credentials yet, so there is no signature.
    signed = "Authorization" in request.headers
    asked: dict[str, Any] = {}
    if not signed or _enforced():
        asked = getattr(self, "params", None) or {}
    g.asked = asked
    if not signed and asked.get("WebIdentityToken"):
        require_trust(asked["RoleArn"], asked["WebIdentityToken"])
        return
    _authorize(self, kind, resource)


def _enforced() -> bool:
    return ActionAuthenticatorMixin.request_count >= settings.INITIAL_NO_AUTH_ACTION_COUNT


def require_trust(role_arn: str, token: str) -> None:
    """Raises AccessDenied unless the role trusts the bearer of the token."""
    backend = iam_backends[role_arn.split(":")[4]]["aws"]
    try:
        claims = _claims(token)
        trust = backend.get_role_by_arn(role_arn).assume_role_policy_document
    except (NotFoundException, ValueError):
        raise AccessDeniedError(user_arn="anonymous", action=f"sts:{_WEB_IDENTITY}") from None
    host = str(claims.get("iss", "")).removeprefix("https://")
    context = {f"{host}:{name}": str(value) for name, value in claims.items()}
    providers = {arn for arn in backend.open_id_providers if arn.endswith(f":oidc-provider/{host}")}
    statements = [each for each in _statements(trust) if providers & _federated(each["Principal"])]
    if not _allowed(statements, f"sts:{_WEB_IDENTITY}", role_arn, context):
        raise AccessDeniedError(user_arn="anonymous", action=f"sts:{_WEB_IDENTITY}")


def _federated(principal: Any) -> set[str]:
    return set() if principal == "*" else set(listed(principal.get("Federated", [])))


def check_action_permitted(self: Any, resource: str) -> None:
    """Raises AccessDenied unless the caller's policies and boundary allow the request."""
    if self._action in {"sts:GetCallerIdentity", "sts:AssumeRole"}:
        _check(self, resource)
        return
    policies = [
        statement
        for policy in self._access_key.collect_policies()
        for statement in _statements(IAMPolicy(policy)._policy_json)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    ]
    boundary = _boundary(self.backend, self._access_key)
    context = _context()
    for action, target in _asked(self, resource):
        if not _allowed(policies, action, target, context) or (
            boundary is not None and not _allowed(boundary, action, target, context)
        ):
            self._raise_access_denied()


def _boundary(backend: IAMBackend, key: Any) -> list[dict[str, Any]] | None:
    if isinstance(key, AssumedRoleAccessKey):
        found = backend.get_role(key._owner_role_name).permissions_boundary  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    else:
        found = permissions_boundary(backend.get_user(key._owner_user_name))  # noqa: SLF001
    if not found:
        return None
    policy = backend.get_policy(found["PermissionsBoundaryArn"])
    return _statements(IAMPolicy(policy)._policy_json)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _asked(caller: Any, resource: str) -> Iterable[tuple[str, str]]:
    """The actions that the request is, each with what it is done to."""
    service, _, action = caller._action.partition(":")  # noqa: SLF001
    if service == "kms":
        yield f"kms:{action}", _key_arn(caller, resource)
    elif service != "s3":
        yield f"{_SERVICES.get(service, service)}:{action}", resource
    elif "/" not in resource:
        yield f"s3:{_bucket_action(action)}", resource
    else:
        yield object_action(request.method, request.args), resource
        yield from ((also, resource) for name, also in _ALSO.items() if name in request.headers)
        if "x-amz-copy-source" in request.headers:
            source = request.headers["x-amz-copy-source"].lstrip("/").partition("?")[0]
            yield "s3:GetObject", f"arn:aws:s3:::{source}"


def _bucket_action(action: str) -> str:
    for part, name in _PARTS.items():
        if part in request.args:
            return f"{'Get' if request.method == 'GET' else 'Put'}{name}"
    return "ListBucket" if request.method == "HEAD" else action


def _key_arn(caller: Any, resource: str) -> str:
    asked: dict[str, Any] = json.loads(request.data or b"{}")
    key = asked.get("KeyId")
    if key is None and "CiphertextBlob" in asked:
        key = base64.b64decode(asked["CiphertextBlob"])[:_KEY_ID_BYTES].decode()
    if key is None or (key.startswith("arn:") and ":key/" in key):
        return key or resource
    backend = kms_backends[caller.account_id][caller._region]  # noqa: SLF001
    return backend.keys[backend.get_key_id(backend.any_id_to_key_id(key))].arn


def _context() -> Context:
    headers = {f"s3:{name.lower()}": value for name, value in request.headers.items()}
    query = {f"s3:{name}": value for name, value in request.args.items()}
    asked = {
        "cloudwatch:namespace": g.asked.get("Namespace"),
        _LOCK_DAYS: _lock_days(),
        "s3:ObjectCreationOperation": _makes_object(),
    }
    return {**_TLS, **headers, **query, **{key: word for key, word in asked.items() if word}}


def _makes_object() -> str:
    """To begin an upload in parts, or to send one, makes no object; completing it does."""
    return "false" if request.args.keys() & {"uploads", "partNumber"} else "true"


def _lock_days() -> str | None:
    """How long the request locks an object; None if it says nothing of that."""
    found = request.headers.get("x-amz-object-lock-retain-until-date")
    if found is None and "retention" in request.args:
        written = re.search(r"<RetainUntilDate>([^<]+)<", request.get_data(as_text=True))
        found = written and written[1]
    if found is None:
        return None
    left = datetime.fromisoformat(found).astimezone(UTC) - datetime.now(UTC)
    return str(left.total_seconds() / _DAY_SECONDS)


def _allowed(
    statements: Iterable[Mapping[str, Any]], action: str, resource: str, context: Context
) -> bool:
    effects = {
        each["Effect"]
        for each in statements
        if _concerns(each, "Action", action.lower())
        and _concerns(each, "Resource", resource)
        and all(
            meets(operator, listed(wanted), context.get(key))
            for operator, keys in each.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    }
    return "Allow" in effects and "Deny" not in effects


def _concerns(statement: Mapping[str, Any], element: str, actual: str) -> bool:
    """Actions are told apart without regard to case; a trust policy names no resource."""
    if f"Not{element}" in statement:
        return not _concerns({element: statement[f"Not{element}"]}, element, actual)
    patterns = listed(statement.get(element, "*"))
    return matches(actual, [each.lower() for each in patterns] if element == "Action" else patterns)


def _statements(document: Any) -> list[dict[str, Any]]:
    parsed = json.loads(document) if isinstance(document, str) else document
    found: list[dict[str, Any]] | dict[str, Any] = parsed["Statement"]
    return found if isinstance(found, list) else [found]


def _claims(token: str) -> dict[str, Any]:
    """Raises ValueError if it is no token."""
    parts = token.split(".")
    if len(parts) != len(("header", "claims", "signature")):
        raise ValueError("a token has three parts")
    return json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))


def correct() -> None:
    """Replace what is wrong in this process."""
    mixin: Any = ActionAuthenticatorMixin
    mixin._authenticate_and_authorize_action = authorize  # noqa: SLF001 - as above
    IAMRequestBase.check_action_permitted = check_action_permitted
