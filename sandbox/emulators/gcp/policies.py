"""IAM policies: who has which role on what, and under which condition."""

import json
import re
from typing import Any

from sandbox.emulators.gcp.errors import GoogleError, conflict, failed_precondition, invalid
from sandbox.emulators.gcp.routing import allow, as_object, etag, items, matching, objects
from sandbox.emulators.gcp.store import Document, Store

_CONDITIONS_SINCE = 3
"""The version of policies that has conditions."""

_ROLE = r"(?:roles/[A-Za-z0-9_.]+|(?:projects|organizations)/[a-z0-9-]+/roles/[A-Za-z0-9_.]+)"
_MEMBER = re.compile(
    r"allUsers|allAuthenticatedUsers"
    r"|(?:user|group|serviceAccount):[^\s@:/]+@[^\s@:/]+"
    r"|(?:domain|projectOwner|projectEditor|projectViewer):[^\s:/]+"
    r"|principal://iam\.googleapis\.com/projects/\d+/locations/global/workloadIdentityPools/"
    r"[a-z0-9-]+/subject/.+"
    r"|principalSet://iam\.googleapis\.com/projects/\d+/locations/global/workloadIdentityPools/"
    r"[a-z0-9-]+/(?:group/.+|attribute\.[a-z0-9_]+/.+|\*)"
)
_PUBLIC = {"allUsers", "allAuthenticatedUsers"}
_ACCOUNT = re.compile(r"serviceAccount:([^@]+@[a-z0-9-]+\.iam\.gserviceaccount\.com)")
_AGENTS = ("@gs-project-accounts.", "@gcp-sa-", "@compute-system.")


def show(store: Store, name: str) -> Document:
    """The policy of a thing, by its full name; an empty one if it never had any."""
    table = store.table("policies")
    return table.setdefault(name, {"version": 1, "etag": etag(), "bindings": []})


def replace(
    store: Store,
    name: str,
    given: Any,
    *,
    stale: GoogleError | None = None,
    conditions: bool = True,
    public: bool = True,
) -> Document:
    """Set the policy of a thing; `stale` is the refusal of one made from an outdated policy."""
    policy = as_object("policy", given)
    allow(policy, ("version", "etag", "bindings", "kind", "resourceId", "auditConfigs"), "policy.")
    if policy.get("etag", show(store, name)["etag"]) != show(store, name)["etag"]:
        raise stale or conflict(
            "There were concurrent policy changes. Please retry the whole read-modify-write with"
            " exponential backoff."
        )
    bindings = [_binding(store, each) for each in objects("bindings", policy.get("bindings"))]
    conditional = any("condition" in binding for binding in bindings)
    if conditional and not conditions:
        raise invalid("Conditions need a bucket with uniform bucket-level access.")
    if conditional and policy.get("version") != _CONDITIONS_SINCE:
        raise invalid(
            f"A policy with conditions must say version {_CONDITIONS_SINCE}:"
            f" it says {policy.get('version')}."
        )
    if not public and any(_PUBLIC & set(binding["members"]) for binding in bindings):
        raise failed_precondition(
            "The member bindings allUsers and allAuthenticatedUsers are not allowed since public"
            " access prevention is enforced."
        )
    store.table("policies")[name] = {
        "version": _CONDITIONS_SINCE if conditional else 1,
        "etag": etag(),
        "bindings": _merged(bindings),
    }
    return show(store, name)


def forget(store: Store, name: str) -> None:
    """Drop the policy of a thing that is gone."""
    store.table("policies").pop(name, None)


def forget_member(store: Store, member: str) -> None:
    """Take whoever is gone out of every policy. Google marks them as deleted instead."""
    for policy in store.table("policies").values():
        for binding in policy["bindings"]:
            binding["members"] = [each for each in binding["members"] if each != member]
        policy["bindings"] = [binding for binding in policy["bindings"] if binding["members"]]


def grants(store: Store, name: str, role: str, member: str) -> bool:
    """Whether a member has a role there, without a condition."""
    return any(
        binding["role"] == role and member in binding["members"] and "condition" not in binding
        for binding in show(store, name)["bindings"]
    )


def _binding(store: Store, given: Document) -> Document:
    allow(given, ("role", "members", "condition"), "policy.bindings.")
    role = matching("role", given.get("role"), _ROLE)
    if role.startswith("projects/") and _gone(store.table("roles").get(role)):
        raise invalid(f"Role {role} does not exist in the resource's hierarchy.")
    members = [_member(store, each) for each in items("members", given.get("members"))]
    if not given.get("condition"):
        return {"role": role, "members": members}
    condition = as_object("condition", given["condition"])
    allow(condition, ("title", "description", "expression", "location"), "condition.")
    for field in ("title", "expression"):
        matching(f"condition.{field}", condition.get(field), r"(?s).*\S.*")
    return {"role": role, "members": members, "condition": condition}


def _gone(role: Document | None) -> bool:
    return role is None or bool(role.get("deleted"))


def _member(store: Store, given: Any) -> str:
    if not isinstance(given, str) or _MEMBER.fullmatch(given) is None:
        raise invalid(f"Invalid principal {given}: the type prefix or the form is not known.")
    account = _ACCOUNT.fullmatch(given)
    if account is not None and not any(agent in given for agent in _AGENTS):
        email = account[1]
        if email not in store.table("accounts"):
            raise invalid(f"Service account {email} does not exist.")
    return given


def _merged(bindings: list[Document]) -> list[Document]:
    """One binding for each role and condition, with its members in order; none that is empty."""
    found: dict[str, Document] = {}
    for binding in bindings:
        key = json.dumps([binding["role"], binding.get("condition")], sort_keys=True)
        same = found.setdefault(key, {**binding, "members": []})
        same["members"] = sorted({*same["members"], *binding["members"]})
    return [binding for binding in found.values() if binding["members"]]
