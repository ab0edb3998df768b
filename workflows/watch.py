"""The workflow that looks whether one environment's backups keep their promises."""

from collections.abc import Iterator
from datetime import timedelta

from neonhub_backup.domain.duration import format_duration
from neonhub_backup.domain.schedule import report_every
from workflows import actions
from workflows.args import WorkflowArgs
from workflows.environments import environment_name
from workflows.minutes import off_hour_minute
from workflows.model import Cron, Job, Permission, Run, Step, Uses, Workflow
from workflows.tool import (
    IDENTIFY,
    READ,
    REASON,
    RUNNER,
    alert_job,
    become,
    install_tool,
    job_environment,
    static_secrets,
)

_MINUTES = 15
"""The shortest session that AWS gives: a look takes a minute."""
_APART = (60, 30, 20)
"""Minutes between two starts that divide an hour. The shortest objective is 1h, and takes 20."""


_PAGE = "page.html"
_KEPT_DAYS = 7
"""How long GitHub keeps the page of each watch; buckets keep it for as long as the stack says."""


def watch_workflow(args: WorkflowArgs) -> Workflow:
    """Look at every store and at the other schedules, and tell whoever should know."""
    file = watch_file(args.environment)
    return Workflow(
        name=f"Watch {args.environment}",
        run_name="${{ inputs.reason || 'Watch on schedule' }}",
        header=args.header("watch"),
        schedule=(schedule(args.environment, args.rpo),),
        inputs={"reason": REASON},
        concurrency=f"db-watch-{args.environment}",
        jobs={
            "watch": Job(
                name=f"Watch {args.environment}",
                comment=(
                    "As whoever backs up, who may list backups and read manifests and the results"
                    " of drills; no step sees a connection string."
                ),
                runner=RUNNER,
                timeout_minutes=_MINUTES,
                environment=environment_name(args.environment, "backup"),
                permissions=_permissions(args),
                outputs={"failure": "${{ steps.watch.outputs.failure }}"},
                env=job_environment(args),
                steps=tuple(_steps(args)),
            ),
            "alert": alert_job(args, file=file, watched="watch"),
        },
    )


def watch_file(environment: str) -> str:
    """Name of the workflow's file."""
    return f"db-watch-{environment}.yml"


def schedule(environment: str, rpo: timedelta) -> Cron:
    """When to start, at minutes of the environment's own: at least as often as alarms expect."""
    longest = report_every(rpo) // timedelta(minutes=1)
    apart = next(each for each in _APART if each <= longest)
    first = off_hour_minute(f"{environment} watch", apart)
    often = "Every hour" if apart == _APART[0] else f"Every {apart} minutes"
    return Cron(
        expression=f"{','.join(map(str, range(first, 60, apart)))} * * * *",
        comment=(
            f"{often}: silence is noticed no later than a backup that is missing, where at most"
            f" {format_duration(rpo)} may be lost."
        ),
        every=timedelta(minutes=apart),
    )


def _permissions(args: WorkflowArgs) -> dict[str, Permission]:
    identify = {} if args.static_keys else {"id-token": IDENTIFY}
    return {
        "contents": READ,
        **identify,
        "actions": Permission("write", "to enable schedules that GitHub has disabled"),
    }


def _steps(args: WorkflowArgs) -> Iterator[Step]:
    yield from install_tool(args)
    yield from become(
        args,
        "the identity that may list backups in",
        session="db-watch",
        minutes=_MINUTES,
        static_keys=args.static_keys,
    )
    region = args.alarms_region
    yield Run(
        name="Watch",
        id="watch",
        comment=(
            "A warning is on the page of the run, and fails none. The job's token is for asking"
            " GitHub whether it still starts the other workflows."
        ),
        env={
            **static_secrets(args),
            "GITHUB_TOKEN": "${{ github.token }}",
            **({} if region is None else {"ALARMS_REGION": region}),
        },
        script=(
            "neonhub-backup --github watch --fail-on breach --workflows"
            + ("" if region is None else ' --cloudwatch "${ALARMS_REGION}"')
        ),
    )
    if args.watch_heartbeat:
        yield Run(
            name="Tell the dead-man's switch of watches that all is well",
            comment="After a breach it hears nothing, nor when nobody looks, and raises the alarm.",
            env={
                "NEONHUB_BACKUP_HEARTBEAT_URL": "${{ secrets.NEONHUB_BACKUP_WATCH_HEARTBEAT_URL }}"
            },
            script="neonhub-backup heartbeat",
        )
    yield from _page_steps(args)


def _page_steps(args: WorkflowArgs) -> Iterator[Step]:
    """Whatever the watch has found, as soon as it has looked."""
    looked = "${{ !cancelled() && steps.watch.outcome != 'skipped' }}"
    yield Run(
        name="Publish the page",
        comment="In the operations bucket of each store, below status/pages/.",
        condition=looked,
        env=static_secrets(args),
        script=f'neonhub-backup --github report --html "${{RUNNER_TEMP}}/{_PAGE}" --publish',
    )
    yield Uses(
        name="Keep the page with the run",
        comment="Whoever may read the repository may read it: it holds names, times and sizes.",
        condition=looked,
        action=actions.UPLOAD_ARTIFACT,
        inputs={
            "name": f"backups-{args.environment}",
            "path": f"${{{{ runner.temp }}}}/{_PAGE}",
            "if-no-files-found": "error",
            "retention-days": _KEPT_DAYS,
        },
    )
