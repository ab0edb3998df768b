"""The workflow that backs up one environment's databases."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from neonhub_backup.domain.retention import RetentionPolicy, Tier
from workflows import actions
from workflows.clouds import become_in_aws, become_in_google
from workflows.model import Choice, Cron, Job, Permission, Run, Text, Uses, Workflow

_AUTO = "auto"
"""What the tool calls the highest tier that is owed."""

_AFTER_INSTALLATIONS = (
    "After the installations, so that nothing they run ever sees credentials; for the same reason"
    " the connection string is given to one step alone."
)


@dataclass(frozen=True, kw_only=True)
class BackupWorkflowArgs:
    """What the workflow needs to know."""

    environment: str
    """What is backed up: production, staging."""
    source: str
    """The file it is generated from."""
    github_environment: str
    """GitHub environment that holds the connection strings."""
    configuration_path: str
    """Where the tool's configuration is in the repository."""
    retention: RetentionPolicy
    """Its tiers decide when the workflow starts."""
    url_variables: tuple[str, ...]
    """The secrets that hold connection strings."""
    postgres_major_version: int
    """Major version of the server."""
    tool_repository: str
    """Owner and name of the repository that holds the tool."""
    tool_commit: str
    """The commit of it to run."""
    timeout_minutes: int
    """Minutes after which a backup is given up."""
    aws: bool
    """Whether there is a store in AWS."""
    gcp: bool
    """Whether there is a store in Google Cloud."""
    static_keys: bool
    """Whether runs use stored keys instead of their own tokens."""


def backup_workflow(args: BackupWorkflowArgs) -> Workflow:
    """Back up what the store lacks, as the identity that may only add."""
    return Workflow(
        name=f"Back up {args.environment}",
        header=(
            f"Generated from {args.source} by workflows/backup.py. Edits here are put back by the"
            " next `pulumi up`."
        ),
        schedule=schedule(args.environment, args.retention),
        inputs={
            "tier": Choice(
                description="Tier to store it under; auto is the highest that is owed",
                options=(_AUTO, *args.retention.rules()),
                default=_AUTO,
            ),
            "reason": Text(
                description="Why now, for whoever reads the list of runs", required=True
            ),
        },
        concurrency=f"db-backup-{args.environment}",
        jobs={
            "backup": Job(
                name=f"Back up {args.environment}",
                runner="ubuntu-24.04",
                timeout_minutes=args.timeout_minutes,
                environment=args.github_environment,
                permissions=_permissions(args),
                steps=_steps(args),
            )
        },
    )


def schedule(environment: str, retention: RetentionPolicy) -> tuple[Cron, ...]:
    """When to start: as often as the lowest tier asks.

    One schedule serves all tiers, since a run takes the highest that is owed; so a run that GitHub
    drops is made up for by the next.
    """
    minute, hour = off_hour_minute(environment), retention.hour_utc
    match next(iter(retention.rules())):
        case Tier.HOURLY:
            when, words = f"{minute} * * * *", "Every hour"
        case Tier.DAILY:
            when, words = f"{minute} {hour} * * *", "Every day"
        case Tier.WEEKLY:
            when, words = f"{minute} {hour} * * 0", "Every Sunday"
        case Tier.MONTHLY:
            when, words = f"{minute} {hour} 1 * *", "On the 1st of every month"
        case Tier.ANNUAL:
            when, words = f"{minute} {hour} 1 1 *", "On 1 January"
    return (
        Cron(
            expression=when,
            comment=f"{words}, for every tier: a run takes the highest that is owed.",
        ),
    )


def off_hour_minute(environment: str) -> int:
    """A minute from 7 to 52, always the same for one environment.

    GitHub delays and drops runs at the top of the hour, when everyone's start.
    """
    digest = hashlib.sha256(environment.encode()).digest()
    return 7 + int.from_bytes(digest[:4], "big") % 46


def _permissions(args: BackupWorkflowArgs) -> dict[str, Permission]:
    read = {"contents": Permission("read", "to check out the configuration")}
    if args.static_keys:
        return read
    return {**read, "id-token": Permission("write", "to prove to the clouds which run this is")}


