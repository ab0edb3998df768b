"""The workflow that backs up one environment's databases."""

from collections.abc import Iterator

from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.domain.schedule import INTERVALS, lowest_slot
from workflows.args import WorkflowArgs
from workflows.environments import environment_name
from workflows.minutes import off_hour_minute
from workflows.model import Choice, Cron, Job, Permission, Run, Step, Workflow
from workflows.tool import (
    IDENTIFY,
    READ,
    REASON,
    RUNNER,
    alert_job,
    become,
    install,
    job_environment,
    secrets,
    static_secrets,
)

AUTO = "auto"
"""What the tool calls the highest tier that is owed."""
EVERY = "every"
"""Stands for every database."""

_OFTEN = {
    Tier.HOURLY: "Every hour",
    Tier.DAILY: "Every day",
    Tier.WEEKLY: "Every Sunday",
    Tier.MONTHLY: "On the 1st of every month",
    Tier.ANNUAL: "On 1 January",
}


def backup_workflow(args: WorkflowArgs) -> Workflow:
    """Back up what the stores lack, as the identity that may only add; then validate it."""
    file = backup_file(args.environment)
    return Workflow(
        name=f"Back up {args.environment}",
        run_name="${{ inputs.reason || 'Backup on schedule' }}",
        header=args.header("backup"),
        schedule=(schedule(args.environment, args.retention),),
        inputs={
            "tier": Choice(
                description="Tier to store it under; auto is the highest that is owed",
                options=(AUTO, *args.retention.rules()),
            ),
            "database": Choice(
                description="Database to back up",
                options=(EVERY, *args.databases),
            ),
            "reason": REASON,
        },
        concurrency=f"db-backup-{args.environment}",
        jobs={
            "backup": Job(
                name=f"Back up {args.environment}",
                runner=RUNNER,
                timeout_minutes=args.timeout_minutes,
                environment=environment_name(args.environment, "backup"),
                permissions=_permissions(args),
                outputs={
                    "failure": (
                        "${{ steps.backup.outputs.failure || steps.validate.outputs.failure }}"
                    )
                },
                env=job_environment(args),
                steps=tuple(_steps(args)),
            ),
            "alert": alert_job(args, file=file, watched="backup"),
        },
    )


def backup_file(environment: str) -> str:
    """Name of the workflow's file."""
    return f"db-backup-{environment}.yml"


def schedule(name: str, retention: RetentionPolicy) -> Cron:
    """When to start, at a minute of the name's own: as often as the lowest tier asks."""
    lowest = next(iter(retention.rules()))
    return Cron(
        expression=lowest_slot(retention, off_hour_minute(name)).cron,
        comment=f"{_OFTEN[lowest]}, for every tier: a run takes the highest that is owed.",
        every=INTERVALS[lowest],
    )


def _permissions(args: WorkflowArgs) -> dict[str, Permission]:
    return {"contents": READ} if args.static_keys else {"contents": READ, "id-token": IDENTIFY}


def _steps(args: WorkflowArgs) -> Iterator[Step]:
    yield from install(args)
    yield from become(
        args,
        "the identity that may only add backups to",
        session="db-backup",
        static_keys=args.static_keys,
    )
    keys = static_secrets(args)
    chosen = {"DATABASE": f"${{{{ inputs.database || '{EVERY}' }}}}"}
    yield Run(
        name="Back up",
        id="backup",
        env={
            **secrets(*args.url_variables),
            **keys,
            "TIER": f"${{{{ inputs.tier || '{AUTO}' }}}}",
            **chosen,
        },
        script=_of_databases('backup --tier "${TIER}"'),
    )
    yield Run(
        name="Validate",
        id="validate",
        comment=(
            "In every store, from what this identity may read: all objects are there, and the"
            " archive's table of contents holds what the configuration requires. Only a drill reads"
            " the backup itself."
        ),
        env={**keys, **chosen},
        script=_of_databases("validate latest"),
    )
    if args.heartbeat:
        yield Run(
            name="Tell the dead-man's switch that all is well",
            comment="After a failure it hears nothing, and raises the alarm.",
            env=secrets("NEONHUB_BACKUP_HEARTBEAT_URL"),
            script="neonhub-backup heartbeat",
        )


def _of_databases(command: str) -> str:
    """A command for the chosen database, or for every one."""
    return f"""
        databases=()
        if [[ "${{DATABASE}}" != {EVERY} ]]; then databases=(--database "${{DATABASE}}"); fi
        neonhub-backup --github {command} "${{databases[@]}}"
        """
