"""`actions/upload-artifact` for one file, which whoever drives the run gets with its result."""

import shutil
from pathlib import Path

from sandbox.runner import facts
from sandbox.runner.actions import step


def main() -> None:
    """Copy it below the name of the artifact, which no other step of the run may use."""
    given = step.inputs()
    if given["if-no-files-found"] != "error":
        step.fail("if-no-files-found: say error; a page that nobody misses helps nobody")
    path = Path(given["path"])
    if not path.is_file():
        step.fail(
            f"No files were found with the provided path: {path}. No artifacts will be uploaded."
        )
    place = Path(facts.read().artifacts) / given["name"]
    if place.exists():
        step.fail(f"(409) Conflict: an artifact with this name already exists: {given['name']}")
    place.mkdir(parents=True)
    shutil.copy(path, place / path.name)


if __name__ == "__main__":
    main()
