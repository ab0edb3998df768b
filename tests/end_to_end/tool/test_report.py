"""`report` of real backups, with a past, beside what `status` says of them."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.domain.configuration import DirectoryStore, Objectives
from tests.end_to_end.tool.aging import aged
from tests.end_to_end.tool.conftest import Tool
from tests.neonhub_backup.report.reading import Page, at, items

DAYS = (2, 9, 35, 100)
"""How long ago older backups were taken."""


@pytest.fixture
def past(tool: Tool) -> Tool:
    """Backups of some months in two stores, of which one has only the newest; one is proven."""
    tool.objectives = Objectives(rpo=timedelta(hours=1))
    first = tool.backup()
    for days in DAYS:
        aged(tool, first, days)
    second = tool.home / "second"
    second.mkdir()
    tool.stores = [*tool.stores, DirectoryStore(name="second", path=second)]
    tool.backup()
    tool.run("drill", "latest")
    return tool


def test_the_page_says_what_status_says_of_the_same_moment(past: Tool, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    before = json.loads(past.start("status", "--json").communicate()[0])

    document = past.json("report", "--html", str(page))

    assert _lasting(document["status"]) == _lasting(before)
    shown = Page.read(page.read_text())
    for path, value in shown.values:
        assert json.loads(value) == at(document, path), path
    on_page = {path: json.loads(value) for path, value in shown.values}
    for store, found in enumerate(before["databases"][0]["stores"]):
        where = f"status.databases.0.stores.{store}"
        assert on_page[f"{where}.newest.name"] == found["newest"]["name"]
        assert on_page[f"{where}.newest.bytes"] == found["newest"]["bytes"]
        assert on_page[f"{where}.newest.rows"] == found["newest"]["rows"]
        assert on_page[f"{where}.recovery.last_seconds"] == found["recovery"]["last_seconds"]


def test_the_document_looks_back_on_every_backup_and_drill(past: Tool) -> None:
    names = past.names()

    document = past.json("report")

    (history,) = document["history"]
    (calendar,) = document["calendar"]
    (drill,) = document["drills"]
    assert [each["name"] for each in history["backups"]] == names
    newest, *older = history["backups"]
    assert newest["stores"] == ["disk", "second"]
    assert {tuple(each["stores"]) for each in older} == {("disk",)}
    assert (drill["backup"], drill["proven"]) == (names[0], True)
    daily = next(each for each in calendar["tiers"] if each["tier"] == "daily")
    assert daily["slots"][0]["state"] == "proven"
    assert document["cost"]["unpriced"] == ["disk", "second"]


def test_a_lost_store_is_on_the_page_and_no_failure(past: Tool, tmp_path: Path) -> None:
    (tmp_path / "tool" / "second").rename(tmp_path / "away")
    page = tmp_path / "page.html"

    said = past.run("report", "--html", str(page))

    assert said.stdout.startswith("test: breach")
    assert "nobody can tell whether store second" in page.read_text()


def test_another_environment_stands_beside_it(past: Tool, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    status = json.loads(past.start("status", "--json").communicate()[0])
    other.write_text(json.dumps({**status, "environment": "staging"}))

    document = past.json("report", "--with", str(other))

    assert [each["environment"] for each in document["environments"]] == ["test", "staging"]


def test_a_command_line_without_a_page_is_refused(tool: Tool) -> None:
    said = tool.run("report", expect=2)

    assert "--html is missing" in said.stderr


def _lasting(value: Any) -> Any:
    """Without what another moment would change."""
    if not isinstance(value, dict | list):
        return value
    found = {key: _lasting(each) for key, each in items(value) if not _passes(str(key))}
    return found if isinstance(value, dict) else list(found.values())


def _passes(key: str) -> bool:
    return key.endswith(("age_seconds", "lag_seconds")) or key in {"taken", "text"}
