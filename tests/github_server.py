"""A GitHub that is reached over HTTP: its emulator, in a thread of the test."""

import base64
import shutil
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from werkzeug.serving import make_server

from neonhub_backup.github.api import Repository
from sandbox.emulators.github.app import create_app
from sandbox.emulators.github.routing import CONTROL
from sandbox.emulators.github.storage import Store

_TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but this emulator
_NAME = "neonhub/neonhub-backup"


def seed(data_dir: Path) -> Path:
    """What the server holds in the beginning, made by a dozen runs of git; copied for each test."""
    store = Store(data_dir)
    store.seed(_NAME)
    store.close()
    return data_dir


@contextmanager
def served_repository(seeded: Path, data_dir: Path) -> Generator[Repository]:
    """The repository neonhub/neonhub-backup, with issue 1 in it, in place of a pull request."""
    shutil.copytree(seeded, data_dir)
    app, store = create_app(data_dir, _TOKEN)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made = Repository(api=f"http://127.0.0.1:{server.server_port}/api/v3", name=_NAME, token=_TOKEN)
    made.send("POST", "issues", {"title": "Change a tier"})
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        store.close()


def add_workflow(repository: Repository, file: str) -> None:
    """Put a workflow on the default branch."""
    content = base64.b64encode(f"name: {file}\n".encode()).decode()
    body = {"message": f"Write {file}", "content": content}
    repository.send("PUT", f"contents/.github/workflows/{file}", body)


def control(
    repository: Repository, method: str, path: str, body: Mapping[str, object] | None = None
) -> Any:
    """Do what GitHub does by itself, or see what it shows to nobody."""
    outside = replace(repository, api=repository.api.replace("/api/v3", CONTROL))
    return outside.send(method, path, None if body is None else dict(body))


def job_variables(repository: Repository) -> dict[str, str]:
    """What a job of the repository has."""
    return {
        "GITHUB_API_URL": repository.api,
        "GITHUB_REPOSITORY": repository.name,
        "GITHUB_RUN_ID": "7",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_TOKEN": repository.token,
    }
