"""`actions/setup-python` with the Python that the sandbox was made with.

Not the sandbox's own environment: what a workflow forgets to install must be missing.
"""

import os
import sys
from pathlib import Path

from sandbox.runner import facts
from sandbox.runner.actions import step
from sandbox.venv import offer_base_python


def main() -> None:
    """Offer it as `python` and `python3`."""
    given = step.inputs()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if given["python-version"] != version:
        step.notice(f"Python {version} stands in for {given['python-version']}")
    programs = Path(os.environ["RUNNER_TEMP"]) / "python"
    offer_base_python(programs)
    step.add_to_path(programs)
    if given["cache"] == "pip":
        workspace = Path(os.environ["GITHUB_WORKSPACE"])
        if not list(workspace.glob(given["cache-dependency-path"])):
            step.fail(
                f"No file in {workspace} matched to [{given['cache-dependency-path']}], make sure"
                " you have checked out the target repository"
            )
        step.export("PIP_CACHE_DIR", facts.read().pip_cache)
    elif given["cache"]:
        step.fail(f"Caching for '{given['cache']}' is not supported")


if __name__ == "__main__":
    main()
