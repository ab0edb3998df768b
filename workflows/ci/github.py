"""One comment on a pull request, and one issue, that are kept up to date in GitHub."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

_PAGE = 100
"""What GitHub gives at most at once."""
_SECONDS = 30


class GitHubError(Exception):
    """GitHub refused something, or was not reached."""


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository by GitHub's REST API."""

    api: str
    """Address of the API, without a slash at its end."""
    name: str
    """Owner and name."""
    token: str

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Ask for something below the repository; the parsed answer.

        Raises:
            GitHubError: it was refused, with GitHub's own words.
        """
        request = urllib.request.Request(  # noqa: S310 - the address that the runner gives
            f"{self.api}/repos/{self.name}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self.token}",
                "User-Agent": "neonhub-backup",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 - as above
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            said = error.read().decode(errors="replace")[:300]
            raise GitHubError(
                f"GitHub refused {method} {path} with {error.code}: {said}; see that the job has"
                " the permission"
            ) from error
        except OSError as error:
            raise GitHubError(f"GitHub did not answer {method} {path}: {error}") from error

    def all(self, path: str) -> Iterator[dict[str, Any]]:
        """Everything in a list, page after page; the path ends with its query."""
        page = 1
        while True:
            found = cast(
                "list[dict[str, Any]]", self.send("GET", f"{path}per_page={_PAGE}&page={page}")
            )
            yield from found
            if len(found) < _PAGE:
                return
            page += 1


def marker(purpose: str, stack: str) -> str:
    """The hidden first line by which the text about a stack is found again."""
    return f"<!-- neonhub-backup {purpose} of {stack} -->"


def keep_comment(repository: Repository, pull_request: int, mark: str, text: str) -> None:
    """Write the pull request's comment with this mark, or write it anew."""
    thread = f"issues/{pull_request}/comments"
    body = {"body": f"{mark}\n{text}"}
    found = _marked(repository.all(f"{thread}?"), mark)
    if found is None:
        repository.send("POST", thread, body)
    else:
        repository.send("PATCH", f"issues/comments/{found['id']}", body)


def keep_issue(
    repository: Repository, mark: str, *, title: str, label: str, text: str | None
) -> None:
    """Have one open issue with this mark that says this, or none when there is nothing to say."""
    found = _marked(repository.all(f"issues?state=open&labels={label}&"), mark)
    if found is None:
        if text is not None:
            body = {"title": title, "labels": [label], "body": f"{mark}\n{text}"}
            repository.send("POST", "issues", body)
        return
    issue = f"issues/{found['number']}"
    if text is None:
        repository.send("POST", f"{issue}/comments", {"body": "It is gone."})
        repository.send("PATCH", issue, {"state": "closed", "state_reason": "completed"})
    else:
        repository.send("PATCH", issue, {"title": title, "body": f"{mark}\n{text}"})


def _marked(texts: Iterator[dict[str, Any]], mark: str) -> dict[str, Any] | None:
    """The first whose first line is the mark; an answer that quotes it begins otherwise."""
    return next((each for each in texts if (each["body"] or "").startswith(f"{mark}\n")), None)
