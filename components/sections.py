"""The sections of a stack file: what each setting means, and which values it may have.

What must agree between several of them is in `components.agreement`.
"""

import re
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, cast

import boto3
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from components.gcp.dual_region import DualRegion
from components.github.delivery import Delivery
from components.repository import Repository
from neonhub_backup.domain.configuration import (
    Check,
    Contact,
    Encryption,
    Neon,
    Recovery,
    Watch,
    check_acknowledged,
)
from neonhub_backup.domain.duration import Duration
from neonhub_backup.domain.operations import OperationsPolicy
from neonhub_backup.domain.required import Required
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.domain.storage import (
    GCS_CLASSES,
    S3_CLASSES,
    GcsStorageClass,
    S3StorageClass,
)

PROJECT = "neonhub-backup"
"""Name of the Pulumi project, which is the namespace of its configuration."""

LONGEST_WAIVER = timedelta(days=366)
"""A rule that need not be kept for longer than this is not a rule."""

_RESERVED_BY_S3 = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_BY_GCS = ("goog", "g00g")


class Section(BaseModel):
    """Part of a stack file; a key that it does not know is an error."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, use_attribute_docstrings=True
    )


class Context(NamedTuple):
    """What checks of single values need to know beside the value."""

    root: Path
    region: str | None
    today: date


def _context(info: ValidationInfo) -> Context:
    return cast("Context", info.context)


def today() -> date:
    """The date by which waivers expire, UTC."""
    return datetime.now(UTC).date()


@lru_cache(maxsize=1)
def _aws_regions() -> frozenset[str]:
    session: Any = boto3.Session()
    return frozenset(session.get_available_regions("s3"))


def _known_region(region: str) -> str:
    if region not in _aws_regions():
        raise ValueError(
            f"{region!r} is no region of AWS, so nothing could be created there; write one such as"
            " us-east-1"
        )
    return region


def _another_region(replica: str, info: ValidationInfo) -> str:
    if replica == _context(info).region:
        raise ValueError(
            f"{replica!r} is aws:region too, so one outage could take both copies; choose another"
            " region"
        )
    return replica


def _s3_takes(prefix: str) -> str:
    for start in _RESERVED_BY_S3:
        if prefix.startswith(start):
            raise ValueError(
                f"{prefix!r} begins with {start}, which S3 keeps for itself, so no bucket could be"
                " created; begin with your organisation's name"
            )
    return prefix


def _gcs_takes(prefix: str) -> str:
    if prefix.startswith(_RESERVED_BY_GCS) or "google" in prefix:
        raise ValueError(
            f"{prefix!r} begins with goog or holds google, which Google keeps for itself, so no"
            " bucket could be created; begin with your organisation's name"
        )
    return prefix


def _public_key_file(written: Path, info: ValidationInfo) -> Path:
    path = _context(info).root / written
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{written} cannot be read, so nothing could be encrypted: write it with"
            f" gpg --armor --export ADDRESS > {written}, and commit it"
        ) from error
    try:
        Encryption(public_keys=(text,))
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(message.replace("public_keys.0", str(written))) from error
    return path


def _day_alone(given: Any) -> Any:
    """A date without quotes is a moment to the engine, which it writes in Go's way."""
    return given.removesuffix(" 00:00:00 +0000 UTC") if isinstance(given, str) else given


def _has_come(day: date | None, info: ValidationInfo) -> date | None:
    now = _context(info).today
    if day is not None and day > now:
        raise ValueError(
            f"{day} is still to come, so the next review would be reckoned from one that nobody has"
            f" held; write the day of the last one, up to {now}"
        )
    return day


def _not_expired(expires: date, info: ValidationInfo) -> date:
    now = _context(info).today
    if expires < now:
        raise ValueError(
            f"{expires} is past, so the rule holds again; keep the rule, or decide anew and write"
            " a later date"
        )
    if expires > now + LONGEST_WAIVER:
        raise ValueError(
            f"{expires} is more than a year ahead, by when nobody remembers why; write a date"
            f" up to {now + LONGEST_WAIVER}"
        )
    return expires


BucketName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,40}[a-z0-9]$")]
Region = Annotated[str, AfterValidator(_known_region)]
PublicKeyFile = Annotated[Path, AfterValidator(_public_key_file)]
EmailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")]
HttpsAddress = Annotated[str, Field(pattern=r"^https://[^\s/]+")]


