"""Steps that bring the tool onto a runner, and let it in where the job may go."""

from collections.abc import Iterator

from workflows import actions
from workflows.args import WorkflowArgs
from workflows.clouds import become_in_aws, become_in_google
from workflows.environments import environment_name
from workflows.model import Job, Permission, Run, Step, Text, Uses

RUNNER = "ubuntu-24.04"
CONFIGURATION_VARIABLE = "NEONHUB_BACKUP_CONFIG"
"""Where the tool looks for the path of its configuration."""

READ = Permission("read", "to check out the configuration")
IDENTIFY = Permission("write", "to prove to the clouds which run this is")

REASON = Text(description="Why now, for whoever reads the list of runs", required=True)
"""Asked of whoever starts a run that nobody has to agree to."""

_AFTER_INSTALLATIONS = (
    "After the installations, so that nothing they run ever sees credentials; for the same reason"
    " secrets are given to single steps."
)

_ONE_CLOUD = (
    "A cloud that does not let the run in must not keep it from the other: the tool goes on with"
    " the store that answers, and fails the run in the end."
)


def secrets(*names: str) -> dict[str, str]:
    """Secrets of the job's environment, as variables of the same names."""
    return {name: f"${{{{ secrets.{name} }}}}" for name in names}


def job_environment(args: WorkflowArgs) -> dict[str, str]:
    """What every step may see."""
    return {CONFIGURATION_VARIABLE: args.configuration_path}


def install(args: WorkflowArgs, *, server: bool = False) -> tuple[Step, ...]:
    """The configuration, the tool, and PostgreSQL's programs; with `server` a server's too."""
    options = " --server" if server else ""
    return (
        *install_tool(args),
        Run(
            name="See to PostgreSQL's programs",
            comment=(
                "The server that a drill starts is of the same major version as the database's own."
                if server
                else "pg_dump must not be older than the server."
            ),
            env={"POSTGRES_MAJOR_VERSION": str(args.postgres_major_version)},
            script=f"""
                neonhub-backup postgres ensure --major "${{POSTGRES_MAJOR_VERSION}}"{options}
                """,
        ),
    )


def install_tool(args: WorkflowArgs) -> tuple[Step, ...]:
    """The configuration and the tool alone, for what runs no program of PostgreSQL's."""
    return (
        Uses(
            name="Check out the configuration",
            action=actions.CHECKOUT,
            inputs={
                "sparse-checkout": args.configuration_path,
                "sparse-checkout-cone-mode": False,
                "persist-credentials": False,
            },
        ),
        _check_out_tool(args),
        Uses(
            name="Set up Python",
            action=actions.SETUP_PYTHON,
            comment="What pip downloads is kept from run to run; its hashes are checked each time.",
            inputs={
                "python-version": actions.PYTHON_VERSION,
                "cache": "pip",
                "cache-dependency-path": "tool/requirements/tool.txt",
            },
        ),
        Run(
            name="Install the tool",
            script="""
                python -m venv "${RUNNER_TEMP}/venv"
                pip="${RUNNER_TEMP}/venv/bin/pip"
                "${pip}" install --quiet --only-binary :all: \\
                  --require-hashes --requirement tool/requirements/tool.txt
                "${pip}" install --quiet --no-deps --no-build-isolation ./tool
                echo "${RUNNER_TEMP}/venv/bin" >> "${GITHUB_PATH}"
                """,
        ),
    )


def become(
    args: WorkflowArgs,
    who: str,
    *,
    session: str,
    minutes: int | None = None,
    static_keys: bool = False,
) -> Iterator[Uses]:
    """Take the identity of the job's environment in each cloud; `who` says what it may do.

    For so many `minutes`; None: as long as a backup may take. Static keys of AWS go to the step
    that needs them instead: `static_secrets`.
    """
    both = args.aws and args.gcp
    comment = f"{_AFTER_INSTALLATIONS} {_ONE_CLOUD}" if both else _AFTER_INSTALLATIONS
    if args.aws and not static_keys:
        yield become_in_aws(
            f"Become {who} AWS",
            comment=comment,
            seconds=(minutes or args.timeout_minutes) * 60,
            session=f"{session}-{args.environment}",
            may_fail=both,
        )
        comment = None
    if args.gcp:
        yield become_in_google(
            f"Become {who} Google Cloud", comment=comment, key=static_keys, may_fail=both
        )


def static_secrets(args: WorkflowArgs) -> dict[str, str]:
    """The static keys of AWS, for the steps that reach it, if there are any."""
    if not (args.static_keys and args.aws):
        return {}
    return secrets("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def alert_job(args: WorkflowArgs, *, file: str, watched: str) -> Job:
    """Tell people that a job of this workflow did not succeed; `watched` is its id."""
    chat = "NEONHUB_BACKUP_CHAT_URL"
    return Job(
        name="Tell people that it failed",
        comment=(
            "A job of its own, since it may write issues; with the runner's own Python and its"
            " standard library, so that it works when nothing can be installed. It runs after a"
            " run that was cancelled or took too long as well."
        ),
        needs=(watched,),
        condition=f"${{{{ always() && needs.{watched}.result != 'success' }}}}",
        runner=RUNNER,
        timeout_minutes=10,
        environment=environment_name(args.environment, "alert") if args.chat else None,
        permissions={
            "contents": Permission("read", "to check out the tool"),
            "issues": Permission("write", "to keep the one issue of this environment"),
        },
        steps=(
            _check_out_tool(args),
            Run(
                name="Open the issue of this environment, or add to it",
                env={
                    "RESULT": f"${{{{ needs.{watched}.result }}}}",
                    "FAILURE": f"${{{{ needs.{watched}.outputs.failure }}}}",
                    "GITHUB_TOKEN": "${{ github.token }}",
                    **(secrets(chat) if args.chat else {}),
                    "PYTHONPATH": "tool",
                },
                script=f"""
                    python3 -P -m neonhub_backup.alert --environment {args.environment} \\
                      --workflow {file} --result "${{RESULT}}"
                    """,
            ),
        ),
    )


def _check_out_tool(args: WorkflowArgs) -> Uses:
    return Uses(
        name="Check out the tool",
        action=actions.CHECKOUT,
        inputs={
            "repository": args.tool_repository,
            "ref": args.tool_commit,
            "path": "tool",
            "persist-credentials": False,
        },
    )