def _become(args: BackupWorkflowArgs) -> Iterator[Uses]:
    """Take the identity of each cloud; static keys of AWS go to the step that backs up."""
    if args.aws and not args.static_keys:
        yield become_in_aws(
            "Become the identity that may only add backups to AWS",
            comment=_AFTER_INSTALLATIONS,
            seconds=args.timeout_minutes * 60,
            session=f"db-backup-{args.environment}",
        )
    if args.gcp:
        yield become_in_google(
            "Become the identity that may only add backups to Google Cloud",
            comment=None if args.aws and not args.static_keys else _AFTER_INSTALLATIONS,
            key=args.static_keys,
        )


def _credentials(args: BackupWorkflowArgs) -> dict[str, str]:
    """What the step that backs up is given."""
    urls = {name: f"${{{{ secrets.{name} }}}}" for name in args.url_variables}
    if not (args.static_keys and args.aws):
        return urls
    keys = {
        name: f"${{{{ secrets.{name} }}}}"
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    }
    return {**urls, **keys}


def _steps(args: BackupWorkflowArgs) -> tuple[Uses | Run, ...]:
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
        Uses(
            name="Check out the tool",
            action=actions.CHECKOUT,
            inputs={
                "repository": args.tool_repository,
                "ref": args.tool_commit,
                "path": "tool",
                "persist-credentials": False,
            },
        ),
        Uses(
            name="Set up Python",
            action=actions.SETUP_PYTHON,
            inputs={"python-version": actions.PYTHON_VERSION},
        ),
        Run(
            name="Install PostgreSQL's programs",
            comment=(
                "pg_dump must not be older than the server, so its own major version comes first on"
                " PATH. Ubuntu's package knows PostgreSQL's archive and the key that signs it."
            ),
            env={"POSTGRES_MAJOR_VERSION": str(args.postgres_major_version)},
            script="""
                sudo apt-get update --quiet
                sudo apt-get install --quiet --yes --no-install-recommends postgresql-common
                sudo /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y
                sudo apt-get install --quiet --yes --no-install-recommends \\
                  "postgresql-client-${POSTGRES_MAJOR_VERSION}" gnupg zstd
                echo "/usr/lib/postgresql/${POSTGRES_MAJOR_VERSION}/bin" >> "${GITHUB_PATH}"
                """,
        ),
        Run(
            name="Install the tool",
            script="""
                python -m venv "${RUNNER_TEMP}/venv"
                pip="${RUNNER_TEMP}/venv/bin/pip"
                "${pip}" install --quiet --require-hashes --requirement tool/requirements/tool.txt
                "${pip}" install --quiet --no-deps --no-build-isolation ./tool
                echo "${RUNNER_TEMP}/venv/bin" >> "${GITHUB_PATH}"
                """,
        ),
        *_become(args),
        Run(
            name="Back up",
            env={
                **_credentials(args),
                "CONFIGURATION": args.configuration_path,
                "TIER": f"${{{{ inputs.tier || '{_AUTO}' }}}}",
            },
            script="""
                neonhub-backup --config "${CONFIGURATION}" backup --tier "${TIER}" 2>&1 \\
                  | tee "${RUNNER_TEMP}/backup.log"
                """,
        ),
        Run(
            name="Write the summary",
            condition="always()",
            env={
                "STATUS": "${{ job.status }}",
                "REASON": "${{ inputs.reason || 'schedule' }}",
                "TIER": f"${{{{ inputs.tier || '{_AUTO}' }}}}",
            },
            script=f"""
                {{
                  echo "## Backup of {args.environment}: ${{STATUS}}"
                  echo
                  echo "Tier: ${{TIER}}"
                  echo
                  echo '```text'
                  echo "Reason: ${{REASON}}"
                  if [[ -f "${{RUNNER_TEMP}}/backup.log" ]]; then
                    tail --lines=100 "${{RUNNER_TEMP}}/backup.log"
                  fi
                  echo '```'
                }} >> "${{GITHUB_STEP_SUMMARY}}"
                """,
        ),
    )
