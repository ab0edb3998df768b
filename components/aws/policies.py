"""Policy documents as plain data: pure functions of names, so that tests can evaluate them."""

from components.aws.documents import (
    EncryptedBucket,
    Policy,
    Statement,
    bucket_arn,
    document,
    objects_arn,
    through_s3,
)
from components.repository import ISSUER, Repository
from neonhub_backup.domain.layout import MANIFEST, ROOT

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


def add_backups(place: EncryptedBucket, longest_lock_days: int | None) -> Policy:
    """Add objects, list them and read manifests; never overwrite, read data, delete or unlock.

    `longest_lock_days` bounds what the role may lock, so that a thief cannot run up a bill for a
    century. None: the bucket takes no locks.
    """
    keys = f"{ROOT}*"
    objects = objects_arn(place.bucket, keys)
    statements: list[Statement] = [
        {
            "Sid": "AddObjectsThatAreNew",
            "Effect": "Allow",
            "Action": "s3:PutObject",
            "Resource": objects,
            # The request says If-None-Match: S3 refuses it when the object exists.
            "Condition": {"Null": {"s3:if-none-match": "false"}},
        },
        {
            "Sid": "SendParts",
            "Effect": "Allow",
            "Action": "s3:PutObject",
            "Resource": objects,
            # Beginning an upload and sending its parts make no object; completing it does.
            "Condition": {"Bool": {"s3:ObjectCreationOperation": "false"}},
        },
        {
            "Sid": "GiveUpParts",
            "Effect": "Allow",
            "Action": ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
            "Resource": objects,
        },
        {
            "Sid": "ListBackups",
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket_arn(place.bucket),
            "Condition": {"StringLike": {"s3:prefix": keys}},
        },
        {
            "Sid": "ReadManifests",
            "Effect": "Allow",
            "Action": "s3:GetObject",
            "Resource": objects_arn(place.bucket, f"{keys}/{MANIFEST}"),
        },
        {
            # S3 decrypts the parts of a multipart upload in the uploader's name. What it may
            # decrypt, the role still cannot read: s3:GetObject is for manifests.
            "Sid": "EncryptObjects",
            "Effect": "Allow",
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": place.key_arn,
            "Condition": through_s3(place, keys),
        },
        {
            "Sid": "NeverDestroy",
            "Effect": "Deny",
            "Action": list(_DESTRUCTION),
            "Resource": "*",
        },
    ]
    if longest_lock_days is not None:
        # One day of grace for clocks that disagree.
        most = {"s3:object-lock-remaining-retention-days": str(longest_lock_days + 1)}
        statements.append(
            {
                "Sid": "LockForNoLongerThanRetention",
                "Effect": "Allow",
                "Action": "s3:PutObjectRetention",
                "Resource": objects,
                "Condition": {"NumericLessThanEqualsIfExists": most},
            }
        )
    return document(*statements)
