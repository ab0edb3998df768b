"""Rules for buckets of AWS: private, encrypted, versioned, locked, expiring, copied.

A store is a pair. The rules of a *backup bucket* are for every bucket but those that receive the
access logs of another and expire nothing below `db/`: an *operations bucket*. It holds what must be
rewritten, so nothing in it is locked or copied; it has S3's own encryption, since S3 delivers
access logs to no bucket that is encrypted with another key by default; and it keeps no log of its
own, which would never end.

Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
"""

from collections.abc import Iterator
from fnmatch import fnmatchcase

from neonhub_backup.domain.layout import ACCESS_LOGS, ROOT
from neonhub_backup.domain.storage import SETTLED_DAYS
from policies.documents import statements
from policies.model import Findings, Resource, Rule, Stack, alone, get, listed, of_type

BUCKET = "aws:s3/bucket:Bucket"
ENCRYPTION = (
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
)
LIFECYCLE = "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration"
LOGGING = "aws:s3/bucketLogging:BucketLogging"
LOCK = "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration"
PERMISSIONS = "aws:iam/rolePolicy:RolePolicy"
OWNERSHIP = "aws:s3/bucketOwnershipControls:BucketOwnershipControls"
POLICY = "aws:s3/bucketPolicy:BucketPolicy"
PRIVATE = "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock"
REPLICATION = "aws:s3/bucketReplicationConfig:BucketReplicationConfig"
VERSIONING = "aws:s3/bucketVersioning:BucketVersioning"

_GUARDS = {
    PRIVATE: "public access block",
    OWNERSHIP: "ownership controls",
    POLICY: "policy",
    ENCRYPTION: "encryption",
    VERSIONING: "versioning",
}
_DOORS = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")
_ARCHIVES = {"DEEP_ARCHIVE", "GLACIER"}
"""Classes that give nothing back for hours."""
_ENDING = ("s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion")
_NOT_FOR_OTHERS = (
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketPolicy",
    "s3:PutEncryptionConfiguration",
    "s3:PutObjectAcl",
)
_COPIED_WITHIN_MINUTES = 15
_REMAINING_DAYS = "s3:object-lock-remaining-retention-days"


def _of_bucket(stack: Stack, type_: str, bucket: str) -> list[Resource]:
    """The resources of a type that configure a bucket."""
    return [each for each in stack if each.type == type_ and each.get("bucket") == bucket]


def holds_backups(bucket: str, stack: Stack) -> bool:
    """Whether a bucket of AWS, by its name, is held to the rules of a backup bucket."""
    receives = any(each.get("targetBucket") == bucket for each in of_type(stack, LOGGING))
    below_root = any(
        (prefix or "").startswith(ROOT)
        for lifecycle in _of_bucket(stack, LIFECYCLE, bucket)
        for prefix in _prefixes(lifecycle)
    )
    return below_root or not receives


def backup_buckets(stack: Stack) -> list[Resource]:
    """The buckets of AWS that hold backups."""
    return [each for each in of_type(stack, BUCKET) if holds_backups(each.get("bucket"), stack)]


def _prefixes(lifecycle: Resource) -> Iterator[str | None]:
    for rule in listed(lifecycle.get("rules")):
        yield get(rule, "filter", "prefix") or get(rule, "filter", "and", "prefix")


def _of_backups(resource: Resource, stack: Stack) -> bool:
    return holds_backups(resource.get("bucket"), stack)


def _of_protected_backups(resource: Resource, stack: Stack) -> bool:
    return resource.protect and _of_backups(resource, stack)


def _guards(bucket: Resource, stack: Stack) -> Findings:
    for type_, what in _GUARDS.items():
        count = len(_of_bucket(stack, type_, bucket.get("bucket")))
        if count != 1:
            yield f"it has {count} of what sets its {what}, and needs 1"


def _one_lifecycle(bucket: Resource, stack: Stack) -> Findings:
    count = len(_of_bucket(stack, LIFECYCLE, bucket.get("bucket")))
    if count != 1:
        yield f"it has {count} lifecycle configurations, and needs 1"


