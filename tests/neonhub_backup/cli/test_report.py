"""`report` writes a page of what `status` knows, or refuses before it has asked anybody."""

import json
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.domain.proof import Proof
from neonhub_backup.errors import ConfigurationError, StoreError
from neonhub_backup.holdings.proofs import Proofs
from tests.neonhub_backup.backups import back_up, copied
from tests.neonhub_backup.cli.conftest import Line
from tests.neonhub_backup.report import sample
from tests.neonhub_backup.samples import location, proof


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.html"


@pytest.fixture
def drilled(line: Line) -> Proof:
    """The drill of a backup that is in both stores."""
    taken = back_up(line.disk, location(day=4))
    copied(taken, line.other)
    made = proof(taken.location)
    Proofs(line.disk).add(made)
    return made


def test_the_page_is_one_file_and_the_verdict_is_said(line: Line, page: Path) -> None:
    said, _ = line.run("report", "--html", str(page))

    assert said.startswith("test: breach")
    assert f"the page is {page}\n" in said
    assert page.read_text().startswith("<!DOCTYPE html>")
    assert [each.name for each in page.parent.iterdir() if each.name.startswith(".")] == []


def test_a_page_takes_the_place_of_the_one_before(line: Line, page: Path) -> None:
    page.write_text("old")

    line.run("report", "--html", str(page))

    assert "Backups of test" in page.read_text()


def test_the_document_has_what_status_shows(line: Line, drilled: Proof) -> None:
    found = line.json("report", "--database", "app")

    (database,) = found["status"]["databases"]
    assert found["format"] == "neonhub-backup-report/1"
    assert found["status"]["format"] == "neonhub-backup-status/1"
    assert database["stores"][0]["proven"] == drilled.backup
    assert [each["backup"] for each in found["drills"]] == [drilled.backup]


def test_page_and_document_can_be_had_at_once(line: Line, page: Path) -> None:
    found = line.json("report", "--html", str(page))

    assert found["status"]["taken"] in page.read_text()


def test_without_anything_to_write_nobody_is_asked(line: Line) -> None:
    _, refusal = line.run("report", expect=ConfigurationError)

    assert "name the file that the page shall be in" in refusal


def test_a_store_that_cannot_be_reached_is_on_the_page(line: Line, page: Path) -> None:
    Path(line.other.address).rename(page.with_name("away"))

    line.run("report", "--html", str(page))

    assert "nobody can tell whether store other" in page.read_text()


def test_a_database_that_is_not_configured_is_refused(line: Line, page: Path) -> None:
    _, refusal = line.run(
        "report", "--html", str(page), "--database", "unknown", expect=ConfigurationError
    )

    assert "--database unknown is not in the configuration" in refusal
    assert not page.exists()


def test_a_directory_is_no_place_for_a_page(line: Line, tmp_path: Path) -> None:
    _, refusal = line.run("report", "--html", str(tmp_path), expect=ConfigurationError)

    assert "is there and is no file" in refusal


def test_a_page_that_cannot_be_written_says_so(line: Line, tmp_path: Path) -> None:
    _, failure = line.run("report", "--html", str(tmp_path / "no" / "page"), expect=StoreError)

    assert "cannot be written (No such file or directory)" in failure


class TestOtherEnvironments:
    """By files of their own status."""

    @pytest.fixture
    def staging(self, tmp_path: Path) -> Path:
        path = tmp_path / "staging.json"
        path.write_text(json.dumps(sample.staging()))
        return path

    def test_stand_beside_this_one(self, line: Line, staging: Path, tmp_path: Path) -> None:
        edge = tmp_path / "edge.json"
        edge.write_text(json.dumps(sample.edge()))

        found = line.json("report", "--with", str(staging), "--with", str(edge))

        names = [each["environment"] for each in found["environments"]]
        assert names == ["test", "staging", "edge"]

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"format": "neonhub-backup-status/9"}, "has the format neonhub-backup-status/9"),
            ({"taken": "yesterday"}, "is no status (taken: "),
            ({"verdict": "fine"}, "is no status (verdict: "),
            ({"databases": ["app"]}, "is no status (databases.0: "),
        ],
    )
    def test_a_file_that_is_no_status_is_refused(
        self, line: Line, staging: Path, page: Path, change: dict[str, Any], why: str
    ) -> None:
        staging.write_text(json.dumps({**sample.staging(), **change}))

        _, refusal = line.run(
            "report", "--html", str(page), "--with", str(staging), expect=ConfigurationError
        )

        assert why in refusal
        assert "so nothing was written" in refusal
        assert not page.exists()

    @pytest.mark.parametrize(
        ("content", "why"),
        [(b"{", "is no JSON"), (b"[]", "is no status (all of it: "), (b"\xff", "is no JSON")],
    )
    def test_a_file_of_something_else_is_refused(
        self, line: Line, staging: Path, page: Path, content: bytes, why: str
    ) -> None:
        staging.write_bytes(content)

        _, refusal = line.run(
            "report", "--html", str(page), "--with", str(staging), expect=ConfigurationError
        )

        assert why in refusal

    def test_a_file_that_is_not_there_is_refused(self, line: Line, page: Path) -> None:
        _, refusal = line.run(
            "report", "--html", str(page), "--with", "/nowhere.json", expect=ConfigurationError
        )

        assert "--with /nowhere.json cannot be read (No such file or directory)" in refusal
