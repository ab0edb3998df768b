"""A bucket for what comes and goes: access logs, index, status page and WAL archive."""

from dataclasses import dataclass, field

import pulumi
from pulumi_gcp import storage

from components.gcp.dual_region import DualRegion
from components.gcp.lifecycle import expire, forget_old, give_up_uploads, soft_delete
from neonhub_backup.domain.duration import whole_days
from neonhub_backup.domain.layout import ACCESS_LOGS, INDEX, PAGES, STATUS, WAL
from neonhub_backup.domain.operations import OperationsPolicy

LOG_WRITER = "group:cloud-storage-analytics@google.com"
"""Who delivers access logs: https://cloud.google.com/storage/docs/access-logs"""


@dataclass(frozen=True, kw_only=True)
class OperationsBucketArgs:
    """What a bucket of operations needs to know."""

    bucket: str
    """Name of the bucket. Explicit, because committed files name it before it exists."""
    place: DualRegion
    """The two regions that hold a copy each."""
    key_id: pulumi.Input[str]
    """Key that encrypts every object, of the same place."""
    periods: OperationsPolicy = field(default_factory=OperationsPolicy)
    """How long logs, and older versions of the rest, are kept."""
    soft_delete_days: int = 7
    """Days for which Google can bring back what is gone from the bucket; they are paid for."""
    protect: bool = True
    """Refuses destruction and survives its stack. False: destroyed with all there is in it."""

    def __post_init__(self) -> None:
        """Refuse a period that Google would refuse only when it creates the bucket."""
        soft_delete(self.soft_delete_days)


class OperationsBucket(pulumi.ComponentResource):
    """Private, versioned and encrypted storage in two regions, without a lock.

    It takes the access logs of the backup bucket, and none of its own: a bucket that logs to
    itself never comes to rest. Those logs are a courtesy of Google's and may be late or miss a
    request; what administrators do is in Cloud Audit Logs, always and at no cost, for 400 days.
    Where the organisation shares with its own domains alone, it has to let LOG_WRITER in.
    """

    bucket: pulumi.Output[str]
    """Its name, once it takes access logs."""

    def __init__(
        self, name: str, args: OperationsBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:gcp:OperationsBucket", name, {}, opts)
        child = pulumi.ResourceOptions(
            parent=self, protect=args.protect, retain_on_delete=args.protect
        )

        periods = args.periods
        expiring = {
            prefix: whole_days(keep)
            for prefix, keep in (
                (ACCESS_LOGS, periods.logs),
                (INDEX, periods.logs),
                (PAGES, periods.pages),
                *periods.further.items(),
            )
        }
        bucket = storage.Bucket(
            f"{name}-bucket",
            name=args.bucket,
            location=args.place.location,
            custom_placement_config=args.place.placement,
            rpo="ASYNC_TURBO",
            storage_class="STANDARD",
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            encryption={"default_kms_key_name": args.key_id},
            versioning={"enabled": True},
            soft_delete_policy=soft_delete(args.soft_delete_days),
            lifecycle_rules=[
                # A base backup of a large server takes days to upload.
                give_up_uploads(days=7),
                *(expire(prefix, days) for prefix, days in expiring.items()),
                forget_old([*expiring], days=1),
                forget_old([STATUS], days=whole_days(periods.undo)),
                expire(WAL, whole_days(periods.wal)),
                forget_old([WAL], days=whole_days(periods.wal_undo)),
            ],
            force_destroy=not args.protect,
            opts=child,
        )
        logs = storage.BucketIAMMember(
            f"{name}-logs",
            bucket=bucket.name,
            role="roles/storage.objectCreator",
            member=LOG_WRITER,
            opts=child,
        )

        self.bucket = pulumi.Output.all(bucket.name, logs.id).apply(lambda both: both[0])
        self.register_outputs({"bucket": self.bucket})
