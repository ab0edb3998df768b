"""Who has which role on buckets, keys, service accounts and projects.

Each type changes a part of one policy, which is read, changed and written back as a whole: if
somebody else did so meanwhile, Google refuses and it is done again.
"""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from sandbox.providers.framework import ProviderError
from sandbox.providers.gcp.client import Gcp, GoogleError
from sandbox.providers.gcp.handler import GcpHandler
from sandbox.providers.schema import Prop, Schema, block, text, texts
from sandbox.providers.values import Props, is_list, is_map

_ATTEMPTS = 50
_STALE = frozenset({409, 412})
_CONDITIONS_SINCE = 3

_CONDITION = block(
    {"title": text(required=True), "expression": text(required=True), "description": text()},
    replaces=True,
    identity=True,
)
_ROLE = text(required=True, replaces=True, identity=True)

Policy = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """A kind of thing that has a policy."""

    service: str
    property: str
    """The input that names the thing."""
    read: Callable[[Gcp, str], Policy]
    write: Callable[[Gcp, str, Policy], Any]
    prefix: str = ""
    """What the real plugin puts before the name in ids."""

    def name(self, cloud: Gcp, props: Props) -> str:
        """What the thing is called in addresses of requests."""
        del cloud
        return str(props[self.property]).removeprefix(self.prefix)

    def identity(self) -> Prop:
        """The input that names the thing."""
        return text(
            required=True,
            replaces=True,
            identity=True,
            same=lambda value: str(value).removeprefix(self.prefix),
        )

    def change(self, cloud: Gcp, name: str, change: Callable[[list[Policy]], list[Policy]]) -> None:
        """Replace the bindings of a policy. Raises GoogleError."""
        for attempt in range(_ATTEMPTS):
            policy = self.read(cloud, name)
            bindings = change(policy.get("bindings", []))
            conditional = any("condition" in binding for binding in bindings)
            version = _CONDITIONS_SINCE if conditional else policy.get("version", 1)
            try:
                self.write(
                    cloud, name, {"etag": policy["etag"], "version": version, "bindings": bindings}
                )
            except GoogleError as error:
                if error.status not in _STALE or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return


def _read_bucket(cloud: Gcp, name: str) -> Policy:
    return cloud.get("storage", f"b/{name}/iam", optionsRequestedPolicyVersion="3")


def _write_bucket(cloud: Gcp, name: str, policy: Policy) -> None:
    cloud.put("storage", f"b/{name}/iam", policy)


def _read_key(cloud: Gcp, name: str) -> Policy:
    version = {"options.requestedPolicyVersion": "3"}
    return cloud.get("kms", f"{name}:getIamPolicy", **version)


def _write_key(cloud: Gcp, name: str, policy: Policy) -> None:
    cloud.post("kms", f"{name}:setIamPolicy", {"policy": policy})


def _posted(
    service: str,
) -> tuple[Callable[[Gcp, str], Policy], Callable[[Gcp, str, Policy], None]]:
    """Reading and writing where both are requests with a body."""

    def read(cloud: Gcp, name: str) -> Policy:
        options = {"options": {"requestedPolicyVersion": _CONDITIONS_SINCE}}
        return cloud.post(service, f"{name}:getIamPolicy", options)

    def write(cloud: Gcp, name: str, policy: Policy) -> None:
        cloud.post(service, f"{name}:setIamPolicy", {"policy": policy})

    return read, write


class ProjectScope(Scope):
    """Projects, which are named without their collection."""

    def name(self, cloud: Gcp, props: Props) -> str:
        return f"projects/{super().name(cloud, props)}"


BUCKETS = Scope("storage", "bucket", _read_bucket, _write_bucket, prefix="b/")
KEYS = Scope("kms", "cryptoKeyId", _read_key, _write_key)
ACCOUNTS = Scope("iam", "serviceAccountId", *_posted("iam"))
PROJECTS = ProjectScope(
    "resourceManager", "project", *_posted("resourceManager"), prefix="projects/"
)


def _member_inputs(scope: Scope) -> Schema:
    member = text(required=True, replaces=True, identity=True)
    named = {scope.property: scope.identity()}
    return {**named, "role": _ROLE, "member": member, "condition": _CONDITION}


def _binding_inputs(scope: Scope) -> Schema:
    named = {scope.property: scope.identity()}
    return {**named, "role": _ROLE, "members": texts(required=True), "condition": _CONDITION}


