"""Buckets of Cloud Storage: everything about them but their objects.

Source of the rules: https://cloud.google.com/storage/docs/json_api/v1/buckets and the pages on
bucket locations, bucket lock, soft delete, lifecycle and customer-managed keys beside it.
"""

import re
from typing import Any

from sandbox.emulators.gcp import policies
from sandbox.emulators.gcp.errors import (
    condition_not_met,
    exists,
    forbidden,
    invalid,
    not_found,
)
from sandbox.emulators.gcp.locations import CONTINENTS, PAIRS, REGIONS
from sandbox.emulators.gcp.routing import (
    Call,
    Routes,
    allow,
    as_object,
    items,
    matching,
    now,
    objects,
    one_of,
    whole,
)
from sandbox.emulators.gcp.store import Document, Store

routes = Routes()

_DAY = 86400
_LONGEST_RETENTION = 3155760000
_SOFT_DELETE = (7 * _DAY, 90 * _DAY)
_CLASSES = ("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE")
_ALL_CLASSES = (*_CLASSES, "MULTI_REGIONAL", "REGIONAL", "DURABLE_REDUCED_AVAILABILITY")
_USE_KEY = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
_MOST_RULES = 100
_NUMBERS = ("age", "daysSinceNoncurrentTime", "daysSinceCustomTime", "numNewerVersions")
_DATES = ("createdBefore", "noncurrentTimeBefore", "customTimeBefore")
_TEXTS = ("matchesPrefix", "matchesSuffix")
_CONDITIONS = (*_NUMBERS, *_DATES, *_TEXTS, "isLive", "matchesStorageClass")
_OF_UPLOADS = ("age", *_TEXTS)
"""Conditions of uploads that were never completed."""

_SETTINGS = (
    "autoclass",
    "billing",
    "cors",
    "defaultEventBasedHold",
    "encryption",
    "iamConfiguration",
    "labels",
    "lifecycle",
    "logging",
    "retentionPolicy",
    "rpo",
    "softDeletePolicy",
    "storageClass",
    "versioning",
    "website",
)
_FIXED = ("name", "location", "customPlacementConfig", "hierarchicalNamespace")


def service_account(store: Store, project: str) -> str:
    """The account in whose name Cloud Storage uses keys of Cloud KMS."""
    return f"service-{store.project_number(project)}@gs-project-accounts.iam.gserviceaccount.com"


def find(store: Store, name: str) -> Document:
    """404 when there is none."""
    if name not in store.table("buckets"):
        raise not_found("The specified bucket does not exist.")
    return store.table("buckets")[name]


@routes.on("GET", "/storage/v1/projects/{project}/serviceAccount")
def show_service_account(call: Call, project: str) -> Document:
    email = service_account(call.store, call.store.project_id(project))
    return {"kind": "storage#serviceAccount", "email_address": email}


@routes.on("GET", "/storage/v1/b")
def list_buckets(call: Call) -> Document:
    project = call.store.project_number(call.store.project_id(call.require("project")))
    found = [b for b in call.store.table("buckets").values() if b["projectNumber"] == project]
    prefix = call.query.get("prefix", "")
    return {
        "kind": "storage#buckets",
        "items": [bucket for bucket in found if bucket["name"].startswith(prefix)],
    }


@routes.on("POST", "/storage/v1/b")
def create(call: Call) -> Document:
    body = {name: value for name, value in call.body.items() if name != "kind"}
    allow(body, (*_FIXED, *_SETTINGS, "acl", "defaultObjectAcl"))
    project = call.store.project_id(call.require("project"))
    name = _name(body.get("name"))
    if name in call.store.table("buckets"):
        raise exists(
            "Your previous request to create the named bucket succeeded and you already own it."
        )
    moment = now()
    number = call.store.project_number(project)
    bucket = {
        "kind": "storage#bucket",
        "id": name,
        "selfLink": f"{call.host}/storage/v1/b/{name}",
        "projectNumber": number,
        "name": name,
        "timeCreated": moment,
        "location": "US",
        "softDeletePolicy": {"retentionDurationSeconds": str(_SOFT_DELETE[0])},
        "iamConfiguration": {},
        "storageClass": "STANDARD",
        "metageneration": "0",
        **body,
    }
    bucket.update(_place(bucket))
    if call.query.get("enableObjectRetention") == "true":
        bucket["objectRetention"] = {"mode": "Enabled"}
    _settle(call.store, bucket, {}, project)
    call.store.table("buckets")[name] = bucket
    policies.replace(call.store, f"buckets/{name}", {"bindings": _first_bindings(project)})
    call.objects.create_bucket(name)
    return bucket