def _locked(bucket: Resource, stack: Stack) -> Findings:
    if not bucket.protect:
        return
    if not bucket.get("objectLockEnabled"):
        yield "its object lock is off"
    if len(_of_bucket(stack, LOCK, bucket.get("bucket"))) != 1:
        yield "no configuration locks what arrives without a lock of its own"


def _survives(bucket: Resource) -> Findings:
    if bucket.protect and bucket.get("forceDestroy"):
        yield "it is protected, but its objects may be destroyed with it"


def _closed(block: Resource) -> Findings:
    return [f"{door} is not true" for door in _DOORS if block.get(door) is not True]


def _owned(controls: Resource) -> Findings:
    if controls.get("rule", "objectOwnership") != "BucketOwnerEnforced":
        yield "objectOwnership is not BucketOwnerEnforced"


def _tls_only(policy: Resource) -> Findings:
    name = f"arn:aws:s3:::{policy.get('bucket')}"
    refused = {
        resource
        for each in statements(policy, "policy")
        if not each.allows
        and each.actions == ["s3:*"]
        and each.principals == {"*": ["*"]}
        and each.condition == {"Bool": {"aws:SecureTransport": "false"}}
        for resource in each.resources
    }
    for resource in (name, f"{name}/*"):
        if resource not in refused:
            yield f"requests to {resource} may come without TLS"


def _no_stranger(policy: Resource) -> Findings:
    for each in statements(policy, "policy"):
        if each.admits_everybody:
            yield f"it allows everybody {', '.join(each.actions)}"


def _foreign_accounts(policy: Resource) -> Findings:
    """Actions that Security Hub's S3.6 wants no other account to have."""
    for each in statements(policy, "policy"):
        if each.allows and set(each.principals) - {"Service"}:
            for action in _NOT_FOR_OTHERS:
                if each.covers(action):
                    yield f"it allows {action} by a policy of the bucket"


def _encrypted(encryption: Resource) -> Findings:
    rules = listed(encryption.get("rules"))
    if not rules:
        yield "it has no rule"
    for rule in rules:
        if not get(rule, "applyServerSideEncryptionByDefault", "sseAlgorithm"):
            yield "it names no algorithm"


def _logged(bucket: Resource, stack: Stack) -> Findings:
    loggings = _of_bucket(stack, LOGGING, bucket.get("bucket"))
    if len(loggings) != 1:
        yield f"{len(loggings)} of what sets its access log, and it needs 1"
    for logging in loggings:
        target = logging.get("targetBucket")
        if target == bucket.get("bucket"):
            yield "it logs to itself"
        if not (logging.get("targetPrefix") or "").startswith(ACCESS_LOGS):
            yield f"its log is not below {ACCESS_LOGS}, where it expires"


def _not_early(lifecycle: Resource) -> Findings:
    for rule in listed(lifecycle.get("rules")):
        for move in listed(get(rule, "transitions")):
            days, to = get(move, "days") or 0, get(move, "storageClass")
            if to in _ARCHIVES and days < SETTLED_DAYS:
                yield f"its rule {get(rule, 'id')} moves objects to {to} after {days} days"


def _refuses_deletion(policy: Resource) -> Findings:
    denied = [
        each
        for each in statements(policy, "policy")
        if not each.allows and each.principals == {"*": ["*"]} and not each.condition
    ]
    for action in _ENDING:
        if not any(each.covers(action) for each in denied):
            yield f"nothing denies everybody {action}"


def _own_key(encryption: Resource) -> Findings:
    rules = listed(encryption.get("rules"))
    if not rules:
        yield "it has no rule"
    for rule in rules:
        default = get(rule, "applyServerSideEncryptionByDefault")
        if get(default, "sseAlgorithm") not in {"aws:kms", "aws:kms:dsse"}:
            yield "its algorithm is not aws:kms"
        # Not known before the key is made, and enough that there is one.
        elif not isinstance(default, dict) or "kmsMasterKeyId" not in default:
            yield "it names no key"


