"""GitHub's REST API, and the one issue or comment that is found again by a mark."""

import json
import re
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from neonhub_backup.delivery import deliver
from neonhub_backup.errors import ConfigurationError

_PAGE = 100
"""What GitHub gives at most at once."""


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository by GitHub's REST API."""

    api: str
    """Address of the API, without a slash at its end."""
    name: str
    """Owner and name."""
    token: str

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Ask for something below the repository; the parsed answer. None: GitHub said no more.

        Raises:
            DeliveryError: it was refused, with GitHub's own words, or not answered.
        """
        request = urllib.request.Request(  # noqa: S310 - the address that the runner gives
            f"{self.api}/repos/{self.name}/{path}".rstrip("/"),
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "User-Agent": "neonhub-backup",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        answer = deliver(
            request,
            "GitHub",
            f"{method} {path or self.name} was not done: see that the job has the permission"
            f" {_permission(method, path)}",
            quotes=True,
        )
        return json.loads(answer) if answer else None

    def all(self, path: str, key: str | None = None) -> Iterator[dict[str, Any]]:
        """Everything in a list, page after page; the path ends with its query.

        With a key the list is not the answer itself, but what it holds under that key.
        """
        page = 1
        while True:
            answer = self.send("GET", f"{path}per_page={_PAGE}&page={page}")
            found = cast("list[dict[str, Any]]", answer if key is None else answer[key])
            yield from found
            if len(found) < _PAGE:
                return
            page += 1


def own_repository(environment: Mapping[str, str]) -> Repository:
    """The repository that a job runs for, as its token may use it.

    Raises:
        ConfigurationError: a variable is missing.
    """
    return Repository(
        api=_variable(environment, "GITHUB_API_URL"),
        name=_variable(environment, "GITHUB_REPOSITORY"),
        token=_variable(environment, "GITHUB_TOKEN"),
    )


def page(environment: Mapping[str, str], path: str) -> str:
    """Where people find something of the repository that a job runs for.

    Raises:
        ConfigurationError: a variable is missing.
    """
    server = _variable(environment, "GITHUB_SERVER_URL")
    return f"{server}/{_variable(environment, 'GITHUB_REPOSITORY')}/{path}"


def run_page(environment: Mapping[str, str]) -> str:
    """Where people find the run that a job belongs to.

    Raises:
        ConfigurationError: a variable is missing.
    """
    return page(environment, f"actions/runs/{_variable(environment, 'GITHUB_RUN_ID')}")


def marker(purpose: str, subject: str) -> str:
    """The hidden first line by which a text is found again."""
    return f"<!-- neonhub-backup {purpose} of {subject} -->"


def open_issue(repository: Repository, mark: str, label: str) -> dict[str, Any] | None:
    """The open issue with this mark. None: there is none."""
    return marked(repository.all(f"issues?state=open&labels={label}&"), mark)


def create_issue(repository: Repository, mark: str, title: str, label: str, text: str) -> Any:
    """Open an issue with a mark; GitHub makes a label that the repository lacks."""
    body = {"title": title, "labels": [label], "body": f"{mark}\n{text}"}
    return repository.send("POST", "issues", body)


def marked(texts: Iterable[dict[str, Any]], mark: str) -> dict[str, Any] | None:
    """The first whose first line is the mark; an answer that quotes it begins otherwise."""
    return next((each for each in texts if (each["body"] or "").startswith(f"{mark}\n")), None)


def _permission(method: str, path: str) -> str:
    """What a token needs for a request: as far as we ask, it is named as its path begins."""
    subject = re.split(r"[/?]", path, maxsplit=1)[0] or "metadata"
    return f"{subject}: {'read' if method == 'GET' else 'write'}"


def _variable(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ConfigurationError(
            f"environment variable {name} is not set, so GitHub cannot be written to: run this in"
            " GitHub Actions, and give the step its token as GITHUB_TOKEN"
        )
    return value
