"""A repository on the emulated GitHub, filled through its REST API."""

import base64
import json
import urllib.request
from typing import Any

from nacl.public import PublicKey, SealedBox

from sandbox.throwaway import Throwaway

_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Repository:
    """The repository that the local stack commits to."""

    def __init__(self, sandbox: Throwaway) -> None:
        self._sandbox = sandbox

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """What GitHub answers below the repository; None if that is nothing."""
        where = self._sandbox.addresses
        request = urllib.request.Request(  # noqa: S310 - http, our own
            f"{where.github_url}repos/{where.github_repository}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {where.github_token}",
                "Content-Type": "application/json",
                "User-Agent": "tests",
            },
        )
        with _DIRECTLY.open(request, timeout=30) as response:
            answer = response.read()
        return json.loads(answer) if answer else None

    def commit(self, path: str, text: str) -> None:
        """Write a new file on the default branch."""
        content = base64.b64encode(text.encode()).decode()
        self.ask("PUT", f"contents/{path}", {"message": f"Write {path}", "content": content})

    def add_environment(
        self, name: str, secrets: dict[str, str], variables: dict[str, str]
    ) -> None:
        """An environment with what it knows."""
        self.ask("PUT", f"environments/{name}", {})
        for secret, value in secrets.items():
            self.set_secret(name, secret, value)
        for variable, value in variables.items():
            body = {"name": variable, "value": value}
            self.ask("POST", f"environments/{name}/variables", body)

    def set_secret(self, environment: str, name: str, value: str) -> None:
        """Seal a secret as every client of GitHub does."""
        place = f"environments/{environment}/secrets"
        key = self.ask("GET", f"{place}/public-key")
        box = SealedBox(PublicKey(base64.b64decode(key["key"])))
        sealed = base64.b64encode(box.encrypt(value.encode())).decode()
        body = {"encrypted_value": sealed, "key_id": key["key_id"]}
        self.ask("PUT", f"{place}/{name}", body)

    def variable(self, environment: str, name: str) -> str:
        """What a variable holds."""
        return self.ask("GET", f"environments/{environment}/variables/{name}")["value"]

    def set_variable(self, environment: str, name: str, value: str) -> None:
        """Change what a variable holds."""
        body = {"name": name, "value": value}
        self.ask("PATCH", f"environments/{environment}/variables/{name}", body)

    def issues(self) -> list[dict[str, Any]]:
        """Every open issue, the newest first."""
        return self.ask("GET", "issues")
