"""Buckets of Cloud Storage."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from sandbox.providers.framework import ProviderError
from sandbox.providers.gcp.client import Gcp
from sandbox.providers.gcp.handler import LABELS, PROJECT, GcpHandler
from sandbox.providers.schema import (
    Naming,
    Problem,
    Schema,
    block,
    blocks,
    flag,
    number,
    or_nothing,
    text,
    texts,
)
from sandbox.providers.values import Props, is_list, is_map

_NUMBERS: Mapping[str, str] = {
    "age": "sendAgeIfZero",
    "daysSinceCustomTime": "sendDaysSinceCustomTimeIfZero",
    "daysSinceNoncurrentTime": "sendDaysSinceNoncurrentTimeIfZero",
    "numNewerVersions": "sendNumNewerVersionsIfZero",
}
"""Numbers of a condition, and what makes the plugin send one that is zero."""

_LISTS: Mapping[str, str] = {
    "matchesPrefixes": "matchesPrefix",
    "matchesStorageClasses": "matchesStorageClass",
    "matchesSuffixes": "matchesSuffix",
}
_DATES = ("createdBefore", "customTimeBefore", "noncurrentTimeBefore")
_STATES: Mapping[str, bool] = {"LIVE": True, "ARCHIVED": False}

_CONDITION: Schema = {
    **{name: number(same=or_nothing) for name in _NUMBERS},
    **{name: flag(default=False, write_only=True) for name in _NUMBERS.values()},
    **{name: text() for name in _DATES},
    **{name: texts() for name in _LISTS},
    "withState": text(choices=("LIVE", "ARCHIVED", "ANY"), same=_STATES.get),
}
_RULES = blocks(
    {
        "action": block(
            {
                "type": text(
                    required=True,
                    choices=("Delete", "SetStorageClass", "AbortIncompleteMultipartUpload"),
                ),
                "storageClass": text(),
            },
            required=True,
        ),
        "condition": block(_CONDITION, required=True),
    }
)
_RENAMED: Mapping[str, str] = {
    "customPlacementConfig": "customPlacementConfig",
    "defaultEventBasedHold": "defaultEventBasedHold",
    "encryption": "encryption",
    "hierarchicalNamespace": "hierarchicalNamespace",
    "location": "location",
    "logging": "logging",
    "name": "name",
    "rpo": "rpo",
    "storageClass": "storageClass",
    "versioning": "versioning",
    "autoclass": "autoclass",
}
"""Inputs that Google calls and shapes as Pulumi does."""

_OPTIONAL = (
    "autoclass",
    "billing",
    "defaultEventBasedHold",
    "encryption",
    "lifecycle",
    "logging",
    "retentionPolicy",
)
"""What goes when it is no longer asked for, in Google's words. The rest keeps what it last was."""

_FIXED = ("customPlacementConfig", "hierarchicalNamespace", "location", "name")


