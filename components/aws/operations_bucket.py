"""A bucket for what must be rewritten: logs, index, status page and WAL archive."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pulumi
from pulumi_aws import s3

from components.aws import bucket_policies
from components.aws.guards import guard
from neonhub_backup.domain.duration import whole_days
from neonhub_backup.domain.layout import ACCESS_LOGS, INDEX, PAGES, STATUS, TRAIL, WAL
from neonhub_backup.domain.operations import OperationsPolicy


@dataclass(frozen=True, kw_only=True)
class OperationsBucketArgs:
    """What a bucket of operations needs to know."""

    bucket: str
    """Name of the bucket. Explicit, because committed files name it before it exists."""
    region: str
    """Where it is: S3 delivers access logs within one region alone."""
    account_id: pulumi.Input[str]
    """Account that owns it and the buckets it takes logs of."""
    sources: Sequence[str] = ()
    """Names of the buckets whose access logs it takes."""
    trail_arn: pulumi.Input[str] | None = None
    """The CloudTrail trail that it takes the records of. None: it takes none."""
    periods: OperationsPolicy = field(default_factory=OperationsPolicy)
    """How long logs, and older versions of the rest, are kept."""
    archivers: Mapping[str, str] = field(default_factory=dict[str, str])
    """ARNs of the roles or users that archive WAL, by the names of their archives. They exist."""
    protect: bool = True
    """Refuses destruction and survives its stack. False: destroyed with all there is in it."""


class OperationsBucket(pulumi.ComponentResource):
    """Private, versioned and encrypted storage without a lock."""

    bucket: pulumi.Output[str]
    """Its name, once it takes access logs: S3 refuses it as their target before that."""

    def __init__(
        self, name: str, args: OperationsBucketArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:aws:OperationsBucket", name, {}, opts)
        child = pulumi.ResourceOptions(
            parent=self, protect=args.protect, retain_on_delete=args.protect
        )

        bucket = s3.Bucket(
            f"{name}-bucket",
            region=args.region,
            bucket=args.bucket,
            force_destroy=not args.protect,
            opts=child,
        )
        part = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(deleted_with=bucket))
        versioning = guard(name, bucket, args.region, part)
        policy = s3.BucketPolicy(
            f"{name}-policy",
            region=args.region,
            bucket=bucket.bucket,
            policy=pulumi.Output.all(args.account_id, args.trail_arn).apply(
                lambda known: json.dumps(
                    bucket_policies.operations_bucket_policy(
                        args.bucket, known[0], args.sources, known[1], args.archivers
                    )
                )
            ),
            opts=part,
        )
        s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            region=args.region,
            bucket=bucket.bucket,
            # S3 delivers no access logs to a bucket that encrypts with KMS by default:
            # https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
            rules=[{"apply_server_side_encryption_by_default": {"sse_algorithm": "AES256"}}],
            opts=part,
        )
        s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            region=args.region,
            bucket=versioning.bucket,
            rules=operations_rules(args.periods),
            opts=part,
        )

        self.bucket = policy.bucket
        self.register_outputs({"bucket": self.bucket})


def operations_rules(
    periods: OperationsPolicy,
) -> list[s3.BucketLifecycleConfigurationRuleArgsDict]:
    """All rules of the bucket, for its one lifecycle configuration: two would leave none."""
    return [
        {
            "id": "clean-up",
            "status": "Enabled",
            "filter": {"prefix": ""},
            # A base backup of a large server takes days to upload.
            "abort_incomplete_multipart_upload": {"days_after_initiation": 7},
            "expiration": {"expired_object_delete_marker": True},
        },
        *(_expiry(prefix, periods.logs) for prefix in (ACCESS_LOGS, TRAIL, INDEX)),
        _expiry(PAGES, periods.pages),
        *(_expiry(prefix, keep) for prefix, keep in periods.further.items()),
        _undo(STATUS, periods.undo),
        _expiry(WAL, periods.wal, undo=periods.wal_undo),
    ]


def _expiry(
    prefix: str, keep: timedelta, undo: timedelta = timedelta(days=1)
) -> s3.BucketLifecycleConfigurationRuleArgsDict:
    return {
        "id": f"expire-{_words(prefix)}",
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "expiration": {"days": whole_days(keep)},
        "noncurrent_version_expiration": {"noncurrent_days": whole_days(undo)},
    }


def _undo(prefix: str, keep: timedelta) -> s3.BucketLifecycleConfigurationRuleArgsDict:
    """The newest version stays for ever, those before it for some days."""
    return {
        "id": f"forget-old-{_words(prefix)}",
        "status": "Enabled",
        "filter": {"prefix": prefix},
        "noncurrent_version_expiration": {"noncurrent_days": whole_days(keep)},
    }


def _words(prefix: str) -> str:
    return prefix.rstrip("/").replace("/", "-")
