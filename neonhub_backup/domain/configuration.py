"""The tool's configuration file: written by the deployment, read wherever the tool runs.

It holds no secret: it names the environment variables that do.
"""

import os
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from neonhub_backup.domain.duration import Duration
from neonhub_backup.domain.required import Required
from neonhub_backup.domain.retention import RetentionPolicy, Tier, TierRule
from neonhub_backup.domain.storage import (
    GCS_CLASSES,
    S3_CLASSES,
    GcsStorageClass,
    S3StorageClass,
    StorageClass,
)
from neonhub_backup.errors import ConfigurationError

Answer = str | int | float | bool | None
Variable = Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")]
Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
"""A command as the list of its words, which no shell reads."""

MIGRATION = "{migration}"
"""What stands in `mark_rolled_back` for the migration's name."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(_Section):
    """A query that a restored database must answer."""

    name: str
    query: str
    expect: tuple[tuple[Answer, ...], ...] | None = None
    """The rows it must return. None: any, but at least one."""


class Recovery(_Section):
    """What people and the tool do around a restore, beside what concerns the database itself.

    Commands run with the connection string of the database that they are for in `url_variable`, and
    with PostgreSQL's own variables set to the same: in an emergency that is the restored copy.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)

    directory: Path | None = None
    """Where the commands run. None: where the tool was started, such as the root of a checkout."""
    url_variables: tuple[Variable, ...] = ()
    """Further variables from which the commands take the connection string, such as Prisma's
    DIRECT_URL. One that is left out would lead them to the live database."""
    migrate: Words | None = None
    """Applies the migrations that a backup does not have yet. None: people do."""
    smoke_test: Words | None = None
    """Tries a restored copy before it is used. None: the checks alone do."""
    mark_rolled_back: Words | None = None
    """Records that a migration was rolled back; {migration} stands for its name. None: people
    do."""
    timeout_minutes: int = Field(default=60, ge=1, le=1440)
    """Minutes after which a command is ended, and counts as failed."""
    stop: tuple[str, ...] = ()
    """What people stop before a restore, such as: scale the API to 0."""
    restart: tuple[str, ...] = ()
    """What people start again after it, in this order."""

    @model_validator(mode="after")
    def _migration_is_named(self) -> "Recovery":
        command = self.mark_rolled_back
        if command is not None and not any(MIGRATION in word for word in command):
            raise ValueError(
                f"{' '.join(command)} does not hold {MIGRATION}, so it could not know which"
                f" migration to mark; write {MIGRATION} where the name belongs"
            )
        return self


class Objectives(_Section):
    """What the backups promise; recoveries are compared with it."""

    rpo: Duration | None = None
    """Recovery point objective: the most time whose changes may be lost. None: nothing is
    promised."""
    rto_minutes: int = Field(default=30, ge=1)
    """Recovery time objective: minutes from the decision to restore until the database is back,
    here all of it from a store."""
    rto_table_minutes: int = Field(default=5, ge=1)
    """The same for single tables of a backup."""
    rto_branch_minutes: int = Field(default=15, ge=1)
    """The same for all of it from a branch of Neon."""
    rto_pitr_minutes: int = Field(default=20, ge=1)
    """The same for a recovery to a point in time from archived WAL."""
    prove_every: Duration = timedelta(days=35)
    """Age at which the newest proof is too old: then a drill is owed."""


class Acknowledged(_Section):
    """A change of a database's size that was planned, and is no alarm until a day."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    database: str
    """Name of the database in the configuration."""
    table: str | None = None
    """The table whose rows change, with its schema, such as public.connectors. None: any, and the
    size of the whole."""
    until: date
    """The last day on which it is no alarm, such as 2026-12-24."""
    reason: str = Field(min_length=1)
    """What was planned, for whoever reads it later."""


class Watch(_Section):
    """By how much backups may differ from those of a week before."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    grow_percent: int = Field(default=50, ge=1)
    """More growth than this is a warning."""
    shrink_percent: int = Field(default=30, ge=1, le=100)
    """A greater loss than this is a breach."""
    acknowledged: tuple[Acknowledged, ...] = ()
    """Planned changes, such as a migration that drops a table."""


def check_acknowledged(watch: Watch, databases: Sequence[str]) -> None:
    """Refuse a note about a database that there is not.

    Raises:
        ValueError: with the field and those that there are.
    """
    for number, note in enumerate(watch.acknowledged):
        if note.database not in databases:
            raise ValueError(
                f"acknowledged.{number}.database {note.database} is not one of the databases,"
                f" so the note would silence nothing; choose one of {', '.join(databases)}"
            )