class ObjectivesSettings(Section):
    """What the backups promise, which alarms hold them to."""

    rpo: Duration
    """Recovery point objective: the most time whose changes may be lost, such as 1h."""
    prove_every: Duration = timedelta(days=35)
    """Age at which the newest backup that a drill has restored is too old; drills run every
    month, and this leaves them some days."""
    rto_minutes: int = Field(default=30, ge=1)
    """Recovery time objective: minutes from the decision to restore until the database is back,
    with which every emergency restore and every drill compares itself."""
    rto_table_minutes: int = Field(default=5, ge=1)
    """The same for single tables of a backup."""
    rto_branch_minutes: int = Field(default=15, ge=1)
    """The same for all of it from a branch of Neon."""
    rto_pitr_minutes: int = Field(default=20, ge=1)
    """The same for a recovery to a point in time from archived WAL."""


class ReplicaAccountSettings(Section):
    """Another AWS account for the second copy, which survives the loss of the first account.

    People deploy such a stack: this repository's own runs have no access to the other account.
    """

    id: str = Field(pattern=r"^\d{12}$")
    """Number of the account, 12 digits in quotes."""
    role_arn: str = Field(pattern=r"^arn:aws:iam::\d{12}:role/.+$")
    """Role in that account that the deployment takes."""

    @model_validator(mode="after")
    def _role_is_in_the_account(self) -> "ReplicaAccountSettings":
        if self.role_arn.split(":")[4] != self.id:
            raise ValueError(
                f"roleArn {self.role_arn} is not in account {self.id}, so the replica would be made"
                " elsewhere; correct one of them"
            )
        return self


class AwsSettings(Section):
    """The copies in AWS."""

    bucket_prefix: Annotated[BucketName, AfterValidator(_s3_takes)]
    """Start of every bucket's name, 3 to 42 small letters, digits and hyphens; such names are
    shared by all customers of AWS, so begin with your organisation's."""
    replica_region: Annotated[Region, AfterValidator(_another_region)] | None = None
    """Region of the second copy, such as us-west-2. Without it AWS has one copy."""
    replica_account: ReplicaAccountSettings | None = None
    """Another account for the second copy."""
    storage_classes: dict[Tier, S3StorageClass] = Field(default_factory=dict)
    """Changes to the default classes, such as weekly: STANDARD_IA."""
    oidc_provider_arn: str | None = Field(
        default=None,
        pattern=r"^arn:aws:iam::\d{12}:oidc-provider/token\.actions\.githubusercontent\.com$",
    )
    """The account's provider of GitHub's tokens where another stack has made it: an account takes
    one."""
    trail: bool = True
    """Whether to record deletions by a CloudTrail of its own. False: the organisation has a trail
    with the data events of these buckets."""

    @property
    def primary_bucket(self) -> str:
        """The bucket that receives the backups."""
        return f"{self.bucket_prefix}-backups"

    @property
    def replica_bucket(self) -> str:
        """The bucket that receives their copies."""
        return f"{self.primary_bucket}-replica"

    @property
    def operations_bucket(self) -> str:
        """The bucket for what must be rewritten; the replica has one of its own."""
        return f"{self.bucket_prefix}-operations"

    @property
    def classes(self) -> dict[Tier, S3StorageClass]:
        """The storage class of each tier."""
        return {**S3_CLASSES, **self.storage_classes}


