"""A failure is told in one issue for each environment and to the chat, and calls nobody by name."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup import alert as alerting
from neonhub_backup import delivery
from neonhub_backup.alert import CHAT_VARIABLE, FAILURE_VARIABLE, Alert, chat_text, main, send
from neonhub_backup.errors import BackupError, ConfigurationError, DeliveryError
from neonhub_backup.github.api import Repository
from tests.github_server import job_variables, served_repository
from tests.receiver import receiver

ROOT = Path(__file__).parents[2]
WILD = "a ``` ~~~ | <b> @neonhub <!channel> & [x](http://y) sentence"
ARGUMENTS = ["--environment", "production", "--workflow", "db-backup-production.yml"]
PAGES = "https://github.com/neonhub/neonhub-backup/actions"
FAILED = [*ARGUMENTS, "--result", "failure"]


@pytest.fixture
def repository(tmp_path: Path, seeded: Path) -> Iterator[Repository]:
    with served_repository(seeded, tmp_path / "data") as made:
        yield made


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PAUSES", (0.0, 0.0))


def alert(
    failure: str = "a sentence",
    environment: str = "production",
    workflow: str = "db-backup-production.yml",
) -> Alert:
    return Alert(environment=environment, workflow=workflow, result="failure", failure=failure)


def comments_on_the_issue(repository: Repository) -> list[str]:
    (issue,) = repository.all("issues?labels=neonhub-backup&")
    return [one["body"] for one in repository.all(f"issues/{issue['number']}/comments?")]


class TestTheIssue:
    """Says what failed and what to do, once."""

    def test_is_opened_by_the_first_failure(self, repository: Repository) -> None:
        (said,) = send(alert(), job_variables(repository))

        (issue,) = repository.all("issues?labels=neonhub-backup&")
        assert said == f"opened issue {issue['html_url']}"
        assert issue["title"] == "Backups of production need attention"
        for part in (
            f"[`db-backup-production.yml`]({PAGES}/workflows/db-backup-production.yml)",
            f" of `production` ended with `failure`: [the run]({PAGES}/runs/7).\n\n",
            "~~~text\na sentence\n~~~",
            "may be missing from now on",
        ):
            assert part in issue["body"]

    def test_gets_a_comment_for_each_further_one(self, repository: Repository) -> None:
        for failure in ("first", "second", "third"):
            said = send(alert(failure), job_variables(repository))

        (issue,) = repository.all("issues?labels=neonhub-backup&")
        comments = comments_on_the_issue(repository)
        assert ["~~~text\nsecond\n" in comments[0], "~~~text\nthird\n" in comments[1]] == [True] * 2
        assert said == [f"commented on issue {issue['html_url']}"]

    def test_is_another_for_another_environment(self, repository: Repository) -> None:
        for environment in ("production", "staging"):
            send(alert(environment=environment), job_variables(repository))

        assert len(list(repository.all("issues?labels=neonhub-backup&"))) == 2

    def test_is_a_new_one_once_the_last_is_closed(self, repository: Repository) -> None:
        send(alert(), job_variables(repository))
        (issue,) = repository.all("issues?labels=neonhub-backup&")
        repository.send("PATCH", f"issues/{issue['number']}", {"state": "closed"})
        send(alert(), job_variables(repository))

        assert len(list(repository.all("issues?state=all&labels=neonhub-backup&"))) == 2

    def test_holds_the_words_of_others_in_a_fence_that_they_cannot_close(
        self, repository: Repository
    ) -> None:
        send(alert(WILD), job_variables(repository))

        (issue,) = repository.all("issues?labels=neonhub-backup&")
        assert f"\n~~~~text\n{WILD}\n~~~~\n" in issue["body"]
        assert issue["body"].count("@") == 1

    def test_says_that_the_tool_had_no_time_to_say_why(self, repository: Repository) -> None:
        send(alert(""), job_variables(repository))

        (issue,) = repository.all("issues?labels=neonhub-backup&")
        assert "The run ended before the tool could say why." in issue["body"]


class TestTheSameAgain:
    """Is told once a day, by the issue and to the chat, however often a workflow fails."""

    def told(self, repository: Repository, *alerts: Alert) -> int:
        """How many of them the chat is told; each is of a run of its own."""
        with receiver() as chat:
            for run, each in enumerate(alerts):
                variables = {**job_variables(repository), "GITHUB_RUN_ID": str(run)}
                send(each, {**variables, CHAT_VARIABLE: chat.address})
        return len(chat.received)

    def test_is_told_by_the_issue_alone(self, repository: Repository) -> None:
        assert self.told(repository, *[alert()] * 3) == 1
        assert comments_on_the_issue(repository) == []

    def test_is_told_by_one_comment(self, repository: Repository) -> None:
        assert self.told(repository, alert("first"), *[alert()] * 3) == 2
        assert len(comments_on_the_issue(repository)) == 1

    def test_is_new_when_something_else_was_said_in_between(self, repository: Repository) -> None:
        assert self.told(repository, alert(), alert("another"), alert()) == 3
        assert len(comments_on_the_issue(repository)) == 2

    def test_is_new_from_another_workflow_and_old_in_spite_of_it(
        self, repository: Repository
    ) -> None:
        watch = alert(workflow="db-watch-production.yml")
        assert self.told(repository, *[alert(), watch] * 3) == 2
        assert len(comments_on_the_issue(repository)) == 1

    def test_is_told_anew_after_a_day(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(alerting, "QUIET", timedelta())
        assert self.told(repository, *[alert()] * 3) == 3
        assert len(comments_on_the_issue(repository)) == 2

    def test_is_new_once_the_issue_is_closed(self, repository: Repository) -> None:
        send(alert(), job_variables(repository))
        (issue,) = repository.all("issues?labels=neonhub-backup&")
        repository.send("PATCH", f"issues/{issue['number']}", {"state": "closed"})

        assert self.told(repository, alert()) == 1

    def test_says_where_it_was_told(self, repository: Repository) -> None:
        send(alert(), job_variables(repository))
        (issue,) = repository.all("issues?labels=neonhub-backup&")

        assert send(alert(), job_variables(repository)) == [
            f"told nobody again: issue {issue['html_url']} says the same"
        ]

    def test_is_not_silenced_by_a_stranger_who_repeats_it(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.told(repository, alert("first"), alert())
        everything = Repository.all

        def by_strangers(self: Repository, path: str, *more: Any) -> Iterator[dict[str, Any]]:
            stranger = {"user": {"login": "stranger"}} if "/comments" in path else {}
            return ({**each, **stranger} for each in everything(self, path, *more))

        monkeypatch.setattr(Repository, "all", by_strangers)
        assert self.told(repository, alert()) == 1


class TestTheChat:
    """Is told too, where there is one."""

    def test_gets_the_sentence_and_the_run(self, repository: Repository) -> None:
        with receiver() as chat:
            variables = {**job_variables(repository), CHAT_VARIABLE: chat.address}
            assert send(alert(), variables)[1] == "told the chat"

        ((method, _, body),) = chat.received
        assert (method, json.loads(body)) == (
            "POST",
            {
                "text": "Backups of production need attention: db-backup-production.yml ended with"
                " failure, https://github.com/neonhub/neonhub-backup/actions/runs/7\n"
                "```a sentence```"
            },
        )

    def test_calls_nobody_and_formats_nothing(self) -> None:
        repository = Repository(api="-", name="neonhub/neonhub-backup", token="-")  # noqa: S106 - no token

        said = chat_text(alert(WILD), job_variables(repository))

        assert said.endswith(
            "```a ''' ~~~ | &lt;b&gt; @\u200bneonhub &lt;!channel&gt; &amp; [x](http://y)"
            " sentence```"
        )

    def test_is_told_although_github_is_not_reached(self, repository: Repository) -> None:
        variables = job_variables(repository) | {"GITHUB_API_URL": "http://127.0.0.1:1"}
        with receiver() as chat, pytest.raises(DeliveryError, match="GitHub did not answer") as no:
            send(alert(), {**variables, CHAT_VARIABLE: chat.address})

        assert len(chat.received) == 1
        assert no.value.__notes__ == ["told the chat"]

    @pytest.mark.parametrize(
        ("address", "kind"),
        [("http://127.0.0.1:1/secret", DeliveryError), ("ftp://x/secret", ConfigurationError)],
    )
    def test_keeps_no_issue_from_being_written(
        self, repository: Repository, address: str, kind: type[BackupError]
    ) -> None:
        with pytest.raises(kind) as no:
            send(alert(), {**job_variables(repository), CHAT_VARIABLE: address})

        assert "secret" not in str(no.value)
        assert len(list(repository.all("issues?labels=neonhub-backup&"))) == 1


class TestTheCommand:
    """Is what a job runs that installs nothing."""

    def test_says_what_was_done(
        self, repository: Repository, capsys: pytest.CaptureFixture[str]
    ) -> None:
        variables = {**job_variables(repository), FAILURE_VARIABLE: "why\n"}

        assert main(FAILED, variables) == 0
        assert capsys.readouterr().out.startswith("opened issue http")

    def test_ends_with_a_sentence_for_each_that_was_not_told(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        nowhere = Repository(api="http://127.0.0.1:1", name="a/b", token="t")  # noqa: S106 - no token
        variables = {**job_variables(nowhere), CHAT_VARIABLE: "http://127.0.0.1:1/secret"}

        assert main(FAILED, variables) == DeliveryError.exit_code
        first, second = capsys.readouterr().err.splitlines()
        assert first.startswith("neonhub-backup: GitHub did not answer")
        assert second.startswith("  the chat did not answer")
        assert "secret" not in second

    def test_names_the_variable_that_is_missing(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(FAILED, {}) == ConfigurationError.exit_code
        assert "environment variable GITHUB_API_URL is not set" in capsys.readouterr().err

    @pytest.mark.parametrize("arguments", [[], ARGUMENTS, [*ARGUMENTS, "--result", "success"]])
    def test_refuses_what_cannot_be_meant(self, arguments: list[str]) -> None:
        with pytest.raises(SystemExit) as refused:
            main(arguments, {})

        assert refused.value.code == ConfigurationError.exit_code

    def test_needs_nothing_but_the_standard_library(self) -> None:
        program = (
            f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
            "from neonhub_backup.alert import main\n"
            f"code = main({FAILED!r}, {{}})\n"
            "roots = {name.partition('.')[0] for name in sys.modules}\n"
            "print(code, roots - sys.stdlib_module_names - {'neonhub_backup', '__main__'})"
        )

        ran = subprocess.run(
            [sys.executable, "-S", "-I", "-c", program], capture_output=True, text=True, check=True
        )

        assert ran.stdout == "2 set()\n"
