"""The workflow that restores one environment's databases, when people ask for it and agree."""

from collections.abc import Iterator

from workflows.args import WorkflowArgs
from workflows.drill import PRIVATE_KEY
from workflows.environments import environment_name
from workflows.model import Choice, Job, Permission, Run, Step, Text, Workflow
from workflows.snapshot import NEON_KEY
from workflows.tool import IDENTIFY, READ, RUNNER, become, install, job_environment, secrets

RESTORE, PROMOTE, REVERT = "restore", "promote", "revert"
ANY = "any"
"""Stands for the first store that can be read."""
NO, YES = "no", "yes"

_CHOSEN = {"TARGET": "${{ inputs.target }}", "CONFIRM": "${{ inputs.confirm }}"}


def restore_workflow(args: WorkflowArgs) -> Workflow:
    """Restore beside the live database; then, by runs of their own, swap, and swap back."""
    return Workflow(
        name=f"Restore {args.environment}",
        run_name="${{ inputs.step }}: ${{ inputs.reason }}",
        header=args.header("restore"),
        inputs={
            "step": Choice(
                description=(
                    "restore puts a copy beside the live database, promote gives it the live name,"
                    " revert gives the name back"
                ),
                options=(RESTORE, PROMOTE, REVERT),
            ),
            "confirm": Text(
                description="The name of this environment, typed, as a confirmation", required=True
            ),
            "target": Choice(
                description="Secret that holds the connection string to restore into",
                options=args.url_variables,
            ),
            "database": Choice(
                description="For restore: the database that the backup is of",
                options=tuple(args.databases),
            ),
            "name": Text(
                description=(
                    "For restore: the backup, by default the newest. For promote and revert: the"
                    " database to bring in, by default the newest copy, or the one set aside last"
                ),
                required=False,
            ),
            "at": Text(
                description=(
                    "For restore, instead: what there was at this time, 2026-01-05T02:00:00Z, or"
                    " shortly before"
                ),
                required=False,
            ),
            "tables": Text(
                description=(
                    "For restore: these tables alone, into a schema beside theirs, such as"
                    " connectors,billing.invoices"
                ),
                required=False,
            ),
            "store": Choice(
                description=(
                    "For restore: the store to read a backup from; any takes the first that"
                    " answers, and with a time the way that loses least"
                ),
                options=(ANY, *args.stores),
            ),
            "disconnect": Choice(
                description="For promote and revert: end the connections that are open",
                options=(NO, YES),
            ),
            "reason": Text(description="Why, for whoever must agree", required=True),
        },
        concurrency=f"db-restore-{args.environment}",
        jobs={
            RESTORE: Job(
                name=f"Restore beside {args.environment}",
                comment=(
                    "Each of the three jobs waits for the environment's reviewers, if it has any,"
                    " in a run of its own: nobody agrees to a swap before they have seen the copy."
                ),
                condition=f"inputs.step == '{RESTORE}'",
                runner=RUNNER,
                timeout_minutes=args.timeout_minutes,
                environment=environment_name(args.environment, "restore"),
                permissions={"contents": READ, "id-token": IDENTIFY},
                env=job_environment(args),
                steps=(
                    *install(args),
                    *become(args, "the identity that may read backups in", session="db-restore"),
                    *_restore(args),
                ),
            ),
            PROMOTE: _swap(
                args,
                PROMOTE,
                name=f"Give the copy the name of {args.environment}'s database",
                step="Promote",
            ),
            REVERT: _swap(
                args,
                REVERT,
                name=f"Give the name back to what {args.environment} had before",
                step="Revert",
            ),
        },
    )


def restore_file(environment: str) -> str:
    """Name of the workflow's file."""
    return f"db-restore-{environment}.yml"


def _restore(args: WorkflowArgs) -> Iterator[Step]:
    yield Run(
        name="Check everything beforehand",
        comment="The confirmation, the backup, the keys, the target: nothing is changed yet.",
        env=_restore_environment(args),
        script=_restore_script("--dry-run "),
    )
    yield Run(
        name="Restore",
        comment=(
            "Into a new database, or tables into a new schema; compared with the manifest row by"
            " row. The live data stays as it is."
        ),
        env=_restore_environment(args),
        script=_restore_script(""),
    )


def _restore_environment(args: WorkflowArgs) -> dict[str, str]:
    asked = ("database", "name", "at", "tables", "store")
    return {
        **secrets(*args.url_variables, *PRIVATE_KEY, *([NEON_KEY] if args.neon else [])),
        **_CHOSEN,
        **{name.upper(): f"${{{{ inputs.{name} }}}}" for name in asked},
    }


def _restore_script(option: str) -> str:
    return f"""
        what=(--beside)
        if [[ -n "${{TABLES}}" ]]; then what=(--tables "${{TABLES}}"); fi
        if [[ -n "${{AT}}" ]]; then what+=(--at "${{AT}}"); fi
        if [[ "${{STORE}}" != {ANY} ]]; then what+=(--store "${{STORE}}"); fi
        neonhub-backup --github restore {option}--confirm "${{CONFIRM}}" --into "${{TARGET}}" \\
          --database "${{DATABASE}}" "${{what[@]}}" -- "${{NAME:-latest}}"
        """


def _swap(args: WorkflowArgs, command: str, *, name: str, step: str) -> Job:
    """Exchange names; what loses the live one is kept under another."""
    return Job(
        name=name,
        condition=f"inputs.step == '{command}'",
        runner=RUNNER,
        timeout_minutes=30,
        environment=environment_name(args.environment, "restore"),
        permissions={"contents": Permission("read", "to check out the configuration")},
        env=job_environment(args),
        steps=(
            *install(args),
            Run(
                name=step,
                env={
                    **secrets(*args.url_variables),
                    **_CHOSEN,
                    "NAME": "${{ inputs.name }}",
                    "DISCONNECT": "${{ inputs.disconnect }}",
                },
                script=f"""
                    how=()
                    if [[ -n "${{NAME}}" ]]; then how+=(--from "${{NAME}}"); fi
                    if [[ "${{DISCONNECT}}" == {YES} ]]; then how+=(--disconnect); fi
                    neonhub-backup --github restore {command} --confirm "${{CONFIRM}}" \\
                      --into "${{TARGET}}" "${{how[@]}}"
                    """,
            ),
        ),
    )
