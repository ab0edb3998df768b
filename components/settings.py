"""The settings of one stack, and the only reader of `pulumi.Config`.

`parse_settings` is pure but for the public key files; `read_settings` gives it the configuration
of the running stack.
"""

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from inspect import signature
from pathlib import Path
from typing import Any, cast, get_args

import pulumi
import pulumi_aws
import pulumi_gcp
import pulumi_github
from pulumi.runtime.config import CONFIG
from pydantic import BaseModel, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from components.agreement import disagreements
from components.sections import PROJECT, Context, DatabaseSettings, Settings, today

_OTHER_NAMESPACES = (
    "aws:region",
    "aws:defaultTags",
    "aws:endpoints",
    "aws:s3UsePathStyle",
    "gcp:project",
    "gcp:storageCustomEndpoint",
    "github:owner",
)
_OPTIONAL_SECRETS = {
    f"{PROJECT}:gpgPrivateKey": "read all backups; revoke it",
    f"{PROJECT}:neonApiKey": "read all of the Neon project; revoke it",
    f"{PROJECT}:heartbeatUrl": "say that backups succeed; replace it",
    f"{PROJECT}:watchHeartbeatUrl": "say that backups keep their promises; replace it",
    f"{PROJECT}:chatUrl": "write to the chat; replace it",
}
"""Further secrets by their keys, what whoever has one can do, and what then helps."""

_PROVIDERS = {
    package: frozenset(to_camel(name) for name in signature(arguments).parameters)
    for package, arguments in {
        "aws": pulumi_aws.ProviderArgs,
        "gcp": pulumi_gcp.ProviderArgs,
        "github": pulumi_github.ProviderArgs,
    }.items()
}
"""Everything that a stack file can tell each provider."""

_THIS_MACHINE = re.compile(r"@(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(/|$)")


class SettingsError(pulumi.RunError):
    """Everything that is wrong with a stack's configuration, in one message."""


@dataclass(frozen=True)
class Stack:
    """What the program builds from."""

    settings: Settings
    database_urls: Mapping[str, pulumi.Output[str]]
    """Connection strings by the name of their variable, every one a secret."""
    gpg_private_key: pulumi.Output[str] | None
    """What drills and restores decrypt with; None: GitHub holds no such key."""
    neon_api_key: pulumi.Output[str] | None
    """What opens the Neon project; None: the databases are elsewhere."""
    heartbeat_url: pulumi.Output[str] | None
    """Where good backups are told; None: nowhere."""
    watch_heartbeat_url: pulumi.Output[str] | None
    """Where good watches are told; None: nowhere."""
    chat_url: pulumi.Output[str] | None
    """Where failures are told; None: nowhere."""
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
        gpg_private_key=config.get_secret("gpgPrivateKey"),
        neon_api_key=config.get_secret("neonApiKey"),
        heartbeat_url=config.get_secret("heartbeatUrl"),
        watch_heartbeat_url=config.get_secret("watchHeartbeatUrl"),
        chat_url=config.get_secret("chatUrl"),
        source=stack_file(pulumi.get_stack()),
    )


def stack_file(stack: str) -> str:
    """Name of the file that holds a stack's configuration."""
    return f"Pulumi.{stack}.yaml"