@routes.on("GET", "/storage/v1/b/{bucket}")
def show(call: Call, bucket: str) -> Document:
    return find(call.store, bucket)


@routes.on("PATCH", "/storage/v1/b/{bucket}")
def patch(call: Call, bucket: str) -> Document:
    found = find(call.store, bucket)
    _require_metageneration(call, found)
    allow(call.body, _SETTINGS)
    changed = _patched(found, call.body)
    _settle(call.store, changed, found, call.store.project_id(found["projectNumber"]))
    call.store.table("buckets")[bucket] = changed
    return changed


@routes.on("DELETE", "/storage/v1/b/{bucket}")
def delete(call: Call, bucket: str) -> Document:
    _require_metageneration(call, find(call.store, bucket))
    if not call.objects.is_empty(bucket):
        raise exists("The bucket you tried to delete is not empty.")
    call.objects.delete_bucket(bucket)
    del call.store.table("buckets")[bucket]
    policies.forget(call.store, f"buckets/{bucket}")
    return {}


@routes.on("POST", "/storage/v1/b/{bucket}/lockRetentionPolicy")
def lock_retention_policy(call: Call, bucket: str) -> Document:
    found = find(call.store, bucket)
    call.require("ifMetagenerationMatch")
    _require_metageneration(call, found)
    if "retentionPolicy" not in found:
        raise invalid("A bucket without a retention policy has nothing to lock.")
    found["retentionPolicy"]["isLocked"] = True
    _touch(found)
    return found


@routes.on("GET", "/storage/v1/b/{bucket}/iam")
def show_policy(call: Call, bucket: str) -> Document:
    find(call.store, bucket)
    return _policy(bucket, policies.show(call.store, f"buckets/{bucket}"))


@routes.on("PUT", "/storage/v1/b/{bucket}/iam")
def replace_policy(call: Call, bucket: str) -> Document:
    access = find(call.store, bucket)["iamConfiguration"]
    stale = condition_not_met("At least one of the pre-conditions you specified did not hold.")
    policy = policies.replace(
        call.store,
        f"buckets/{bucket}",
        call.body,
        stale=stale,
        conditions=access["uniformBucketLevelAccess"]["enabled"],
        public=access["publicAccessPrevention"] != "enforced",
    )
    return _policy(bucket, policy)


def _policy(bucket: str, policy: Document) -> Document:
    return {"kind": "storage#policy", "resourceId": f"projects/_/buckets/{bucket}", **policy}


def _first_bindings(project: str) -> list[Document]:
    """What Google grants the project's own people on a new bucket."""
    owners = [f"projectEditor:{project}", f"projectOwner:{project}"]
    return [
        {"role": "roles/storage.legacyBucketOwner", "members": owners},
        {"role": "roles/storage.legacyBucketReader", "members": [f"projectViewer:{project}"]},
    ]


def _require_metageneration(call: Call, bucket: Document) -> None:
    wanted = call.query.get("ifMetagenerationMatch")
    if wanted is not None and wanted != bucket["metageneration"]:
        raise condition_not_met("At least one of the pre-conditions you specified did not hold.")


def _patched(old: Document, changes: Document) -> Document:
    result = {**old}
    for name, value in changes.items():
        before = old.get(name)
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict) and isinstance(before, dict) and name != "lifecycle":
            result[name] = _patched(as_object(name, before), as_object(name, value))
        else:
            result[name] = value
    return result


def _touch(bucket: Document) -> None:
    bucket["metageneration"] = str(int(bucket["metageneration"]) + 1)
    bucket["updated"] = now()
    bucket["etag"] = f"C{bucket['metageneration']}="


