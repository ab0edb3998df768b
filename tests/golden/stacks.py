"""What every stack commits to its repository, from the stack files alone: no engine, no secrets."""

import json
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from components.generated import generated_files
from components.sections import PROJECT, Settings
from components.settings import parse_settings, stack_file
from workflows.own import own_workflows
from workflows.stacks import Stack

ROOT = Path(__file__).parents[2]
GOLDEN = Path(__file__).parent
OWN_WORKFLOWS = ROOT / ".github" / "workflows"
STACKS = ("local", "staging", "prod")

_PUBLIC_KEY = """\
-----BEGIN PGP PUBLIC KEY BLOCK-----

The key of this stack is not part of the golden files.
-----END PGP PUBLIC KEY BLOCK-----
"""


class StackFile(NamedTuple):
    """What the engine would give a program of one stack."""

    values: dict[str, str]
    """Every key of its configuration, as text or JSON."""
    secrets: set[str]
    """The keys whose values are encrypted."""


def stack_values(stack: str, directory: Path) -> StackFile:
    """A stack's configuration, with public keys and connection strings that stand in for its own.

    `directory` receives the keys.
    """
    content: dict[str, Any] = yaml.safe_load((ROOT / stack_file(stack)).read_text())["config"]
    for written in content[f"{PROJECT}:encryption"]["publicKeyFiles"]:
        path = directory / written
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_PUBLIC_KEY)
    databases = content[f"{PROJECT}:databases"]
    secrets = {f"{PROJECT}:{each['secret']}" for each in databases}
    if any("neon" in each for each in databases):
        secrets.add(f"{PROJECT}:neonApiKey")
    # The engine gives a program texts as they are, and everything else as JSON.
    values = {
        key: value if isinstance(value, str) else json.dumps(value, default=_moment)
        for key, value in {**content, **dict.fromkeys(secrets, "")}.items()
    }
    return StackFile(values, secrets)


def _moment(day: date) -> str:
    """A date without quotes, as the engine gives it."""
    return f"{day} 00:00:00 +0000 UTC"


def settings_of(stack: str, directory: Path) -> Settings:
    """A stack's settings; `directory` receives the keys that stand in for its own."""
    values, secrets = stack_values(stack, directory)
    return parse_settings(values, stack=stack, root=directory, secrets=secrets)


def golden_files(stack: str, directory: Path) -> dict[Path, str]:
    """Where each generated file's copy is, and what it must hold."""
    files = generated_files(settings_of(stack, directory), stack_file(stack))
    folders = {
        ".yml": GOLDEN / "workflows" / stack,
        ".yaml": GOLDEN / "configuration" / stack,
        ".md": GOLDEN / "runbook" / stack,
    }
    return {
        folders[Path(path).suffix] / Path(path).name: content for path, content in files.items()
    }


def own_workflow_files(directory: Path) -> dict[Path, str]:
    """Where each workflow of this repository is, and what it must hold.

    They deploy the stacks that say where they are deployed from, in the order of STACKS.
    """
    stacks: list[Stack] = []
    branches: set[str] = set()
    for name in STACKS:
        settings = settings_of(name, directory)
        if settings.infrastructure is not None:
            branches.add(settings.infrastructure.branch)
            stacks.append(
                Stack(
                    name=name,
                    environment=settings.environment,
                    aws=settings.aws is not None,
                    gcp=settings.gcp is not None,
                )
            )
    (branch,) = branches
    files = own_workflows(tuple(stacks), branch)
    return {ROOT / path: content for path, content in files.items()}
