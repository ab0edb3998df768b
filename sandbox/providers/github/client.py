"""A client of GitHub's REST API: JSON in and out, errors as they are."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

API_VERSION = "2022-11-28"
_TIMEOUT_SECONDS = 30


class GitHubError(Exception):
    """GitHub refused. The message never holds what was sent: that may be secret."""

    def __init__(self, operation: str, status: int, message: str) -> None:
        super().__init__(f"{operation}: {status} {message}")
        self.status = status
        self.message = message


class UnreachableError(Exception):
    """There is no GitHub at the address."""


@dataclass(frozen=True, kw_only=True)
class GitHub:
    """One GitHub as the owner of a token sees it. May be used by several threads at once."""

    base_url: str
    """With a slash at its end."""
    token: str
    owner: str
    """The user or organisation that the stack's repositories belong to."""

    def get(self, path: str) -> Any:
        """Raises GitHubError, with status 404 if there is nothing."""
        return self.request("GET", path)

    def put(self, path: str, body: dict[str, Any] | None = None) -> Any:
        return self.request("PUT", path, body)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        return self.request("POST", path, body)

    def patch(self, path: str, body: dict[str, Any]) -> Any:
        return self.request("PATCH", path, body)

    def delete(self, path: str, body: dict[str, Any] | None = None) -> None:
        self.request("DELETE", path, body)

    def repository(self, name: str, *parts: str | int) -> str:
        """The path of a thing in one of the owner's repositories; each part is one segment."""
        return "/".join(["repos", *(quote(str(p), safe="") for p in (self.owner, name, *parts))])

    def repository_id(self, name: str) -> int:
        """The number that stays when a repository is renamed."""
        return self.get(self.repository(name))["id"]

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The parsed answer, None if it is empty. Raises GitHubError or UnreachableError."""
        request = urllib.request.Request(  # noqa: S310 - the address that the stack file gives
            self.base_url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
                "User-Agent": "neonhub-sandbox-provider",
                "X-GitHub-Api-Version": API_VERSION,
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
                text = response.read()
        except urllib.error.HTTPError as error:
            raise GitHubError(f"{method} {path}", error.code, _message(error.read())) from error
        except OSError as error:
            reason = error.reason if isinstance(error, urllib.error.URLError) else error
            raise UnreachableError(f"no GitHub answers at {self.base_url} ({reason})") from error
        return json.loads(text) if text else None


def _message(body: bytes) -> str:
    """GitHub's own words, with those about single fields."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return body.decode(errors="replace")
    answer = cast("dict[str, Any]", parsed)
    details = [_detail(error) for error in answer.get("errors", ())]
    return "; ".join([" ".join(answer["message"].split()), *details])


def _detail(error: Any) -> str:
    if isinstance(error, str):
        return error
    return error.get("message") or f"{error.get('field')} is {error.get('code')}"
