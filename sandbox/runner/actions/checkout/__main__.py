"""`actions/checkout` for the repositories of this machine.

This project is checked out as it is here and now, whatever commit is asked for: the commit that a
stack file names is the one that its users run, and what is to be tried is the one at hand.
"""

import os
import shutil
import subprocess
from pathlib import Path

from sandbox.runner import facts
from sandbox.runner.actions import step


def main() -> None:
    """Fetch one commit, as shallow as the action does."""
    given = step.inputs()
    workspace = Path(os.environ["GITHUB_WORKSPACE"])
    place = (workspace / given["path"]).resolve()
    if not place.is_relative_to(workspace.resolve()):
        step.fail(f"Repository path '{place}' is not under '{workspace}'")
    if given["persist-credentials"] != "false":
        step.fail("persist-credentials: say false; no step here may rely on git's credentials")
    known = facts.read().repositories
    source = known.get(given["repository"])
    if source is None:
        step.fail(f"there is no repository {given['repository']} here, only {', '.join(known)}")
    _empty(place)
    own = given["repository"] == os.environ["GITHUB_REPOSITORY"]
    if not own:
        step.notice(f"{given['repository']} is checked out as it is on this machine")
    _git(place, "init", "--quiet", "--template=")
    commit = given["ref"] if own else "HEAD"
    _git(place, "fetch", "--quiet", "--depth=1", f"file://{source}", commit)
    patterns = given["sparse-checkout"].split()
    if patterns:
        mode = "--cone" if given["sparse-checkout-cone-mode"] == "true" else "--no-cone"
        _git(place, "sparse-checkout", "set", mode, *patterns)
    _git(place, "checkout", "--quiet", "--detach", "FETCH_HEAD")


def _empty(place: Path) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for entry in place.iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _git(place: Path, *arguments: str) -> None:
    done = subprocess.run(
        ["git", "-C", place, "-c", "protocol.file.allow=always", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        step.fail(f"git {arguments[0]} failed: {' '.join(done.stderr.split())}")


if __name__ == "__main__":
    main()
