"""What each identity may do with the backups: pure functions of names, so that tests judge them."""

from typing import NamedTuple

from components.aws.documents import (
    EncryptedBucket,
    Policy,
    Statement,
    bucket_arn,
    document,
    objects_arn,
    service_name,
    through_s3,
)
from components.repository import ISSUER, Repository
from neonhub_backup.domain.layout import DRILLS, INDEX, MANIFEST, RECOVERIES, ROOT, STATUS, WAL
from neonhub_backup.domain.metrics import NAMESPACE

_BACKUPS, _PROOFS = f"{ROOT}*", f"{DRILLS}*"
_INDEX, _STATUS, _WAL = f"{INDEX}*", f"{STATUS}*", f"{WAL}*"

_DESTRUCTION = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket*",
    "s3:DeleteObject*",
    "s3:PutBucket*",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:PutObjectLegalHold",
    "s3:PutReplicationConfiguration",
    "kms:Disable*",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
)


class Places(NamedTuple):
    """Where a stack keeps what it backs up."""

    primary: EncryptedBucket
    """Receives the backups."""
    replica: EncryptedBucket | None
    """Receives their copies. None: there are none."""
    operations: str
    """Name of the bucket for what is rewritten. S3's own keys encrypt it: they need no policy."""

    @property
    def copies(self) -> tuple[EncryptedBucket, ...]:
        """Every bucket of backups."""
        return (self.primary,) if self.replica is None else (self.primary, self.replica)


def workflow_trust(provider_arn: str, repository: Repository, environment: str) -> Policy:
    """Let runs of one repository in one GitHub environment take a role, and nothing else."""
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Federated": provider_arn},
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    f"{ISSUER}:aud": "sts.amazonaws.com",
                    f"{ISSUER}:sub": list(repository.subjects(environment)),
                }
            },
        },
    )


