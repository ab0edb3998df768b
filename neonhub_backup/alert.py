"""`python3 -P -m neonhub_backup.alert`: tells people that a workflow has failed.

Nothing but Python's standard library, so that the job that may write issues installs nothing.
"""

import argparse
import json
import os
import re
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple, get_args
from urllib.parse import quote

from neonhub_backup.delivery import deliver, secret_address
from neonhub_backup.errors import BackupError
from neonhub_backup.github.api import (
    Repository,
    create_issue,
    marker,
    open_issue,
    own_repository,
    page,
    run_page,
)
from neonhub_backup.github.markdown import code, fenced

CHAT_VARIABLE = "NEONHUB_BACKUP_CHAT_URL"
FAILURE_VARIABLE = "FAILURE"
Result = Literal["failure", "cancelled", "skipped"]
"""How a job can end that did not do its work, as GitHub calls it."""

QUIET = timedelta(days=1)
"""How long a workflow that fails in the same way again and again is not told of."""

_LABEL = "neonhub-backup"
_UNKNOWN = "The run ended before the tool could say why."
_ADVICE = """\
Backups, or the proof that they can be restored, may be missing from now on. What to do:

1. Open the run. The summary of its job says what failed and what to do.
2. Do that, then start the workflow by hand (*Run workflow*).
3. Close this issue once a run has succeeded. Until then a further failure is a comment here, unless
   its workflow has said the same within the last day."""
_RUN = re.compile(r"/actions/runs/\d+")
"""In which two texts about the same failure differ."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    """What is to be told."""

    environment: str
    """What is backed up: production."""
    workflow: str
    """File of the workflow that failed, without its folder."""
    result: Result
    failure: str
    """The sentence of the tool. Empty: it had no time for one."""

    @property
    def title(self) -> str:
        """Of the one issue of the environment."""
        return f"Backups of {self.environment} need attention"


def send(alert: Alert, variables: Mapping[str, str]) -> list[str]:
    """Write the issue, then to the chat if there is one; a line for each that was done.

    Neither is told again of what the issue says already, for a day.

    Raises:
        BackupError: one of the two was not reached; the other was tried all the same.
    """
    done: list[str] = []
    failures: list[BackupError] = []
    for tell in (_write_issue, _chat):
        try:
            told = tell(alert, variables)
        except BackupError as error:
            failures.append(error)
            continue
        if told is not None:
            done.append(told.what)
            if told.before:
                break
    for first in failures[:1]:
        for note in (*done, *map(str, failures[1:])):
            first.add_note(note)
        raise first
    return done


def issue_text(alert: Alert, variables: Mapping[str, str]) -> str:
    """What the issue, or a comment on it, says of this failure."""
    return (
        f"{_beginning(alert, variables)} of {code(alert.environment)} ended with"
        f" {code(alert.result)}: [the run]({run_page(variables)}).\n\n"
        f"{fenced(alert.failure or _UNKNOWN)}"
    )


def _beginning(alert: Alert, variables: Mapping[str, str]) -> str:
    """What every text about a workflow begins with, and none about another."""
    workflow = page(variables, f"actions/workflows/{quote(alert.workflow)}")
    return f"The workflow [{code(alert.workflow)}]({workflow})"


def chat_text(alert: Alert, variables: Mapping[str, str]) -> str:
    """The same for a chat, in which it calls nobody and links nothing but the run."""
    said = alert.failure or _UNKNOWN
    quoted = said[:1_000].replace("`", "'").replace("@", "@\u200b")
    return (
        f"{_plain(alert.title)}: {_plain(alert.workflow)} ended with {_plain(alert.result)},"
        f" {run_page(variables)}\n```{_plain(quoted)}```"
    )


def _plain(text: str) -> str:
    """Text without what a chat takes as a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _Told(NamedTuple):
    what: str
    """A line about it."""
    before: bool = False
    """Whether it was told by an earlier run, so that nobody is told now."""


def _write_issue(alert: Alert, variables: Mapping[str, str]) -> _Told:
    repository = own_repository(variables)
    text = issue_text(alert, variables)
    mark = marker("alert", alert.environment)
    found = open_issue(repository, mark, _LABEL)
    if found is None:
        made = create_issue(repository, mark, alert.title, _LABEL, f"{text}\n\n{_ADVICE}\n")
        return _Told(f"opened issue {made['html_url']}")
    since = datetime.now(UTC) - QUIET
    before = _last_said(repository, found, mark, _beginning(alert, variables), since)
    if _RUN.sub("", text) == before:
        return _Told(f"told nobody again: issue {found['html_url']} says the same", before=True)
    repository.send("POST", f"issues/{found['number']}/comments", {"body": f"{text}\n"})
    return _Told(f"commented on issue {found['html_url']}")


def _last_said(
    repository: Repository, issue: Mapping[str, Any], mark: str, beginning: str, since: datetime
) -> str | None:
    """The newest text of an issue that begins so, without its run. None: none is so young.

    Texts of anyone but the author of the issue do not count: whoever may comment could keep people
    from being told.
    """

    first = issue["body"].removeprefix(f"{mark}\n").removesuffix(f"\n\n{_ADVICE}\n")
    moment = quote(f"{since:%Y-%m-%dT%H:%M:%SZ}")
    comments = repository.all(f"issues/{issue['number']}/comments?since={moment}&")
    said = [
        _RUN.sub("", text["body"].rstrip("\n"))
        for text in ({**issue, "body": first}, *comments)
        if (text["body"] or "").startswith(beginning)
        and text["user"] is not None
        and text["user"]["login"] == issue["user"]["login"]
        and datetime.fromisoformat(text["created_at"]) > since
    ]
    return said[-1] if said else None


def _chat(alert: Alert, variables: Mapping[str, str]) -> _Told | None:
    address = secret_address(variables, CHAT_VARIABLE)
    if address is None:
        return None
    request = urllib.request.Request(  # noqa: S310 - over HTTPS, as was seen to
        address,
        method="POST",
        data=json.dumps({"text": chat_text(alert, variables)}).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "neonhub-backup"},
    )
    deliver(
        request,
        "the chat",
        f"it was not told that the workflow failed: see that {CHAT_VARIABLE} holds the address of"
        " an incoming webhook that exists",
    )
    return _Told("told the chat")


def main(arguments: Sequence[str], variables: Mapping[str, str]) -> int:
    """Do what the command line says; the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -P -m neonhub_backup.alert", description=__doc__)
    parser.add_argument("--environment", required=True, help="what is backed up: production")
    parser.add_argument("--workflow", required=True, help="file of the workflow that failed")
    parser.add_argument("--result", required=True, choices=get_args(Result), help="how it ended")
    options = parser.parse_args(arguments)
    alert = Alert(
        environment=options.environment,
        workflow=options.workflow,
        result=options.result,
        failure=variables.get(FAILURE_VARIABLE, "").strip(),
    )
    try:
        done = send(alert, variables)
    except BackupError as error:
        notes: Sequence[str] = getattr(error, "__notes__", ())
        print("\n  ".join((f"neonhub-backup: {error}", *notes)), file=sys.stderr)
        return error.exit_code
    print("\n".join(done))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
