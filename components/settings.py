"""The settings of one stack, and the only reader of `pulumi.Config`.

`parse_settings` is pure but for the public key files; `read_settings` gives it the configuration
of the running stack.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast, get_args

import pulumi
from pulumi.runtime.config import CONFIG
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from components.repository import Repository
from neonhub_backup.domain.configuration import Check, Encryption
from neonhub_backup.domain.retention import LockMode, RetentionPolicy

PROJECT = "neonhub-backup"
"""Name of the Pulumi project, which is the namespace of its configuration."""

_OTHER_NAMESPACES = ("aws:region", "aws:endpoints", "aws:s3UsePathStyle", "github:owner")
_RESERVED_STARTS = ("xn--", "sthree-", "amzn-s3-demo-")
_THIS_MACHINE = re.compile(r"@(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|$)")


class SettingsError(pulumi.RunError):
    """Everything that is wrong with a stack's configuration, in one message."""


class _Section(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, alias_generator=to_camel, use_attribute_docstrings=True
    )


class _Context(NamedTuple):
    """What checks of single values need to know beside the value."""

    root: Path
    region: str | None


def _context(info: ValidationInfo) -> _Context:
    return cast("_Context", info.context)


def _another_region(replica: str, info: ValidationInfo) -> str:
    if replica == _context(info).region:
        raise ValueError(
            f"{replica!r} is aws:region too, so one outage could take both copies; choose another"
            " region"
        )
    return replica


