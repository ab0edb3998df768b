"""The index of a month follows the backups, and costs none of them anything."""

from pathlib import Path
from typing import Any

from neonhub_backup.domain.index import load_index, month_of, newest_index
from neonhub_backup.domain.layout import Location
from tests.end_to_end.tool.aging import aged
from tests.end_to_end.tool.conftest import Tool


def indexed(tool: Tool, place: Location) -> list[str]:
    """The backups that the index of a backup's month names."""
    month = month_of(place.started)
    keys = [str(path.relative_to(tool.store)) for path in tool.files()]
    key = newest_index([key for key in keys if key.startswith("index/")], month)
    assert key is not None
    return [entry.name for entry in load_index((tool.store / key).read_bytes(), month, key).entries]


def test_it_says_what_there_is_after_each_backup(tool: Tool) -> None:
    tool.backup()
    tool.backup()

    (built,) = tool.json("index", "rebuild")

    assert built["written"] == []
    assert len(built["unchanged"]) == 1


def test_what_was_pruned_is_in_no_index_any_more(tool: Tool) -> None:
    taken = tool.backup()
    old, older = aged(tool, taken, 2), aged(tool, taken, 90)
    tool.run("index", "rebuild")
    assert indexed(tool, older) == [older.name]

    tool.run("prune", "--yes")

    assert indexed(tool, older) == []
    assert old.name in indexed(tool, old)


def test_a_copy_is_in_the_index_of_the_store_that_it_went_to(tool: Tool) -> None:
    taken = tool.backup()
    second = tool.home / "second"
    second.mkdir()
    there: Any = tool.stores[0].model_copy(update={"name": "second", "path": second})
    tool.stores = [*tool.stores, there]

    tool.run("copy", taken, "--to", "second")

    (built,) = tool.json("index", "rebuild", "--store", "second")
    assert (built["written"], len(built["unchanged"])) == ([], 1)


def test_an_index_that_cannot_be_written_is_a_warning_and_no_failed_backup(tool: Tool) -> None:
    Path(tool.store / "index").write_text("in the way")

    ran = tool.run("backup")

    assert ran.stderr.count("the index of store disk was not brought up to date") == 1
    assert len(tool.names()) == 1
