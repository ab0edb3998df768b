"""Policy documents of buckets, their keys and their replication, as plain data."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

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
from neonhub_backup.domain.layout import ACCESS_LOGS, RECOVERIES, TRAIL, WAL

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
_DELETION = (
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:ReplicateDelete",
)
_ENCRYPTION = "s3:x-amz-server-side-encryption"
_KEY = "s3:x-amz-server-side-encryption-aws-kms-key-id"
_CUSTOMER_KEY = "s3:x-amz-server-side-encryption-customer-algorithm"


def key_policy(
    account_id: str,
    region: str,
    through: str = "s3",
    others: Iterable[Statement] = (),
) -> Policy:
    """Let the account's IAM policies administer a key, and use it only through one service."""
    account = _root(account_id)
    return document(
        {
            "Sid": "AdministerByIamPolicies",
            "Effect": "Allow",
            "Principal": account,
            "Action": list(_KEY_ADMINISTRATION),
            "Resource": "*",
        },
        {
            "Sid": f"UseThrough{through.capitalize()}ByIamPolicies",
            "Effect": "Allow",
            "Principal": account,
            "Action": ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"kms:ViaService": service_name(through, region)}},
        },
        *others,
    )


def encrypt_copies(bucket: str, region: str, role_arn: str) -> Statement:
    """Let a role of another account encrypt with the key of a replica.

    As below, the account is the principal, and the condition names the role: AWS refuses a role
    that does not exist yet, and forgets one that is made anew.
    """
    # In its policy a key is `*`.
    replica = EncryptedBucket(bucket, region, key_arn="*")
    return {
        "Sid": "EncryptCopies",
        "Effect": "Allow",
        "Principal": _root(_account(role_arn)),
        "Action": ["kms:Encrypt", "kms:GenerateDataKey"],
        "Resource": replica.key_arn,
        "Condition": {**through_s3(replica, "*"), "ArnEquals": {"aws:PrincipalArn": role_arn}},
    }


def receive_copies(bucket: str, role_arn: str) -> Statement:
    """Let a role of another account write copies, which belong to the bucket's own account."""
    return {
        "Sid": "ReceiveCopies",
        "Effect": "Allow",
        "Principal": _root(_account(role_arn)),
        "Action": [
            "s3:ObjectOwnerOverrideToBucketOwner",
            "s3:ReplicateObject",
            "s3:ReplicateTags",
        ],
        "Resource": objects_arn(bucket, "*"),
        "Condition": {"ArnEquals": {"aws:PrincipalArn": role_arn}},
    }


def decrypt_copies(bucket: str, region: str, role_arns: Sequence[str]) -> Statement:
    """Let roles of another account read what a replica's key encrypts."""
    replica = EncryptedBucket(bucket, region, key_arn="*")
    return {
        "Sid": "DecryptCopies",
        "Effect": "Allow",
        "Principal": _root(_account(role_arns[0])),
        "Action": "kms:Decrypt",
        "Resource": replica.key_arn,
        "Condition": {
            **through_s3(replica, "*"),
            "ArnEquals": {"aws:PrincipalArn": list(role_arns)},
        },
    }


def read_copies(bucket: str, role_arns: Sequence[str]) -> Statement:
    """Let roles of another account do in a replica what their own policies say of reading."""
    return {
        "Sid": "ReadCopies",
        "Effect": "Allow",
        "Principal": _root(_account(role_arns[0])),
        "Action": [
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:ListBucket",
            "s3:ListBucketVersions",
            "s3:RestoreObject",
        ],
        "Resource": [bucket_arn(bucket), objects_arn(bucket, "*")],
        "Condition": {"ArnEquals": {"aws:PrincipalArn": list(role_arns)}},
    }


def backup_bucket_policy(
    bucket: str, key_arn: str, *, protect: bool, others: Iterable[Statement] = ()
) -> Policy:
    """Refuse whatever is not encrypted with the bucket's own key; and deletion, by anybody.

    Expiry goes on: lifecycle rules are not subject to bucket policies. Without `protect` objects
    can be deleted, or nobody could destroy the bucket.
    """
    refusals = [*only_tls(bucket), *_only_own_key(bucket, key_arn)]
    if protect:
        refusals.append(_deny("DenyDeletion", bucket, None, list(_DELETION)))
    return document(*refusals, *others)


