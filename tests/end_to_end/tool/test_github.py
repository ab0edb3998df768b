"""What a job of GitHub Actions learns of a backup, a drill and a restore of a real database."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import DirectoryStore
from tests.end_to_end.tool.conftest import Tool


@dataclass
class Step:
    """A step of a job, which runs the tool."""

    tool: Tool
    folder: Path

    def run(self, *arguments: str, expect: int = 0) -> str:
        """Run the tool; what it added to the page of the run."""
        self.folder.mkdir(exist_ok=True)
        for file in self.folder.iterdir():
            file.unlink()
        summary, outputs = self.folder / "summary.md", self.folder / "outputs"
        files = {"GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(outputs)}
        self.tool.run("--github", *arguments, expect=expect, **files)
        return summary.read_text(encoding="utf-8")

    @property
    def outputs(self) -> dict[str, str]:
        """What the last run left for other steps."""
        lines = (self.folder / "outputs").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def step(tool: Tool, tmp_path: Path) -> Step:
    return Step(tool, tmp_path / "step")


def test_a_backup_is_shown_beside_the_one_before(step: Step) -> None:
    step.run("backup", "--tier", "daily")
    first = step.outputs["backup"]

    page = step.run("backup", "--tier", "weekly")

    second = step.outputs["backup"]
    assert step.outputs == {"outcome": "success", "backup": second, "tier": "weekly"}
    assert second != first
    assert page.startswith("## `neonhub-backup backup`: success\n\n1 of 1 databases backed up.\n")
    small = re.escape(f"| `{step.tool.database}` | `{second}` | weekly | ")
    assert re.search(rf"^{small}.* \(\+0\.0%\) \| \d+ \| `disk` \|$", page, re.MULTILINE)
    history = page.partition("| last backups, by `disk` |")[2]
    assert re.findall(r"^\| `(\S+)`", history, re.MULTILINE) == [second, first]
    assert "| largest tables | stored | rows |" in page


def test_a_store_that_fails_is_on_the_page_and_the_others_tell_the_rest(step: Step) -> None:
    first = step.tool.backup()
    gone = DirectoryStore(name="gone", path=step.tool.home / "gone")
    step.tool.stores = [gone, *step.tool.stores]

    page = step.run("backup", expect=3)

    name = step.outputs["backup"]
    assert step.outputs["outcome"] == "failure"
    assert step.outputs["failure"].startswith(f"backup {name} is missing in store gone")
    assert "| `disk`, **not `gone`** |" in page
    assert f"- `{step.tool.database} in store gone: " in page
    assert "| last backups, by `disk` |" in page
    assert f"| `{first}` |" in page


def test_a_database_that_fails_is_shown_with_the_backups_that_it_has(step: Step) -> None:
    first = step.tool.backup()
    step.tool.environment["DATABASE_URL"] = step.tool.url("nowhere")

    page = step.run("backup", expect=4)

    assert "backup" not in step.outputs
    assert f"| `{step.tool.database}` | **none** |" in page
    assert f"| `{first}` |" in page
    assert "| exit code | 4, `DatabaseError` |" in page
    assert step.outputs["failure"] in page


def test_a_drill_is_shown_with_its_times_and_counts(step: Step) -> None:
    name = step.tool.backup()

    page = step.run("drill", "--every-store")

    assert step.outputs == {"outcome": "success"}
    assert "### `disk`: proven\n" in page
    assert f"| backup | `{name}`, " in page
    assert re.search(
        r"^\| time to recovery \| [\d.]+ s, within the objective \|$", page, re.MULTILINE
    )
    assert re.search(r"^\| compared \| [\d,]+ rows, \d+ tables, \d+ schema obj", page, re.MULTILINE)


def test_a_restore_is_shown_with_the_command_to_go_on_with(step: Step) -> None:
    name = step.tool.backup()
    step.tool.environment["COPY_URL"] = step.tool.url("shown")
    page = step.run("restore", "--into", "COPY_URL", "--beside")

    assert f"`{name}` is restored as `shown_restored_" in page
    (command,) = re.findall(r"^neonhub-backup (restore promote .*)$", page, re.MULTILINE)
    assert "` is now `" in step.run(*command.split())
