"""A bucket whose backups cannot be deleted before their time."""

import json
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import s3

from components.aws import bucket_policies
from neonhub_backup.domain.layout import tier_prefix
from neonhub_backup.domain.retention import RetentionPolicy, Tier, TierRule


@dataclass(frozen=True, kw_only=True)
class BackupBucketArgs:
    """What a bucket of backups needs to know."""

    bucket: str
    """Name of the bucket. Explicit, because committed files name it before it exists."""
    region: str
    """Where it is."""
    key_arn: pulumi.Input[str]
    """Key that encrypts every object, of the same region."""
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    """When each tier expires, and for how long it is locked."""
    protect: bool = True
    """Refuses destruction and survives its stack. False: destroyed with every backup in it."""


class BackupBucket(pulumi.ComponentResource):
    """Private, versioned, encrypted and locked storage that expires each tier in its time."""

    bucket: pulumi.Output[str]
    """Its name, once it is versioned: replication and locks are refused before that."""

    def __init__(
        self, name: str, args: BackupBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:aws:BackupBucket", name, {}, opts)
        # Every child is kept, not the bucket alone: a bucket left behind must stay private.
        child = pulumi.ResourceOptions(
            parent=self, protect=args.protect, retain_on_delete=args.protect
        )
        lock_mode = args.retention.lock_mode

        bucket = s3.Bucket(
            f"{name}-bucket",
            region=args.region,
            bucket=args.bucket,
            object_lock_enabled=lock_mode is not None,
            force_destroy=not args.protect,
            opts=child,
        )
        # What guards a bucket goes with it and not before: it is private and locked to the end.
        part = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(deleted_with=bucket))
        s3.BucketPublicAccessBlock(
            f"{name}-private",
            region=args.region,
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=part,
        )
        s3.BucketOwnershipControls(
            f"{name}-ownership",
            region=args.region,
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=part,
        )
        s3.BucketPolicy(
            f"{name}-policy",
            region=args.region,
            bucket=bucket.bucket,
            policy=json.dumps(bucket_policies.bucket_policy(args.bucket)),
            opts=part,
        )
        s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            region=args.region,
            bucket=bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": args.key_arn,
                    },
                    # A bucket key would make the bucket's ARN the encryption context, and every
                    # policy that names objects would refuse it, replication's first.
                    "bucket_key_enabled": False,
                }
            ],
            opts=part,
        )
        versioning = s3.BucketVersioning(
            f"{name}-versioning",
            region=args.region,
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=part,
        )
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            region=args.region,
            bucket=versioning.bucket,
            rules=lifecycle_rules(args.retention),
            opts=part,
        )
        if lock_mode is not None:
            s3.BucketObjectLockConfiguration(
                f"{name}-lock",
                region=args.region,
                bucket=versioning.bucket,
                rule={
                    "default_retention": {
                        "mode": lock_mode.value,
                        # Each upload sets the period of its tier; this holds for those that do not.
                        "days": args.retention.shortest_lock_days(),
                    }
                },
                opts=part,
            )

        self.bucket = versioning.bucket
        self.register_outputs({"bucket": self.bucket})


def lifecycle_rules(
    retention: RetentionPolicy,
) -> list[s3.BucketLifecycleConfigurationRuleArgsDict]:
    """All rules of a bucket, for its one lifecycle configuration: two would leave none.

    A tier that is no longer in use has no rule: its backups stay until someone decides.
    """
    return [
        {
            "id": "clean-up",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
            "expiration": {"expired_object_delete_marker": True},
        },
        # The lowest tier last: switching it on or off shows as one rule in a preview, not as all.
        *(_expiry(tier, rule) for tier, rule in reversed(retention.rules().items())),
    ]


def _expiry(tier: Tier, rule: TierRule) -> s3.BucketLifecycleConfigurationRuleArgsDict:
    return {
        "id": f"expire-{tier}",
        "status": "Enabled",
        "filter": {"prefix": tier_prefix(tier)},
        "expiration": {"days": rule.keep_days},
        # Expiry only hides an object of a versioned bucket; a day later it is gone.
        "noncurrent_version_expiration": {"noncurrent_days": 1},
    }