def operations_bucket_policy(
    bucket: str,
    account_id: str,
    sources: Sequence[str],
    trail_arn: str | None = None,
    archivers: Mapping[str, str] = MappingProxyType({}),
) -> Policy:
    """Take access logs of the account's buckets `sources`, what one trail records, and WAL.

    `archivers` are the ARNs of the servers that archive, by the names of their archives.

    See https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html and
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    statements = [*only_tls(bucket)]
    statements += [
        {
            "Sid": f"TakeAccessLogs{number}",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": objects_arn(bucket, f"{access_logs_prefix(source)}*"),
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account_id},
                "ArnEquals": {"aws:SourceArn": bucket_arn(source)},
            },
        }
        for number, source in enumerate(sources, start=1)
    ]
    if trail_arn is not None:
        cloudtrail = {"Service": "cloudtrail.amazonaws.com"}
        statements += [
            {
                "Sid": "ShowOwnerToTrail",
                "Effect": "Allow",
                "Principal": cloudtrail,
                "Action": "s3:GetBucketAcl",
                "Resource": bucket_arn(bucket),
                "Condition": {"StringEquals": {"aws:SourceArn": trail_arn}},
            },
            {
                "Sid": "TakeTrail",
                "Effect": "Allow",
                "Principal": cloudtrail,
                "Action": "s3:PutObject",
                "Resource": objects_arn(bucket, f"{TRAIL}AWSLogs/{account_id}/*"),
                "Condition": {
                    "StringEquals": {
                        "aws:SourceArn": trail_arn,
                        "s3:x-amz-acl": "bucket-owner-full-control",
                    }
                },
            },
        ]
    for number, (archive, server) in enumerate(archivers.items(), start=1):
        statements += archive_wal(bucket, archive, server, str(number))
    return document(*statements)


def archive_wal(bucket: str, archive: str, server_arn: str, number: str) -> list[Statement]:
    """Let a server archive WAL and base backups, and read what it has archived; never delete.

    It may also add how long a recovery took.

    The principal is the role or user itself, so that nobody has to change what it may do. It has
    to exist, and made anew it is another one, which is let in by the next deployment.
    """
    server = {"AWS": server_arn}
    files = f"{WAL}{archive}/*"
    return [
        {
            "Sid": f"ArchiveWal{number}",
            "Effect": "Allow",
            "Principal": server,
            "Action": [
                "s3:AbortMultipartUpload",
                "s3:GetObject",
                "s3:ListMultipartUploadParts",
                "s3:PutObject",
            ],
            "Resource": objects_arn(bucket, files),
        },
        {
            "Sid": f"ListWal{number}",
            "Effect": "Allow",
            "Principal": server,
            "Action": "s3:ListBucket",
            "Resource": bucket_arn(bucket),
            # barman asks first whether the bucket exists, which is to list it without a prefix.
            "Condition": {"StringLikeIfExists": {"s3:prefix": files}},
        },
        {
            "Sid": f"RecordRecoveries{number}",
            "Effect": "Allow",
            "Principal": server,
            "Action": "s3:PutObject",
            "Resource": objects_arn(bucket, f"{RECOVERIES}*"),
            # The request says If-None-Match: S3 refuses it when the object exists.
            "Condition": {"Null": {"s3:if-none-match": "false"}},
        },
    ]


def access_logs_prefix(source: str) -> str:
    """Where an operations bucket keeps the access logs of a bucket."""
    return f"{ACCESS_LOGS}{source}/"


def only_tls(bucket: str) -> list[Statement]:
    """Refuse every request that does not come by TLS 1.2 or newer."""
    return [
        _deny("DenyInsecureTransport", bucket, {"Bool": {"aws:SecureTransport": "false"}}),
        _deny("DenyOutdatedTls", bucket, {"NumericLessThan": {"s3:TlsVersion": "1.2"}}),
    ]


def service_trust(service: str, account_id: str, source_arn: str) -> Policy:
    """Let an AWS service take a role, on behalf of one resource of this account alone.

    Where it names a resource, it is this one; S3's documentation of replication does not say that
    it does, and an alarm alone would tell that nothing is copied:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
    """
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": {
                "StringEqualsIfExists": {"aws:SourceAccount": account_id},
                "ArnEqualsIfExists": {"aws:SourceArn": source_arn},
            },
        },
    )


def replicate(
    source: EncryptedBucket, replica: EncryptedBucket, *, override_owner: bool = False
) -> Policy:
    """Copy new objects, with their locks, from one bucket to another.

    `override_owner` gives the copies to the account of the replica, when that is another one.
    """
    owner = ["s3:ObjectOwnerOverrideToBucketOwner"] if override_owner else []
    return document(
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
            "Action": [*owner, "s3:ReplicateObject", "s3:ReplicateTags"],
            "Resource": objects_arn(replica.bucket, "*"),
        },
        {
            "Sid": "DecryptObjects",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": source.key_arn,
            "Condition": through_s3(source, "*"),
        },
        {
            "Sid": "EncryptCopies",
            "Effect": "Allow",
            "Action": ["kms:Encrypt", "kms:GenerateDataKey"],
            "Resource": replica.key_arn,
            "Condition": through_s3(replica, "*"),
        },
    )


def _only_own_key(bucket: str, key_arn: str) -> list[Statement]:
    """Refuse uploads that ask for another encryption than the bucket's default.

    Those that ask for none get the default. A negated condition holds for them too, so each is
    joined to one that wants the header there.
    """
    uploads = "s3:PutObject"
    return [
        _deny(
            "DenyOtherEncryption",
            bucket,
            {"StringNotEquals": {_ENCRYPTION: "aws:kms"}, "Null": {_ENCRYPTION: "false"}},
            uploads,
        ),
        _deny(
            "DenyOtherKeys",
            bucket,
            {"StringNotEquals": {_KEY: key_arn}, "Null": {_KEY: "false"}},
            uploads,
        ),
        # To ask for KMS without naming a key is to ask for the account's key `aws/s3`:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
        _deny(
            "DenyUnnamedKeys",
            bucket,
            {"StringEquals": {_ENCRYPTION: "aws:kms"}, "Null": {_KEY: "true"}},
            uploads,
        ),
        _deny("DenyCustomerKeys", bucket, {"Null": {_CUSTOMER_KEY: "false"}}, uploads),
    ]


def _deny(
    sid: str, bucket: str, condition: dict[str, Any] | None, actions: str | list[str] = "s3:*"
) -> Statement:
    statement: Statement = {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": actions,
        "Resource": [bucket_arn(bucket), objects_arn(bucket, "*")],
    }
    return statement if condition is None else {**statement, "Condition": condition}


def _root(account_id: str) -> dict[str, str]:
    """An account as principal: whoever its IAM policies let in."""
    return {"AWS": f"arn:aws:iam::{account_id}:root"}


def _account(arn: str) -> str:
    return arn.split(":")[4]
