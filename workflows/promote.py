"""The workflow that goes back to any second of Neon's history, when people ask and agree."""

from workflows.args import WorkflowArgs
from workflows.environments import environment_name
from workflows.model import Choice, Job, Permission, Run, Text, Workflow
from workflows.snapshot import NEON_KEY
from workflows.tool import RUNNER, install_tool, job_environment, secrets

BRANCH, PROMOTE = "branch", "promote"

_DATABASE = {"DATABASE": "${{ inputs.database }}"}
_READ = {"contents": Permission("read", "to check out the configuration")}


def promote_workflow(args: WorkflowArgs) -> Workflow:
    """Make a branch of production as it was; then, by a run of its own, put it in its place."""
    return Workflow(
        name=f"Promote a branch of {args.environment}",
        run_name="${{ inputs.step }}: ${{ inputs.reason }}",
        header=args.header("promote"),
        inputs={
            "step": Choice(
                description=(
                    "branch makes one of production as it was, promote makes production like a"
                    " branch and keeps what it held"
                ),
                options=(BRANCH, PROMOTE),
            ),
            "confirm": Text(
                description="For promote: the name of this environment, typed, as a confirmation",
                required=False,
            ),
            "database": Choice(
                description="The database that it is about",
                options=tuple(args.neon),
            ),
            "at": Text(
                description="For branch: the time to go back to, such as 2026-01-05T02:00:00Z",
                required=False,
            ),
            "name": Text(
                description=(
                    "For branch: what to call it. For promote: the branch, a snapshot, or to go"
                    " back the one that was kept, such as main-before-20260105-020000"
                ),
                required=False,
            ),
            "reason": Text(description="Why, for whoever must agree", required=True),
        },
        concurrency=f"db-promote-{args.environment}",
        jobs={
            BRANCH: Job(
                name=f"Make a branch of {args.environment} as it was",
                comment=(
                    "Each of the two jobs waits for the environment's reviewers, if it has any, in"
                    " a run of its own: nobody agrees to a promotion before they have seen what the"
                    " branch holds."
                ),
                condition=f"inputs.step == '{BRANCH}'",
                runner=RUNNER,
                timeout_minutes=30,
                environment=environment_name(args.environment, "restore"),
                permissions=_READ,
                env=job_environment(args),
                steps=(
                    *install_tool(args),
                    Run(
                        name="Make the branch",
                        comment=(
                            "With a compute of its own, and checked. Its connection string is shown"
                            " nowhere."
                        ),
                        env={
                            **secrets(NEON_KEY),
                            **_DATABASE,
                            "AT": "${{ inputs.at }}",
                            "NAME": "${{ inputs.name }}",
                        },
                        script="""
                            name=()
                            if [[ -n "${NAME}" ]]; then name=(--branch "${NAME}"); fi
                            neonhub-backup --github neon restore --at "${AT}" \\
                              --database "${DATABASE}" "${name[@]}"
                            """,
                    ),
                ),
            ),
            PROMOTE: Job(
                name=f"Put a branch in the place of {args.environment}",
                condition=f"inputs.step == '{PROMOTE}'",
                runner=RUNNER,
                timeout_minutes=60,
                environment=environment_name(args.environment, "restore"),
                permissions=_READ,
                env=job_environment(args),
                steps=(
                    *install_tool(args),
                    Run(
                        name="Promote",
                        comment="The configuration's checks are asked before and after.",
                        env={
                            **secrets(NEON_KEY, *args.url_variables),
                            **_DATABASE,
                            "CONFIRM": "${{ inputs.confirm }}",
                            "NAME": "${{ inputs.name }}",
                        },
                        script=_promote(args),
                    ),
                ),
            ),
        },
    )


def _promote(args: WorkflowArgs) -> str:
    """Promote; without a smoke test, which needs a checkout of the application."""
    tested = [name for name in args.neon if name in args.smoke_tested]
    promote = 'neonhub-backup --github neon promote --yes --confirm "${CONFIRM}"'
    if not tested:
        return f'{promote} \\\n  --database "${{DATABASE}}" -- "${{NAME}}"'
    return "\n".join(
        [
            "without=()",
            f'if [[ "${{DATABASE}}" =~ ^({"|".join(tested)})$ ]]; then',
            '  without=(--skip-step smoke-test --reason "the application is not checked out")',
            "fi",
            f"{promote} \\",
            '  --database "${DATABASE}" "${without[@]}" -- "${NAME}"',
        ]
    )


def promote_file(environment: str) -> str:
    """Name of the workflow's file."""
    return f"db-promote-{environment}.yml"
