"""Policy documents as plain data: pure functions of names, so that tests can evaluate them."""

from typing import Any, NamedTuple

from components.repository import ISSUER, Repository
from neonhub_backup.domain.layout import MANIFEST, ROOT

Policy = dict[str, Any]
Statement = dict[str, Any]


class EncryptedBucket(NamedTuple):
    """A bucket, and the key that encrypts its objects."""

    bucket: str
    region: str
    key_arn: str


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

_KEY_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:Create*",
    "kms:Delete*",
    "kms:Describe*",
    "kms:Disable*",
    "kms:Enable*",
    "kms:Get*",
    "kms:List*",
    "kms:Put*",
    "kms:Revoke*",
    "kms:RotateKeyOnDemand",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:Update*",
)


def bucket_arn(bucket: str) -> str:
    """ARN of a bucket."""
    return f"arn:aws:s3:::{bucket}"


def objects_arn(bucket: str, keys: str) -> str:
    """ARN of objects in a bucket; `keys` may hold wildcards."""
    return f"{bucket_arn(bucket)}/{keys}"


def key_policy(account_id: str, region: str) -> Policy:
    """Let the account's IAM policies administer a key, and use it only through S3."""
    account = {"AWS": f"arn:aws:iam::{account_id}:root"}
    return _document(
        {
            "Sid": "AdministerByIamPolicies",
            "Effect": "Allow",
            "Principal": account,
            "Action": list(_KEY_ADMINISTRATION),
            "Resource": "*",
        },
        {
            "Sid": "UseThroughS3ByIamPolicies",
            "Effect": "Allow",
            "Principal": account,
            "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": _s3_service(region)}},
        },
    )


def bucket_policy(bucket: str) -> Policy:
    """Refuse every request to a bucket that does not come by TLS."""
    return _document(
        {
            "Sid": "DenyInsecureTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn(bucket), objects_arn(bucket, "*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    )


def service_trust(service: str, account_id: str, source_arn: str) -> Policy:
    """Let an AWS service take a role, on behalf of one resource of this account alone."""
    return _document(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account_id},
                "ArnEquals": {"aws:SourceArn": source_arn},
            },
        },
    )


def workflow_trust(provider_arn: str, repository: Repository, environment: str) -> Policy:
    """Let runs of one repository in one GitHub environment take a role, and nothing else."""
    return _document(
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
            "Condition": _only_for(place, keys),
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
    return _document(*statements)


def replicate(source: EncryptedBucket, replica: EncryptedBucket) -> Policy:
    """Copy new objects, with their locks, from one bucket to another."""
    return _document(
        {
            "Sid": "ReadConfiguration",
            "Effect": "Allow",
            "Action": ["s3:GetReplicationConfiguration", "s3:ListBucket"],
            "Resource": bucket_arn(source.bucket),
        },
        {
            # Retention and legal hold: without them locked objects do not replicate.
            "Sid": "ReadObjects",
            "Effect": "Allow",
            "Action": [
                "s3:GetObjectLegalHold",
                "s3:GetObjectRetention",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionTagging",
            ],
            "Resource": objects_arn(source.bucket, "*"),
        },
        {
            "Sid": "WriteCopies",
            "Effect": "Allow",
            "Action": ["s3:ReplicateObject", "s3:ReplicateTags"],
            "Resource": objects_arn(replica.bucket, "*"),
        },
        {
            "Sid": "DecryptObjects",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": source.key_arn,
            "Condition": _only_for(source, "*"),
        },
        {
            "Sid": "EncryptCopies",
            "Effect": "Allow",
            "Action": ["kms:Encrypt", "kms:GenerateDataKey"],
            "Resource": replica.key_arn,
            "Condition": _only_for(replica, "*"),
        },
    )


def _document(*statements: Statement) -> Policy:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def _only_for(place: EncryptedBucket, keys: str) -> dict[str, Any]:
    """Use of a key by S3 alone, for objects that match.

    The encryption context is the object's ARN only while bucket keys are off: with them it is
    the bucket's, and no object would match.
    """
    return {
        "StringEquals": {"kms:ViaService": _s3_service(place.region)},
        "StringLike": {"kms:EncryptionContext:aws:s3:arn": objects_arn(place.bucket, keys)},
    }


def _s3_service(region: str) -> str:
    return f"s3.{region}.amazonaws.com"