class GcpSettings(Section):
    """The copies in Google Cloud."""

    bucket_prefix: Annotated[BucketName, AfterValidator(_gcs_takes)]
    """Start of every bucket's name, 3 to 42 small letters, digits and hyphens; such names are
    shared by all customers of Google, so begin with your organisation's."""
    location: str
    """The continent of both copies (ASIA, EU or US), or a pair by its name (ASIA1, EUR4, NAM4)."""
    regions: tuple[str, str] | None = None
    """The two regions on the continent that hold a copy each, such as us-east4 and us-west1."""
    storage_classes: dict[Tier, GcsStorageClass] = Field(default_factory=dict)
    """Changes to the default classes, such as weekly: STANDARD."""
    soft_delete: Annotated[Duration, Field(ge=timedelta(days=7), le=timedelta(days=90))] = (
        timedelta(days=7)
    )
    """Time for which Google can bring back what was deleted, 7d to 90d."""

    @model_validator(mode="after")
    def _two_regions(self) -> "GcpSettings":
        _ = self.place  # which refuses what Google would refuse
        return self

    @property
    def place(self) -> DualRegion:
        """Where the copies are."""
        return DualRegion(location=self.location, regions=self.regions)

    @property
    def bucket(self) -> str:
        """The bucket that receives the backups."""
        return f"{self.bucket_prefix}-backups"

    @property
    def operations_bucket(self) -> str:
        """The bucket for what must be rewritten."""
        return f"{self.bucket_prefix}-operations"

    @property
    def classes(self) -> dict[Tier, GcsStorageClass]:
        """The storage class of each tier."""
        return {**GCS_CLASSES, **self.storage_classes}


class RetentionSettings(RetentionPolicy):
    """The domain's retention policy, its keys written as those of every other setting."""

    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)


class OperationsSettings(OperationsPolicy):
    """The domain's periods of operations buckets, their keys written as those of every other
    setting."""

    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)


class RecoverySettings(Recovery):
    """The domain's recovery section, its keys written as those of every other setting."""

    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)


class WatchSettings(Watch):
    """The domain's bounds of what is usual, their keys written as those of every other setting."""

    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)


class ContactSettings(Contact):
    """The domain's contact, its keys written as those of every other setting."""

    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)


class RunbookSettings(Section):
    """What people need beside the commands of the runbook, and when they last looked through it."""

    contacts: tuple[ContactSettings, ...] = ()
    """Whom to call, in the order of the runbook: {name: …, about: …, reach: …,
    responseMinutes: 30}."""
    review_months: int = Field(default=3, ge=1, le=24)
    """Months after which the procedures are reviewed again."""
    reviewed: Annotated[date | None, BeforeValidator(_day_alone), AfterValidator(_has_come)] = None
    """The day of the last review, such as 2026-01-26; the next one is reckoned from it."""


class NeonSettings(Neon):
    """The domain's section about Neon, its keys written as those of every other setting."""

    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)


class ArchivingSettings(Section):
    """Continuous archiving of the WAL of a server of one's own, for recovery to any moment."""

    store: Literal["aws", "gcp"]
    """The cloud whose operations bucket takes WAL and base backups: aws or gcp."""
    server: str = Field(
        pattern=r"^(arn:aws:iam::\d{12}:(role|user)/.+|[a-z0-9-]+@[a-z0-9.-]+\.gserviceaccount\.com)$"
    )
    """Who the server is in that cloud, and may archive: the ARN of its role or user, or the e-mail
    address of its service account. It exists already."""
    archive: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    """Name of the archive, which belongs to one server, such as main. Without it the database's
    name."""
    compression: Literal["lz4", "gzip", "none"] = "lz4"
    """Of what is archived: lz4, gzip or none."""
    jobs: int = Field(default=2, ge=1, le=32)
    """Processes that upload a base backup."""
    base_backups: Literal["daily", "weekly"] = "weekly"
    """How often the server's machine takes a base backup, daily or weekly: the less often, the more
    WAL a recovery has to replay."""

    @model_validator(mode="after")
    def _server_is_of_the_store(self) -> "ArchivingSettings":
        kinds = {"aws": "the ARN of a role or user", "gcp": "the address of a service account"}
        if self.server.startswith("arn:") != (self.store == "aws"):
            raise ValueError(
                f"server {self.server} is not known in {self.store}, so nothing could be archived;"
                f" write {kinds[self.store]}"
            )
        return self


