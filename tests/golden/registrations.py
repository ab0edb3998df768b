"""What a stack asks the engine for: its own program, run without a cloud."""

import json
import runpy
from collections.abc import Mapping
from contextvars import Context
from pathlib import Path
from typing import Any, NamedTuple, cast
from unittest.mock import patch

import pulumi
import yaml
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, rpc, set_all_config

from components.sections import PROJECT, Settings
from components.settings import stack_file
from tests.engine import Echo, Engine, Request, own_loop, run
from tests.golden.stacks import GOLDEN, ROOT, golden_files, settings_of, stack_values

_REVIEWER = 7
"""Number of every user and team."""

SECRET = "[secret]"  # noqa: S105 - what is shown in its place

_SHOWN_OPTIONS = (
    "provider",
    "protect",
    "retainOnDelete",
    "deleteBeforeReplace",
    "ignoreChanges",
    "replaceOnChanges",
    "hideDiffs",
    "additionalSecretOutputs",
    "importId",
)
_KNOWN_AFTERWARDS = {
    "aws:cloudtrail/trail:Trail": ("arn",),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": ("arn",),
    "aws:iam/policy:Policy": ("arn",),
    "aws:iam/role:Role": ("arn", "name"),
    "aws:kms/key:Key": ("arn", "keyId"),
    "aws:sns/topic:Topic": ("arn",),
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": ("name",),
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": ("name",),
    "gcp:projects/iAMCustomRole:IAMCustomRole": ("name",),
    "gcp:serviceaccount/account:Account": ("email", "member", "name"),
}
"""Outputs that only the cloud can give, as far as inputs of others are made from them."""


class Registration(NamedTuple):
    """One resource of a stack, as plain data."""

    type: str
    name: str
    inputs: dict[str, Any]
    """By the engine's names; what only the cloud knows is in angle brackets."""
    options: dict[str, Any]
    """Those that were given, and no others. Resources are named as `type::name`."""

    @property
    def reference(self) -> str:
        """What other resources call it."""
        return f"{self.type}::{self.name}"


class _Cloud(Echo):
    """Answers with what a review can read, and knows all that the settings name."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            {
                "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "<account>"},
                "gcp:storage/getProjectServiceAccount:getProjectServiceAccount": {
                    "member": "<storage service agent>"
                },
                "github:index/getUser:getUser": {"id": str(settings.github.owner_id)},
            }
        )
        repositories = (settings.repository, settings.infrastructure_repository)
        self._numbers = {each.full_name: each.repository_id for each in repositories if each}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        asked = cast("dict[str, Any]", args.args)
        match args.token:
            case "github:index/getRepository:getRepository":
                return {"repoId": self._numbers[asked["fullName"]]}, []
            case "github:index/getRestApi:getRestApi":
                # Whatever is asked about: a branch, a reviewer, or what one may read.
                known = {"id": _REVIEWER, "permission": "read", "user": {"id": _REVIEWER}}
                return {"code": 200, "body": json.dumps(known)}, []
            case _:
                return super().call(args)

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = cast("dict[str, Any]", args.inputs)
        known = _KNOWN_AFTERWARDS.get(args.typ, ())
        return f"<id of {args.name}>", {
            **{output: f"<{output} of {args.name}>" for output in known},
            **_given_by_the_engine(args),
            **inputs,
        }


def _given_by_the_engine(args: mocks.MockResourceArgs) -> dict[str, str]:
    """A name with letters of the engine's own, where others are made of them."""
    ring = args.typ == "gcp:kms/keyRing:KeyRing"
    return {"name": f"{args.name}-1a2b3c4"} if ring else {}


def registrations(stack: str, directory: Path) -> list[Registration]:
    """Every resource of a stack, sorted; `directory` receives keys that stand in for its own."""
    # Nothing of this run is left behind: the SDK keeps its state and the configuration there.
    return Context().run(_registrations, stack, directory)