def _no_bucket_key(encryption: Resource) -> Findings:
    for rule in listed(encryption.get("rules")):
        if get(rule, "bucketKeyEnabled"):
            yield "bucketKeyEnabled is true"


def _versioned(versioning: Resource) -> Findings:
    if versioning.get("versioningConfiguration", "status") != "Enabled":
        yield "its status is not Enabled"


def _gives_up_parts(lifecycle: Resource) -> Findings:
    for rule in listed(lifecycle.get("rules")):
        everything = not get(rule, "filter", "prefix") and get(rule, "status") == "Enabled"
        if everything and get(rule, "abortIncompleteMultipartUpload", "daysAfterInitiation"):
            return
    yield "no enabled rule for all objects aborts incomplete uploads"


def _expiries(lifecycle: Resource) -> Iterator[tuple[str, float]]:
    for rule in listed(lifecycle.get("rules")):
        days = get(rule, "expiration", "days")
        if days:
            yield get(rule, "id"), days


def _hidden_go(lifecycle: Resource) -> Findings:
    for rule in listed(lifecycle.get("rules")):
        expires = get(rule, "expiration", "days")
        if expires and not get(rule, "noncurrentVersionExpiration", "noncurrentDays"):
            yield f"its rule {get(rule, 'id')} hides objects and keeps them"


def _lock_fits(resource: Resource, stack: Stack) -> Findings:
    return (_role_lock_fits if resource.type == PERMISSIONS else _default_lock_fits)(
        resource, stack
    )


def _role_lock_fits(policy: Resource, stack: Stack) -> Findings:
    kept = [
        (f"arn:aws:s3:::{lifecycle.get('bucket')}/{prefix}", days)
        for lifecycle in of_type(stack, LIFECYCLE)
        for prefix, days in _kept(lifecycle)
    ]
    for each in statements(policy, "policy"):
        if each.allows and each.covers("s3:PutObjectRetention"):
            bounds = [
                float(bound)
                for operator in ("NumericLessThanEquals", "NumericLessThanEqualsIfExists")
                for bound in each.condition_values(operator, _REMAINING_DAYS)
            ]
            reached = [
                days
                for prefix, days in kept
                if any(fnmatchcase(prefix, pattern) for pattern in each.resources)
            ]
            longest = max(reached or [days for _, days in kept], default=0)
            # One day for clocks that disagree.
            if not bounds or min(bounds) > longest + 1:
                yield f"it may lock for longer than the {longest} days that anything is kept there"


def _kept(lifecycle: Resource) -> Iterator[tuple[str, float]]:
    """Where backups are and for how many days; tiers, not logs."""
    for rule in listed(lifecycle.get("rules")):
        prefix, days = get(rule, "filter", "prefix") or "", get(rule, "expiration", "days")
        if days and prefix.startswith(ROOT):
            yield prefix, days


def _default_lock_fits(lock: Resource, stack: Stack) -> Findings:
    days = lock.get("rule", "defaultRetention", "days")
    if not days:
        yield "it has no default period in days"
        return
    for lifecycle in _of_bucket(stack, LIFECYCLE, lock.get("bucket")):
        for rule, expiry in _expiries(lifecycle):
            if days > expiry:
                yield f"it locks for {days} days what {rule} expires after {expiry}"


def _copied(bucket: Resource, stack: Stack) -> Findings:
    regions = {
        f"arn:aws:s3:::{each.get('bucket')}": each.get("region")
        for each in stack
        if each.type == BUCKET
    }
    mine = f"arn:aws:s3:::{bucket.get('bucket')}"
    for replication in (each for each in stack if each.type == REPLICATION):
        source = f"arn:aws:s3:::{replication.get('bucket')}"
        for rule in listed(replication.get("rules")):
            target = get(rule, "destination", "bucket")
            if (
                get(rule, "status") == "Enabled"
                and not get(rule, "filter", "prefix")
                and mine in {source, target}
                and regions.get(source) != regions.get(target)
            ):
                return
    yield "no enabled rule copies all of it to, or from, a bucket in another region"