class Neon(_Section):
    """Where in Neon a database lives, for snapshots as branches and for any second of its history.

    The key of Neon's API is in the environment variable NEON_API_KEY.
    """

    project: str = Field(pattern=r"^[a-z0-9-]{1,60}$")
    """The project's id, as Neon's settings of it show."""
    branch: str = "main"
    """Name of the branch that production uses."""
    database: str
    """Name of the database in that branch."""
    role: str
    """The role that checks a restored branch, and that its connection string is for."""
    keep: dict[Tier, Duration] | None = Field(default=None, min_length=1)
    """The tiers for which snapshots are taken, and how long each is kept. None: as backups are,
    which may be more branches than the plan allows."""
    api: str = Field(
        default="https://console.neon.tech/api/v2",
        pattern=r"^(https://[^/]+|http://(localhost|127\.0\.0\.1)(:[0-9]+)?)/.*[^/]$",
    )
    """Address of the API, without a slash at its end. Over HTTPS, since the key goes there."""

    def retention(self, backups: RetentionPolicy) -> RetentionPolicy:
        """The tiers of snapshots, whose slots begin with those of the backups."""
        if self.keep is None:
            return backups
        return RetentionPolicy(
            **{tier.value: None for tier in Tier}  # pyright: ignore[reportArgumentType] - tiers alone
            | {tier.value: TierRule(keep=keep) for tier, keep in self.keep.items()},
            hour_utc=backups.hour_utc,
        )

    @model_validator(mode="after")
    def _higher_tiers_are_kept_longer(self) -> "Neon":
        self.retention(RetentionPolicy())
        return self


class Archiving(_Section):
    """Where a self-hosted server's WAL and its base backups go, for recovery to any moment."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    store: str
    """The store of this configuration that takes them, below `wal/<archive>/`: into its operations
    bucket, if it is a bucket."""
    archive: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    """Name of the archive, which belongs to one server. None: the database's name."""
    compression: Literal["lz4", "gzip", "none"] = "lz4"
    """Of what goes into a bucket; a directory takes everything as it is."""
    jobs: int = Field(default=2, ge=1, le=32)
    """Processes that upload a base backup."""
    base_backups: Literal["daily", "weekly"] = "weekly"
    """How often the server's machine takes a base backup: the less often, the more WAL a recovery
    has to replay."""


class Database(_Section):
    """One database to back up."""

    name: str
    url_variable: Variable = "DATABASE_URL"
    """Environment variable that holds its connection string."""
    checks: tuple[Check, ...] = ()
    required: tuple[Required, ...] = ()
    """Objects that every backup must hold, such as `TYPE ConnectorKind` and `TABLE connectors`: the
    kind in capitals as pg_dump's table of contents writes it, the schema unless it is `public`, and
    the name."""
    recovery: Recovery = Recovery()
    neon: Neon | None = None
    """None: Neon does not host it."""
    archiving: Archiving | None = None
    """Continuous archiving of the server that it is on. None: nothing is archived."""

    def url(self) -> str:
        """The connection string.

        Raises:
            ConfigurationError: the variable is not set.
        """
        url = os.environ.get(self.url_variable)
        if not url:
            raise ConfigurationError(
                f"environment variable {self.url_variable} is not set, so database {self.name}"
                " cannot be reached: set it to the connection string,"
                " postgresql://user:password@host/database"
            )
        return url


def _completed_by(usual: Mapping[Tier, StorageClass]) -> BeforeValidator:
    """Take the usual class for each tier that a file does not name."""

    def complete(given: object) -> object:
        return {**usual, **cast("dict[Any, Any]", given)} if isinstance(given, dict) else given

    return BeforeValidator(complete)


class Replica(_Section):
    """The bucket of another region into which S3 copies every backup."""

    bucket: str
    region: str


