"""One of everything that the local AWS provider knows, varied by a settings file beside it."""

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi_aws import iam, kms, s3

settings = json.loads((Path(__file__).parent / "settings.json").read_text())
prefix: str = settings["prefix"]


def statement(**parts: object) -> str:
    """A policy with one statement."""
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **parts}]})


def vault(name: str, region: str | None) -> tuple[s3.Bucket, s3.BucketVersioning, kms.Key]:
    """A locked bucket with all its parts."""
    key = kms.Key(
        f"{name}-key",
        description="backups",
        enable_key_rotation=True,
        rotation_period_in_days=180,
        deletion_window_in_days=7,
        region=region,
    )
    kms.Alias(f"{name}-alias", name=f"alias/{prefix}-{name}", target_key_id=key.id, region=region)
    bucket = s3.Bucket(
        name,
        bucket=f"{prefix}-{name}",
        object_lock_enabled=True,
        force_destroy=settings["force_destroy"],
        tags={"of": name},
        region=region,
    )
    versioning = s3.BucketVersioning(
        f"{name}-versioning",
        bucket=bucket.id,
        versioning_configuration={"status": "Enabled"},
        region=region,
    )
    s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket.id,
        rules=[
            {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms",
                    "kms_master_key_id": key.arn,
                },
                "bucket_key_enabled": False,
            }
        ],
        region=region,
    )
    s3.BucketPublicAccessBlock(
        f"{name}-private",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        region=region,
    )
    s3.BucketOwnershipControls(
        f"{name}-ownership",
        bucket=bucket.id,
        rule={"object_ownership": "BucketOwnerEnforced"},
        region=region,
    )
    s3.BucketPolicy(
        f"{name}-policy",
        bucket=bucket.id,
        policy=bucket.arn.apply(
            lambda arn: statement(
                Effect="Deny",
                Principal="*",
                Action="s3:*",
                Resource=[arn, f"{arn}/*"],
                Condition={"Bool": {"aws:SecureTransport": "false"}},
            )
        ),
        region=region,
    )
    after = pulumi.ResourceOptions(depends_on=[versioning])
    s3.BucketObjectLockConfiguration(
        f"{name}-lock",
        bucket=bucket.id,
        rule={"default_retention": {"mode": "GOVERNANCE", "days": settings["lock_days"]}},
        region=region,
        opts=after,
    )
    s3.BucketLifecycleConfiguration(
        f"{name}-lifecycle",
        bucket=bucket.id,
        rules=[
            {
                "id": "daily",
                "status": "Enabled",
                "filter": {"prefix": "db/daily/"},
                "expiration": {"days": settings["daily_days"]},
                "transitions": [{"days": 1, "storage_class": "GLACIER_IR"}],
                "noncurrent_version_expiration": {"noncurrent_days": 1},
                "noncurrent_version_transitions": [
                    {"noncurrent_days": 30, "storage_class": "DEEP_ARCHIVE"}
                ],
            },
            {
                "id": "tagged",
                "status": "Disabled",
                "filter": {"and_": {"prefix": "x/", "tags": {"keep": "no"}}},
                "expiration": {"days": 2},
            },
            {
                "id": "remains",
                "status": "Enabled",
                "filter": {},
                "expiration": {"expired_object_delete_marker": True},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
            },
        ],
        region=region,
        opts=after,
    )
    return bucket, versioning, key


primary, primary_versioning, _ = vault("primary", None)
replica, replica_versioning, replica_key = vault("replica", "us-west-2")

trust = statement(Principal={"Service": "s3.amazonaws.com"}, Action="sts:AssumeRole")
boundary = iam.Policy("boundary", policy=statement(Action="s3:*", Resource="*"))
role = iam.Role(
    "replication",
    name=f"{prefix}-replication",
    path=settings["role_path"],
    assume_role_policy=trust,
    max_session_duration=7200,
    permissions_boundary=boundary.arn,
)
iam.RolePolicy("copies", role=role.name, policy=statement(Action="s3:GetObject", Resource="*"))
iam.RolePolicyAttachment("attached", role=role.name, policy_arn=boundary.arn)
iam.OpenIdConnectProvider(
    "tokens",
    url=f"https://{prefix}.example.com",
    client_id_lists=["sts.amazonaws.com"],
)
s3.BucketReplicationConfig(
    "copies",
    bucket=primary.id,
    role=role.arn,
    rules=[
        {
            "id": "everything",
            "status": "Enabled",
            "filter": {"prefix": "db/"},
            "delete_marker_replication": {"status": "Disabled"},
            "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
            "destination": {
                "bucket": replica.arn,
                "storage_class": "STANDARD_IA",
                "encryption_configuration": {"replica_kms_key_id": replica_key.arn},
                "metrics": {"status": "Enabled", "event_threshold": {"minutes": 15}},
                "replication_time": {"status": "Enabled", "time": {"minutes": 15}},
            },
        }
    ],
    opts=pulumi.ResourceOptions(depends_on=[primary_versioning, replica_versioning]),
)
logs = s3.Bucket("Logs", tags={"secret": pulumi.Output.secret("hidden-tag")})

pulumi.export("account", aws.get_caller_identity().account_id)
pulumi.export("partition", aws.get_partition().partition)
pulumi.export("region", aws.get_region().region)
pulumi.export("logs", logs.bucket)
