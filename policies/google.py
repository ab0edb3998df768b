"""Rules for Google Cloud: buckets, keys, and who may act as whom.

As on AWS, a store is a pair, and the rules of a *backup bucket* are for every bucket but those that
receive the access logs of another and expire nothing below `db/`.
"""

import re
from collections.abc import Iterator
from typing import Any

from neonhub_backup.domain.layout import ROOT
from neonhub_backup.domain.storage import SETTLED_DAYS
from policies.model import UNKNOWN, Findings, Resource, Rule, Stack, alone, get, listed, of_type

ACCOUNT = "gcp:serviceaccount/account:Account"
ACCOUNT_KEY = "gcp:serviceaccount/key:Key"
BUCKET = "gcp:storage/bucket:Bucket"
CUSTOM_ROLE = "gcp:projects/iAMCustomRole:IAMCustomRole"
KEY = "gcp:kms/cryptoKey:CryptoKey"
PROVIDER = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
TRUST = "gcp:serviceaccount/iAMMember:IAMMember"

GRANTS = (
    "gcp:kms/cryptoKeyIAMBinding:CryptoKeyIAMBinding",
    "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
    "gcp:kms/keyRingIAMBinding:KeyRingIAMBinding",
    "gcp:kms/keyRingIAMMember:KeyRingIAMMember",
    "gcp:projects/iAMBinding:IAMBinding",
    "gcp:projects/iAMMember:IAMMember",
    "gcp:serviceaccount/iAMBinding:IAMBinding",
    TRUST,
    "gcp:storage/bucketIAMBinding:BucketIAMBinding",
    "gcp:storage/bucketIAMMember:BucketIAMMember",
)
"""Whatever gives somebody a role on something."""

_DAY_SECONDS = 24 * 60 * 60
_LONGEST_ROTATION_DAYS = 90
_LEAST_WAIT_DAYS = 30
_LEAST_SOFT_DELETE_DAYS = 7
_REGIONS = 2
_ISSUER = "https://token.actions.githubusercontent.com"
_ONE_REPOSITORY = (
    r'\(?assertion\.repository_owner_id == "\d+" && assertion\.repository_id == "\d+"\)?'
)
_CONDITION = re.compile(rf"{_ONE_REPOSITORY}( \|\| {_ONE_REPOSITORY})*")
_SUBJECT = 'assertion.repository_id + ":" + assertion.environment'
_ONE_RUN = re.compile(r"principal://iam\.googleapis\.com/[^*]+/subject/\d+:[\w-]+")
_PUBLIC = {"allUsers", "allAuthenticatedUsers"}

_PREDEFINED = {
    "roles/cloudkms.cryptoKeyEncrypterDecrypter": "gcp:kms/cryptoKey",
    "roles/iam.workloadIdentityUser": "gcp:serviceaccount/",
    "roles/storage.objectCreator": "gcp:storage/bucket",
}
"""The roles of Google's that have one purpose here, and the only things that they are given on."""

_NEVER = (
    re.compile(r"storage\.objects\.(delete|update|overrideUnlockedRetention)"),
    re.compile(r"storage\.buckets\.(delete|setIamPolicy)"),
    re.compile(r"cloudkms\.cryptoKeyVersions\.(destroy|update|useTo\w+)"),
    re.compile(r"iam\.serviceAccounts\.(actAs|delete|getAccessToken|implicitDelegation|sign\w+)"),
    re.compile(r"iam\.serviceAccountKeys\.create"),
    re.compile(r"[\w.]+\.setIamPolicy"),
    re.compile(r"iam\.roles\.(create|update|delete)"),
)
"""Permissions that end, overwrite or open backups, or make an identity a stronger one."""

_READING = ("get", "getIamPolicy", "list")


def _holds_backups(bucket: Resource, stack: Stack) -> bool:
    name = bucket.get("name")
    receives = any(each.get("logging", "logBucket") == name for each in of_type(stack, BUCKET))
    below_root = any(prefix.startswith(ROOT) for prefix, _ in _expiries(bucket))
    return below_root or not receives