def _registrations(stack: str, directory: Path) -> list[Registration]:
    settings = settings_of(stack, directory)
    engine = Engine(_Cloud(settings))

    def program() -> None:
        values, secrets = stack_values(stack, directory)
        set_all_config(values, [*secrets])
        runpy.run_path(str(ROOT / "__main__.py"))

    with own_loop(), patch.object(pulumi, "get_root_directory", lambda: str(directory)):
        run(program, engine, project=PROJECT, stack=stack)
    return sorted(_registration(each) for each in engine.registered)


def _registration(request: Request) -> Registration:
    asked = request.options
    absent = asked.propertyDependencies.keys() - request.inputs.keys()
    if absent:
        raise LookupError(
            f"{asked.type} {asked.name} has no {', '.join(sorted(absent))}, since the outputs that"
            " they are made from are unknown here: add those to _KNOWN_AFTERWARDS"
        )
    return Registration(asked.type, asked.name, _plain(request.inputs), _options(asked))


def _options(asked: Any) -> dict[str, Any]:
    implied = {urn for each in asked.propertyDependencies.values() for urn in each.urns}
    options: dict[str, Any] = {
        "parent": "" if _is_stack(asked.parent) else _reference(asked.parent),
        "dependsOn": sorted(_reference(urn) for urn in {*asked.dependencies} - implied),
        "deletedWith": _reference(asked.deletedWith),
        "aliases": _aliases(asked),
        "replaceWith": [_reference(urn) for urn in asked.replace_with],
        "customTimeouts": MessageToDict(asked.customTimeouts),
    }
    for option in _SHOWN_OPTIONS:
        value: Any = getattr(asked, option)
        options[option] = value if isinstance(value, bool | str) else list(value)
    return {option: value for option, value in options.items() if value}


def _aliases(asked: Any) -> list[Any]:
    """Earlier names and types, each once: the SDK repeats its own."""
    found: list[Any] = list(asked.aliasURNs)
    for alias in asked.aliases:
        written = MessageToDict(alias)
        spec = {key: value for key, value in written.get("spec", written).items() if value}
        if spec not in found:
            found.append(spec)
    return found


def _is_stack(urn: str) -> bool:
    return "::pulumi:pulumi:Stack::" in urn


def _reference(urn: str) -> str:
    """`type::name`: a type is the last of its ancestors' in a URN."""
    *_, types, name = urn.split("::", 3) if urn else ("", "")
    return f"{types.rpartition('$')[2]}::{name}" if urn else ""


def _plain(value: Any) -> Any:
    """The value without its secrets."""
    if rpc.is_rpc_secret(value):
        return SECRET
    if isinstance(value, Mapping):
        entries = cast("Mapping[str, Any]", value).items()
        return {key: _plain(entry) for key, entry in entries}
    if isinstance(value, list):
        return [_plain(entry) for entry in cast("list[Any]", value)]
    # The protocol has one kind of number.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def golden_registrations(stack: str, directory: Path) -> dict[Path, str]:
    """Where the copy of a stack's registrations is, and what it must hold."""
    committed = {
        content: f"[{path.relative_to(ROOT)}]"
        for path, content in golden_files(stack, directory).items()
    }
    resources = {
        each.reference: {**each.options, "inputs": _readable(each.inputs, committed)}
        for each in registrations(stack, directory)
    }
    text = yaml.dump(resources, sort_keys=False, width=200, allow_unicode=True)
    header = f"# What {stack_file(stack)} asks the engine for. Written by `make golden`.\n"
    return {GOLDEN / f"{stack}.yaml": header + text}


def _readable(value: Any, committed: Mapping[str, str]) -> Any:
    """Policy documents as what they say, generated files as their golden copies' names."""
    match value:
        case dict():
            entries = sorted(cast("dict[str, Any]", value).items())
            return {key: _readable(entry, committed) for key, entry in entries}
        case list():
            return [_readable(entry, committed) for entry in cast("list[Any]", value)]
        case str() if value in committed:
            return committed[value]
        case str() if value.startswith("{"):
            return {"[JSON]": json.loads(value)}
        case _:
            return value
