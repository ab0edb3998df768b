"""The backups' place in AWS: two buckets in two regions, who may use them, and who is told."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

import pulumi
import pulumi_aws as aws

from components.aws import bucket_policies
from components.aws.alarms import Alarms, AlarmsArgs, WatchedCopies, WatchedDatabase
from components.aws.backup_bucket import BackupBucket, BackupBucketArgs
from components.aws.deployment_policies import workflow_role_arn
from components.aws.documents import Statement
from components.aws.identities import (
    Identities,
    IdentitiesArgs,
    Infrastructure,
    WorkflowRole,
)
from components.aws.key import EncryptionKey, EncryptionKeyArgs
from components.aws.operations_bucket import OperationsBucket, OperationsBucketArgs
from components.aws.replication import Replication, ReplicationArgs, ReplicationEnd, role_arn
from components.aws.trail import Trail, TrailArgs, trail_arn
from components.repository import Repository
from neonhub_backup.domain.operations import OperationsPolicy
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.domain.storage import S3_CLASSES, S3StorageClass
from workflows.environments import environment_name


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
class Watch:
    """Who is told what."""

    databases: Sequence[WatchedDatabase]
    """The databases whose backups must not become old."""
    emails: Sequence[str] = ()
    """Addresses, each of which must confirm the message that AWS sends to it."""
    https_endpoints: Sequence[str] = ()
    """Services that confirm AWS's message by themselves."""
    report_every: timedelta = timedelta(hours=1)
    """Time between two reports of how old backups are; silence is an alarm too."""


@dataclass(frozen=True, kw_only=True)
class AwsStoreArgs:
    """What the store needs to know."""

    prefix: str
    """Beginning of the names of roles, alarms and the trail, e.g. `neonhub-production`."""
    primary: Place
    """The bucket that receives the backups."""
    replica: Place | None
    """The bucket that receives their copies, in another region. None: there is one copy."""
    environment: str
    """What is backed up: the runs are in the GitHub environments `<environment>-backup`,
    `-drill` and `-restore`."""
    repository: Repository
    """The repository of those runs."""
    infrastructure: Repository | None = None
    """The infrastructure's own repository, whose runs in `<environment>-preview` and `-deploy`
    preview and deploy the stack. None: people do."""
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    """When each tier expires, and for how long it is locked."""
    operations: OperationsPolicy = field(default_factory=OperationsPolicy)
    """How long the operations bucket keeps logs, and older versions of the rest."""
    archivers: Mapping[str, str] = field(default_factory=dict[str, str])
    """ARNs of the servers that archive WAL beside the primary, by the names of their archives."""
    replica_account: Account | None = None
    """The account that owns the replica and its key. None: that of the primary."""
    storage_classes: Mapping[Tier, S3StorageClass] = field(default_factory=lambda: S3_CLASSES)
    """Where the backups of each tier end up."""
    oidc_provider_arn: str | None = None
    """The account's trust in GitHub, where another stack has made it. None: this one makes it."""
    trail: bool = True
    """Whether a trail of the stack records deletions. False: the organisation's does."""
    watch: Watch | None = None
    """Who is told when backups are late, copies fail or someone tries to delete. None: nobody."""
    session_seconds: int = 3600
    """How long one backup may take."""
    static_keys: bool = False
    """Whether there is a user too, with a key that is stored until someone changes it."""
    protect: bool = True
    """Refuses destruction and survives its stack. False: destroyed with every backup in it."""

    def __post_init__(self) -> None:
        """Refuse a second copy that one outage would take with the first."""
        if self.replica is not None and self.primary.region == self.replica.region:
            raise ValueError(
                f"replica.region {self.replica.region} is the primary's too, so one outage could"
                " take both copies; choose another region"
            )


