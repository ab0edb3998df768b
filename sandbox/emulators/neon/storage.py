"""Where the project lives on disk: one file, replaced in one step after every request."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock

from sandbox.emulators.neon.models import Project
from sandbox.files import write_atomically


class Store:
    """The project. Nothing is held in memory, so that a test may change the file."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "project.json"
        self._lock = RLock()

    def create(self, project: Project) -> None:
        """Begin with a project, where there is none yet."""
        if not self.path.exists():
            self._save(project)

    @contextmanager
    def changing(self) -> Generator[Project]:
        """The project, for one request at a time; kept even if the request is refused.

        A refusal of a locked project is a look at its operations, too.
        """
        with self._lock:
            project = Project.model_validate_json(self.path.read_bytes())
            try:
                yield project
            finally:
                self._save(project)

    def _save(self, project: Project) -> None:
        write_atomically(self.path, project.model_dump_json(indent=1), mode=0o600)