def _in_time(replication: Resource) -> Findings:
    for rule in listed(replication.get("rules")):
        destination = get(rule, "destination")
        time = get(destination, "replicationTime")
        minutes = get(time, "time", "minutes")
        if get(time, "status") != "Enabled" or not minutes or minutes > _COPIED_WITHIN_MINUTES:
            yield f"its rule {get(rule, 'id')} lets copies take over {_COPIED_WITHIN_MINUTES} min"
        if get(destination, "metrics", "status") != "Enabled":
            yield f"its rule {get(rule, 'id')} measures nothing"


def _encrypted_too(replication: Resource) -> Findings:
    for rule in listed(replication.get("rules")):
        selection = get(rule, "sourceSelectionCriteria", "sseKmsEncryptedObjects", "status")
        if selection != "Enabled":
            yield f"its rule {get(rule, 'id')} skips encrypted objects, which all are"
        encryption = get(rule, "destination", "encryptionConfiguration")
        if not isinstance(encryption, dict) or "replicaKmsKeyId" not in encryption:
            yield f"its rule {get(rule, 'id')} names no key for the copies"


def _deletions_stay(replication: Resource) -> Findings:
    for rule in listed(replication.get("rules")):
        if get(rule, "deleteMarkerReplication", "status") != "Disabled":
            yield f"its rule {get(rule, 'id')} copies delete markers"