def _expiries(bucket: Resource) -> Iterator[tuple[str, float]]:
    for rule in listed(bucket.get("lifecycleRules")):
        if get(rule, "action", "type") == "Delete" and get(rule, "condition", "age") is not None:
            for prefix in listed(get(rule, "condition", "matchesPrefixes")) or [""]:
                yield prefix, get(rule, "condition", "age")


def _private(bucket: Resource) -> Findings:
    if bucket.get("publicAccessPrevention") != "enforced":
        yield "publicAccessPrevention is not enforced"


def _uniform(bucket: Resource) -> Findings:
    if bucket.get("uniformBucketLevelAccess") is not True:
        yield "uniformBucketLevelAccess is not true"


def _versioned(bucket: Resource) -> Findings:
    if bucket.get("versioning", "enabled") is not True:
        yield "its versioning is off"


def _own_key(bucket: Resource) -> Findings:
    encryption: Any = bucket.inputs.get("encryption")
    # Not known before the key is made, and enough that there is one.
    if encryption is not UNKNOWN and "defaultKmsKeyName" not in (encryption or {}):
        yield "it names no key"


def _logged(bucket: Resource) -> Findings:
    target = bucket.get("logging", "logBucket")
    if not target:
        yield "nothing logs who reads it"
    elif target == bucket.get("name"):
        yield "it logs to itself"


def _two_regions(bucket: Resource) -> Findings:
    regions = set(listed(bucket.get("customPlacementConfig", "dataLocations")))
    if len(regions) != _REGIONS:
        yield f"its regions are {', '.join(sorted(regions)) or 'not named'}"
    if bucket.get("rpo") != "ASYNC_TURBO":
        yield "its rpo is not ASYNC_TURBO"


def _retained(bucket: Resource) -> Findings:
    period = bucket.get("retentionPolicy", "retentionPeriod")
    if bucket.protect and not period:
        yield "it has no retention policy"
        return
    for prefix, age in _expiries(bucket):
        if period and float(period) > age * _DAY_SECONDS:
            days = float(period) / _DAY_SECONDS
            yield f"it retains for {days:g} days what expires below {prefix} after {age}"


def _recoverable(bucket: Resource) -> Findings:
    seconds = bucket.get("softDeletePolicy", "retentionDurationSeconds") or 0
    if bucket.protect and seconds < _LEAST_SOFT_DELETE_DAYS * _DAY_SECONDS:
        yield f"what is deleted is gone in less than {_LEAST_SOFT_DELETE_DAYS} days"
    if bucket.protect and bucket.get("forceDestroy"):
        yield "it is protected, but its objects may be destroyed with it"


def _clean(bucket: Resource) -> Findings:
    hidden = set[str]()
    gives_up = False
    for rule in listed(bucket.get("lifecycleRules")):
        condition = get(rule, "condition")
        if get(rule, "action", "type") == "AbortIncompleteMultipartUpload":
            gives_up = gives_up or not get(condition, "matchesPrefixes")
        if get(condition, "withState") == "ARCHIVED" and get(rule, "action", "type") == "Delete":
            hidden |= set(listed(get(condition, "matchesPrefixes")))
    if not gives_up:
        yield "no rule for all objects aborts incomplete uploads"
    for prefix, _ in _expiries(bucket):
        if prefix not in hidden:
            yield f"it hides what expires below {prefix or 'nothing'} and keeps it"


def _not_early(bucket: Resource) -> Findings:
    for rule in listed(bucket.get("lifecycleRules")):
        age = get(rule, "condition", "age") or 0
        if get(rule, "action", "storageClass") == "ARCHIVE" and age < SETTLED_DAYS:
            yield f"it moves objects to ARCHIVE after {age} days"


def _rotates(key: Resource) -> Findings:
    period = key.get("rotationPeriod")
    if not period or _seconds(period) > _LONGEST_ROTATION_DAYS * _DAY_SECONDS:
        yield f"its rotationPeriod is {period or 'not set'}"


def _waits(key: Resource) -> Findings:
    wait = key.get("destroyScheduledDuration")
    if not wait or _seconds(wait) < _LEAST_WAIT_DAYS * _DAY_SECONDS:
        yield f"its destroyScheduledDuration is {wait or 'not set'}"