class DatabaseSettings(Section):
    """One database to back up."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    """What messages and manifests call the database: small letters, digits, - and _."""
    secret: str = Field(default="databaseUrl", pattern=r"^[a-z][A-Za-z0-9]*$")
    """The configuration key that holds the connection string, such as databaseUrl. The workflow
    reads it from the environment variable of the same words, such as DATABASE_URL."""
    checks: tuple[Check, ...] = ()
    """Queries that a restored copy must answer."""
    required: tuple[Required, ...] = ()
    """Objects that every backup must hold, such as TYPE ConnectorKind and TABLE connectors; one
    without them raises the alarm on the same day."""
    recovery: RecoverySettings = RecoverySettings()
    """What people stop and start around a restore, and the commands that it runs, such as
    migrate: [pnpm, prisma, migrate, deploy]."""
    neon: NeonSettings | None = None
    """Where in Neon it lives, for snapshots as branches and any second of its history; the key of
    Neon's API is the secret neonApiKey."""
    archiving: ArchivingSettings | None = None
    """Where the WAL of its server goes, if that is one of your own, such as {store: aws, server:
    arn:aws:iam::123456789012:role/database}."""

    @model_validator(mode="after")
    def _archived_by_its_own_server(self) -> "DatabaseSettings":
        if self.neon is not None and self.archiving is not None:
            raise ValueError(
                f"{self.name} has neon and archiving, and Neon archives by itself, so nothing would"
                " ever arrive; remove one of both"
            )
        return self

    @property
    def archive(self) -> str:
        """Name of the archive of its server, if there is one."""
        return (self.archiving and self.archiving.archive) or self.name

    @property
    def variable(self) -> str:
        """The secret's name in GitHub and in the environment of the tool."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.secret).upper()


class EncryptionSettings(Section):
    """Who can read the backups."""

    public_key_files: tuple[PublicKeyFile, ...] = Field(min_length=1)
    """ASCII-armoured GPG public keys, paths relative to Pulumi.yaml; any of their owners can
    restore."""

    @cached_property
    def public_keys(self) -> tuple[str, ...]:
        """The files' contents."""
        return tuple(path.read_text(encoding="utf-8") for path in self.public_key_files)


class ReviewSettings(Section):
    """Who must agree before a run sees what it needs, and how long it waits after that."""

    users: tuple[str, ...] = ()
    """Logins of the reviewers, any of whom may agree."""
    teams: tuple[str, ...] = ()
    """Slugs of teams of the owner, such as platform."""
    wait_minutes: int = Field(default=0, ge=0, le=43200)
    """Minutes that pass before a run begins, in which it can still be cancelled."""

    @model_validator(mode="after")
    def _at_most_six(self) -> "ReviewSettings":
        if len(self.users) + len(self.teams) > 6:
            raise ValueError(
                f"{len(self.users) + len(self.teams)} users and teams, and GitHub takes 6 in all,"
                " so the environment would be refused; name a team of all of them"
            )
        return self


class GitHubSettings(Section):
    """The repository whose workflows make, prove and restore the backups."""

    repository: str = Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")
    """Name of the repository, without its owner."""
    owner_id: int = Field(gt=0)
    """Number of the owner; gh api repos/OWNER/NAME --jq .owner.id prints it."""
    repository_id: int = Field(gt=0)
    """Number of the repository; gh api repos/OWNER/NAME --jq .id prints it."""
    branch: str = Field(default="main", pattern=r"^[A-Za-z0-9._/-]+$")
    """Branch that receives the generated files, and the only one whose runs may back up."""
    delivery: Delivery = Delivery.COMMIT
    """How the generated files arrive: commit, or pull-request for a review of its own."""
    restore: ReviewSettings = ReviewSettings()
    """Who reviews a restore."""
    drills: bool = True
    """Whether drills and restores run there too, with a private key that opens backups: the secret
    gpgPrivateKey, or NEONHUB_BACKUP_PRIVATE_KEY in the environments <environment>-drill and
    <environment>-restore, set by hand. With false they take place where the key is."""


class InfrastructureSettings(Section):
    """This repository, where its own CI previews and deploys the stack."""

    repository: str = Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")
    """Name of the repository, without its owner, who is that of the other repository."""
    repository_id: int = Field(gt=0)
    """Number of the repository; gh api repos/OWNER/NAME --jq .id prints it."""
    branch: str = Field(default="main", pattern=r"^[A-Za-z0-9._/-]+$")
    """The only branch whose runs may deploy."""
    deploy: ReviewSettings = ReviewSettings()
    """Who reviews a deployment."""