class Bucket(GcpHandler):
    """A bucket, with all of its configuration but its policy. Its id is its name."""

    token = "gcp:storage/bucket:Bucket"
    inputs: ClassVar[Schema] = {
        **PROJECT,
        **LABELS,
        "name": text(naming=Naming(lower=True, max_length=63), replaces=True, identity=True),
        "location": text(required=True, replaces=True, same=str.upper),
        "customPlacementConfig": block({"dataLocations": texts(required=True)}, replaces=True),
        "rpo": text(computed=True, choices=("DEFAULT", "ASYNC_TURBO")),
        "storageClass": text(default="STANDARD"),
        "uniformBucketLevelAccess": flag(computed=True),
        "publicAccessPrevention": text(computed=True, choices=("inherited", "enforced")),
        "versioning": block({"enabled": flag(required=True)}, computed=True),
        "softDeletePolicy": block(
            {
                "retentionDurationSeconds": number(default=604800),
                "effectiveTime": text(computed=True),
            },
            computed=True,
        ),
        "retentionPolicy": block(
            {"retentionPeriod": text(required=True), "isLocked": flag(default=False)}
        ),
        "encryption": block({"defaultKmsKeyName": text()}),
        "lifecycleRules": _RULES,
        "logging": block(
            {"logBucket": text(required=True), "logObjectPrefix": text(computed=True)}
        ),
        "autoclass": block(
            {"enabled": flag(required=True), "terminalStorageClass": text(computed=True)}
        ),
        "hierarchicalNamespace": block({"enabled": flag(required=True)}, replaces=True),
        "enableObjectRetention": flag(replaces=True, same=or_nothing),
        "defaultEventBasedHold": flag(same=or_nothing),
        "requesterPays": flag(same=or_nothing),
        "forceDestroy": flag(default=False, write_only=True),
    }
    outputs = (
        "effectiveLabels",
        "projectNumber",
        "pulumiLabels",
        "selfLink",
        "timeCreated",
        "updated",
        "url",
    )
    volatile = ("effectiveLabels", "pulumiLabels", "updated")
    secret_outputs = ("effectiveLabels", "pulumiLabels")

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What would be refused late, or shown as a change for ever."""
        placement = inputs.get("customPlacementConfig")
        regions = placement.get("dataLocations") if is_map(placement) else None
        for region in regions if is_list(regions) else []:
            if isinstance(region, str) and region != region.upper():
                yield Problem(
                    "customPlacementConfig.dataLocations",
                    f"'{region}' would show as a change for ever, because Google keeps it in "
                    f"capitals: write '{region.upper()}'",
                )
        rules = inputs.get("lifecycleRules")
        for index, rule in enumerate(rules if is_list(rules) else []):
            yield from _problems_of_rule(rule, f"lifecycleRules[{index}]")

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Make it with all of its configuration but the lock of its retention policy."""
        query = {"project": wanted["project"]}
        if wanted.get("enableObjectRetention"):
            query["enableObjectRetention"] = "true"
        fixed = {_RENAMED[name]: wanted[name] for name in _FIXED if name in wanted}
        cloud.post("storage", "b", {**fixed, **_settings(wanted)}, **query)
        return wanted["name"]

    def settle(self, cloud: Gcp, resource_id: str, wanted: Props) -> None:
        """Lock the retention policy if it is to be, which is for ever."""
        _lock(cloud, resource_id, wanted)

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """Everything about the bucket."""
        found = cloud.get("storage", f"b/{resource_id}")
        access = found["iamConfiguration"]
        retention = found.get("retentionPolicy")
        soft = found["softDeletePolicy"]
        state = {name: found.get(theirs) for name, theirs in _RENAMED.items()}
        return state | {
            "project": cloud.get("resourceManager", f"projects/{found['projectNumber']}")[
                "projectId"
            ],
            "uniformBucketLevelAccess": access["uniformBucketLevelAccess"]["enabled"],
            "publicAccessPrevention": access["publicAccessPrevention"],
            "softDeletePolicy": {
                **soft,
                "retentionDurationSeconds": int(soft["retentionDurationSeconds"]),
            },
            "retentionPolicy": retention
            and {name: retention[name] for name in ("retentionPeriod", "isLocked")},
            "lifecycleRules": [_rule(each) for each in found.get("lifecycle", {}).get("rule", [])],
            "enableObjectRetention": "objectRetention" in found,
            "requesterPays": found.get("billing", {}).get("requesterPays", False),
            "effectiveLabels": found.get("labels", {}),
            "projectNumber": int(found["projectNumber"]),
            "selfLink": found["selfLink"],
            "timeCreated": found["timeCreated"],
            "updated": found["updated"],
            "url": f"gs://{found['name']}",
        }

    def update(self, cloud: Gcp, resource_id: str, old: Props, wanted: Props) -> None:
        """Change what is not fixed; what is no longer asked for goes."""
        if _is_locked(old) and not _is_locked(wanted):
            raise ProviderError(
                f"bucket '{resource_id}' has a locked retention policy, which can never be removed"
                " or unlocked: keep isLocked, or make a bucket of another name"
            )
        settings = _settings(wanted)
        gone = {name: None for name in _OPTIONAL if name not in settings}
        labels = dict.fromkeys(old.get("effectiveLabels", {})) | wanted["effectiveLabels"]
        cloud.patch("storage", f"b/{resource_id}", {**gone, **settings, "labels": labels})
        _lock(cloud, resource_id, wanted)

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:
        """Delete it, with all objects in it if it was told to. Retention is never overridden."""
        listed = cloud.get("storage", f"b/{resource_id}/o")
        objects = [each["name"] for each in listed.get("items", [])]
        if objects and not state.get("forceDestroy"):
            raise ProviderError(
                f"bucket '{resource_id}' holds objects, so it stays: empty it, or set forceDestroy"
                " and deploy that first"
            )
        while objects:
            for name in objects:
                cloud.delete("storage", f"b/{resource_id}/o/{quote(name, safe='')}")
            listed = cloud.get("storage", f"b/{resource_id}/o")
            objects = [each["name"] for each in listed.get("items", [])]
        cloud.delete("storage", f"b/{resource_id}")