def add_backups(places: Places, longest_lock_days: int | None) -> Policy:
    """Add objects, list them, read manifests and proofs; never overwrite, read data or delete.

    It sees which backups have arrived in the replica too, by their manifests.

    `longest_lock_days` bounds what the role may lock, so that a thief cannot run up a bill for a
    century. None: the bucket takes no locks.
    """
    primary = places.primary
    backups = objects_arn(primary.bucket, _BACKUPS)
    return document(
        *_add(backups),
        _allow("GiveUpParts", ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"], backups),
        _list("ListBackups", primary.bucket, _BACKUPS, _PROOFS),
        _allow(
            "ReadManifests",
            "s3:GetObject",
            [
                objects_arn(primary.bucket, f"{_BACKUPS}/{MANIFEST}"),
                objects_arn(primary.bucket, _PROOFS),
            ],
        ),
        # S3 decrypts the parts of a multipart upload in the uploader's name. What it may
        # decrypt, the role still cannot read: s3:GetObject is for manifests and proofs.
        _use("EncryptObjects", primary, ["kms:Decrypt", "kms:GenerateDataKey"], _BACKUPS),
        _use("DecryptProofs", primary, "kms:Decrypt", _PROOFS),
        *_see(places.replica),
        *_rewrite(places.operations, _INDEX, _STATUS),
        *_read_operations(places.operations, _INDEX, _STATUS),
        _measure(),
        *_lock(backups, longest_lock_days),
        _never_destroy(),
    )


def prove_backups(places: Places) -> Policy:
    """Read and decrypt everything from either copy; write what was found out, and nothing else."""
    proofs = objects_arn(places.primary.bucket, _PROOFS)
    return document(
        _add(proofs)[0],
        *_read_copies(places),
        _use("EncryptProofs", places.primary, "kms:GenerateDataKey", _PROOFS),
        *_rewrite(places.operations, _INDEX, _STATUS),
        *_read_operations(places.operations, _INDEX, _STATUS),
        _measure(),
        _never_destroy(),
    )


def restore_backups(places: Places) -> Policy:
    """Read and decrypt everything from either copy, WAL and what was overwritten.

    Write nothing but how long a recovery took.

    Annual backups are archived: to read one is to ask S3 for a copy of it first, for some days,
    which needs a permission of its own but changes nothing about the backup.
    """
    return document(
        *_read_copies(places, versions=True),
        _allow(
            "FetchFromArchive",
            "s3:RestoreObject",
            [objects_arn(place.bucket, _BACKUPS) for place in places.copies],
        ),
        *_read_operations(places.operations, _INDEX, _WAL, versions=True),
        _add(objects_arn(places.operations, f"{RECOVERIES}*"))[0],
        _never_destroy(),
    )


def boundary(places: Places, longest_lock_days: int | None) -> Policy:
    """All that any identity of the stack may ever do, replication's included.

    Whoever edits the policy of a role cannot give it more. What destroys is denied outright: else
    the policy of a bucket could allow it to the session of a role, which no boundary limits.
    See https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    backups = [objects_arn(place.bucket, "*") for place in places.copies]
    operations = objects_arn(places.operations, "*")
    buckets = [*(place.bucket for place in places.copies), places.operations]
    return document(
        *_add(backups),
        _allow("Rewrite", "s3:PutObject", operations),
        _allow(
            "ReadAndCopy",
            [
                "s3:AbortMultipartUpload",
                "s3:GetObject*",
                "s3:ListMultipartUploadParts",
                "s3:ObjectOwnerOverrideToBucketOwner",
                "s3:ReplicateObject",
                "s3:ReplicateTags",
                "s3:RestoreObject",
            ],
            [*backups, operations],
        ),
        _allow(
            "List",
            ["s3:GetReplicationConfiguration", "s3:ListBucket", "s3:ListBucketVersions"],
            [bucket_arn(bucket) for bucket in buckets],
        ),
        *_lock(backups, longest_lock_days),
        {
            "Sid": "UseKeysThroughS3",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"],
            "Resource": [place.key_arn for place in places.copies],
            "Condition": {
                "StringEquals": {
                    "kms:ViaService": [service_name("s3", place.region) for place in places.copies]
                }
            },
        },
        _measure(),
        _never_destroy("iam:*"),
    )


def _allow(sid: str, actions: str | list[str], resources: str | list[str]) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}


def _add(objects: str | list[str]) -> tuple[Statement, Statement]:
    """Make objects that are not there yet; and send parts of such."""
    return (
        {
            **_allow("AddObjectsThatAreNew", "s3:PutObject", objects),
            # The request says If-None-Match: S3 refuses it when the object exists.
            "Condition": {"Null": {"s3:if-none-match": "false"}},
        },
        {
            **_allow("SendParts", "s3:PutObject", objects),
            # Beginning an upload and sending its parts make no object; completing it does.
            "Condition": {"Bool": {"s3:ObjectCreationOperation": "false"}},
        },
    )


def _list(sid: str, bucket: str, *keys: str) -> Statement:
    return {
        **_allow(sid, "s3:ListBucket", bucket_arn(bucket)),
        "Condition": {"StringLike": {"s3:prefix": list(keys)}},
    }


def _use(sid: str, place: EncryptedBucket, actions: str | list[str], keys: str) -> Statement:
    return {**_allow(sid, actions, place.key_arn), "Condition": through_s3(place, keys)}


def _see(replica: EncryptedBucket | None) -> list[Statement]:
    """List a replica's backups and read their manifests."""
    if replica is None:
        return []
    manifests = f"{_BACKUPS}/{MANIFEST}"
    return [
        _list("ListReplica", replica.bucket, _BACKUPS),
        _allow("ReadReplicaManifests", "s3:GetObject", objects_arn(replica.bucket, manifests)),
        _use("DecryptReplicaManifests", replica, "kms:Decrypt", manifests),
    ]


def _read_copies(places: Places, *, versions: bool = False) -> list[Statement]:
    """Read backups and proofs of both buckets; `versions`: and what was overwritten or hidden."""
    keys = (_BACKUPS, _PROOFS)
    return [
        _allow(
            "ReadCopies",
            ["s3:GetObject", "s3:GetObjectVersion"] if versions else "s3:GetObject",
            [objects_arn(place.bucket, each) for place in places.copies for each in keys],
        ),
        {
            **_allow(
                "ListCopies",
                ["s3:ListBucket", "s3:ListBucketVersions"] if versions else "s3:ListBucket",
                [bucket_arn(each.bucket) for each in places.copies],
            ),
            "Condition": {"StringLike": {"s3:prefix": list(keys)}},
        },
        *(
            _use(f"Decrypt{name}{kind}", place, "kms:Decrypt", each)
            for name, place in zip(("Primary", "Replica"), places.copies, strict=False)
            for kind, each in zip(("Backups", "Proofs"), keys, strict=True)
        ),
    ]


def _rewrite(bucket: str, *keys: str) -> list[Statement]:
    """Overwrite below some prefixes: the bucket keeps the versions before."""
    return [_allow("Rewrite", "s3:PutObject", [objects_arn(bucket, each) for each in keys])]


def _read_operations(bucket: str, *keys: str, versions: bool = False) -> list[Statement]:
    """Read below some prefixes of the operations bucket; `versions`: and what was overwritten."""
    return [
        _allow(
            "ReadOperations",
            ["s3:GetObject", "s3:GetObjectVersion"] if versions else "s3:GetObject",
            [objects_arn(bucket, each) for each in keys],
        ),
        {
            **_allow(
                "ListOperations",
                ["s3:ListBucket", "s3:ListBucketVersions"] if versions else "s3:ListBucket",
                bucket_arn(bucket),
            ),
            # barman asks first whether the bucket exists, which is to list it without a prefix.
            "Condition": {"StringLikeIfExists": {"s3:prefix": list(keys)}},
        },
    ]


def _measure() -> Statement:
    return {
        **_allow("PublishMetrics", "cloudwatch:PutMetricData", "*"),
        "Condition": {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
    }


def _lock(objects: str | list[str], longest_days: int | None) -> list[Statement]:
    if longest_days is None:
        return []
    # One day of grace for clocks that disagree.
    most = {"s3:object-lock-remaining-retention-days": str(longest_days + 1)}
    return [
        {
            **_allow("LockForNoLongerThanRetention", "s3:PutObjectRetention", objects),
            "Condition": {"NumericLessThanEqualsIfExists": most},
        }
    ]


def _never_destroy(*more: str) -> Statement:
    return {
        "Sid": "NeverDestroy",
        "Effect": "Deny",
        "Action": [*_DESTRUCTION, *more],
        "Resource": "*",
    }