class AlarmSettings(Section):
    """Who is told when backups are late, copies do not arrive, or someone tries to delete."""

    emails: tuple[EmailAddress, ...] = ()
    """Addresses; AWS asks each to confirm."""
    webhooks: tuple[HttpsAddress, ...] = ()
    """HTTPS addresses that confirm AWS's request by themselves, such as an on-call service's."""
    heartbeat: bool = False
    """Whether each good backup is told to a dead-man's switch, whose address is the secret
    heartbeatUrl; it raises the alarm when it hears nothing."""
    watch_heartbeat: bool = False
    """Whether each good watch is told to a dead-man's switch of its own, whose address is the
    secret watchHeartbeatUrl; it raises the alarm after a broken promise, and when nobody looks."""
    chat: bool = False
    """Whether failed runs are told to a chat, whose incoming webhook is the secret chatUrl."""

    @property
    def reach_somebody(self) -> bool:
        """Whether anybody is named."""
        return bool(self.emails or self.webhooks)


class ForecastSettings(Section):
    """What a forecast of the costs assumes."""

    backup_gigabytes: float = Field(default=10, gt=0)
    """Size of one backup of all databases today, compressed, in GB."""
    monthly_growth_percent: float = Field(default=3, ge=-50, le=100)
    """By how much it grows each month."""


class Waiver(Section):
    """A rule that need not be kept for some time."""

    rule: str = Field(pattern=r"^[a-z0-9-]+$")
    """Name of the rule, as `make policy` prints it, or three-two-one."""
    resource: str = "*"
    """Name of the resource that it is about; * stands for any characters."""
    reason: str = Field(min_length=10)
    """Why, for whoever reads it when it expires."""
    expires: Annotated[date, BeforeValidator(_day_alone), AfterValidator(_not_expired)]
    """The last day on which it counts, such as 2027-01-31; up to a year ahead."""


class ToolSettings(Section):
    """The release of this repository that the workflows run."""

    repository: str = Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")
    """Owner and name of the repository that holds neonhub_backup/."""
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    """Full SHA of the commit to run: a branch or tag could change under the workflow."""


def _key(name: str) -> Any:
    return Field(alias=f"{PROJECT}:{name}")


class Kept(Section):
    """What is kept, where and for how long: all that its cost depends on."""

    region: Annotated[Region | None, Field(alias="aws:region")] = None
    """Region of the primary copy, such as us-east-1."""
    aws: Annotated[AwsSettings | None, _key("aws")] = None
    """The copies in AWS."""
    gcp: Annotated[GcpSettings | None, _key("gcp")] = None
    """The copies in Google Cloud."""
    retention: Annotated[RetentionSettings, _key("retention")] = RetentionSettings()
    """Changes to the default tiers, such as daily: {keep: 30d, lock: 14d}."""
    forecast: Annotated[ForecastSettings, _key("forecast")] = ForecastSettings()
    """What a forecast of the costs assumes."""


