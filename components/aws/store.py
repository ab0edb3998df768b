"""The backups' place in AWS: two buckets in two regions, and who may use them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import pulumi
import pulumi_aws as aws

from components.aws import bucket_policies
from components.aws.backup_bucket import BackupBucket, BackupBucketArgs
from components.aws.identities import Identities, IdentitiesArgs
from components.aws.key import EncryptionKey, EncryptionKeyArgs
from components.aws.operations_bucket import OperationsBucket, OperationsBucketArgs
from components.aws.replication import Replication, ReplicationArgs, ReplicationEnd, role_arn
from components.repository import Repository
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.domain.storage import S3_CLASSES, S3StorageClass


@dataclass(frozen=True, kw_only=True)
class Place:
    """A pair of buckets that is to be."""

    bucket: str
    """Name of the one for backups."""
    region: str
    """Their region."""
    operations_bucket: str | None = None
    """Name of the one for logs, index, status page and WAL. None: `<bucket>-operations`."""

    @property
    def operations(self) -> str:
        """Name of the operations bucket, whether it was given or not."""
        return self.operations_bucket or f"{self.bucket}-operations"


@dataclass(frozen=True, kw_only=True)
class Account:
    """Another account of AWS."""

    account_id: str
    """Its 12 digits."""
    provider: pulumi.ProviderResource
    """What makes resources there."""

    def __post_init__(self) -> None:
        """Refuse what is no account, before a policy lets it in."""
        if not re.fullmatch(r"\d{12}", self.account_id):
            raise ValueError(
                f"account_id '{self.account_id}' is not 12 digits, so no policy could name the"
                " account; give the number that `aws sts get-caller-identity` shows there"
            )


@dataclass(frozen=True, kw_only=True)
class AwsStoreArgs:
    """What the store needs to know."""

    primary: Place
    """The bucket that receives the backups."""
    replica: Place
    """The bucket that receives their copies, in another region."""
    repository: Repository
    """The repository whose runs make the backups."""
    backup_environment: str
    """The GitHub environment of those runs."""
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    """When each tier expires, and for how long it is locked."""
    replica_account: Account | None = None
    """The account that owns the replica and its key. None: that of the primary."""
    storage_classes: Mapping[Tier, S3StorageClass] = field(default_factory=lambda: S3_CLASSES)
    """Where the backups of each tier end up."""
    trail_arn: pulumi.Input[str] | None = None
    """The CloudTrail trail that writes to the primary's operations bucket. None: none does."""
    session_seconds: int = 3600
    """How long one backup may take."""
    protect: bool = True
    """Refuses destruction and survives its stack. False: destroyed with every backup in it."""

    def __post_init__(self) -> None:
        """Refuse a second copy that one outage would take with the first."""
        if self.primary.region == self.replica.region:
            raise ValueError(
                f"replica.region {self.replica.region} is the primary's too, so one outage could"
                " take both copies; choose another region"
            )


class AwsStore(pulumi.ComponentResource):
    """Two copies of every backup, each under its own key, that nobody can delete early."""

    bucket: pulumi.Output[str]
    """The bucket that receives the backups."""
    replica_bucket: pulumi.Output[str]
    """The bucket that receives their copies."""
    operations_bucket: pulumi.Output[str]
    """The bucket for logs, index, status page and WAL."""
    replica_operations_bucket: pulumi.Output[str]
    """The bucket for the logs of the replica."""
    key_arn: pulumi.Output[str]
    """The key of the bucket that receives the backups."""
    replica_key_arn: pulumi.Output[str]
    """The key of the bucket that receives their copies."""
    backup_role_arn: pulumi.Output[str]
    """The role that may add backups, and nothing else."""

    def __init__(
        self, name: str, args: AwsStoreArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:aws:AwsStore", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        account_id = aws.get_caller_identity_output(
            opts=pulumi.InvokeOutputOptions(parent=self)
        ).account_id
        other = args.replica_account

        primary = _copy(f"{name}-primary", args.primary, args, account_id, child)
        if other is None:
            replica = _copy(f"{name}-replica", args.replica, args, account_id, child)
        else:
            there = pulumi.ResourceOptions(parent=self, provider=other.provider)
            copier_arn = account_id.apply(lambda known: role_arn(known, args.primary.bucket))
            replica = _copy(
                f"{name}-replica", args.replica, args, other.account_id, there, copier_arn
            )
        Replication(
            f"{name}-replication",
            ReplicationArgs(
                source=primary.end,
                replica=replica.end,
                account_id=account_id,
                replica_account_id=None if other is None else other.account_id,
                protect=args.protect,
            ),
            child,
        )
        identities = Identities(
            name,
            IdentitiesArgs(
                repository=args.repository,
                backup_environment=args.backup_environment,
                bucket=primary.end.bucket,
                region=args.primary.region,
                key_arn=primary.end.key_arn,
                retention=args.retention,
                session_seconds=args.session_seconds,
            ),
            child,
        )

        self.bucket = primary.bucket.bucket
        self.replica_bucket = replica.bucket.bucket
        self.operations_bucket = primary.operations.bucket
        self.replica_operations_bucket = replica.operations.bucket
        self.key_arn = primary.key.arn
        self.replica_key_arn = replica.key.arn
        self.backup_role_arn = identities.backup_role_arn
        self.register_outputs(
            {
                "bucket": self.bucket,
                "replica_bucket": self.replica_bucket,
                "operations_bucket": self.operations_bucket,
                "replica_operations_bucket": self.replica_operations_bucket,
                "key_arn": self.key_arn,
                "replica_key_arn": self.replica_key_arn,
                "backup_role_arn": self.backup_role_arn,
            }
        )


class _Copy(NamedTuple):
    """One of the two places, with all there is in it."""

    region: str
    key: EncryptionKey
    bucket: BackupBucket
    operations: OperationsBucket

    @property
    def end(self) -> ReplicationEnd:
        return ReplicationEnd(bucket=self.bucket.bucket, region=self.region, key_arn=self.key.arn)


def _copy(
    name: str,
    place: Place,
    args: AwsStoreArgs,
    account_id: pulumi.Input[str],
    child: pulumi.ResourceOptions,
    copier_arn: pulumi.Output[str] | None = None,
) -> _Copy:
    """A place of the account; `copier_arn` is the role that writes to it from another one."""
    key = EncryptionKey(
        name,
        EncryptionKeyArgs(
            alias=place.bucket,
            region=place.region,
            account_id=account_id,
            others=()
            if copier_arn is None
            else copier_arn.apply(
                lambda arn: [bucket_policies.encrypt_copies(place.bucket, place.region, arn)]
            ),
            protect=args.protect,
        ),
        child,
    )
    operations = OperationsBucket(
        f"{name}-operations",
        OperationsBucketArgs(
            bucket=place.operations,
            region=place.region,
            account_id=account_id,
            sources=(place.bucket,),
            trail_arn=args.trail_arn if place is args.primary else None,
            protect=args.protect,
        ),
        child,
    )
    bucket = BackupBucket(
        name,
        BackupBucketArgs(
            bucket=place.bucket,
            region=place.region,
            key_arn=key.arn,
            retention=args.retention,
            storage_classes=args.storage_classes,
            logs_bucket=operations.bucket,
            others=()
            if copier_arn is None
            else copier_arn.apply(lambda arn: [bucket_policies.receive_copies(place.bucket, arn)]),
            protect=args.protect,
        ),
        child,
    )
    return _Copy(place.region, key, bucket, operations)