class S3Store(_Section):
    """A bucket of S3 or of a server that speaks its protocol."""

    kind: Literal["s3"] = "s3"
    name: str
    bucket: str
    region: str
    operations_bucket: str | None = None
    """The bucket beside it for what is rewritten: index, status and WAL. None: nobody keeps any."""
    replica: Replica | None = None
    """None: nothing copies it."""
    kms_key_arn: str | None = None
    """Key that encrypts every object. None: the bucket's own default."""
    endpoint_url: str | None = None
    """None: AWS itself."""
    path_style: bool = False
    """Bucket in the path instead of the host name, for servers without wildcard DNS."""
    storage_classes: Annotated[dict[Tier, S3StorageClass], _completed_by(S3_CLASSES)] = dict(
        S3_CLASSES
    )
    """Where backups of a tier end up: uploads go there at once, but never to an archive. A tier
    that is left out has its usual class; manifests are always in STANDARD."""


class GcsStore(_Section):
    """A bucket of Google Cloud Storage."""

    kind: Literal["gcs"] = "gcs"
    name: str
    bucket: str
    operations_bucket: str | None = None
    """The bucket beside it for what is rewritten: index, status and WAL. None: nobody keeps any."""
    endpoint_url: str | None = None
    """None: Google itself. Any other is an emulator, which is sent no credentials."""
    object_retention: bool = True
    """Lock each object for its tier's time, when the retention has a lock mode. False: only the
    bucket's own retention policy protects them, one period for all tiers."""
    storage_classes: Annotated[dict[Tier, GcsStorageClass], _completed_by(GCS_CLASSES)] = dict(
        GCS_CLASSES
    )
    """The class of each tier's uploads, completed as for S3."""


class DirectoryStore(_Section):
    """A local disk or a mount."""

    kind: Literal["directory"] = "directory"
    name: str
    path: Path


Store = Annotated[S3Store | GcsStore | DirectoryStore, Field(discriminator="kind")]


class Encryption(_Section):
    """Who can read the backups; whoever only writes them needs no more than this."""

    public_keys: tuple[str, ...] = Field(min_length=1)
    """ASCII-armoured GPG public keys, one each; any of their owners can restore."""

    @model_validator(mode="after")
    def _public_only(self) -> "Encryption":
        for number, key in enumerate(self.public_keys):
            if "PRIVATE KEY BLOCK" in key:
                raise ValueError(
                    f"public_keys.{number} holds a private key: the machine that backs up could"
                    " then read every backup; export with gpg --armor --export, and treat the"
                    " private key as exposed"
                )
            if "BEGIN PGP PUBLIC KEY BLOCK" not in key:
                raise ValueError(
                    f"public_keys.{number} is not an ASCII-armoured GPG public key: nothing could"
                    " be encrypted; export it with gpg --armor --export"
                )
        return self


class ScheduledWorkflow(_Section):
    """A workflow that GitHub must start again and again."""

    file: str = Field(pattern=r"^[^/]+\.ya?ml$")
    """Its file, without its folder."""
    every_minutes: int = Field(ge=1)
    """The longest time from one start to the next."""


class Deployment(_Section):
    """What the stack has made beside the stores, and who works with it: people name it in need."""

    source: str
    """The file of the stack's settings, which is what to edit, such as Pulumi.prod.yaml."""
    repository: str = Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")
    """Owner and name of the repository that this file and the workflows are committed to."""
    branch: str
    """Its branch that the workflows run on."""
    configuration: str
    """Path of this file in it."""
    tool_repository: str
    """Owner and name of the repository that holds the tool."""
    tool_commit: str
    """The commit of it that the workflows run."""
    postgres_major_version: int
    """Major version of the servers."""
    dispatched: tuple[str, ...] = ()
    """Files of the workflows that people can start."""
    reviewers: tuple[str, ...] = ()
    """Users, and teams as owner/team, one of whom must agree to a restore in GitHub."""
    restore_role: str | None = None
    """The role in AWS that may read backups, as path/name. None: there is none."""
    restore_account: str | None = None
    """The service account in Google Cloud that may. None: there is none."""


class Contact(_Section):
    """Somebody who helps when something is wrong, and how soon."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str = Field(min_length=1)
    """Who it is, such as Neon support."""
    about: str = Field(min_length=1)
    """What they help with, such as: the database cannot be reached."""
    reach: str = Field(min_length=1)
    """How to reach them: an address, a number, a channel. It is committed, so no secret."""
    response_minutes: int = Field(ge=1)
    """Minutes within which they answer."""


class Runbook(_Section):
    """What people need beside the commands, and when they last looked through it."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    contacts: tuple[Contact, ...] = ()
    """Whom to call, in the order of the runbook."""
    review_months: int = Field(default=3, ge=1, le=24)
    """Months after which the procedures are reviewed again."""
    reviewed: date | None = None
    """The day of the last review, such as 2026-01-26. None: there was none yet."""


