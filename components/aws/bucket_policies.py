"""Policy documents of buckets, their keys and their replication, as plain data."""

from components.aws.documents import (
    EncryptedBucket,
    Policy,
    bucket_arn,
    document,
    objects_arn,
    s3_service,
    through_s3,
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


def key_policy(account_id: str, region: str) -> Policy:
    """Let the account's IAM policies administer a key, and use it only through S3."""
    account = {"AWS": f"arn:aws:iam::{account_id}:root"}
    return document(
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
            "Condition": {"StringEquals": {"kms:ViaService": s3_service(region)}},
        },
    )


def bucket_policy(bucket: str) -> Policy:
    """Refuse every request to a bucket that does not come by TLS."""
    return document(
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
    return document(
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


def replicate(source: EncryptedBucket, replica: EncryptedBucket) -> Policy:
    """Copy new objects, with their locks, from one bucket to another."""
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
            "Action": ["s3:ReplicateObject", "s3:ReplicateTags"],
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
