"""An emulator in this process, with the project `neonhub-test` and a place for objects."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from sandbox.emulators.gcp.app import App
from sandbox.emulators.gcp.objects import Answer, Objects
from sandbox.emulators.gcp.store import Store

KEY = "projects/neonhub-test/locations/us/keyRings/ring/cryptoKeys/key"


class FewObjects(Objects):
    """Objects of which only their description is known, instead of a server of them."""

    def __init__(self) -> None:
        super().__init__(0, "")
        self.found: dict[str, dict[str, Any]] = {}
        self.passed_on: list[str] = []

    def create_bucket(self, name: str) -> None:
        pass

    def delete_bucket(self, name: str) -> None:
        pass

    def is_empty(self, bucket: str) -> bool:
        return not any(name.startswith(f"{bucket}/") for name in self.found)

    def find(self, bucket: str, name: str) -> dict[str, Any] | None:
        return self.found.get(f"{bucket}/{name}")

    def pass_on(
        self, method: str, target: str, headers: Mapping[str, str], body: Iterable[bytes] | None
    ) -> Answer:
        del headers
        for _ in body or ():
            pass
        self.passed_on.append(f"{method} {target.partition('?')[0]}")
        return NoContent()


class NoContent(Answer):
    """An answer that says nothing but that it went well."""

    def __init__(self) -> None:
        self.status = 204
        self.headers = []

    def pieces(self) -> Iterator[bytes]:
        return iter(())


class Google:
    """A client of the emulator."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.objects = FewObjects()
        self.store: Store
        self.start()

    def start(self) -> None:
        self.store = Store(self.data)
        self.client = Client(App(self.store, self.objects))

    def restart(self) -> None:
        self.store.close()
        self.start()

    def request(self, method: str, path: str, body: Any = None) -> TestResponse:
        return self.client.open(path, method=method, json=body)

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """What it answers, which must be a success."""
        response = self.request(method, path, body)
        assert response.status_code == 200, response.text
        return response.json

    def refusal(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        """Status and message of a refusal, which must have Google's shape."""
        response = self.request(method, path, body)
        answer: Any = response.json
        error = answer["error"]
        assert error["code"] == response.status_code
        return response.status_code, error["message"]

    def bucket(self, **fields: Any) -> Any:
        """A new bucket `backups` in two regions."""
        body = {"name": "backups", "location": "NAM4", **fields}
        return self.json("POST", "/storage/v1/b?project=neonhub-test", body)

    def key(self, location: str = "us") -> str:
        """A new key that Cloud Storage may use."""
        place = f"/v1/projects/neonhub-test/locations/{location}/keyRings"
        self.json("POST", f"{place}?keyRingId=ring")
        made = self.json(
            "POST", f"{place}/ring/cryptoKeys?cryptoKeyId=key", {"purpose": "ENCRYPT_DECRYPT"}
        )
        agent = self.json("GET", "/storage/v1/projects/neonhub-test/serviceAccount")
        role = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
        member = f"serviceAccount:{agent['email_address']}"
        policy = {"bindings": [{"role": role, "members": [member]}]}
        self.json("POST", f"/v1/{made['name']}:setIamPolicy", {"policy": policy})
        return made["name"]


@pytest.fixture
def google(tmp_path: Path) -> Iterator[Google]:
    emulator = Google(tmp_path / "data")
    yield emulator
    emulator.store.close()