def _name(value: Any) -> str:
    name = matching("name", value, r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
    if any(len(part) > 63 for part in name.split(".")) or ("." not in name and len(name) > 63):
        raise invalid(f"Invalid bucket name: '{name}' is longer than 63 characters")
    if name.startswith("goog") or "google" in name or re.fullmatch(r"\d+(\.\d+){3}", name):
        raise invalid(f"Invalid bucket name: '{name}' is reserved")
    return name


def _place(bucket: Document) -> Document:
    location = str(bucket["location"]).upper()
    placement = bucket.get("customPlacementConfig")
    if placement is None:
        for kind, known in (
            ("region", REGIONS),
            ("dual-region", PAIRS),
            ("multi-region", CONTINENTS),
        ):
            if location in known:
                return {"location": location, "locationType": kind}
        raise invalid("The specified location constraint is not valid.")
    allow(as_object("customPlacementConfig", placement), ("dataLocations",), "customPlacement.")
    regions = sorted(str(r).upper() for r in items("dataLocations", placement["dataLocations"]))
    prefix = CONTINENTS.get(location)
    if prefix is None:
        raise invalid("A custom placement needs the location US, EU or ASIA.")
    if len(set(regions)) != 2 or not all(r in REGIONS and r.startswith(prefix) for r in regions):
        raise invalid(f"A custom placement in {location} needs two regions there: {regions}.")
    return {
        "location": location,
        "locationType": "dual-region",
        "customPlacementConfig": {"dataLocations": regions},
    }


def _settle(store: Store, bucket: Document, before: Document, project: str) -> None:
    """Check everything that a request may set, and fill in what Google fills in."""
    one_of("storageClass", bucket.setdefault("storageClass", _CLASSES[0]), _ALL_CLASSES)
    _settle_rpo(bucket)
    _settle_access(bucket)
    _settle_soft_delete(bucket)
    _settle_retention(bucket, before)
    _check_flags(bucket)
    check_labels(as_object("labels", bucket.get("labels")))
    lifecycle = as_object("lifecycle", bucket.get("lifecycle"))
    allow(lifecycle, ("rule",), "lifecycle.")
    rules = objects("lifecycle.rule", lifecycle.get("rule"))
    if len(rules) > _MOST_RULES:
        raise invalid(f"A bucket has at most {_MOST_RULES} lifecycle rules: {len(rules)} are given")
    for rule in rules:
        _check_rule(rule)
    if not rules:
        bucket.pop("lifecycle", None)
    logging = as_object("logging", bucket.get("logging"))
    allow(logging, ("logBucket", "logObjectPrefix"), "logging.")
    if logging:
        bucket["logging"] = {"logObjectPrefix": bucket["name"], **logging}
    encryption = as_object("encryption", bucket.get("encryption"))
    allow(encryption, ("defaultKmsKeyName",), "encryption.")
    if encryption.get("defaultKmsKeyName"):
        _check_key(store, bucket, encryption["defaultKmsKeyName"], project)
    _touch(bucket)


def _settle_rpo(bucket: Document) -> None:
    rpo = bucket.get("rpo")
    if rpo is None and bucket["locationType"] != "region":
        bucket["rpo"] = "DEFAULT"
    elif rpo is not None:
        one_of("rpo", rpo, ("DEFAULT", "ASYNC_TURBO"))
    if rpo == "ASYNC_TURBO" and bucket["locationType"] != "dual-region":
        raise invalid("Turbo replication is for buckets in two regions only.")


def _settle_access(bucket: Document) -> None:
    access = as_object("iamConfiguration", bucket.get("iamConfiguration"))
    allow(
        access,
        ("uniformBucketLevelAccess", "bucketPolicyOnly", "publicAccessPrevention"),
        "iamConfiguration.",
    )
    uniform = as_object("uniformBucketLevelAccess", access.get("uniformBucketLevelAccess"))
    prevention = access.get("publicAccessPrevention", "inherited")
    one_of("publicAccessPrevention", prevention, ("inherited", "enforced"))
    bucket["iamConfiguration"] = {
        "uniformBucketLevelAccess": {"enabled": bool(uniform.get("enabled"))},
        "publicAccessPrevention": prevention,
    }


def _settle_soft_delete(bucket: Document) -> None:
    policy = as_object("softDeletePolicy", bucket.get("softDeletePolicy"))
    given = policy.get("retentionDurationSeconds", str(_SOFT_DELETE[0]))
    period = 0 if str(given) == "0" else whole("softDeletePolicy", given, *_SOFT_DELETE)
    kept = {"retentionDurationSeconds": str(period)}
    if period:
        kept["effectiveTime"] = policy.get("effectiveTime") or now()
    bucket["softDeletePolicy"] = kept


def _settle_retention(bucket: Document, before: Document) -> None:
    old = as_object("retentionPolicy", before.get("retentionPolicy"))
    if "retentionPolicy" not in bucket:
        if old.get("isLocked"):
            raise forbidden("Cannot remove a locked Retention Policy from a bucket.")
        return
    policy = as_object("retentionPolicy", bucket["retentionPolicy"])
    allow(policy, ("retentionPeriod", "effectiveTime", "isLocked"), "retentionPolicy.")
    period = whole("retentionPeriod", policy.get("retentionPeriod"), 1, _LONGEST_RETENTION)
    if old.get("isLocked") and period < int(old["retentionPeriod"]):
        raise forbidden(
            "Cannot reduce retention duration of a locked Retention Policy for bucket"
            f" '{bucket['name']}'."
        )
    bucket["retentionPolicy"] = {
        "retentionPeriod": str(period),
        "effectiveTime": old.get("effectiveTime") or now(),
        # It is locked by a request of its own.
        "isLocked": bool(old.get("isLocked")),
    }


def _check_flags(bucket: Document) -> None:
    for name, known in (
        ("versioning", ("enabled",)),
        ("hierarchicalNamespace", ("enabled",)),
        ("billing", ("requesterPays",)),
        ("autoclass", ("enabled", "terminalStorageClass", "toggleTime")),
    ):
        allow(as_object(name, bucket.get(name)), known, f"{name}.")
    if as_object("hierarchicalNamespace", bucket.get("hierarchicalNamespace")).get("enabled"):
        if not bucket["iamConfiguration"]["uniformBucketLevelAccess"]["enabled"]:
            raise invalid("A hierarchical namespace needs uniform bucket-level access.")
        if as_object("versioning", bucket.get("versioning")).get("enabled"):
            raise invalid("A hierarchical namespace and object versioning exclude each other.")


def check_labels(labels: Document) -> None:
    for key, value in labels.items():
        matching("labels", key, r"[a-z][a-z0-9_-]{0,62}")
        matching(f"labels.{key}", value, r"[a-z0-9_-]{0,63}")


def _check_rule(rule: Document) -> None:
    allow(rule, ("action", "condition"), "lifecycle.rule.")
    action = as_object("action", rule.get("action"))
    condition = as_object("condition", rule.get("condition"))
    allow(action, ("type", "storageClass"), "lifecycle.rule.action.")
    allow(condition, _CONDITIONS, "lifecycle.rule.condition.")
    kind = one_of(
        "lifecycle.rule.action.type",
        action.get("type"),
        ("Delete", "SetStorageClass", "AbortIncompleteMultipartUpload"),
    )
    if kind == "SetStorageClass":
        one_of("lifecycle.rule.action.storageClass", action.get("storageClass"), _CLASSES)
    if not condition:
        raise invalid("A lifecycle rule needs at least one condition.")
    if kind == "AbortIncompleteMultipartUpload":
        allow(condition, _OF_UPLOADS, "lifecycle.rule.condition.")
    for name in _NUMBERS:
        if name in condition:
            whole(name, condition[name], 0, 2**31 - 1)
    for name in _DATES:
        if name in condition:
            matching(name, condition[name], r"\d{4}-\d{2}-\d{2}")
    for each in items("matchesStorageClass", condition.get("matchesStorageClass")):
        one_of("matchesStorageClass", each, _ALL_CLASSES)


def _check_key(store: Store, bucket: Document, key: str, project: str) -> None:
    """Google encrypts with the key at once, in its own name and where the bucket is."""
    matching(
        "defaultKmsKeyName",
        key,
        r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+",
    )
    account = service_account(store, project)
    known = key in store.table("keys")
    if not known or not policies.grants(store, key, _USE_KEY, f"serviceAccount:{account}"):
        raise forbidden(
            f"Permission denied on Cloud KMS key. Please ensure that your Cloud Storage service"
            f" account {account} has been authorized to use this key."
        )
    place = "EUROPE" if bucket["location"] == "EU" else bucket["location"]
    if key.split("/")[3].upper() != place:
        raise invalid(
            f"Cloud KMS key location '{key.split('/')[3]}' does not match the bucket's:"
            f" it must be '{place.lower()}'."
        )


def retention_seconds(store: Store, bucket: str) -> int:
    """For how long the bucket itself keeps each of its objects."""
    policy = store.table("buckets").get(bucket, {}).get("retentionPolicy")
    return int(policy["retentionPeriod"]) if policy else 0
