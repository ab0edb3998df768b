"""Temporary folders, whose users may still be tidying up when we do."""

import shutil
from pathlib import Path


def remove_folder(folder: Path) -> None:
    """Remove a folder, while programs that are ending take their own files out of it."""
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            # A socket or a lock file went meanwhile, which is what we want: on with the rest.
            continue
