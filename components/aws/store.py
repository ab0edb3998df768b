"""The backups' place in AWS: two buckets in two regions, and who may use them."""

from dataclasses import dataclass, field

import pulumi
import pulumi_aws as aws

from components.aws.backup_bucket import BackupBucket, BackupBucketArgs
from components.aws.identities import Identities, IdentitiesArgs
from components.aws.key import EncryptionKey, EncryptionKeyArgs
from components.aws.replication import Replication, ReplicationArgs, ReplicationEnd
from components.repository import Repository
from neonhub_backup.domain.retention import RetentionPolicy


@dataclass(frozen=True, kw_only=True)
class Place:
    """A bucket that is to be."""

    bucket: str
    """Its name."""
    region: str
    """Its region."""


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

        primary = _copy(f"{name}-primary", args.primary, account_id, args, child)
        replica = _copy(f"{name}-replica", args.replica, account_id, args, child)
        Replication(
            f"{name}-replication",
            ReplicationArgs(
                source=primary, replica=replica, account_id=account_id, protect=args.protect
            ),
            child,
        )
        identities = Identities(
            name,
            IdentitiesArgs(
                repository=args.repository,
                backup_environment=args.backup_environment,
                bucket=primary.bucket,
                region=args.primary.region,
                key_arn=primary.key_arn,
                retention=args.retention,
                session_seconds=args.session_seconds,
            ),
            child,
        )

        self.bucket = pulumi.Output.from_input(primary.bucket)
        self.replica_bucket = pulumi.Output.from_input(replica.bucket)
        self.backup_role_arn = identities.backup_role_arn
        self.register_outputs(
            {
                "bucket": self.bucket,
                "replica_bucket": self.replica_bucket,
                "backup_role_arn": self.backup_role_arn,
            }
        )


def _copy(
    name: str,
    place: Place,
    account_id: pulumi.Output[str],
    args: AwsStoreArgs,
    child: pulumi.ResourceOptions,
) -> ReplicationEnd:
    key = EncryptionKey(
        name,
        EncryptionKeyArgs(
            alias=place.bucket,
            region=place.region,
            account_id=account_id,
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
            protect=args.protect,
        ),
        child,
    )
    return ReplicationEnd(bucket=bucket.bucket, region=place.region, key_arn=key.arn)