def _settings(wanted: Props) -> dict[str, Any]:
    """What may be said of a bucket at any time, in Google's words."""
    found: dict[str, Any] = {
        theirs: wanted[name]
        for name, theirs in _RENAMED.items()
        if name in wanted and name not in _FIXED
    }
    access: dict[str, Any] = {}
    if "uniformBucketLevelAccess" in wanted:
        access["uniformBucketLevelAccess"] = {"enabled": wanted["uniformBucketLevelAccess"]}
    if "publicAccessPrevention" in wanted:
        access["publicAccessPrevention"] = wanted["publicAccessPrevention"]
    if access:
        found["iamConfiguration"] = access
    if "softDeletePolicy" in wanted:
        soft = wanted["softDeletePolicy"]["retentionDurationSeconds"]
        found["softDeletePolicy"] = {"retentionDurationSeconds": str(soft)}
    if wanted.get("retentionPolicy"):
        found["retentionPolicy"] = {"retentionPeriod": wanted["retentionPolicy"]["retentionPeriod"]}
    if wanted.get("lifecycleRules"):
        found["lifecycle"] = {"rule": [_told(rule) for rule in wanted["lifecycleRules"]]}
    if wanted.get("requesterPays"):
        found["billing"] = {"requesterPays": True}
    return {**found, "labels": wanted["effectiveLabels"]}


def _told(rule: Props) -> dict[str, Any]:
    """A rule in Google's words."""
    given = rule["condition"]
    condition: dict[str, Any] = {name: given[name] for name in _DATES if given.get(name)}
    for name, send in _NUMBERS.items():
        if given.get(name) or given.get(send):
            condition[name] = given.get(name, 0)
    for name, theirs in _LISTS.items():
        if given.get(name):
            condition[theirs] = given[name]
    if given.get("withState") in _STATES:
        condition["isLive"] = _STATES[given["withState"]]
    return {"action": rule["action"], "condition": condition}


def _rule(found: Props) -> Props:
    """A rule of Google's in Pulumi's words."""
    theirs = found["condition"]
    condition: Props = {name: theirs[name] for name in (*_NUMBERS, *_DATES) if name in theirs}
    condition |= {name: theirs[their] for name, their in _LISTS.items() if their in theirs}
    if "isLive" in theirs:
        condition["withState"] = "LIVE" if theirs["isLive"] else "ARCHIVED"
    return {"action": found["action"], "condition": condition}


def _problems_of_rule(rule: Any, where: str) -> Iterable[Problem]:
    action = rule.get("action") if is_map(rule) else None
    if not is_map(action):
        return
    if action.get("type") == "SetStorageClass" and "storageClass" not in action:
        yield Problem(f"{where}.action.storageClass", "SetStorageClass needs a 'storageClass'")
    condition = rule.get("condition")
    if is_map(condition) and not _may_say_something(condition):
        yield Problem(
            f"{where}.condition",
            "the condition says nothing, so the rule would be refused: give it one",
        )


def _may_say_something(condition: Props) -> bool:
    return (
        any(
            value not in (0, "", [], False) and name != "withState"
            for name, value in condition.items()
        )
        or condition.get("withState") in _STATES
    )


def _is_locked(props: Props) -> bool:
    policy: Props = props.get("retentionPolicy") or {}
    return bool(policy.get("isLocked"))


def _lock(cloud: Gcp, bucket: str, wanted: Props) -> None:
    if not _is_locked(wanted):
        return
    found = cloud.get("storage", f"b/{bucket}")
    if not found["retentionPolicy"]["isLocked"]:
        cloud.post(
            "storage",
            f"b/{bucket}/lockRetentionPolicy",
            ifMetagenerationMatch=found["metageneration"],
        )


HANDLERS = [Bucket()]
