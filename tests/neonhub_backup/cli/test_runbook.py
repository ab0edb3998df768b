"""`runbook` on the command line."""

from pathlib import Path

import pytest

from neonhub_backup.errors import StoreError
from neonhub_backup.holdings.selection import Candidate
from tests.neonhub_backup.cli.conftest import Line


@pytest.fixture(autouse=True)
def _machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_it_is_printed_without_a_look_at_any_store(line: Line, tmp_path: Path) -> None:
    for store in ("disk", "other"):
        (tmp_path / store).rmdir()

    said, _ = line.run("runbook")

    assert said.startswith("# Runbook of test\n")
    assert said.endswith("settings.\n")
    assert "took last" not in said


def test_it_takes_the_place_of_the_file_that_is_there(line: Line, tmp_path: Path) -> None:
    file = tmp_path / "RUNBOOK.md"
    file.write_text("old")

    told = line.json("runbook", "--output", str(file))

    assert file.read_text() == told["text"] == line.run("runbook")[0]
    assert told["output"] == str(file)


def test_a_file_that_cannot_be_written_is_told_of(line: Line, tmp_path: Path) -> None:
    _, said = line.run("runbook", "--output", str(tmp_path / "no" / "x.md"), expect=StoreError)

    assert "x.md cannot be written" in said


def test_measured_it_has_the_age_of_backups_and_the_review(
    line: Line, everywhere: Candidate
) -> None:
    assert everywhere.manifest.database == "app"

    said, _ = line.run("runbook", "--measured")

    assert "| took last |" in said
    assert "| billing | unknown |" in said
    assert "### Changed so far" in said
    assert "| disk | app | 1 daily | 0 | - | none |" in said


def test_a_review_says_when_it_is_due_and_what_came_since(
    line: Line, everywhere: Candidate
) -> None:
    told = line.json("runbook", "review")

    assert (told["since"], told["due"], told["is_due"]) == (None, None, True)
    assert told["stores"][0]["backups"] == {everywhere.location.tier.value: 1}
    assert told["git"] is not None
    assert "The first review is due." in line.run("runbook", "review")[0]
