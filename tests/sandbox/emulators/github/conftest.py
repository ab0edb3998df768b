"""An emulator in this process, holding the repository `neonhub/neonhub`."""

import base64
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nacl.public import PublicKey, SealedBox
from werkzeug.test import TestResponse

from sandbox.emulators.github.app import create_app
from sandbox.emulators.github.storage import Store, git_path

TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but this emulator
REPOSITORY = "/repos/neonhub/neonhub"


class GitHub:
    """A client with the right token, and a view of what the emulator keeps."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.store: Store
        self.start()

    def start(self) -> None:
        app, self.store = create_app(self.data_dir, TOKEN)
        self.client = app.test_client()

    def restart(self) -> None:
        self.store.close()
        self.start()

    def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> TestResponse:
        """The path is below /api/v3 unless it is an address that the emulator gave."""
        url = path if path.startswith("http") else f"/api/v3{path}"
        sent = {"Authorization": f"Bearer {TOKEN}", "User-Agent": "tests", **(headers or {})}
        return self.client.open(url, method=method, json=body, headers=sent)

    def get(self, path: str, **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("GET", path, headers=named)

    def json(self, path: str) -> Any:
        """What a GET answers, which must succeed."""
        response = self.get(path)
        assert response.status_code == 200, response.text
        return response.json

    def put_file(self, path: str, text: str, **fields: Any) -> TestResponse:
        body = {"message": f"Write {path}", "content": _base64(text), **fields}
        return self.request("PUT", f"{REPOSITORY}/contents/{path}", body)

    def control(self, method: str, path: str, body: Any = None) -> TestResponse:
        """Do what GitHub does by itself; the path is as for `request`."""
        return self.request(method, f"http://localhost/_control{path}", body)

    def branch(self, name: str) -> None:
        """A new branch at the tip of main."""
        sha = self.json(f"{REPOSITORY}/git/ref/heads/main")["object"]["sha"]
        body = {"ref": f"refs/heads/{name}", "sha": sha}
        assert self.request("POST", f"{REPOSITORY}/git/refs", body).status_code == 201

    def seal(self, scope: str, text: str) -> dict[str, str]:
        """The body of a PUT of a secret, sealed as GitHub's documentation tells clients to."""
        key = self.json(f"{scope}/public-key")
        box = SealedBox(PublicKey(base64.b64decode(key["key"])))
        sealed = base64.b64encode(box.encrypt(text.encode())).decode()
        return {"encrypted_value": sealed, "key_id": key["key_id"]}

    def git(self, *arguments: str) -> str:
        """What git itself says about the repository."""
        place = ["git", "-C", str(git_path(self.data_dir, "neonhub/neonhub"))]
        done = subprocess.run([*place, *arguments], capture_output=True, text=True, check=True)
        return done.stdout


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seeding takes a dozen runs of git, so it is done once and copied."""
    data_dir = tmp_path_factory.mktemp("seeded") / "data"
    store = Store(data_dir)
    store.add_account("reviewer", "User")
    store.seed("neonhub/neonhub")
    store.close()
    return data_dir


@pytest.fixture
def github(tmp_path: Path, seeded: Path) -> Iterator[GitHub]:
    shutil.copytree(seeded, tmp_path / "data")
    emulator = GitHub(tmp_path / "data")
    yield emulator
    emulator.store.close()