class Member(GcpHandler):
    """One member of one role; the role's other members stay as they are."""

    scope: ClassVar[Scope]
    outputs = ("etag",)

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Add the member."""
        name = self.scope.name(cloud, wanted)
        self.scope.change(cloud, name, lambda b: _with(b, wanted, {wanted["member"]}))
        return _joined(self.scope, wanted, wanted["member"])

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:
        """The member, if the role still has it."""
        about = known or _imported(self.scope, resource_id, "member")
        policy = self.scope.read(cloud, self.scope.name(cloud, about))
        binding = _found(policy, about)
        if binding is None or about["member"] not in binding["members"]:
            return None
        kept = {name: about[name] for name in (self.scope.property, "role", "member")}
        return {**kept, "condition": binding.get("condition"), "etag": policy["etag"]}

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Take the member away."""
        name = self.scope.name(cloud, state)
        self.scope.change(cloud, name, lambda b: _without(b, state, {state["member"]}))


class Binding(GcpHandler):
    """All members of one role; whoever else has it loses it."""

    scope: ClassVar[Scope]
    outputs = ("etag",)
    volatile = ("etag",)

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Give the role to exactly these."""
        self._put(cloud, wanted)
        return _joined(self.scope, wanted)

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:
        """The members of the role."""
        about = known or _imported(self.scope, resource_id)
        policy = self.scope.read(cloud, self.scope.name(cloud, about))
        binding = _found(policy, about)
        if binding is None:
            return None
        kept = {name: about[name] for name in (self.scope.property, "role")}
        return {**kept, **binding, "etag": policy["etag"]}

    def update(self, cloud: Gcp, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Give the role to exactly these."""
        self._put(cloud, wanted)

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Take the role from all of them."""
        name = self.scope.name(cloud, state)
        self.scope.change(cloud, name, lambda b: _replaced(b, state, set()))

    def _put(self, cloud: Gcp, wanted: Props) -> None:
        name = self.scope.name(cloud, wanted)
        self.scope.change(cloud, name, lambda b: _replaced(b, wanted, set(wanted["members"])))


class BucketIAMMember(Member):
    """One member of a role on a bucket."""

    token = "gcp:storage/bucketIAMMember:BucketIAMMember"
    scope = BUCKETS
    inputs: ClassVar[Schema] = _member_inputs(BUCKETS)


class BucketIAMBinding(Binding):
    """All members of a role on a bucket."""

    token = "gcp:storage/bucketIAMBinding:BucketIAMBinding"
    scope = BUCKETS
    inputs: ClassVar[Schema] = _binding_inputs(BUCKETS)


class CryptoKeyIAMMember(Member):
    """One member of a role on a key."""

    token = "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember"
    scope = KEYS
    inputs: ClassVar[Schema] = _member_inputs(KEYS)


class CryptoKeyIAMBinding(Binding):
    """All members of a role on a key."""

    token = "gcp:kms/cryptoKeyIAMBinding:CryptoKeyIAMBinding"
    scope = KEYS
    inputs: ClassVar[Schema] = _binding_inputs(KEYS)


class AccountIAMMember(Member):
    """One member of a role on a service account."""

    token = "gcp:serviceaccount/iAMMember:IAMMember"
    scope = ACCOUNTS
    inputs: ClassVar[Schema] = _member_inputs(ACCOUNTS)


class AccountIAMBinding(Binding):
    """All members of a role on a service account."""

    token = "gcp:serviceaccount/iAMBinding:IAMBinding"
    scope = ACCOUNTS
    inputs: ClassVar[Schema] = _binding_inputs(ACCOUNTS)


class ProjectIAMMember(Member):
    """One member of a role on a project."""

    token = "gcp:projects/iAMMember:IAMMember"
    scope = PROJECTS
    inputs: ClassVar[Schema] = _member_inputs(PROJECTS)


class ProjectIAMBinding(Binding):
    """All members of a role on a project."""

    token = "gcp:projects/iAMBinding:IAMBinding"
    scope = PROJECTS
    inputs: ClassVar[Schema] = _binding_inputs(PROJECTS)


def canonical_policy(document: str) -> Any:
    """The bindings of a policy, in an order of their own. Raises ValueError if it is none."""
    parsed = json.loads(document)
    if not is_map(parsed) or not is_list(parsed.get("bindings", [])):
        raise ValueError("a policy is an object with 'bindings'")
    bindings = [
        {**binding, "members": sorted(binding.get("members", []))}
        for binding in parsed.get("bindings", [])
    ]
    return sorted(bindings, key=lambda binding: json.dumps(binding, sort_keys=True))


class BucketPolicy(GcpHandler):
    """All of a bucket's policy, in the place of what Google grants on a new bucket."""

    token = "gcp:storage/bucketIAMPolicy:BucketIAMPolicy"
    inputs: ClassVar[Schema] = {
        "bucket": BUCKETS.identity(),
        "policyData": text(required=True, same=canonical_policy),
    }
    outputs = ("etag",)
    volatile = ("etag",)

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Replace the policy."""
        self._put(cloud, wanted["bucket"], wanted["policyData"])
        return f"b/{BUCKETS.name(cloud, wanted)}"

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:
        """The whole policy."""
        policy = BUCKETS.read(cloud, resource_id.removeprefix("b/"))
        return {
            "bucket": known.get("bucket", resource_id),
            "policyData": json.dumps({"bindings": policy["bindings"]}),
            "etag": policy["etag"],
        }

    def update(self, cloud: Gcp, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Replace the policy."""
        self._put(cloud, resource_id, wanted["policyData"])

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Leave a policy that grants nothing, as the real plugin does."""
        self._put(cloud, resource_id, '{"bindings": []}')

    def _put(self, cloud: Gcp, bucket: str, document: str) -> None:
        bindings = json.loads(document).get("bindings", [])
        BUCKETS.change(cloud, bucket.removeprefix("b/"), lambda _: bindings)


def _same(binding: Policy, wanted: Props) -> bool:
    """Whether a binding is that of the role under the condition."""
    return binding["role"] == wanted["role"] and _plain(binding) == _plain(wanted)


def _plain(props: Props) -> dict[str, Any]:
    condition: dict[str, Any] = props.get("condition") or {}
    return {name: value for name, value in condition.items() if value}


def _found(policy: Policy, wanted: Props) -> Policy | None:
    """An imported one is known by the title of its condition alone."""
    for binding in policy.get("bindings", []):
        title = binding.get("condition", {}).get("title")
        given: Props = wanted.get("condition") or {}
        by_title = binding["role"] == wanted["role"] and title == given.get("title")
        if _same(binding, wanted) or ("expression" not in given and by_title):
            return binding
    return None


def _with(bindings: list[Policy], wanted: Props, members: set[str]) -> list[Policy]:
    present = {m for binding in bindings if _same(binding, wanted) for m in binding["members"]}
    return _replaced(bindings, wanted, present | members)


def _without(bindings: list[Policy], wanted: Props, members: set[str]) -> list[Policy]:
    present = {m for binding in bindings if _same(binding, wanted) for m in binding["members"]}
    return _replaced(bindings, wanted, present - members)


def _replaced(bindings: list[Policy], wanted: Props, members: set[str]) -> list[Policy]:
    others = [binding for binding in bindings if not _same(binding, wanted)]
    if not members:
        return others
    mine: Policy = {"role": wanted["role"], "members": sorted(members)}
    if _plain(wanted):
        mine["condition"] = _plain(wanted)
    return [*others, mine]


def _joined(scope: Scope, wanted: Props, *member: str) -> str:
    name = str(wanted[scope.property]).removeprefix(scope.prefix)
    prefix = scope.prefix if scope is BUCKETS else ""
    title = [wanted["condition"]["title"]] if wanted.get("condition") else []
    return "/".join([f"{prefix}{name}", wanted["role"], *member, *title])


def _imported(scope: Scope, resource_id: str, *more: str) -> Props:
    """The parts of an id for an import: name, role, member if any, and title of the condition."""
    names = [scope.property, "role", *more]
    words = resource_id.split(" ", len(names))
    if len(words) < len(names):
        raise ProviderError(
            f"'{resource_id}' is no id for an import: it must be {', '.join(names)} and perhaps"
            " the title of a condition, with spaces between them"
        )
    found: Props = dict(zip(names, words, strict=False))
    if len(words) > len(names):
        found["condition"] = {"title": words[-1]}
    return found


HANDLERS = [
    BucketPolicy(),
    BucketIAMMember(),
    BucketIAMBinding(),
    CryptoKeyIAMMember(),
    CryptoKeyIAMBinding(),
    AccountIAMMember(),
    AccountIAMBinding(),
    ProjectIAMMember(),
    ProjectIAMBinding(),
]
