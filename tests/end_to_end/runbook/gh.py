"""`gh workflow run` and `gh workflow enable`, by the requests that GitHub's own gh sends.

Nothing else of it is known here, so that a runbook's command which gh would not take fails.
"""

import argparse
import json
import os
import sys
import urllib.request
from typing import Any
from urllib.error import HTTPError


def main() -> None:
    """Do what the command line says."""
    words = argparse.ArgumentParser(prog="gh")
    commands = (
        words.add_subparsers(required=True)
        .add_parser("workflow")
        .add_subparsers(dest="command", required=True)
    )
    run, enable = commands.add_parser("run"), commands.add_parser("enable")
    for command in (run, enable):
        command.add_argument("workflow")
        command.add_argument("--repo", required=True)
    run.add_argument("--ref", required=True)
    run.add_argument("-f", dest="fields", action="append", default=[])
    asked = words.parse_args()
    place = f"repos/{asked.repo}/actions/workflows/{asked.workflow}"
    number = json.loads(send("GET", place))["id"]
    place = f"repos/{asked.repo}/actions/workflows/{number}"
    if asked.command == "enable":
        send("PUT", f"{place}/enable")
        return
    inputs = dict(field.split("=", 1) for field in asked.fields)
    send("POST", f"{place}/dispatches", {"ref": asked.ref, "inputs": inputs})


def send(method: str, path: str, body: Any = None) -> bytes:
    """Ask GitHub; what it answers."""
    request = urllib.request.Request(  # noqa: S310 - the emulator's own
        f"{os.environ['GITHUB_API_URL']}/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {os.environ['GITHUB_TOKEN']}"},
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            return answer.read()
    except HTTPError as error:
        sys.exit(f"HTTP {error.code}: {error.read().decode()}")


if __name__ == "__main__":
    main()