class AwsStore(pulumi.ComponentResource):
    """Copies of every backup, each under its own key, that nobody can delete early."""

    bucket: pulumi.Output[str]
    """The bucket that receives the backups."""
    replica_bucket: pulumi.Output[str] | None = None
    """The bucket that receives their copies. None: there is none."""
    operations_bucket: pulumi.Output[str]
    """The bucket for logs, index, status page and WAL."""
    identities: Identities
    """The roles of the runs."""
    topic_arn: pulumi.Output[str] | None = None
    """Where alarms are told. None: nowhere."""

    def __init__(
        self, name: str, args: AwsStoreArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:aws:AwsStore", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        account_id = aws.get_caller_identity_output(
            opts=pulumi.InvokeOutputOptions(parent=self)
        ).account_id

        primary = _copy(f"{name}-primary", args.primary, args, account_id, child)
        copies = [primary]
        if args.replica is not None:
            copies.append(_replica(f"{name}-replica", args.replica, args, account_id, self))
        trails = _trails(name, args, copies) if args.trail else {}
        alarms = [] if args.watch is None else _alarms(name, args, args.watch, copies, trails)
        self.identities = Identities(
            name,
            IdentitiesArgs(
                prefix=args.prefix,
                account_id=account_id,
                repository=args.repository,
                backup=_role(args, "backup"),
                drill=_role(args, "drill"),
                restore=_role(args, "restore"),
                primary=primary.end,
                replica=copies[1].end if len(copies) > 1 else None,
                operations_bucket=primary.operations.bucket,
                retention=args.retention,
                oidc_provider_arn=args.oidc_provider_arn,
                infrastructure=_infrastructure(args, copies, alarms),
                static_keys=args.static_keys,
            ),
            child,
        )

        for replica in copies[1:]:
            other = args.replica_account
            self.replica_bucket = replica.bucket.bucket
            Replication(
                f"{name}-replication",
                ReplicationArgs(
                    source=primary.end,
                    replica=replica.end,
                    account_id=account_id,
                    replica_account_id=None if other is None else other.account_id,
                    boundary_arn=self.identities.boundary_arn,
                    protect=args.protect,
                ),
                child,
            )

        self.bucket = primary.bucket.bucket
        self.operations_bucket = primary.operations.bucket
        if alarms:
            self.topic_arn = alarms[0].topic_arn
        self.register_outputs(
            {
                "bucket": self.bucket,
                "replica_bucket": self.replica_bucket,
                "operations_bucket": self.operations_bucket,
                "topic_arn": self.topic_arn,
            }
        )


class _Strangers(NamedTuple):
    """Roles of the primary's account that use a replica in another one."""

    copier: str
    readers: Sequence[str]

    def of_key(self, place: Place) -> list[Statement]:
        """What the key's policy says of them."""
        return [
            bucket_policies.encrypt_copies(place.bucket, place.region, self.copier),
            bucket_policies.decrypt_copies(place.bucket, place.region, self.readers),
        ]

    def of_bucket(self, place: Place) -> list[Statement]:
        """What the bucket's policy says of them."""
        return [
            bucket_policies.receive_copies(place.bucket, self.copier),
            bucket_policies.read_copies(place.bucket, self.readers),
        ]


class _Copy(NamedTuple):
    """One of the two places, with all there is in it."""

    place: Place
    account_id: pulumi.Input[str]
    child: pulumi.ResourceOptions
    """Where its resources belong, and what makes them."""
    key: EncryptionKey
    bucket: BackupBucket
    operations: OperationsBucket

    @property
    def end(self) -> ReplicationEnd:
        return ReplicationEnd(
            bucket=self.bucket.bucket, region=self.place.region, key_arn=self.key.arn
        )


