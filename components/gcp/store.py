"""The backups' place in Google Cloud: a bucket in two regions, and who may use it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pulumi
from pulumi_gcp import projects

from components.gcp.backup_bucket import BackupBucket, BackupBucketArgs
from components.gcp.dual_region import DualRegion
from components.gcp.federation import Federation, FederationArgs
from components.gcp.identities import Identities, IdentitiesArgs
from components.gcp.key import EncryptionKey, EncryptionKeyArgs
from components.gcp.operations_bucket import OperationsBucket, OperationsBucketArgs
from components.gcp.pipeline import Pipeline, PipelineArgs
from components.repository import Repository
from neonhub_backup.domain.operations import OperationsPolicy
from neonhub_backup.domain.retention import RetentionPolicy

SERVICES = ("cloudkms", "cloudresourcemanager", "iam", "iamcredentials", "storage", "sts")
"""Google's APIs that the store and its runs call; a new project has most of them switched off."""


@dataclass(frozen=True, kw_only=True)
class GcpStoreArgs:
    """What the store needs to know."""

    project: str
    """Id of the Google Cloud project."""
    bucket: str
    """Name of the bucket that receives the backups."""
    operations_bucket: str
    """Name of the bucket for access logs, index, status page and WAL archive."""
    place: DualRegion
    """The two regions that hold a copy each."""
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
    """Addresses of the service accounts of servers that archive WAL, by the names of their
    archives."""
    soft_delete_days: int = 7
    """Days for which Google can bring back what expired or was deleted; they are paid for."""
    static_keys: bool = False
    """Whether the backup account has a key too, which is stored until someone changes it."""
    protect: bool = True
    """Refuses destruction and survives its stack. False: destroyed with every backup in it, once
    none is locked any more: Google lets nobody delete those."""

    def __post_init__(self) -> None:
        """Refuse one bucket for two purposes."""
        if self.bucket == self.operations_bucket:
            raise ValueError(
                f"operations_bucket {self.operations_bucket} is the bucket of the backups too,"
                " which would log to itself and lock its logs; give another name"
            )


class GcpStore(pulumi.ComponentResource):
    """A copy of every backup in each of two regions, that nobody can delete early."""

    bucket: pulumi.Output[str]
    """The bucket that receives the backups."""
    operations_bucket: pulumi.Output[str]
    """The bucket for access logs, index, status page and WAL archive."""
    workload_identity_provider: pulumi.Output[str]
    """Full name of what takes GitHub's tokens, for google-github-actions/auth."""
    backup_service_account: pulumi.Output[str]
    """E-mail address of the account that may add backups, and nothing else."""
    drill_service_account: pulumi.Output[str]
    """E-mail address of the account that may read backups and add the results of drills."""
    restore_service_account: pulumi.Output[str]
    """E-mail address of the account that may read backups."""
    preview_service_account: pulumi.Output[str] | None
    """E-mail address of the account that previews the stack. None: people do."""
    deploy_service_account: pulumi.Output[str] | None
    """E-mail address of the account that deploys the stack. None: people do."""
    service_account_key: pulumi.Output[str] | None
    """Key of the backup account, a secret JSON text. None: it has none."""

    def __init__(
        self, name: str, args: GcpStoreArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:gcp:GcpStore", name, {}, opts)
        services = [
            projects.Service(
                f"{name}-{service}-api",
                service=f"{service}.googleapis.com",
                # Others in the project may use it too.
                disable_on_destroy=False,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for service in SERVICES
        ]
        child = pulumi.ResourceOptions(parent=self, depends_on=services)

        key = EncryptionKey(
            name,
            EncryptionKeyArgs(
                key=args.bucket, location=args.place.kms_location, protect=args.protect
            ),
            child,
        )
        operations = OperationsBucket(
            f"{name}-operations",
            OperationsBucketArgs(
                bucket=args.operations_bucket,
                place=args.place,
                key_id=key.id,
                periods=args.operations,
                soft_delete_days=args.soft_delete_days,
                protect=args.protect,
            ),
            child,
        )
        backups = BackupBucket(
            f"{name}-backups",
            BackupBucketArgs(
                bucket=args.bucket,
                place=args.place,
                key_id=key.id,
                log_bucket=operations.bucket,
                retention=args.retention,
                soft_delete_days=args.soft_delete_days,
                protect=args.protect,
            ),
            child,
        )
        repositories = (args.repository, args.infrastructure)
        federation = Federation(
            name,
            FederationArgs(
                environment=args.environment,
                letters=key.letters,
                # Both may be one repository, whose number is then named once.
                repositories=list(dict.fromkeys(each for each in repositories if each)),
                protect=args.protect,
            ),
            child,
        )
        identities = Identities(
            name,
            IdentitiesArgs(
                environment=args.environment,
                repository=args.repository,
                pool=federation.pool,
                bucket=backups.bucket,
                operations_bucket=operations.bucket,
                locks=args.retention.lock_mode is not None,
                archivers=args.archivers,
                static_keys=args.static_keys,
            ),
            child,
        )
        pipeline = args.infrastructure and Pipeline(
            name,
            PipelineArgs(
                project=args.project,
                environment=args.environment,
                repository=args.infrastructure,
                pool=federation.pool,
            ),
            child,
        )

        self.bucket = backups.bucket
        self.operations_bucket = operations.bucket
        self.workload_identity_provider = federation.provider
        self.backup_service_account = identities.backup_service_account
        self.drill_service_account = identities.drill_service_account
        self.restore_service_account = identities.restore_service_account
        self.preview_service_account = pipeline and pipeline.preview_service_account
        self.deploy_service_account = pipeline and pipeline.deploy_service_account
        self.service_account_key = identities.service_account_key
        self.register_outputs(
            {
                "bucket": self.bucket,
                "operations_bucket": self.operations_bucket,
                "workload_identity_provider": self.workload_identity_provider,
                "backup_service_account": self.backup_service_account,
                "drill_service_account": self.drill_service_account,
                "restore_service_account": self.restore_service_account,
                "preview_service_account": self.preview_service_account,
                "deploy_service_account": self.deploy_service_account,
            }
        )
