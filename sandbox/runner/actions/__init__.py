"""Stand-ins of actions: what they do where there is no network.

Each is a folder with an `action.yml`, whose inputs are those that it honours, and a program.
"""

from pathlib import Path
from typing import Any

import yaml

from sandbox.errors import SandboxError
from sandbox.runner.document import Use

_HERE = Path(__file__).parent
_FOLDERS = {
    "actions/checkout": "checkout",
    "actions/setup-python": "setup_python",
    "actions/upload-artifact": "upload_artifact",
    "aws-actions/configure-aws-credentials": "configure_aws_credentials",
    "google-github-actions/auth": "google_auth",
}


def folder(use: Use) -> Path:
    """What stands in for an action.

    Raises SandboxError when nothing does, or when the stand-in does not know an input.
    """
    if use.action not in _FOLDERS:
        raise SandboxError(
            f"nothing stands in for the action {use.action}: write one in sandbox/runner/actions"
        )
    place = _HERE / _FOLDERS[use.action]
    action: dict[str, Any] = yaml.safe_load((place / "action.yml").read_text())
    for name in use.inputs:
        if name not in action["inputs"]:
            raise SandboxError(
                f"the stand-in of {use.action} does not know the input `{name}`: see what the"
                f" action does with it, and teach that to sandbox/runner/actions/{place.name}"
            )
    return place
