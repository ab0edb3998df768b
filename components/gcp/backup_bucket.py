"""A bucket whose backups cannot be deleted before their time."""

from dataclasses import dataclass, field

import pulumi
from pulumi_gcp import storage

from components.gcp.dual_region import DualRegion
from components.gcp.lifecycle import (
    SECONDS_A_DAY,
    expire,
    forget_old,
    give_up_uploads,
    soft_delete,
)
from neonhub_backup.domain.layout import ACCESS_LOGS, DRILLS, tier_prefix
from neonhub_backup.domain.retention import LockMode, RetentionPolicy


@dataclass(frozen=True, kw_only=True)
class BackupBucketArgs:
    """What a bucket of backups needs to know."""

    bucket: str
    """Name of the bucket. Explicit, because committed files name it before it exists."""
    place: DualRegion
    """The two regions that hold a copy each."""
    key_id: pulumi.Input[str]
    """Key that encrypts every object, of the same place."""
    log_bucket: pulumi.Input[str]
    """Bucket that receives the access logs."""
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    """When each tier expires, and for how long it is locked."""
    soft_delete_days: int = 7
    """Days for which Google can bring back what expired or was deleted; they are paid for."""
    protect: bool = True
    """Refuses destruction and survives its stack. False: destroyed with every backup in it, once
    none is locked any more: Google lets nobody delete those."""

    def __post_init__(self) -> None:
        """Refuse what Google would refuse only when it creates the bucket."""
        soft_delete(self.soft_delete_days)


class BackupBucket(pulumi.ComponentResource):
    """Private, versioned, encrypted and locked storage in two regions, each tier for its time.

    Four guards, which Google lets one bucket combine:

    - the bucket's retention policy is the shortest lock of all tiers, so that no object is ever
      without one; under COMPLIANCE it is locked itself, and not even an owner can shorten it;
    - each upload sets the retention of its tier, and the later of the two ends counts;
    - versioning: whoever may delete can make a retained object non-current, but not remove it,
      and neither can a lifecycle rule before its retention ends;
    - soft delete holds what is removed after all, for some days more.

    Turbo replication brings every object to the second region within 15 minutes.

    Sources: https://cloud.google.com/storage/docs/bucket-lock,
    https://cloud.google.com/storage/docs/object-lock,
    https://cloud.google.com/storage/docs/soft-delete (older pages say that a retention policy
    forbids versioning; it no longer does) and
    https://cloud.google.com/storage/docs/availability-durability
    """

    bucket: pulumi.Output[str]
    """Its name."""

    def __init__(
        self, name: str, args: BackupBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:gcp:BackupBucket", name, {}, opts)
        bucket = storage.Bucket(
            f"{name}-bucket",
            name=args.bucket,
            location=args.place.location,
            custom_placement_config=args.place.placement,
            rpo="ASYNC_TURBO",
            # Each upload names the class of its tier; this is for manifests and drills.
            storage_class="STANDARD",
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            encryption={"default_kms_key_name": args.key_id},
            versioning={"enabled": True},
            soft_delete_policy=soft_delete(args.soft_delete_days),
            # Only a new bucket can be made ready for locks, so every one is.
            enable_object_retention=True,
            retention_policy=_shortest_lock(args.retention, permanent=args.protect),
            lifecycle_rules=lifecycle_rules(args.retention),
            logging={
                "log_bucket": args.log_bucket,
                "log_object_prefix": f"{ACCESS_LOGS}{args.bucket}",
            },
            force_destroy=not args.protect,
            opts=pulumi.ResourceOptions(
                parent=self, protect=args.protect, retain_on_delete=args.protect
            ),
        )

        self.bucket = bucket.name
        self.register_outputs({"bucket": self.bucket})


def _shortest_lock(
    retention: RetentionPolicy, *, permanent: bool
) -> storage.BucketRetentionPolicyArgsDict | None:
    if retention.lock_mode is None:
        return None
    return {
        "retention_period": str(retention.shortest_lock_days() * SECONDS_A_DAY),
        "is_locked": permanent and retention.lock_mode is LockMode.COMPLIANCE,
    }


def lifecycle_rules(retention: RetentionPolicy) -> list[storage.BucketLifecycleRuleArgsDict]:
    """All rules of a bucket.

    None moves objects to another class: uploads go to the class of their tier directly, where
    they are readable at once, and a move would be paid for like a second upload. A tier that is
    no longer in use has no rule: its backups stay until someone decides.
    """
    tiers = retention.rules()
    # A drill proves a backup for as long as any may be kept.
    expiries = {DRILLS: retention.longest_keep_days()}
    # The lowest tier last: switching it on or off shows as one rule in a preview, not as all.
    expiries |= {tier_prefix(tier): rule.keep_days for tier, rule in reversed(tiers.items())}
    return [
        give_up_uploads(days=1),
        *(expire(prefix, days) for prefix, days in expiries.items()),
        # Expiry only hides an object of a versioned bucket; a day later it is gone.
        forget_old(list(expiries), days=1),
    ]
