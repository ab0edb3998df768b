"""With --github, a job of GitHub Actions learns how a command ended, whichever it was."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    render_configuration,
)
from neonhub_backup.domain.layout import MANIFEST
from neonhub_backup.domain.manifest import dump_manifest
from tests.neonhub_backup.samples import location, manifest

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"
PLACE = location()


@dataclass(frozen=True)
class Step:
    """A step of a job: the files that it writes to, and what it says."""

    folder: Path

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the tool as this step."""
        return self.python("-m", "neonhub_backup", *arguments, **environment)

    def python(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run Python as this step."""
        variables = {
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_OUTPUT": str(self.folder / "outputs"),
            "PYTHONPATH": str(Path(__file__).parents[3]),
        }
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={**os.environ, **variables, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def summary(self) -> str:
        """What it added to the page of the run."""
        return (self.folder / "summary.md").read_text(encoding="utf-8")

    @property
    def outputs(self) -> list[str]:
        """The lines of its outputs."""
        return (self.folder / "outputs").read_text(encoding="utf-8").splitlines()


@pytest.fixture
def step(tmp_path: Path) -> Step:
    """A step in a folder with a configuration, whose store has one backup."""
    path = tmp_path / "store" / PLACE.prefix / MANIFEST
    path.parent.mkdir(parents=True)
    path.write_bytes(dump_manifest(manifest(PLACE)))
    configuration = Configuration(
        environment="test",
        databases=(Database(name="app"),),
        stores=(DirectoryStore(name="disk", path=tmp_path / "store"),),
        encryption=Encryption(public_keys=(KEY,)),
    )
    (tmp_path / "neonhub-backup.yaml").write_text(render_configuration(configuration, "a test"))
    return Step(tmp_path)


def test_a_command_that_ended_well_says_so(step: Step) -> None:
    ran = step.run("--github", "list")

    assert (ran.returncode, ran.stderr) == (0, "")
    assert "::error" not in ran.stdout
    assert step.outputs == ["outcome=success"]
    assert step.summary.startswith(
        "## `neonhub-backup list`: success\n\n### `app`: **not proven**\n\n"
    )
    assert f"| name | `{PLACE.name}` |" in step.summary


def test_one_that_failed_says_why_wherever_it_is_looked_for(step: Step) -> None:
    ran = step.run("--github", "show", "20200101T000000Z-00000000")

    sentence = ran.stderr.removeprefix("neonhub-backup: ").removesuffix("\n")
    assert ran.returncode == 7
    assert ran.stdout.startswith("::error title=neonhub-backup show::")
    assert step.outputs == ["outcome=failure", f"failure={sentence}"]
    assert f"## `neonhub-backup show`: failure\n\n~~~text\n{sentence}\n~~~\n" in step.summary
    assert "| exit code | 7, `NoBackupError` |" in step.summary


def test_standard_output_holds_nothing_but_json_where_that_is_wanted(step: Step) -> None:
    assert json.loads(step.run("--github", "list", "--json").stdout)[0]["name"] == PLACE.name
    failed = step.run("--github", "show", "--json", "20200101T000000Z-00000000")

    assert (failed.stdout, json.loads(failed.stderr)["code"]) == ("", 7)
    assert "outcome=failure" in step.outputs


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        (["dril"], "neonhub-backup"),
        (["list", "--wrong"], "neonhub-backup list"),
        (["restore", "promote"], "neonhub-backup restore promote"),
        (["restore", "latest"], "neonhub-backup restore"),
        (["keys", "check", "--warn-days", "x"], "neonhub-backup keys check"),
    ],
)
def test_a_command_line_that_cannot_be_meant_is_told_too(
    step: Step, arguments: list[str], title: str
) -> None:
    assert step.run("--github", *arguments).returncode == 2

    assert step.outputs[0] == "outcome=failure"
    assert step.summary.startswith(f"## `{title}`: failure\n")


def test_a_bug_is_told_with_what_it_is_about(step: Step) -> None:
    program = (
        "import sys, neonhub_backup.cli.session as session\n"
        "def broken(path): raise KeyError('nobody thought of this')\n"
        "session.load_configuration = broken\n"
        "sys.argv = ['neonhub-backup', '--github', 'list']\n"
        "from neonhub_backup.cli.main import run\n"
        "run()"
    )

    ran = step.python("-c", program)

    assert ran.returncode == 1
    assert step.outputs[1].startswith("failure=something that this program cannot explain")
    assert step.outputs[1].endswith("KeyError: 'nobody thought of this'")
    assert "Traceback (most recent call last)" in step.summary


@pytest.mark.parametrize("variable", ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"])
def test_outside_of_a_job_it_is_refused_before_anything_is_done(step: Step, variable: str) -> None:
    ran = step.run("--github", "list", **{variable: ""})

    assert (ran.returncode, ran.stdout) == (2, "")
    assert "--github writes to the files that" in ran.stderr


def test_a_summary_that_cannot_be_written_is_a_failure_of_its_own(step: Step) -> None:
    (step.folder / "summary.md").mkdir()

    ran = step.run("--github", "list")

    assert ran.returncode == 16
    assert PLACE.name in ran.stdout
    assert "summary.md cannot be written" in ran.stderr


def test_it_does_not_hide_what_failed_before(step: Step) -> None:
    (step.folder / "summary.md").mkdir()

    ran = step.run("--github", "show", "20200101T000000Z-00000000")

    assert ran.returncode == 7
    assert len(ran.stderr.splitlines()) == 2


def test_without_it_nothing_is_written(step: Step) -> None:
    step.run("list")

    assert not (step.folder / "summary.md").exists()
    assert not (step.folder / "outputs").exists()