def _not_reserved(prefix: str) -> str:
    for start in _RESERVED_STARTS:
        if prefix.startswith(start):
            raise ValueError(
                f"{prefix!r} begins with {start}, which S3 keeps for itself, so no bucket could be"
                " created; begin with your organisation's name"
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


BucketPrefix = Annotated[
    str, Field(pattern=r"^[a-z0-9][a-z0-9-]{1,45}[a-z0-9]$"), AfterValidator(_not_reserved)
]
Region = Annotated[str, Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")]
PublicKeyFile = Annotated[Path, AfterValidator(_public_key_file)]


class AwsSettings(_Section):
    """Where the backups are."""

    bucket_prefix: BucketPrefix
    """Start of every bucket's name, 3 to 47 small letters, digits and hyphens; such names are
    shared by all customers of AWS, so begin with your organisation's."""
    replica_region: Annotated[Region, AfterValidator(_another_region)]
    """Region of the second copy, such as us-west-2."""


class RetentionSettings(RetentionPolicy):
    """The domain's retention policy, its keys written as those of every other setting."""

    model_config = ConfigDict(alias_generator=to_camel, use_attribute_docstrings=True)


class DatabaseSettings(_Section):
    """One database to back up."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")
    """What messages and manifests call the database: small letters, digits, - and _."""
    secret: str = Field(default="databaseUrl", pattern=r"^[a-z][A-Za-z0-9]*$")
    """The configuration key that holds the connection string, such as databaseUrl. The workflow
    reads it from the environment variable of the same words, such as DATABASE_URL."""
    checks: tuple[Check, ...] = ()
    """Queries that a restored copy must answer."""

    @property
    def variable(self) -> str:
        """The secret's name in GitHub and in the environment of the tool."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", self.secret).upper()


class EncryptionSettings(_Section):
    """Who can read the backups."""

    public_key_files: tuple[PublicKeyFile, ...] = Field(min_length=1)
    """ASCII-armoured GPG public keys, paths relative to Pulumi.yaml; any of their owners can
    restore."""

    @cached_property
    def public_keys(self) -> tuple[str, ...]:
        """The files' contents."""
        return tuple(path.read_text(encoding="utf-8") for path in self.public_key_files)


class GitHubSettings(_Section):
    """The repository whose workflow makes the backups."""

    repository: str = Field(pattern=r"^[A-Za-z0-9._-]{1,100}$")
    """Name of the repository, without its owner."""
    owner_id: int = Field(gt=0)
    """Number of the owner; gh api repos/OWNER/NAME --jq .owner.id prints it."""
    repository_id: int = Field(gt=0)
    """Number of the repository; gh api repos/OWNER/NAME --jq .id prints it."""
    branch: str = Field(default="main", pattern=r"^[A-Za-z0-9._/-]+$")
    """Branch that receives the generated files, and the only one whose runs may back up."""


class ToolSettings(_Section):
    """The release of this repository that the workflow runs."""

    repository: str = Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")
    """Owner and name of the repository that holds neonhub_backup/."""
    commit: str = Field(pattern=r"^[0-9a-f]{40}$")
    """Full SHA of the commit to run: a branch or tag could change under the workflow."""


def _key(name: str) -> Any:
    return Field(alias=f"{PROJECT}:{name}")


class Settings(_Section):
    """One stack's configuration, valid as a whole; it holds no secret."""

    region: Annotated[Region, Field(alias="aws:region")]
    """Region of the primary copy, such as us-east-1."""
    endpoints: Annotated[tuple[dict[str, str], ...], Field(alias="aws:endpoints")] = ()
    """Addresses that stand in for AWS's own, by service."""
    path_style: Annotated[bool, Field(alias="aws:s3UsePathStyle")] = False
    """Bucket in the path instead of the host name, for servers without wildcard DNS."""
    owner: Annotated[str, Field(alias="github:owner", pattern=r"^[A-Za-z0-9-]+$")]
    """Organisation or user that owns the repository."""
    environment: Annotated[str, _key("environment"), Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
    """What is backed up: production, staging; small letters, digits and hyphens."""
    aws: Annotated[AwsSettings, _key("aws")]
    """Where the backups are."""
    retention: Annotated[RetentionSettings, _key("retention")] = RetentionSettings()
    """Changes to the default tiers, such as daily: {keep: 30d, lock: 14d}."""
    protect: Annotated[bool, _key("protect")] = True
    """Whether buckets and keys refuse to be destroyed. With false, `pulumi destroy` deletes every
    backup."""
    databases: Annotated[tuple[DatabaseSettings, ...], _key("databases"), Field(min_length=1)]
    """The databases to back up."""
    encryption: Annotated[EncryptionSettings, _key("encryption")]
    """Who can read the backups."""
    postgres_major_version: Annotated[int, _key("postgresMajorVersion"), Field(ge=16, le=99)]
    """Major version of the server; pg_dump must not be older."""
    github: Annotated[GitHubSettings, _key("github")]
    """The repository whose workflow makes the backups."""
    tool: Annotated[ToolSettings, _key("tool")]
    """The release of this repository that the workflow runs."""
    timeout_minutes: Annotated[int, _key("timeoutMinutes"), Field(ge=60, le=360)] = 120
    """Minutes after which a backup is given up; its AWS session lasts as long."""

    @field_validator("protect")
    @classmethod
    def _compliance_is_protected(cls, protect: bool, info: ValidationInfo) -> bool:
        retention = info.data.get("retention")
        if not protect and retention and retention.lock_mode is LockMode.COMPLIANCE:
            raise ValueError(
                "false, but retention.lockMode is COMPLIANCE, so `pulumi destroy` would fail"
                " halfway on the first locked backup; set protect to true, or lockMode to"
                " GOVERNANCE"
            )
        return protect

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
        """The repository whose workflow makes the backups."""
        return Repository(
            owner=self.owner,
            owner_id=self.github.owner_id,
            name=self.github.repository,
            repository_id=self.github.repository_id,
        )

    @property
    def primary_bucket(self) -> str:
        """The bucket that receives the backups."""
        return f"{self.aws.bucket_prefix}-backups"

    @property
    def replica_bucket(self) -> str:
        """The bucket that receives their copies."""
        return f"{self.primary_bucket}-replica"

    @property
    def s3_endpoint(self) -> str | None:
        """Address of the server that stands in for S3. None: AWS itself."""
        return next((each["s3"] for each in self.endpoints if "s3" in each), None)


@dataclass(frozen=True)
class Stack:
    """What the program builds from."""

    settings: Settings
    database_urls: Mapping[str, pulumi.Output[str]]
    """Connection strings by the name of their variable, every one a secret."""
    source: str
    """The file that all of it was read from."""


def read_settings() -> Stack:
    """Read the running stack's configuration.

    Raises:
        SettingsError: it has errors, all of which are named.
    """
    # The SDK can be asked for a key, not for all keys, and a typo is a key nobody asks for.
    values = {**pulumi.runtime.get_config_env(), **CONFIG.get()}
    settings = parse_settings(
        values,
        stack=pulumi.get_stack(),
        root=Path(pulumi.get_root_directory()),
        secrets={key for key in values if pulumi.runtime.is_config_secret(key)},
    )
    config = pulumi.Config(PROJECT)
    return Stack(
        settings=settings,
        database_urls={
            database.variable: config.require_secret(database.secret)
            for database in settings.databases
        },
        source=stack_file(pulumi.get_stack()),
    )


def stack_file(stack: str) -> str:
    """Name of the file that holds a stack's configuration."""
    return f"Pulumi.{stack}.yaml"


def parse_settings(
    values: Mapping[str, str], *, stack: str, root: Path, secrets: Iterable[str] = ()
) -> Settings:
    """Check a stack's configuration.

    Args:
        values: every key with its value as the engine gives it: text, or JSON.
        stack: the stack's name, for messages.
        root: directory that paths are relative to.
        secrets: the keys whose values are encrypted.

    Raises:
        SettingsError: it has errors, all of which are named.
    """
    own = {key: value for key, value in values.items() if key.startswith(f"{PROJECT}:")}
    sealed = set(secrets)
    urls = _database_secrets(own.get(f"{PROJECT}:databases"))
    plain = {key: value for key, value in own.items() if key not in urls}
    candidates = plain | {key: values[key] for key in _OTHER_NAMESPACES if key in values}

    problems = [_missing_secret(key, stack) for key in urls if key not in own]
    problems += [_exposed(key, stack) for key in urls & own.keys() - sealed if _is_remote(own[key])]
    problems += [_secret_inside(key) for key in plain.keys() & sealed & _keys(Settings).keys()]
    try:
        settings = Settings.model_validate(
            {key: _decode(value) for key, value in candidates.items()},
            context=_Context(root, values.get("aws:region")),
        )
    except ValidationError as error:
        found = [_explain(each, sealed, urls, stack) for each in error.errors() if _is_own(each)]
        raise _failure(found + problems, stack) from None
    if problems:
        raise _failure(problems, stack)
    return settings


def _failure(problems: list[str], stack: str) -> SettingsError:
    lines = "\n".join(f"  - {line}" for line in problems)
    return SettingsError(
        f"{stack_file(stack)} has {len(problems)} error{'s'[: len(problems) != 1]}, so nothing was"
        f" changed; correct:\n{lines}"
    )


def _decode(value: str) -> Any:
    """The engine writes lists, mappings, numbers and booleans as JSON, and texts as they are."""
    try:
        decoded: Any = json.loads(value)
    except ValueError:
        return value
    # Digits are a text where a text is due; where a number is, pydantic reads it from the text.
    return cast("Any", decoded) if isinstance(decoded, list | dict) else value


def _database_secrets(written: str | None) -> set[str]:
    """Keys of the connection strings, as far as they can be made out."""
    databases = _decode(written) if written is not None else None
    entries = cast("list[Any]", databases) if isinstance(databases, list) else []
    default = DatabaseSettings.model_fields["secret"].default
    return {
        f"{PROJECT}:{cast('dict[str, Any]', entry).get('secret', default)}"
        for entry in entries
        if isinstance(entry, dict)
    }


def _missing_secret(key: str, stack: str) -> str:
    return (
        f"{key}: missing, so its database could not be reached; run"
        f" pulumi config set --secret {key} --stack {stack}"
    )


def _is_remote(url: str) -> bool:
    return _THIS_MACHINE.search(url) is None


def _exposed(key: str, stack: str) -> str:
    return (
        f"{key}: in plain text, so whoever reads {stack_file(stack)} can read the database;"
        " change the password, then run"
        f" pulumi config set --secret {key} --stack {stack}"
    )


def _secret_inside(key: str) -> str:
    return (
        f"{key}: holds a secret, and all of it would be hidden from reviews; keep the secret under"
        " a key of its own"
    )


def _is_own(problem: ErrorDetails) -> bool:
    """Whether it is not merely what is left of a list after its entries were refused."""
    return problem["type"] != "too_short" or not problem["input"]


def _explain(problem: ErrorDetails, sealed: set[str], urls: set[str], stack: str) -> str:
    """One line: path, value, consequence and fix."""
    location = problem["loc"]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)[1:]
    description = _description(location)
    meaning = f". It is: {' '.join(description.split()).rstrip('.')}" if description else ""
    value = problem["input"]
    shown = "[secret]" if location[0] in sealed else repr(value)
    match problem["type"]:
        case "missing":
            return (
                f"{path}: missing, so nothing can be built; add it to {stack_file(stack)}{meaning}"
            )
        case "extra_forbidden":
            # The value is not shown: the key may be a misspelt secret.
            known = {*_keys(_model_at(location[:-1])), *(urls if len(location) == 1 else ())}
            close = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.7)
            fix = f"did you mean {close[0]}?" if close else "remove it"
            return f"{path}: not a setting, so it would change nothing; {fix}"
        case "value_error":
            return f"{path}: {problem['msg'].removeprefix('Value error, ')}"
        case _:
            reason = problem["msg"][0].lower() + problem["msg"][1:]
            return f"{path}: {shown} is refused, so nothing can be built: {reason}{meaning}"


def _description(location: tuple[int | str, ...]) -> str | None:
    if isinstance(location[-1], int):
        return _description(location[:-1])
    field = _keys(_model_at(location[:-1])).get(location[-1])
    return field.description if field else None


def _keys(model: type[BaseModel] | None) -> dict[str, Any]:
    """A model's fields by the names that the stack file gives them."""
    if model is None:
        return {}
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that describes a place in the stack file, None where there is none."""
    model: type[BaseModel] | None = Settings
    for part in location:
        if isinstance(part, int):
            continue
        field = _keys(model).get(part)
        model = _model_in(field.annotation) if field else None
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, (_model_in(each) for each in get_args(annotation))), None)
