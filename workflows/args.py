"""What the workflows of one environment need to know, all of them the same."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from neonhub_backup.domain.retention import RetentionPolicy


@dataclass(frozen=True, kw_only=True)
class WorkflowArgs:
    """One environment, its databases and stores, and the tool that its workflows run."""

    environment: str
    """What is backed up: production, staging."""
    source: str
    """The file it is generated from."""
    configuration_path: str
    """Where the tool's configuration is in the repository."""
    retention: RetentionPolicy
    """Its tiers decide when backups start."""
    rpo: timedelta
    """The most time whose changes may be lost: it decides how often somebody looks."""
    databases: Mapping[str, str]
    """Each database and the secret that holds its connection string."""
    stores: tuple[str, ...]
    """Names of the stores, the first to be read first."""
    postgres_major_version: int
    """Major version of the server."""
    tool_repository: str
    """Owner and name of the repository that holds the tool."""
    tool_commit: str
    """The commit of it to run."""
    timeout_minutes: int
    """Minutes after which a backup, a drill or a restore is given up. What does less has less."""
    aws: bool
    """Whether there is a store in AWS."""
    gcp: bool
    """Whether there is a store in Google Cloud."""
    static_keys: bool
    """Whether backups use stored keys instead of their own tokens."""
    heartbeat: bool
    """Whether something waits to hear that backups succeed."""
    watch_heartbeat: bool
    """Whether something waits to hear that backups keep their promises."""
    chat: bool
    """Whether failures are told to a chat."""
    alarms_region: str | None = None
    """Region of AWS whose alarms wait for what a watch measures. None: there are no alarms."""
    neon: Mapping[str, RetentionPolicy] = field(default_factory=dict[str, RetentionPolicy])
    """Each database that Neon hosts, with the tiers of its snapshots."""
    smoke_tested: tuple[str, ...] = ()
    """The databases whose copies are tried by a command of the application's before use."""

    @property
    def url_variables(self) -> tuple[str, ...]:
        """The secrets that hold connection strings."""
        return tuple(self.databases.values())

    def header(self, module: str) -> str:
        """Says where a file comes from, and what happens to edits."""
        return (
            f"Generated from {self.source} by workflows/{module}.py. Edits here are put back by the"
            " next `pulumi up`."
        )
