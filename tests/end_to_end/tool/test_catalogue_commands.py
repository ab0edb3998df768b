"""What the stores hold, and whether it is what was written: list, show, verify, copy."""

import json
import time
from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import DirectoryStore
from tests.end_to_end.tool.conftest import Tool


@pytest.fixture
def two(tool: Tool) -> Tool:
    """An installation with two directories as stores."""
    path = tool.home / "other"
    path.mkdir()
    tool.stores = [*tool.stores, DirectoryStore(name="other", path=path)]
    return tool


def alone(tool: Tool, number: int) -> str:
    """Take a backup into one of the stores; its name, which sorts after those of earlier ones."""
    # Those begun in the same second have no order.
    time.sleep(1 - time.time() % 1)
    every = tool.stores
    tool.stores = [every[number]]
    name = tool.backup()
    tool.stores = every
    return name


def files_of(tool: Tool, number: int, name: str) -> dict[str, Path]:
    """The objects of a backup in a store, by what follows the backup's prefix."""
    store = tool.stores[number]
    assert isinstance(store, DirectoryStore)
    (folder,) = store.path.glob(f"db/*/*/*/{name}")
    return {
        str(path.relative_to(folder)): path for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_a_list_tells_where_each_backup_is_and_which_are_proven(two: Tool) -> None:
    everywhere, here = two.backup(), alone(two, 0)
    two.run("drill", everywhere)

    newest, oldest = two.json("list")

    assert [newest["name"], oldest["name"]] == [here, everywhere]
    assert (list(newest["stores"]), newest["missing"]) == (["disk"], ["other"])
    assert (list(oldest["stores"]), oldest["missing"]) == (["disk", "other"], [])
    assert (newest["proven"], oldest["proven"]) == (False, True)
    assert [item["name"] for item in two.json("list", "--proven")] == [everywhere]
    assert [item["name"] for item in two.json("list", "--store", "other")] == [everywhere]
    assert two.json("list", "--tier", "weekly") == []
    assert two.run("list").stdout.splitlines()[1].endswith("no      disk (missing in other)")
    (drill,) = two.json("show", everywhere)["drills"]
    assert (drill["proven"], drill["store"], drill["problems"]) == (True, "disk", [])


def test_a_store_that_is_gone_hides_no_other(two: Tool) -> None:
    name = two.backup()
    (two.home / "other").rename(two.home / "unmounted")

    listed = two.run("list", "--json", expect=6)
    shown = two.run("show", name, "--json")
    verified = two.run("verify", name, expect=6)

    assert [item["name"] for item in json.loads(listed.stdout)] == [name]
    assert "store other" in listed.stderr
    states = {store: one["state"] for store, one in json.loads(shown.stdout)["stores"].items()}
    assert states == {"disk": "complete", "other": "unreachable"}
    assert "disk: whole" in verified.stdout


def test_a_backup_shows_its_tables_and_where_it_comes_from(tool: Tool) -> None:
    name = tool.backup()

    shown = tool.json("show", name)
    said = tool.run("show").stdout

    rows = {size["table"]: size["rows"] for size in shown["sizes"]}
    assert rows == {"connectors": 15, "events": 5000, "embeddings": 2000}
    assert sum(size["bytes"] for size in shown["sizes"]) + shown["archive_bytes"] == shown["bytes"]
    assert shown["origin"]["host"]
    assert len(shown["digest"]) == 64
    assert shown["stores"]["disk"]["state"] == "complete"
    assert shown["stores"]["disk"]["locked_until"] is None
    assert all(text in said for text in (name, shown["digest"], "public.events", "5,000"))
    assert "not proven" in said


def test_a_backup_that_is_what_was_written_verifies(two: Tool) -> None:
    name = two.backup()

    plain = two.json("verify")
    deep = two.json("verify", name, "--deep")

    for said in (plain, deep):
        assert said["name"] == name
        assert {one["verdict"] for one in said["stores"].values()} == {"whole"}
        assert list(said["stores"]) == ["disk", "other"]


def test_damage_is_named_with_its_store_and_its_object(two: Tool) -> None:
    name = two.backup()
    files = files_of(two, 1, name)
    rows, archive = files["rows/0000-000.binary.zst.gpg"], files["archive.dump.zst.gpg"]
    content = rows.read_bytes()
    rows.unlink()
    rows.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    archive.unlink()
    (archive.parent / "notes.txt").write_text("a stray")

    damaged = two.run("verify", name, "--json", expect=8)

    assert "backup " + name + " is damaged in store other" in damaged.stderr
    verdicts = json.loads(damaged.stdout)["stores"]
    assert verdicts["disk"]["verdict"] == "whole"
    assert verdicts["other"]["problems"] == [
        "archive.dump.zst.gpg is missing",
        "rows/0000-000.binary.zst.gpg has another sha256 than when it was written",
    ]
    assert verdicts["other"]["unexpected"] == ["notes.txt"]


def test_a_copy_that_is_missing_is_told_and_can_be_made(two: Tool) -> None:
    name = alone(two, 0)

    told = two.run("verify", name, expect=3)
    copied = two.json("copy", name, "--to", "other")
    again = two.run("copy", name, "--to", "other", expect=2)
    two.run("verify", name, "--deep", "--store", "other")

    assert "missing in store other" in told.stderr
    assert (copied["objects_kept"], copied["store"]) == (0, "disk")
    assert "already" in again.stderr
    here, there = files_of(two, 0, name), files_of(two, 1, name)
    assert {key: path.read_bytes() for key, path in here.items()} == {
        key: path.read_bytes() for key, path in there.items()
    }


def test_what_is_in_no_store_is_said_to_be(two: Tool) -> None:
    for command in (["show"], ["verify"], ["copy", "--to", "other"]):
        failed = two.run(command[0], "20260101T000000Z-00000000", *command[1:], expect=7)
        assert "list shows those there are" in failed.stderr