def _kept_with_buckets(key: Resource, stack: Stack) -> Findings:
    if not key.protect and any(each.protect for each in of_type(stack, BUCKET)):
        yield "it is not protected, and the buckets that it encrypts are"


def _seconds(duration: str) -> float:
    return float(duration.removesuffix("s"))


def _members(grant: Resource) -> list[str]:
    return [*listed(grant.get("member")), *listed(grant.get("members"))]


def _nobody_public(grant: Resource) -> Findings:
    return [f"it lets {each} in" for each in _members(grant) if each in _PUBLIC]


def _named_role(grant: Resource) -> Findings:
    role = grant.get("role")
    if role.startswith("roles/") and not grant.type.startswith(_PREDEFINED.get(role, "nothing")):
        yield f"it gives {role}"


def _harmless_permissions(role: Resource) -> Findings:
    for permission in listed(role.get("permissions")):
        if any(pattern.fullmatch(permission) for pattern in _NEVER):
            yield f"it allows {permission}"


def _administers(role: Resource, _: Stack) -> bool:
    return (role.get("roleId") or "").endswith((".deploy", ".preview"))


def _never_objects(role: Resource) -> Findings:
    preview = role.get("roleId").endswith(".preview")
    for permission in listed(role.get("permissions")):
        reads = permission.rpartition(".")[2] in _READING
        if permission.startswith("storage.objects.") or (preview and not reads):
            yield f"it allows {permission}"


def _bound(provider: Resource) -> Findings:
    if provider.get("oidc", "issuerUri") != _ISSUER:
        yield f"its issuer is {provider.get('oidc', 'issuerUri')}"
    if provider.get("attributeMapping", "google.subject") != _SUBJECT:
        yield "its subject is not the repository's number and the environment"
    if not _CONDITION.fullmatch(provider.get("attributeCondition") or ""):
        yield "its condition does not name the numbers of repositories and their owners alone"


def _one_environment(trust: Resource) -> Findings:
    if not _ONE_RUN.fullmatch(trust.get("member") or ""):
        yield f"{trust.get('member')} is not one environment of one repository"


def _only_backup_has_a_key(key: Resource, stack: Stack) -> Findings:
    account = key.get("serviceAccountId") or ""
    backup = {
        name
        for each in of_type(stack, ACCOUNT)
        if each.get("accountId").endswith("-backup")
        for name in (each.get("accountId"), each.name)
    }
    if not any(f"/{name}@" in account or f"<name of {name}>" == account for name in backup):
        yield f"it is of {account or 'nobody'}"


