"""The provider's client, wired to an emulator in this process instead of to a server."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.emulators.github.app import create_app
from sandbox.emulators.github.storage import Store
from sandbox.providers.github.client import GitHub, GitHubError

TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but this emulator


@dataclass(frozen=True, kw_only=True)
class Wired(GitHub):
    """Requests are calls of a WSGI application."""

    client: FlaskClient
    data_dir: Path

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """As the real one."""
        response = self.client.open(
            self.base_url + path,
            method=method,
            json=body,
            headers={"Authorization": f"Bearer {self.token}", "User-Agent": "tests"},
        )
        if response.status_code >= 400:
            answer = json.loads(response.data)
            raise GitHubError(f"{method} {path}", response.status_code, answer["message"])
        return response.json if response.data else None


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeding takes a dozen runs of git, so it is done once and copied."""
    data_dir = tmp_path_factory.mktemp("seeded") / "data"
    store = Store(data_dir)
    store.seed("neonhub/neonhub")
    store.close()
    return data_dir


@pytest.fixture
def cloud(tmp_path: Path, seeded: Path) -> Iterator[Wired]:
    """A GitHub with the repository neonhub/neonhub and the environment `production` in it."""
    shutil.copytree(seeded, tmp_path / "data")
    app, store = create_app(tmp_path / "data", TOKEN)
    wired = Wired(
        base_url="/api/v3/",
        token=TOKEN,
        owner="neonhub",
        client=app.test_client(),
        data_dir=tmp_path / "data",
    )
    wired.put("repos/neonhub/neonhub/environments/production")
    yield wired
    store.close()
