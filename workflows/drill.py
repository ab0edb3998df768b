"""The workflow that proves one environment's backups by restoring them."""

from collections.abc import Iterator
from datetime import timedelta

from workflows.args import WorkflowArgs
from workflows.environments import environment_name
from workflows.minutes import off_hour_minute
from workflows.model import Choice, Cron, Job, Run, Step, Text, Workflow
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
)

EVERY = "every"
"""Stands for every store."""

PRIVATE_KEY = ("NEONHUB_BACKUP_PRIVATE_KEY", "NEONHUB_BACKUP_PASSPHRASE")
"""The secrets that open backups; a key without a passphrase leaves the second one unset."""

_HOURS_AFTER_THE_BACKUP = 3


def drill_workflow(args: WorkflowArgs) -> Workflow:
    """Restore each store's copy into a server of its own, where no database can be reached."""
    hour = (args.retention.hour_utc + _HOURS_AFTER_THE_BACKUP) % 24
    file = drill_file(args.environment)
    return Workflow(
        name=f"Drill {args.environment}",
        run_name="${{ inputs.reason || 'Drill on schedule' }}",
        header=args.header("drill"),
        schedule=(
            Cron(
                expression=f"{off_hour_minute(f'{args.environment} drill')} {hour} * * *",
                comment=(
                    "Every day it looks what is owed: the newest backup of a week, a month or a"
                    " year, once, and some backup each month. So a drill that GitHub drops is made"
                    " up for on the next day, and most days end here."
                ),
                every=timedelta(days=1),
            ),
        ),
        inputs={
            "backup": Text(
                description="Backup to drill, by its name", required=True, default="latest"
            ),
            "database": Choice(
                description="Database that it is of",
                options=tuple(args.databases),
            ),
            "store": Choice(
                description="Store whose copy is drilled",
                options=(EVERY, *args.stores),
            ),
            "reason": REASON,
        },
        concurrency=f"db-drill-{args.environment}",
        jobs={
            "drill": Job(
                name=f"Drill {args.environment}",
                comment=(
                    "Its environment has no connection string, and its server listens on no"
                    " network: what a backup holds cannot reach a database."
                ),
                runner=RUNNER,
                timeout_minutes=args.timeout_minutes,
                environment=environment_name(args.environment, "drill"),
                permissions={"contents": READ, "id-token": IDENTIFY},
                outputs={
                    "failure": "${{ steps.owed.outputs.failure || steps.drill.outputs.failure }}"
                },
                env=job_environment(args),
                steps=tuple(_steps(args)),
            ),
            "alert": alert_job(args, file=file, watched="drill"),
        },
    )


def drill_file(environment: str) -> str:
    """Name of the workflow's file."""
    return f"db-drill-{environment}.yml"


def _steps(args: WorkflowArgs) -> Iterator[Step]:
    yield from install(args, server=True)
    yield from become(args, "the identity that may only read backups in", session="db-drill")
    yield Run(
        name="Drill what is owed",
        id="owed",
        condition="github.event_name == 'schedule'",
        env=secrets(*PRIVATE_KEY),
        script="neonhub-backup --github drill --owed --within-objectives",
    )
    yield Run(
        name="Drill what was asked for",
        id="drill",
        condition="github.event_name != 'schedule'",
        env={
            **secrets(*PRIVATE_KEY),
            "BACKUP": "${{ inputs.backup }}",
            "DATABASE": "${{ inputs.database }}",
            "STORE": "${{ inputs.store }}",
        },
        script=f"""
            stores=(--every-store)
            if [[ "${{STORE}}" != {EVERY} ]]; then stores=(--store "${{STORE}}"); fi
            neonhub-backup --github drill --within-objectives --database "${{DATABASE}}" \\
              "${{stores[@]}}" -- "${{BACKUP}}"
            """,
    )
