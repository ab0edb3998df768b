"""The commands that the workflows run."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from neonhub_backup.github.api import Repository
from tests.github_server import job_variables
from tests.workflows.ci.conftest import EVENTS
from workflows.ci.__main__ import main

ROOT = Path(__file__).parents[3]
RUN = "https://github.com/neonhub/neonhub-backup/actions/runs/7"


def environment(repository: Repository) -> dict[str, str]:
    """What a job has."""
    return {**job_variables(repository), "COMMIT": "a" * 40, "PULL_REQUEST": "1"}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return tmp_path / "report.json"


def report(events: str, saved: Path) -> None:
    place = ("--events", str(EVENTS / f"{events}.jsonl"), "--save", str(saved))
    assert main(["report", "--stack", "prod", *place], {}) == 0


def publish(command: str, saved: Path, repository: Repository) -> None:
    arguments = [command, "--stack", "prod", "--report", str(saved)]
    assert main(arguments, environment(repository)) == 0


def test_a_report_is_printed_and_saved(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report("changed", saved)

    assert "2 to update, 10 unchanged" in capsys.readouterr().out
    assert json.loads(saved.read_text())["verdict"] == "changed"


def test_a_preview_that_left_no_events_has_a_report(
    saved: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report("there-is-none", saved)

    assert "failed before it began" in capsys.readouterr().out
    assert json.loads(saved.read_text())["verdict"] == "failed"


def test_a_comment_says_of_which_commit_and_run_it_is(saved: Path, repository: Repository) -> None:
    report("changed", saved)
    publish("comment", saved, repository)

    (comment,) = repository.all("issues/1/comments?")
    assert comment["body"].startswith("<!-- neonhub-backup preview of prod -->\n### `pulumi")
    assert comment["body"].endswith(f"Commit {'a' * 40}, [log of the run]({RUN}).\n")


@pytest.mark.parametrize(
    ("events", "title"),
    [("drifted", "prod has drifted"), ("failed", "prod could not be checked for drift")],
)
def test_drift_and_a_check_that_failed_are_both_an_issue(
    saved: Path, repository: Repository, events: str, title: str
) -> None:
    report(events, saved)
    publish("issue", saved, repository)

    (issue,) = repository.all("issues?labels=drift&")
    assert issue["title"] == title
    assert f"[Log of the run]({RUN})." in issue["body"]


def test_a_night_without_drift_closes_the_issue(saved: Path, repository: Repository) -> None:
    for events in ("drifted", "same"):
        report(events, saved)
        publish("issue", saved, repository)

    assert list(repository.all("issues?labels=drift&")) == []


def test_a_missing_variable_is_named(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report("same", saved)

    assert main(["comment", "--stack", "prod", "--report", str(saved)], {}) == 1
    assert "COMMIT is not in the environment" in capsys.readouterr().err


def test_what_writes_to_github_needs_nothing_but_the_standard_library(saved: Path) -> None:
    report("same", saved)
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from workflows.ci.__main__ import main\n"
        f"code = main(['issue', '--stack', 'prod', '--report', {str(saved)!r}], {{}})\n"
        "roots = {name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names\n"
        "print(code, sorted(roots - {'__main__'}))"
    )

    ran = subprocess.run(
        [sys.executable, "-S", "-I", "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stdout == "1 ['neonhub_backup', 'workflows']\n"


def test_a_file_that_is_no_report_is_refused(
    saved: Path, repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    saved.write_text("[]")

    arguments = ["comment", "--stack", "prod", "--report", str(saved)]
    assert main(arguments, environment(repository)) == 1
    assert "not a report" in capsys.readouterr().err