class Settings(Kept):
    """One stack's configuration, valid as a whole; it holds no secret."""

    default_tags: Annotated[dict[str, dict[str, str]], Field(alias="aws:defaultTags")] = Field(
        default_factory=dict
    )
    """Tags of everything in AWS that can have tags."""
    endpoints: Annotated[tuple[dict[str, str], ...], Field(alias="aws:endpoints")] = ()
    """Addresses that stand in for AWS's own, by service."""
    path_style: Annotated[bool, Field(alias="aws:s3UsePathStyle")] = False
    """Bucket in the path instead of the host name, for servers without wildcard DNS."""
    project: Annotated[
        str | None, Field(alias="gcp:project", pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$")
    ] = None
    """Id of the Google Cloud project, such as neonhub-backups-prod."""
    storage_endpoint: Annotated[str | None, Field(alias="gcp:storageCustomEndpoint")] = None
    """Address that stands in for Google Cloud Storage's own, its path /storage/v1/ included."""
    owner: Annotated[str, Field(alias="github:owner", pattern=r"^[A-Za-z0-9-]+$")]
    """Organisation or user that owns the repository."""
    environment: Annotated[str, _key("environment"), Field(pattern=r"^[a-z][a-z0-9-]{0,15}$")]
    """What is backed up: production, staging; up to 16 small letters, digits and hyphens."""
    objectives: Annotated[ObjectivesSettings, _key("objectives")]
    """What the backups promise, such as rpo: 1h."""
    operations: Annotated[OperationsSettings, _key("operations")] = OperationsSettings()
    """Changes to how long operations buckets keep logs and older versions, such as logs: 2y."""
    protect: Annotated[bool, _key("protect")] = True
    """Whether buckets and keys refuse to be destroyed. With false, `pulumi destroy` deletes every
    backup, but those that Google keeps locked, which make it fail until their time has come."""
    databases: Annotated[tuple[DatabaseSettings, ...], _key("databases"), Field(min_length=1)]
    """The databases to back up."""
    watch: Annotated[WatchSettings, _key("watch")] = WatchSettings()
    """By how much backups may differ from those of a week before, such as shrinkPercent: 20, and
    which changes are planned."""
    runbook: Annotated[RunbookSettings, _key("runbook")] = RunbookSettings()
    """Whom to call, and when the procedures were last reviewed, such as reviewed: 2026-01-26."""
    encryption: Annotated[EncryptionSettings, _key("encryption")]
    """Who can read the backups."""
    postgres_major_version: Annotated[int, _key("postgresMajorVersion"), Field(ge=16, le=99)]
    """Major version of the server; pg_dump must not be older."""
    github: Annotated[GitHubSettings, _key("github")]
    """The repository whose workflows make, prove and restore the backups."""
    infrastructure: Annotated[InfrastructureSettings | None, _key("infrastructure")] = None
    """This repository, where its own CI previews and deploys the stack."""
    tool: Annotated[ToolSettings, _key("tool")]
    """The release of this repository that the workflows run."""
    timeout_minutes: Annotated[int, _key("timeoutMinutes"), Field(ge=60, le=360)] = 120
    """Minutes after which a backup is given up; its AWS session lasts as long."""
    static_keys: Annotated[bool, _key("staticKeys")] = False
    """Whether runs use keys that are stored in GitHub until someone changes them, instead of
    proving for each run which one it is."""
    alarms: Annotated[AlarmSettings, _key("alarms")] = AlarmSettings()
    """Who is told when something is wrong."""
    waivers: Annotated[tuple[Waiver, ...], _key("waivers")] = ()
    """Rules that need not be kept for some time, such as {rule: …, reason: …, expires: …}."""

    @field_validator("watch")
    @classmethod
    def _acknowledged_databases_exist(
        cls, watch: WatchSettings, info: ValidationInfo
    ) -> WatchSettings:
        # Databases that are refused are told of by themselves.
        if "databases" in info.data:
            check_acknowledged(watch, [database.name for database in info.data["databases"]])
        return watch

    @field_validator("databases")
    @classmethod
    def _one_entry_each(
        cls, databases: tuple[DatabaseSettings, ...]
    ) -> tuple[DatabaseSettings, ...]:
        for field in ("name", "secret"):
            values = [getattr(database, field) for database in databases]
            for value in values:
                if values.count(value) > 1:
                    raise ValueError(
                        f"two entries have the {field} {value}, so one would be backed up in the"
                        f" other's place; give each its own {field}"
                    )
        return databases

    @property
    def repository(self) -> Repository:
        """The repository whose workflows make, prove and restore the backups."""
        return self._repository(self.github.repository, self.github.repository_id)

    @property
    def infrastructure_repository(self) -> Repository | None:
        """This repository, where its own CI previews and deploys the stack."""
        own = self.infrastructure
        return self._repository(own.repository, own.repository_id) if own else None

    def _repository(self, name: str, number: int) -> Repository:
        return Repository(
            owner=self.owner,
            owner_id=self.github.owner_id,
            name=name,
            repository_id=number,
        )

    @property
    def s3_endpoint(self) -> str | None:
        """Address of the server that stands in for S3. None: AWS itself."""
        return next((each["s3"] for each in self.endpoints if "s3" in each), None)

    @property
    def gcs_endpoint(self) -> str | None:
        """Server that stands in for Google Cloud Storage. None: Google itself."""
        address = self.storage_endpoint
        return address.rstrip("/").removesuffix("/storage/v1") if address else None

    def archivers(self, store: Literal["aws", "gcp"]) -> dict[str, str]:
        """Who archives in a cloud, by the name of the archive."""
        return {
            each.archive: each.archiving.server
            for each in self.databases
            if each.archiving is not None and each.archiving.store == store
        }

    def waives(self, rule: str) -> bool:
        """Whether a rule about the whole stack need not be kept."""
        return any(each.rule == rule for each in self.waivers)
