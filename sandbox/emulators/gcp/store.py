"""What the emulator remembers: tables of documents in Google's own JSON, in one file.

The file is replaced in one step, so a kill at any moment leaves the old or the new one.
"""

import fcntl
import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, TextIO
from zlib import crc32

from sandbox.files import write_atomically

Document = dict[str, Any]
_SMALLEST_NUMBER, _NUMBERS = 100_000_000_000, 900_000_000_000


class DirectoryInUseError(Exception):
    """Another emulator holds the directory."""


class Store:
    """All of the emulator's data but objects."""

    def __init__(self, directory: Path) -> None:
        self._lock = RLock()
        directory.mkdir(parents=True, exist_ok=True)
        self._claim = _claim(directory / "lock")
        self._file = directory / "state.json"
        self._tables: dict[str, dict[str, Document]] = {}
        self._read()

    def close(self) -> None:
        """Let another emulator have the directory."""
        self._claim.close()

    def table(self, name: str) -> dict[str, Document]:
        """Documents by name. Change them only while `changing`."""
        return self._tables.setdefault(name, {})

    @contextmanager
    def changing(self) -> Generator[None]:
        """One request at a time: what it changes is kept, unless it raises."""
        with self._lock:
            before = json.dumps(self._tables)
            try:
                yield
            except BaseException:
                self._tables = json.loads(before)
                raise
            after = json.dumps(self._tables)
            if after != before:
                # Private keys are shown once and not kept, but policies are nobody else's either.
                write_atomically(self._file, after, mode=0o600)

    def project_number(self, project: str) -> str:
        """The number of a project by its id. All projects exist, with the same number for ever."""
        number = str(_SMALLEST_NUMBER + crc32(project.encode()) * 7919 % _NUMBERS)
        self.table("projects").setdefault(number, {"projectId": project})
        return number

    def project_id(self, project: str) -> str:
        """The id of a project by its id or by its number."""
        if project.isdecimal():
            return self.table("projects").get(project, {"projectId": project})["projectId"]
        self.project_number(project)
        return project

    def _read(self) -> None:
        if self._file.exists():
            self._tables = json.loads(self._file.read_text())


def _claim(path: Path) -> TextIO:
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise DirectoryInUseError(
            f"{path.parent} belongs to an emulator that is running: stop it, or use another --data."
        ) from error
    return file
