"""A bucket whose backups cannot be deleted before their time."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
from pulumi_aws import s3

from components.aws import bucket_policies
from components.aws.documents import Statement
from components.aws.guards import guard
from neonhub_backup.domain.layout import DRILLS, tier_prefix
from neonhub_backup.domain.retention import RetentionPolicy, Tier, TierRule
from neonhub_backup.domain.storage import LARGE_BYTES, S3_CLASSES, SETTLED_DAYS, S3StorageClass


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
    storage_classes: Mapping[Tier, S3StorageClass] = field(default_factory=lambda: S3_CLASSES)
    """Where each tier ends up. Uploads choose their class themselves; archives come later."""
    logs_bucket: pulumi.Input[str] | None = None
    """Operations bucket of the same region that takes the access logs. None: there are none."""
    others: pulumi.Input[Sequence[Statement]] = ()
    """What its policy says besides: how another account writes copies."""
    protect: bool = True
    """Refuses destruction and deletion of objects by anybody, and survives its stack.

    False: destroyed with every backup in it.
    """

    def __post_init__(self) -> None:
        """Refuse a tier without a place."""
        missing = [
            tier.value for tier in self.retention.rules() if tier not in self.storage_classes
        ]
        if missing:
            raise ValueError(
                f"storage_classes names no class for {', '.join(missing)}, so nobody knows what"
                " their backups cost; name one for each tier in use"
            )


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
        versioning = guard(name, bucket, args.region, part)
        s3.BucketPolicy(
            f"{name}-policy",
            region=args.region,
            bucket=bucket.bucket,
            policy=pulumi.Output.all(args.key_arn, args.others).apply(
                lambda known: json.dumps(
                    bucket_policies.backup_bucket_policy(
                        args.bucket, known[0], protect=args.protect, others=known[1]
                    )
                )
            ),
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
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            region=args.region,
            bucket=versioning.bucket,
            rules=lifecycle_rules(args.retention, args.storage_classes),
            opts=part,
        )
        if args.logs_bucket is not None:
            s3.BucketLogging(
                f"{name}-logging",
                region=args.region,
                bucket=bucket.bucket,
                target_bucket=args.logs_bucket,
                target_prefix=bucket_policies.access_logs_prefix(args.bucket),
                # Ends before the bucket, or emptying that would fill the other one meanwhile.
                opts=child,
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
    retention: RetentionPolicy, storage_classes: Mapping[Tier, S3StorageClass]
) -> list[s3.BucketLifecycleConfigurationRuleArgsDict]:
    """All rules of a bucket, for its one lifecycle configuration: two would leave none.

    A tier that is no longer in use has no rule: its backups stay until someone decides.
    """
    tiers = retention.rules()
    # The lowest tier last: switching it on or off shows as one rule in a preview, not as all.
    highest_first = list(reversed(tiers.items()))
    return [
        {
            "id": "clean-up",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
            "expiration": {"expired_object_delete_marker": True},
        },
        # A drill proves a backup for as long as any may be kept.
        _expiry(DRILLS.rstrip("/"), DRILLS, retention.longest_keep_days()),
        *(
            _archival(tier, storage_classes[tier])
            for tier, rule in highest_first
            if _goes_to_archive(rule, storage_classes[tier])
        ),
        *(_expiry(tier, tier_prefix(tier), rule.keep_days) for tier, rule in highest_first),
    ]


def _goes_to_archive(rule: TierRule, storage_class: S3StorageClass) -> bool:
    """Whether objects are moved after their upload, and live long enough for it."""
    return storage_class is not storage_class.upload and rule.keep_days > SETTLED_DAYS


def _archival(
    tier: Tier, storage_class: S3StorageClass
) -> s3.BucketLifecycleConfigurationRuleArgsDict:
    return {
        "id": f"archive-{tier}",
        "status": "Enabled",
        "filter": {
            "and_": {"prefix": tier_prefix(tier), "object_size_greater_than": LARGE_BYTES},
        },
        "transitions": [{"days": SETTLED_DAYS, "storage_class": storage_class.value}],
    }


def _expiry(what: str, prefix: str, days: int) -> s3.BucketLifecycleConfigurationRuleArgsDict:
    return {
        "id": f"expire-{what}",
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "expiration": {"days": days},
        # Expiry only hides an object of a versioned bucket; a day later it is gone.
        "noncurrent_version_expiration": {"noncurrent_days": 1},
    }