def _copy(
    name: str,
    place: Place,
    args: AwsStoreArgs,
    account_id: pulumi.Input[str],
    child: pulumi.ResourceOptions,
    strangers: pulumi.Output[_Strangers] | None = None,
) -> _Copy:
    """A place of the account; `strangers` use it from another one."""
    key = EncryptionKey(
        name,
        EncryptionKeyArgs(
            alias=place.bucket,
            region=place.region,
            account_id=account_id,
            others=() if strangers is None else strangers.apply(lambda who: who.of_key(place)),
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
            periods=args.operations,
            archivers=args.archivers if place is args.primary else {},
            trail_arn=pulumi.Output.from_input(account_id).apply(
                lambda known: trail_arn(args.prefix, place.region, known)
            )
            if args.trail and (place is args.primary or strangers is not None)
            else None,
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
            others=() if strangers is None else strangers.apply(lambda who: who.of_bucket(place)),
            protect=args.protect,
        ),
        child,
    )
    return _Copy(place, account_id, child, key, bucket, operations)


def _replica(
    name: str, place: Place, args: AwsStoreArgs, account_id: pulumi.Output[str], store: AwsStore
) -> _Copy:
    other = args.replica_account
    if other is None:
        return _copy(name, place, args, account_id, pulumi.ResourceOptions(parent=store))
    there = pulumi.ResourceOptions(parent=store, provider=other.provider)
    strangers = account_id.apply(
        lambda known: _Strangers(
            copier=role_arn(known, args.primary.bucket),
            readers=[
                workflow_role_arn(known, args.prefix, each)
                for each in ("backup", "drill", "restore")
            ],
        )
    )
    return _copy(name, place, args, other.account_id, there, strangers)


def _trails(name: str, args: AwsStoreArgs, copies: Sequence[_Copy]) -> dict[Place, Trail]:
    """One for each account, beside its first bucket: a trail sees its own account alone."""
    apart = args.replica_account is not None
    groups = [[each] for each in copies] if apart else [[*copies]]
    return {
        group[0].place: Trail(
            name if group[0] is copies[0] else f"{name}-replica",
            TrailArgs(
                prefix=args.prefix,
                region=group[0].place.region,
                operations_bucket=group[0].operations.bucket,
                buckets=[each.place.bucket for each in group],
                protect=args.protect,
            ),
            group[0].child,
        )
        for group in groups
    }


def _alarms(
    name: str,
    args: AwsStoreArgs,
    watch: Watch,
    copies: Sequence[_Copy],
    trails: Mapping[Place, Trail],
) -> list[Alarms]:
    """One for each region: events and metrics do not leave theirs."""
    replicated = None
    if len(copies) > 1:
        source, replica = (each.place for each in copies)
        replicated = WatchedCopies(
            source=source.bucket,
            source_region=source.region,
            replica=replica.bucket,
            replica_region=replica.region,
        )
    return [
        Alarms(
            f"{name}-{'primary' if each is copies[0] else 'replica'}",
            AlarmsArgs(
                prefix=args.prefix,
                region=each.place.region,
                account_id=each.account_id,
                emails=watch.emails,
                https_endpoints=watch.https_endpoints,
                environment=args.environment,
                # Runs publish their metrics in the region of the bucket that they write to.
                databases=watch.databases if each is copies[0] else (),
                copies=replicated,
                buckets=[each.place.bucket],
                key_arns=[each.key.arn],
                report_every=watch.report_every,
                trail_arn=trails[each.place].arn if each.place in trails else None,
                protect=args.protect,
            ),
            each.child,
        )
        for each in copies
    ]


def _role(args: AwsStoreArgs, purpose: str) -> WorkflowRole:
    return WorkflowRole(
        environment=environment_name(args.environment, purpose),
        session_seconds=args.session_seconds,
    )


def _infrastructure(
    args: AwsStoreArgs, copies: Sequence[_Copy], alarms: Sequence[Alarms]
) -> Infrastructure | None:
    if args.infrastructure is None:
        return None
    return Infrastructure(
        repository=args.infrastructure,
        preview=WorkflowRole(environment=environment_name(args.environment, "preview")),
        deploy=WorkflowRole(environment=environment_name(args.environment, "deploy")),
        other_buckets=[each.operations.bucket for each in copies[1:]],
        other_key_arns=[each.key_arn for each in alarms],
    )
