"""What each component is told, from a stack's settings alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import pulumi
import pulumi_aws

from components.aws.alarms import WatchedDatabase
from components.aws.store import Account, AwsStore, AwsStoreArgs, Place, Watch
from components.gcp.store import GcpStore, GcpStoreArgs
from components.github.confirmation import Confirmed
from components.github.environment import EnvironmentArgs
from components.github.reviewers import NOBODY
from components.sections import AwsSettings, GcpSettings, Settings
from components.settings import Stack
from neonhub_backup.domain.schedule import report_every
from workflows.environments import environment_name

PRIVATE_KEY_VARIABLE = "NEONHUB_BACKUP_PRIVATE_KEY"
"""Where the tool looks for the key that opens backups."""

Value = TypeVar("Value")


def aws_store_args(settings: Settings, aws: AwsSettings, region: str) -> AwsStoreArgs:
    """The copies in AWS."""
    replica = None
    if aws.replica_region is not None:
        replica = Place(
            bucket=aws.replica_bucket,
            region=aws.replica_region,
            operations_bucket=f"{aws.operations_bucket}-replica",
        )
    return AwsStoreArgs(
        prefix=aws.bucket_prefix,
        primary=Place(
            bucket=aws.primary_bucket, region=region, operations_bucket=aws.operations_bucket
        ),
        replica=replica,
        replica_account=_replica_account(settings, aws),
        environment=settings.environment,
        repository=settings.repository,
        infrastructure=settings.infrastructure_repository,
        retention=settings.retention,
        operations=settings.operations,
        archivers=settings.archivers("aws"),
        storage_classes=aws.classes,
        oidc_provider_arn=aws.oidc_provider_arn,
        trail=aws.trail,
        watch=_watch(settings),
        session_seconds=settings.timeout_minutes * 60,
        static_keys=settings.static_keys,
        protect=settings.protect,
    )


def _replica_account(settings: Settings, aws: AwsSettings) -> Account | None:
    other = aws.replica_account
    if other is None:
        return None
    provider = pulumi_aws.Provider(
        "replica-account",
        region=aws.replica_region,
        allowed_account_ids=[other.id],
        # The class and not a mapping, whose keys the SDK would leave as they are.
        assume_roles=[
            pulumi_aws.ProviderAssumeRoleArgs(
                role_arn=other.role_arn, session_name="neonhub-backup"
            )
        ],
        # A provider of its own inherits nothing from the stack file.
        default_tags=pulumi_aws.ProviderDefaultTagsArgs(**settings.default_tags)
        if settings.default_tags
        else None,
    )
    return Account(account_id=other.id, provider=provider)


def _watch(settings: Settings) -> Watch | None:
    alarms, objectives = settings.alarms, settings.objectives
    if not alarms.reach_somebody:
        return None
    return Watch(
        databases=[
            WatchedDatabase(name=each.name, rpo=objectives.rpo, proof=objectives.prove_every)
            for each in settings.databases
        ],
        emails=alarms.emails,
        https_endpoints=alarms.webhooks,
        report_every=report_every(objectives.rpo),
    )


def gcp_store_args(settings: Settings, gcp: GcpSettings, project: str) -> GcpStoreArgs:
    """The copies in Google Cloud."""
    return GcpStoreArgs(
        project=project,
        bucket=gcp.bucket,
        operations_bucket=gcp.operations_bucket,
        place=gcp.place,
        environment=settings.environment,
        repository=settings.repository,
        infrastructure=settings.infrastructure_repository,
        retention=settings.retention,
        operations=settings.operations,
        archivers=settings.archivers("gcp"),
        soft_delete_days=gcp.soft_delete.days,
        static_keys=settings.static_keys,
        protect=settings.protect,
    )


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Where the backups of a stack are. None: not in that cloud."""

    aws: AwsStore | None
    gcp: GcpStore | None

    @property
    def outputs(self) -> dict[str, pulumi.Output[str]]:
        """What people and scripts look for."""
        aws, gcp = self.aws, self.gcp
        return _present(
            {
                "bucket": aws.bucket if aws else None,
                "replica_bucket": aws.replica_bucket if aws else None,
                "operations_bucket": aws.operations_bucket if aws else None,
                "backup_role_arn": aws.identities.backup_role_arn if aws else None,
                "drill_role_arn": aws.identities.drill_role_arn if aws else None,
                "restore_role_arn": aws.identities.restore_role_arn if aws else None,
                "preview_role_arn": aws.identities.preview_role_arn if aws else None,
                "deploy_role_arn": aws.identities.deploy_role_arn if aws else None,
                "alarm_topic_arn": aws.topic_arn if aws else None,
                "gcs_bucket": gcp.bucket if gcp else None,
                "gcs_operations_bucket": gcp.operations_bucket if gcp else None,
                "workload_identity_provider": gcp.workload_identity_provider if gcp else None,
                "backup_service_account": gcp.backup_service_account if gcp else None,
                "drill_service_account": gcp.drill_service_account if gcp else None,
                "restore_service_account": gcp.restore_service_account if gcp else None,
                "preview_service_account": gcp.preview_service_account if gcp else None,
                "deploy_service_account": gcp.deploy_service_account if gcp else None,
            }
        )

    @property
    def resources(self) -> list[pulumi.Resource]:
        """All that there is."""
        return [each for each in (self.aws, self.gcp) if each is not None]