RULES = (
    Rule(
        name="gcs-bucket-is-private",
        meaning="One grant could show backups to everybody: set public_access_prevention to"
        " enforced.",
        answers=("CKV_GCP_114",),
        types=(BUCKET,),
        check=alone(_private),
    ),
    Rule(
        name="gcs-bucket-ignores-acls",
        meaning="An ACL of an object could show it to others, unseen by who reads the bucket's"
        " grants: set uniform_bucket_level_access to true.",
        answers=("CKV_GCP_29",),
        types=(BUCKET,),
        check=alone(_uniform),
    ),
    Rule(
        name="gcs-bucket-keeps-versions",
        meaning="A deleted or replaced object would be gone: enable versioning.",
        answers=("CKV_GCP_78",),
        types=(BUCKET,),
        check=alone(_versioned),
    ),
    Rule(
        name="gcs-bucket-has-its-own-key",
        meaning="Whoever may read the bucket could read the backups, with no key to withhold: set"
        " default_kms_key_name to a key of the stack.",
        types=(BUCKET,),
        check=alone(_own_key),
    ),
    Rule(
        name="gcs-bucket-is-logged",
        meaning="Nobody could say who read the backups: log the accesses of each backup bucket to"
        " its operations bucket.",
        answers=("CKV_GCP_62", "CKV_GCP_63"),
        types=(BUCKET,),
        about=_holds_backups,
        check=alone(_logged),
        looks_around=True,
    ),
    Rule(
        name="gcs-bucket-is-in-two-regions",
        meaning="The loss of a region would lose the newest backups: name two regions and set rpo"
        " to ASYNC_TURBO, which copies within 15 minutes.",
        types=(BUCKET,),
        check=alone(_two_regions),
    ),
    Rule(
        name="gcs-retention-ends-before-expiry",
        meaning="Backups could be deleted early, or would outlive their expiry and cost what no one"
        " planned: set a retention policy no longer than the shortest tier.",
        types=(BUCKET,),
        about=_holds_backups,
        check=alone(_retained),
        looks_around=True,
    ),
    Rule(
        name="gcs-bucket-survives-mistakes",
        meaning="One command would end what nobody meant to delete: keep deleted objects for 7 days"
        " and set force_destroy to false.",
        types=(BUCKET,),
        check=alone(_recoverable),
    ),
    Rule(
        name="gcs-lifecycle-leaves-nothing-hidden",
        meaning="Parts of broken uploads and old versions are invisible and paid for ever: abort"
        " incomplete uploads, and delete non-current versions below each prefix that expires.",
        types=(BUCKET,),
        check=alone(_clean),
    ),
    Rule(
        name="gcs-young-backups-are-cheap-to-read",
        meaning="Each drill would pay for reading from an archive, and each expiry for the rest of"
        " a year: move objects to ARCHIVE after 32 days or later.",
        types=(BUCKET,),
        check=alone(_not_early),
    ),
    Rule(
        name="gcp-key-rotates",
        meaning="One leaked version would open the backups of all years: set a rotation_period of"
        " 90 days or less.",
        answers=("CKV_GCP_43",),
        types=(KEY,),
        check=alone(_rotates),
    ),
    Rule(
        name="gcp-key-deletion-waits",
        meaning="Destroying the key destroys every backup, and the wait is the time to notice: set"
        " destroy_scheduled_duration to 30 days.",
        types=(KEY,),
        check=alone(_waits),
    ),
    Rule(
        name="gcp-key-is-kept-with-its-buckets",
        meaning="One destroy would make every backup unreadable that the buckets keep: protect the"
        " key as they are.",
        answers=("CKV_GCP_82",),
        types=(KEY,),
        check=_kept_with_buckets,
        looks_around=True,
    ),
    Rule(
        name="gcp-grant-is-to-somebody",
        meaning="Everybody with an account of Google's would be let in: name the account that needs"
        " the role.",
        answers=("CKV_GCP_28", "CKV2_GCP_8"),
        types=GRANTS,
        check=alone(_nobody_public),
    ),
    Rule(
        name="gcp-grant-is-of-a-narrow-role",
        meaning="Google's own roles may do more than their names say, such as deleting, and more"
        " with every feature: give a role of the stack with the permissions that are needed.",
        answers=("CKV_GCP_41", "CKV_GCP_42", "CKV_GCP_49", "CKV_GCP_117"),
        types=GRANTS,
        check=alone(_named_role),
    ),
    Rule(
        name="gcp-role-cannot-destroy",
        meaning="Whoever steals this identity could end or replace backups, or become another:"
        " remove the permission, and let lifecycle rules expire backups.",
        types=(CUSTOM_ROLE,),
        check=alone(_harmless_permissions),
    ),
    Rule(
        name="gcp-pipeline-never-sees-objects",
        meaning="Whoever opens or merges a change could read or write backups: let these roles"
        " have settings alone, and preview read them only.",
        types=(CUSTOM_ROLE,),
        about=_administers,
        check=alone(_never_objects),
    ),
    Rule(
        name="gcp-federation-is-exact",
        meaning="Names of repositories can be given up and taken by others, whose runs would be let"
        " in: compare the numbers of repository and owner in the condition, and map the subject to"
        " the repository's number and the environment.",
        answers=("CKV_GCP_118", "CKV_GCP_125"),
        types=(PROVIDER,),
        check=alone(_bound),
    ),
    Rule(
        name="gcp-account-trusts-one-environment",
        meaning="Runs of other repositories or environments could act as the account: name one"
        " subject, never a set of principals.",
        types=(TRUST,),
        check=alone(_one_environment),
    ),
    Rule(
        name="gcp-stored-keys-can-only-add",
        meaning="A key that never expires would read backups for whoever copies it: set staticKeys"
        " to false, or give the key to the backup account alone.",
        types=(ACCOUNT_KEY,),
        check=_only_backup_has_a_key,
        looks_around=True,
    ),
)
