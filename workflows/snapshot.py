"""The workflow that keeps production of one environment as branches of Neon."""

from collections.abc import Iterator

from neonhub_backup.domain.retention import RetentionPolicy, Tier
from workflows.args import WorkflowArgs
from workflows.backup import AUTO, schedule
from workflows.environments import environment_name
from workflows.model import Choice, Job, Permission, Run, Step, Workflow
from workflows.tool import REASON, RUNNER, alert_job, install_tool, job_environment, secrets

NEON_KEY = "NEON_API_KEY"
"""The secret that opens the project."""


def snapshot_workflow(args: WorkflowArgs) -> Workflow:
    """Take the snapshots that are owed, then delete those that have had their time."""
    often = _most_often(args)
    file = snapshot_file(args.environment)
    return Workflow(
        name=f"Take snapshots of {args.environment}",
        run_name="${{ inputs.reason || 'Snapshots on schedule' }}",
        header=args.header("snapshot"),
        schedule=(schedule(f"{args.environment} snapshot", often),),
        inputs={
            "tier": Choice(
                description="Tier to take it for; auto is the highest that is owed",
                options=(AUTO, *often.rules()),
            ),
            "reason": REASON,
        },
        concurrency=f"db-snapshot-{args.environment}",
        jobs={
            "snapshot": Job(
                name=f"Take snapshots of {args.environment}",
                comment=(
                    "Its key can delete branches of the project, backups it cannot reach: they are"
                    " what remains when the project is lost."
                ),
                runner=RUNNER,
                timeout_minutes=30,
                environment=environment_name(args.environment, "snapshot"),
                permissions={"contents": Permission("read", "to check out the configuration")},
                outputs={"failure": _first_failure(args)},
                env=job_environment(args),
                steps=tuple(_steps(args)),
            ),
            "alert": alert_job(args, file=file, watched="snapshot"),
        },
    )


def snapshot_file(environment: str) -> str:
    """Name of the workflow's file."""
    return f"db-snapshot-{environment}.yml"


def _most_often(args: WorkflowArgs) -> RetentionPolicy:
    def lowest(policy: RetentionPolicy) -> int:
        return list(Tier).index(next(iter(policy.rules())))

    return min(args.neon.values(), key=lowest)


def _first_failure(args: WorkflowArgs) -> str:
    ids = [f"{what}_{number}" for number, _ in enumerate(args.neon) for what in ("take", "prune")]
    return f"${{{{ {' || '.join(f'steps.{each}.outputs.failure' for each in ids)} }}}}"


def _steps(args: WorkflowArgs) -> Iterator[Step]:
    yield from install_tool(args)
    for number, database in enumerate(args.neon):
        yield Run(
            name=f"Take a snapshot of {database}",
            id=f"take_{number}",
            # What befell another database is no reason to take none of this one.
            condition="${{ !cancelled() }}" if number else None,
            env={
                **secrets(NEON_KEY),
                "DATABASE": database,
                "TIER": f"${{{{ inputs.tier || '{AUTO}' }}}}",
            },
            script="""
                neonhub-backup --github neon snapshot create --tier "${TIER}" \\
                  --database "${DATABASE}"
                """,
        )
        yield Run(
            name=f"Prune the snapshots of {database}",
            id=f"prune_{number}",
            comment="Only after a new one was taken, and never the newest of a tier.",
            condition=f"${{{{ !cancelled() && steps.take_{number}.outcome == 'success' }}}}",
            env={**secrets(NEON_KEY), "DATABASE": database},
            script="""
                neonhub-backup --github neon snapshot prune --yes --database "${DATABASE}"
                """,
        )