def build_stores(settings: Settings) -> Stores:
    """Build what the settings ask for."""
    aws, gcp = settings.aws, settings.gcp
    return Stores(
        aws=AwsStore("aws", aws_store_args(settings, aws, settings.region))
        if aws is not None and settings.region is not None
        else None,
        gcp=GcpStore("gcp", gcp_store_args(settings, gcp, settings.project))
        if gcp is not None and settings.project is not None
        else None,
    )


def environments(stack: Stack, stores: Stores, confirmed: Confirmed) -> dict[str, EnvironmentArgs]:
    """The GitHub environment of each identity, by its name in the stack."""
    settings = stack.settings
    github = settings.github
    decrypts = _present({PRIVATE_KEY_VARIABLE: stack.gpg_private_key})
    # It opens the whole project: whoever is reviewed sees it, and what takes snapshots.
    owns = _present({"NEON_API_KEY": stack.neon_api_key})

    def own(
        purpose: str, secrets: Mapping[str, pulumi.Output[str]], *, in_clouds: bool = True
    ) -> EnvironmentArgs:
        return EnvironmentArgs(
            environment=environment_name(settings.environment, purpose),
            repository=github.repository,
            branches=[github.branch],
            secrets=secrets,
            variables=_identity(settings, stores, purpose) if in_clouds else {},
            reviewers=confirmed.restore if purpose == "restore" else NOBODY,
            wait_minutes=github.restore.wait_minutes if purpose == "restore" else 0,
        )

    found = {
        # The public key is in the configuration, so this machine can read no backup.
        "backup": own(
            "backup",
            {
                **stack.database_urls,
                **_static_keys(stores),
                **_present(
                    {
                        "NEONHUB_BACKUP_HEARTBEAT_URL": stack.heartbeat_url,
                        "NEONHUB_BACKUP_WATCH_HEARTBEAT_URL": stack.watch_heartbeat_url,
                    }
                ),
            },
        ),
        # No database's address: what a drill runs cannot reach one.
        "drill": own("drill", decrypts),
        "restore": own("restore", {**stack.database_urls, **decrypts, **owns}),
    }
    if owns:
        # A key that can delete every branch, on a schedule: it sees no database and no backup.
        found["snapshot"] = own("snapshot", owns, in_clouds=False)
    if stack.chat_url is not None:
        # Where failed runs are told.
        chat = {"NEONHUB_BACKUP_CHAT_URL": stack.chat_url}
        found["alert"] = own("alert", chat, in_clouds=False)
    infrastructure = settings.infrastructure
    if infrastructure is not None:
        for purpose, branches in (
            # Pull requests of this repository, and the nightly search for drift.
            ("preview", ["refs/pull/*/merge", infrastructure.branch]),
            ("deploy", [infrastructure.branch]),
        ):
            found[purpose] = EnvironmentArgs(
                environment=environment_name(settings.environment, purpose),
                repository=infrastructure.repository,
                branches=branches,
                variables=_identity(settings, stores, purpose),
                reviewers=confirmed.deploy if purpose == "deploy" else NOBODY,
                wait_minutes=infrastructure.deploy.wait_minutes if purpose == "deploy" else 0,
            )
    return found


def _identity(settings: Settings, stores: Stores, purpose: str) -> dict[str, pulumi.Input[str]]:
    """What a run needs to become its identity in each cloud; none of it is a secret."""
    aws, gcp = stores.aws, stores.gcp
    return _present(
        {
            "AWS_ROLE_ARN": getattr(aws.identities, f"{purpose}_role_arn") if aws else None,
            "AWS_REGION": settings.region if aws else None,
            "GCP_WORKLOAD_IDENTITY_PROVIDER": gcp.workload_identity_provider if gcp else None,
            "GCP_SERVICE_ACCOUNT": getattr(gcp, f"{purpose}_service_account") if gcp else None,
        }
    )


def _static_keys(stores: Stores) -> dict[str, pulumi.Output[str]]:
    aws, gcp = stores.aws, stores.gcp
    return _present(
        {
            "AWS_ACCESS_KEY_ID": aws.identities.access_key_id if aws else None,
            "AWS_SECRET_ACCESS_KEY": aws.identities.secret_access_key if aws else None,
            "GCP_SA_KEY": gcp.service_account_key if gcp else None,
        }
    )


def _present(values: Mapping[str, Value | None]) -> dict[str, Value]:
    return {key: value for key, value in values.items() if value is not None}
