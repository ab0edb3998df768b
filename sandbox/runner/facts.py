"""What the driver tells the actions of a job: a file that a variable names."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from sandbox.files import write_atomically

PLACE = "SANDBOX_JOB"
"""The variable that names the file."""
PYTHON = "SANDBOX_PYTHON"
"""The variable that names the interpreter of the actions."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What takes the place of the internet."""

    repositories: Mapping[str, str]
    """The git repositories that can be checked out, by `owner/name`."""
    pip_cache: str
    """A folder for pip's downloads."""
    aws_url: str
    """Where AWS is."""
    google_url: str
    """Where Google Cloud is."""
    artifacts: str
    """The folder for what the run keeps."""
    claims: Mapping[str, str] | None
    """What GitHub would certify of the job. None: it may not ask for that."""


def write(facts: Facts, path: Path) -> None:
    """For `read` in the processes of the job."""
    write_atomically(path, json.dumps(asdict(facts)))


def read() -> Facts:
    """Those of the job that this process belongs to."""
    return Facts(**json.loads(Path(os.environ[PLACE]).read_text()))
