"""What a job of GitHub Actions reads: outputs, annotations and the page of the run."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neonhub_backup.errors import ConfigurationError, DeliveryError

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
OUTPUT_VARIABLE = "GITHUB_OUTPUT"


@dataclass(frozen=True)
class Job:
    """The files that the runner reads when a step has ended."""

    summary: Path
    """Markdown for the page of the run."""
    outputs: Path
    """Values for other steps and jobs."""


def own_job(environment: Mapping[str, str]) -> Job:
    """The job that this process runs in.

    Raises:
        ConfigurationError: it runs in none.
    """
    found = [environment.get(name, "") for name in (SUMMARY_VARIABLE, OUTPUT_VARIABLE)]
    if not all(found):
        raise ConfigurationError(
            f"--github writes to the files that {SUMMARY_VARIABLE} and {OUTPUT_VARIABLE} name, and"
            " one of the two is not set, so nothing was done: leave it out where no GitHub Actions"
            " are at work"
        )
    return Job(*map(Path, found))


def append(path: Path, text: str) -> None:
    """Add to one of the job's files.

    Raises:
        DeliveryError: it cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise DeliveryError(
            f"{path} cannot be written ({error.strerror}), so GitHub does not show how the command"
            " ended; what it has done stands: see to the runner's disk"
        ) from error


def output(name: str, value: str) -> str:
    """A value for other steps, whatever lines it has."""
    if "\n" not in value and "\r" not in value:
        return f"{name}={value}\n"
    # Unguessable, so that no line of the value can end it and begin another.
    delimiter = f"end-{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def annotation(title: str, message: str) -> str:
    """The line on standard output that shows an error beside the run."""
    return f"::error title={_escaped(title, ':,')}::{_escaped(message)}\n"


def _escaped(text: str, besides: str = "") -> str:
    for character in f"%\r\n{besides}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
