"""The main job on real input: back the demo up, list it, prove it, and show what that gave."""

import json
import subprocess
from pathlib import Path
from typing import Any

from sandbox.emulators.github.storage import git_path
from sandbox.errors import SandboxError
from sandbox.jobs import Job
from sandbox.local import Sandbox
from sandbox.stack_file import STACK
from sandbox.steps import Steps

CONFIGURATION = f".neonhub-backup/{STACK}.yaml"
"""The tool's configuration file in the repository that the deployment commits to."""


def run(steps: Steps, sandbox: Sandbox) -> None:
    """Back up, list, drill and report with the configuration that the deployment committed.

    Raises StepError when the tool refuses, or the drill finds a difference.
    """
    with steps.step("configuration") as step:
        configuration = _fetch_configuration(sandbox)
        step.done = f"{CONFIGURATION} of {sandbox.addresses.github_repository}"
    with steps.step("backup") as step:
        (taken,) = _tool(sandbox, configuration, "backup")
        step.done = f"{taken['tier']} backup {taken['name']}"
    with steps.step("list") as step:
        listed = _tool(sandbox, configuration, "list")
        step.done = f"{len(listed)} complete, the newest {listed[0]['name']}"
    with steps.step("drill") as step:
        proof = _tool(sandbox, configuration, "drill", taken["name"])
        step.done = f"restored into an empty PostgreSQL {proof['server_major']}, no difference"
    page = sandbox.home / "page.html"
    with steps.step("page") as step:
        shown = _tool(sandbox, configuration, "report", "--html", str(page))
        step.done = f"{shown['status']['environment']} is {shown['status']['verdict']}"
    rows = [*_rows(taken, proof), ("page", str(page))]
    lines = [f"  {name:<16} {text}" for name, text in rows]
    print("\n".join(["", *lines, ""]), flush=True)


def _rows(taken: dict[str, Any], proof: dict[str, Any]) -> list[tuple[str, str]]:
    stored = f"{taken['objects']} objects, {taken['bytes'] / 1e6:.1f} MB, compressed and encrypted"
    source = f"PostgreSQL {taken['server']}: {taken['tables']} tables, {taken['rows']:,} rows"
    compared = (
        f"{proof['rows']:,} rows, {proof['schema_objects']} schema objects and"
        f" {len(proof['checks'])} checks compared, no difference"
    )
    times = f"data after {proof['seconds_to_data']} s, search after {proof['seconds_to_search']} s"
    return [
        ("source", source),
        *(("stored in", address) for address in taken["stores"].values()),
        ("stored", stored),
        ("proven", compared),
        ("restored", times),
    ]


def _fetch_configuration(sandbox: Sandbox) -> Path:
    repository = sandbox.addresses.github_repository
    shown = subprocess.run(
        ["git", "show", f"main:{CONFIGURATION}"],
        cwd=git_path(sandbox.github_data, repository),
        capture_output=True,
        check=False,
    )
    if shown.returncode != 0:
        raise SandboxError(
            f"{repository} holds no {CONFIGURATION} ({shown.stderr.decode().strip()}), so there is"
            " nothing to back up with: run `make down`, then `make up`"
        )
    path = sandbox.home / "configuration" / f"{STACK}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(shown.stdout)
    return path


def _tool(sandbox: Sandbox, configuration: Path, *arguments: str) -> Any:
    result = configuration.with_name(f"{arguments[0]}.json")
    python = sandbox.installation.environment.python
    command = [str(python.parent / "neonhub-backup"), "--config", str(configuration)]
    job = Job(
        sandbox.supervisor,
        arguments[0],
        [*command, *arguments, "--json"],
        directory=sandbox.project,
        environment=sandbox.process_environment(),
        output=result,
    )
    job.wait("correct that and run the command again")
    return json.loads(result.read_text())