RULES = (
    Rule(
        name="bucket-is-guarded",
        meaning="A bucket without one of its guards is open, readable or forgetful however the"
        " others are set: give it exactly one of each.",
        answers=("CKV2_AWS_6",),
        types=(BUCKET,),
        check=_guards,
        looks_around=True,
    ),
    Rule(
        name="bucket-has-one-lifecycle",
        meaning="Without a lifecycle backups are kept and paid for ever, and of two AWS keeps none:"
        " put all rules of a bucket into one configuration.",
        answers=("CKV2_AWS_61", "S3.10", "S3.13"),
        types=(BUCKET,),
        check=_one_lifecycle,
        looks_around=True,
    ),
    Rule(
        name="bucket-is-locked",
        meaning="Whoever steals an administrator's session could delete every backup: enable object"
        " lock and set a default period.",
        answers=("CKV_AWS_143", "S3.15"),
        types=(BUCKET,),
        about=_of_backups,
        check=_locked,
        looks_around=True,
    ),
    Rule(
        name="protected-bucket-keeps-its-objects",
        meaning="Once unprotected, one destroy would delete every backup: set force_destroy to"
        " false.",
        types=(BUCKET,),
        check=alone(_survives),
    ),
    Rule(
        name="bucket-is-private",
        meaning="A policy or an ACL could make backups public: set all four switches of the public"
        " access block to true.",
        answers=(
            "CKV_AWS_53",
            "CKV_AWS_54",
            "CKV_AWS_55",
            "CKV_AWS_56",
            "S3.2",
            "S3.3",
            "S3.8",
        ),
        types=(PRIVATE,),
        check=alone(_closed),
    ),
    Rule(
        name="bucket-ignores-acls",
        meaning="An object could belong to, or be shown to, another account: set the ownership to"
        " BucketOwnerEnforced.",
        answers=("CKV2_AWS_65", "S3.12"),
        types=(OWNERSHIP,),
        check=alone(_owned),
    ),
    Rule(
        name="bucket-refuses-plain-http",
        meaning="Backups and credentials could be read on their way: deny every request whose"
        " aws:SecureTransport is false.",
        answers=("S3.5",),
        types=(POLICY,),
        check=alone(_tls_only),
    ),
    Rule(
        name="bucket-policy-names-principals",
        meaning="Everybody on the internet would be let in: name the accounts or roles that need"
        " access.",
        answers=("CKV_AWS_70",),
        types=(POLICY,),
        check=alone(_no_stranger),
    ),
    Rule(
        name="bucket-has-its-own-key",
        meaning="Whoever may read the bucket could read the backups, with no key to withhold:"
        " encrypt with aws:kms and a key of the stack.",
        answers=("CKV_AWS_145", "S3.17"),
        types=(ENCRYPTION,),
        about=_of_backups,
        check=alone(_own_key),
        looks_around=True,
    ),
    Rule(
        name="bucket-is-encrypted",
        meaning="What is stored would depend on what each upload asks for: name an algorithm in the"
        " bucket's default encryption.",
        answers=("CKV_AWS_19",),
        types=(ENCRYPTION,),
        check=alone(_encrypted),
    ),
    Rule(
        name="bucket-is-logged",
        meaning="Nobody could say who read the backups: log the accesses of each backup bucket to"
        " an operations bucket, below access-logs/.",
        answers=("CKV_AWS_18", "S3.9"),
        types=(BUCKET,),
        about=_of_backups,
        check=_logged,
        looks_around=True,
    ),
    Rule(
        name="bucket-refuses-deletion",
        meaning="One role with a permission too many would suffice to end backups: deny everybody"
        " deletion and the bypass of locks in the policy of a protected bucket.",
        types=(POLICY,),
        about=_of_protected_backups,
        check=alone(_refuses_deletion),
        looks_around=True,
    ),
    Rule(
        name="bucket-is-administered-here-alone",
        meaning="Another account could open the bucket, or make it unreadable: give such actions by"
        " policies of this account's own roles, never by the bucket's.",
        answers=("S3.6",),
        types=(POLICY,),
        check=alone(_foreign_accounts),
    ),
    Rule(
        name="young-backups-are-at-hand",
        meaning="A restore or a drill of a backup of this month would wait for hours: move objects"
        " to an archive after 32 days or later.",
        types=(LIFECYCLE,),
        check=alone(_not_early),
    ),
    Rule(
        name="bucket-key-is-off",
        meaning="A bucket key replaces the object's ARN in the encryption context, so that every"
        " policy that names objects refuses, replication's first: set bucket_key_enabled to false.",
        types=(ENCRYPTION,),
        check=alone(_no_bucket_key),
    ),
    Rule(
        name="bucket-keeps-versions",
        meaning="An overwritten backup would be gone, and nothing could be locked or copied: enable"
        " versioning.",
        answers=("CKV_AWS_21", "S3.14"),
        types=(VERSIONING,),
        check=alone(_versioned),
    ),
    Rule(
        name="lifecycle-gives-up-unfinished-uploads",
        meaning="Parts of broken uploads are invisible and paid for ever: abort incomplete uploads"
        " of all objects after some days.",
        answers=("CKV_AWS_300",),
        types=(LIFECYCLE,),
        check=alone(_gives_up_parts),
    ),
    Rule(
        name="lifecycle-removes-what-it-hides",
        meaning="Expiry only hides an object of a versioned bucket, which is then paid for ever:"
        " expire its non-current versions too.",
        types=(LIFECYCLE,),
        check=alone(_hidden_go),
    ),
    Rule(
        name="lock-ends-before-expiry",
        meaning="Locked longer than they are kept, backups would outlive their expiry and cost what"
        " no one planned: shorten the lock or keep them longer.",
        types=(LOCK, PERMISSIONS),
        check=_lock_fits,
        looks_around=True,
    ),
    Rule(
        name="bucket-is-copied-to-another-region",
        meaning="One outage or one mistake could take the only copy: replicate the bucket to one in"
        " another region.",
        answers=("CKV_AWS_144", "S3.7"),
        types=(BUCKET,),
        about=_of_backups,
        check=_copied,
        looks_around=True,
    ),
    Rule(
        name="copies-arrive-in-time",
        meaning="Nobody would notice that copies are hours late: enable replication time control of"
        " 15 minutes, and its metrics.",
        types=(REPLICATION,),
        check=alone(_in_time),
    ),
    Rule(
        name="copies-are-encrypted",
        meaning="Encrypted objects would silently not be copied, or not be readable where they"
        " arrive: select SSE-KMS objects and name the replica's key.",
        types=(REPLICATION,),
        check=alone(_encrypted_too),
    ),
    Rule(
        name="deletions-are-not-copied",
        meaning="A deletion by mistake would hide both copies: disable the replication of delete"
        " markers.",
        types=(REPLICATION,),
        check=alone(_deletions_stay),
    ),
)
