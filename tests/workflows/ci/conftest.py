"""Logs of events that the engine wrote, and a GitHub that is reached over HTTP."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from sandbox.emulators.github.app import create_app
from sandbox.emulators.github.storage import Store
from workflows.ci.github import Repository

EVENTS = Path(__file__).parent / "events"
"""Recorded with the engine at 3.250.0, but for the states of resources that stay the same."""

_TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but this emulator


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeding takes a dozen runs of git, so it is done once and copied."""
    data_dir = tmp_path_factory.mktemp("seeded") / "data"
    store = Store(data_dir)
    store.seed("neonhub/neonhub-backup")
    store.close()
    return data_dir


@pytest.fixture
def repository(tmp_path: Path, seeded: Path) -> Iterator[Repository]:
    """The repository neonhub/neonhub-backup, with issue 1 in it, in place of a pull request."""
    shutil.copytree(seeded, tmp_path / "data")
    app, store = create_app(tmp_path / "data", _TOKEN)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    made = Repository(
        api=f"http://127.0.0.1:{server.server_port}/api/v3",
        name="neonhub/neonhub-backup",
        token=_TOKEN,
    )
    made.send("POST", "issues", {"title": "Change a tier"})
    yield made
    server.shutdown()
    thread.join()
    server.server_close()
    store.close()
