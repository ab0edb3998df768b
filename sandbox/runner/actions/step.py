"""What a step of an action can do: read its inputs, and leave something for the steps after it."""

import json
import os
import sys
from pathlib import Path
from typing import NoReturn


def inputs() -> dict[str, str]:
    """What the workflow gives the action, or the action's defaults."""
    return {name: str(value) for name, value in json.loads(os.environ["INPUTS"]).items()}


def export(name: str, value: str) -> None:
    """Set a variable for all steps that follow."""
    _append("GITHUB_ENV", f"{name}={value}")


def add_to_path(folder: Path) -> None:
    """Let all steps that follow find programs there first."""
    _append("GITHUB_PATH", str(folder))


def mask(secret: str) -> None:
    """Keep a word out of the log."""
    print(f"::add-mask::{secret}", flush=True)


def notice(text: str) -> None:
    """Say something on the page of the run."""
    print(f"::notice::{text}", flush=True)


def fail(reason: str) -> NoReturn:
    """End the step, and with it the job."""
    print(f"::error::{reason}", flush=True)
    sys.exit(1)


def _append(file: str, line: str) -> None:
    with Path(os.environ[file]).open("a") as stream:
        stream.write(f"{line}\n")