class Configuration(_Section):
    """All that the tool needs to know, but the secrets."""

    version: Literal[1] = 1
    environment: str
    databases: tuple[Database, ...] = Field(min_length=1)
    stores: tuple[Store, ...] = Field(min_length=1)
    encryption: Encryption
    retention: RetentionPolicy = RetentionPolicy()
    objectives: Objectives = Objectives()
    watch: Watch = Watch()
    workflows: tuple[ScheduledWorkflow, ...] = ()
    """Those that do all of this on schedule, whether GitHub still starts them or not."""
    runbook: Runbook = Runbook()
    deployment: Deployment | None = None
    """None: no stack has made this file."""

    @field_validator("watch")
    @classmethod
    def _acknowledged_databases_exist(cls, watch: Watch, info: ValidationInfo) -> Watch:
        # Databases that are refused are told of by themselves.
        if "databases" in info.data:
            check_acknowledged(watch, [database.name for database in info.data["databases"]])
        return watch

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Configuration":
        for field, names in (
            ("stores", [store.name for store in self.stores]),
            ("databases", [database.name for database in self.databases]),
        ):
            for name in names:
                if names.count(name) > 1:
                    raise ValueError(
                        f"{field} has two entries named {name}: messages could not tell them apart;"
                        " rename one"
                    )
        return self

    @model_validator(mode="after")
    def _operations_are_apart(self) -> "Configuration":
        for number, store in enumerate(self.stores):
            if not isinstance(store, DirectoryStore) and store.operations_bucket == store.bucket:
                raise ValueError(
                    f"stores.{number}.operations_bucket is {store.bucket}, the bucket of the"
                    " backups, where locks keep objects from being rewritten; name another, or"
                    " remove it"
                )
        return self

    @model_validator(mode="after")
    def _archives_have_their_place(self) -> "Configuration":
        stores = {store.name: store for store in self.stores}
        for number, database in enumerate(self.databases):
            archiving = database.archiving
            if archiving is None:
                continue
            field = f"databases.{number}.archiving"
            store = stores.get(archiving.store)
            if store is None:
                raise ValueError(
                    f"{field}.store {archiving.store} is not a store of this configuration, so WAL"
                    f" would go nowhere; choose one of {', '.join(stores)}"
                )
            if not isinstance(store, DirectoryStore) and store.operations_bucket is None:
                raise ValueError(
                    f"{field}.store {store.name} has no operations_bucket, so WAL would go nowhere:"
                    " archives rewrite objects, which fails where backups are locked; name a"
                    " bucket there"
                )
        return self


def render_configuration(configuration: Configuration, source: str) -> str:
    """The file as committed; `source` names what it was generated from."""
    content = configuration.model_dump(mode="json", exclude_defaults=False)
    body = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return (
        f"# Generated from {source}. Edits here are put back by the next `pulumi up`.\n"
        "# Configuration of neonhub-backup; it holds no secret.\n"
        f"{body}"
    )


def load_configuration(path: Path) -> Configuration:
    """Read a configuration file.

    Raises:
        ConfigurationError: the file is missing or has errors, all of which are named.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"configuration file {path} cannot be read ({error.strerror}), so it is unknown what to"
            " back up and where: give its path with --config"
        ) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigurationError(
            f"configuration file {path} is not YAML, so nothing was done: {error}"
        ) from error
    try:
        return Configuration.model_validate(content)
    except ValidationError as error:
        problems = "\n".join(f"  {line}" for line in describe_problems(error))
        raise ConfigurationError(
            f"configuration file {path} has errors, so nothing was done; correct them:\n{problems}"
        ) from error


def describe_problems(error: ValidationError) -> list[str]:
    """One line per problem: its path in the file, then what is wrong with it."""
    return [
        ".".join(str(part) for part in problem["loc"])
        + (": " if problem["loc"] else "")
        + problem["msg"].removeprefix("Value error, ")
        for problem in error.errors()
    ]


_OTHER_LINE_ENDS = {"\x85", "\u2028", "\u2029"}


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, so that keys stay readable."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    if _OTHER_LINE_ENDS & set(text):
        style = '"'  # any other style would have them read back as spaces
    return dumper.represent_scalar(  # pyright: ignore[reportUnknownMemberType] - untyped in its stub
        "tag:yaml.org,2002:str", text, style=style
    )


_Dumper.add_representer(str, _represent_text)
