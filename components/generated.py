"""What a stack commits to the repository: pure functions of its settings."""

from collections.abc import Iterator, Mapping
from datetime import timedelta

from components.aws.deployment_policies import ROLE_PATH
from components.sections import DatabaseSettings, Settings
from neonhub_backup.domain.configuration import (
    Archiving,
    Configuration,
    Database,
    Deployment,
    Encryption,
    GcsStore,
    Neon,
    Objectives,
    Recovery,
    Replica,
    Runbook,
    S3Store,
    ScheduledWorkflow,
    Store,
    Watch,
    render_configuration,
)
from neonhub_backup.domain.retention import RetentionPolicy
from neonhub_backup.runbook.page import runbook_page
from workflows.args import WorkflowArgs
from workflows.backup import backup_file, backup_workflow
from workflows.drill import drill_file, drill_workflow
from workflows.model import Workflow
from workflows.promote import promote_file, promote_workflow
from workflows.render import render
from workflows.restore import restore_file, restore_workflow
from workflows.snapshot import snapshot_file, snapshot_workflow
from workflows.watch import watch_file, watch_workflow


def generated_files(settings: Settings, source: str) -> dict[str, str]:
    """Every generated file by its path, the configuration before the workflows that read it.

    Last is the runbook. `source` names the file that the settings were read from.
    """
    args = workflow_args(settings, source)
    workflows = dict(_workflows(settings, args))
    configuration = tool_configuration(settings, workflows, source)
    return {
        args.configuration_path: render_configuration(configuration, source),
        **{f".github/workflows/{name}": render(each) for name, each in workflows.items()},
        f"docs/RUNBOOK.{settings.environment}.md": runbook_page(configuration),
    }


def workflow_args(settings: Settings, source: str) -> WorkflowArgs:
    """What the workflows of a stack are told."""
    return WorkflowArgs(
        environment=settings.environment,
        source=source,
        configuration_path=_configuration_path(settings),
        retention=settings.retention,
        rpo=settings.objectives.rpo,
        databases={each.name: each.variable for each in settings.databases},
        stores=tuple(store.name for store in _stores(settings)),
        postgres_major_version=settings.postgres_major_version,
        tool_repository=settings.tool.repository,
        tool_commit=settings.tool.commit,
        timeout_minutes=settings.timeout_minutes,
        aws=settings.aws is not None,
        gcp=settings.gcp is not None,
        static_keys=settings.static_keys,
        heartbeat=settings.alarms.heartbeat,
        watch_heartbeat=settings.alarms.watch_heartbeat,
        chat=settings.alarms.chat,
        alarms_region=settings.region
        if settings.aws is not None and settings.alarms.reach_somebody
        else None,
        neon={
            each.name: each.neon.retention(settings.retention)
            for each in settings.databases
            if each.neon is not None
        },
        smoke_tested=tuple(
            each.name for each in settings.databases if each.recovery.smoke_test is not None
        ),
    )


def _workflows(settings: Settings, args: WorkflowArgs) -> Iterator[tuple[str, Workflow]]:
    yield backup_file(args.environment), backup_workflow(args)
    yield watch_file(args.environment), watch_workflow(args)
    if settings.github.drills:
        yield drill_file(args.environment), drill_workflow(args)
        yield restore_file(args.environment), restore_workflow(args)
    if args.neon:
        yield snapshot_file(args.environment), snapshot_workflow(args)
        yield promote_file(args.environment), promote_workflow(args)


def _configuration_path(settings: Settings) -> str:
    return f".neonhub-backup/{settings.environment}.yaml"


def tool_configuration(
    settings: Settings, workflows: Mapping[str, Workflow], source: str
) -> Configuration:
    """What the tool is told, in the workflow and on a laptop in a disaster alike.

    `workflows` are those of the stack, by their files; `source` is where the settings are from.
    """
    return Configuration(
        environment=settings.environment,
        databases=tuple(
            Database(
                name=each.name,
                url_variable=each.variable,
                checks=each.checks,
                required=each.required,
                recovery=Recovery.model_validate(each.recovery.model_dump()),
                neon=Neon.model_validate(each.neon.model_dump()) if each.neon else None,
                archiving=_archiving(each),
            )
            for each in settings.databases
        ),
        stores=tuple(_stores(settings)),
        encryption=Encryption(public_keys=settings.encryption.public_keys),
        retention=RetentionPolicy.model_validate(settings.retention.model_dump()),
        objectives=Objectives.model_validate(settings.objectives.model_dump()),
        watch=Watch.model_validate(settings.watch.model_dump()),
        workflows=tuple(_scheduled(workflows)),
        runbook=Runbook.model_validate(settings.runbook.model_dump()),
        deployment=_deployment(settings, workflows, source),
    )


def _deployment(settings: Settings, workflows: Mapping[str, Workflow], source: str) -> Deployment:
    aws, review = settings.aws, settings.github.restore
    return Deployment(
        source=source,
        repository=settings.repository.full_name,
        branch=settings.github.branch,
        configuration=_configuration_path(settings),
        tool_repository=settings.tool.repository,
        tool_commit=settings.tool.commit,
        postgres_major_version=settings.postgres_major_version,
        dispatched=tuple(file for file, workflow in workflows.items() if workflow.inputs),
        reviewers=(*review.users, *(f"{settings.owner}/{team}" for team in review.teams)),
        # By its name: only AWS knows the account's number before the stack is deployed.
        restore_role=f"{ROLE_PATH.strip('/')}/{aws.bucket_prefix}-restore" if aws else None,
        restore_account=f"{settings.environment}-restore@{settings.project}.iam.gserviceaccount.com"
        if settings.gcp
        else None,
    )


def _scheduled(workflows: Mapping[str, Workflow]) -> Iterator[ScheduledWorkflow]:
    for file, workflow in workflows.items():
        for cron in workflow.schedule:
            yield ScheduledWorkflow(file=file, every_minutes=cron.every // timedelta(minutes=1))


def _archiving(database: DatabaseSettings) -> Archiving | None:
    archiving = database.archiving
    if archiving is None:
        return None
    return Archiving(
        store=archiving.store,
        archive=database.archive,
        compression=archiving.compression,
        jobs=archiving.jobs,
        base_backups=archiving.base_backups,
    )


def _stores(settings: Settings) -> Iterator[Store]:
    if settings.aws is not None and settings.region is not None:
        yield S3Store(
            name="aws",
            bucket=settings.aws.primary_bucket,
            region=settings.region,
            operations_bucket=settings.aws.operations_bucket,
            replica=None
            if settings.aws.replica_region is None
            else Replica(bucket=settings.aws.replica_bucket, region=settings.aws.replica_region),
            # The bucket encrypts with its own key unless told otherwise: one statement of which
            # key that is, and a file that a preview can show in full.
            kms_key_arn=None,
            endpoint_url=settings.s3_endpoint,
            path_style=settings.path_style,
            storage_classes=settings.aws.classes,
        )
    if settings.gcp is not None:
        yield GcsStore(
            name="gcp",
            bucket=settings.gcp.bucket,
            operations_bucket=settings.gcp.operations_bucket,
            endpoint_url=settings.gcs_endpoint,
            storage_classes=settings.gcp.classes,
        )