def parse_settings(
    values: Mapping[str, str],
    *,
    stack: str,
    root: Path,
    secrets: Iterable[str] = (),
    on: date | None = None,
) -> Settings:
    """Check a stack's configuration.

    Args:
        values: every key with its value as the engine gives it: text, or JSON.
        stack: the stack's name, for messages.
        root: directory that paths are relative to.
        secrets: the keys whose values are encrypted.
        on: the day that waivers are judged by. None: today, UTC.

    Raises:
        SettingsError: it has errors, all of which are named.
    """
    own = {key: value for key, value in values.items() if key.startswith(f"{PROJECT}:")}
    sealed = set(secrets)
    urls = _database_secrets(own.get(f"{PROJECT}:databases"))
    plain = {key: value for key, value in own.items() if key not in urls | _OPTIONAL_SECRETS.keys()}
    candidates = plain | {key: values[key] for key in _OTHER_NAMESPACES if key in values}

    problems = [*_strays(values, _keys(Settings).keys() | urls | _OPTIONAL_SECRETS.keys())]
    problems += [_missing_secret(key, stack) for key in urls if key not in own]
    problems += [_exposed(key, stack) for key in urls & own.keys() - sealed if _is_remote(own[key])]
    problems += [
        _exposed(key, stack, harm)
        for key, harm in _OPTIONAL_SECRETS.items()
        if key in own.keys() - sealed
    ]
    problems += _not_private(own.get(f"{PROJECT}:gpgPrivateKey"))
    problems += [_secret_inside(key) for key in plain.keys() & sealed & _keys(Settings).keys()]
    try:
        settings = Settings.model_validate(
            {key: _decode(value) for key, value in candidates.items()},
            context=Context(root, values.get("aws:region"), on or today()),
        )
    except ValidationError as error:
        found = [_explain(each, sealed, urls, stack) for each in error.errors() if _is_own(each)]
        raise _failure(found + problems, stack) from None
    problems += disagreements(settings)
    problems += _switched_on(settings, own, stack)
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


def _switched_on(settings: Settings, given: Iterable[str], stack: str) -> Iterator[str]:
    """Each setting and the secret that it needs: neither without the other."""
    on_neon = any(each.neon is not None for each in settings.databases)
    alarms = settings.alarms
    for setting, on, secret, loss in (
        ("alarms.heartbeat", alarms.heartbeat, "heartbeatUrl", "would tell nobody"),
        ("alarms.watchHeartbeat", alarms.watch_heartbeat, "watchHeartbeatUrl", "would tell nobody"),
        ("alarms.chat", alarms.chat, "chatUrl", "would tell nobody"),
        ("databases[].neon", on_neon, "neonApiKey", "could take no snapshot"),
    ):
        key = f"{PROJECT}:{secret}"
        if on and key not in given:
            yield (
                f"{key}: missing, so {setting} {loss}; run pulumi config set --secret {key} --stack"
                f" {stack}, or remove {setting}"
            )
        if key in given and not on:
            yield (
                f"{PROJECT}:{setting}: not set, so {key} would be stored and never used; set it, or"
                f" run pulumi config rm {key} --stack {stack}"
            )


def _is_remote(url: str) -> bool:
    return _THIS_MACHINE.search(url) is None


def _exposed(key: str, stack: str, harm: str = "read the database; change the password") -> str:
    return (
        f"{key}: in plain text, so whoever reads {stack_file(stack)} can {harm}, then run"
        f" pulumi config set --secret {key} --stack {stack}"
    )


def _not_private(key: str | None) -> list[str]:
    if key is None or "BEGIN PGP PRIVATE KEY BLOCK" in key:
        return []
    problem = (
        f"{PROJECT}:gpgPrivateKey: holds no ASCII-armoured GPG private key, so no drill could"
        " decrypt; export one with gpg --armor --export-secret-keys ADDRESS, or remove the setting"
    )
    return [problem]


def _strays(values: Iterable[str], own: Iterable[str]) -> Iterator[str]:
    """Keys that neither this program nor a provider of its reads."""
    read = {*own, *(f"{package}:{name}" for package, names in _PROVIDERS.items() for name in names)}
    for key in values:
        namespace = key.partition(":")[0]
        # What is misspelt below our own namespace is found with the other settings.
        if key not in read and namespace not in {PROJECT, "pulumi"}:
            close = difflib.get_close_matches(key, read, n=1, cutoff=0.7)
            fix = f"did you mean {close[0]}?" if close else "remove it"
            yield f"{key}: nothing reads it, so it would change nothing; {fix}"


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
            secrets = urls | _OPTIONAL_SECRETS.keys() if len(location) == 1 else set[str]()
            known = {*_keys(_model_at(location[:-1])), *secrets}
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
