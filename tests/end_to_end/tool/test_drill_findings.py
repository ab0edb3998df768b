"""A drill tells a backup that is not faithful from data that is not sound, and records either."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from neonhub_backup.domain.configuration import Check, DirectoryStore
from neonhub_backup.domain.proof import Proof, load_proof
from sandbox.postgres import PostgresServer
from tests.end_to_end.tool.conftest import Tool

UNSOUND = Path(__file__).with_name("unsound.sql")


def records(store: Path) -> list[Proof]:
    """The results of all drills in a store, oldest first."""
    found = [load_proof(path.read_bytes(), path.name) for path in (store / "drills").iterdir()]
    return sorted(found, key=lambda proof: proof.finished)


def test_defects_of_the_data_are_told_from_differences_and_can_be_accepted(
    postgres18: PostgresServer,
    tool_for: Callable[[PostgresServer, str], Tool],
    create_database: Callable[..., str],
) -> None:
    tool = tool_for(postgres18, create_database(postgres18, "unsound", UNSOUND))
    name = tool.backup()

    failed = tool.run("drill", "--json", expect=11)

    found = json.loads(failed.stdout)
    assert (found["proven"], found["differences"]) == (False, [])
    assert [line.partition(" would")[0].partition(" of ")[0] for line in found["defects"]] == [
        'sequence "public"."lagging_id_seq"',
        "index public.only_above",
    ]
    assert found["defects"][0].endswith("""SELECT setval('"public"."lagging_id_seq"', 9)""")
    assert "is faithful, but its data has defects" in failed.stderr
    assert [line.split(" ")[:2] for line in found["notes"]] == [
        ["constraint", '"adopted"'],
        ["sequence", '"public"."fine_unused_seq"'],
    ]

    accepted = tool.json("drill", "--accept-defects")

    assert accepted["proven"] is True
    assert accepted["defects"] == found["defects"]
    first, second = records(tool.store)
    assert [path.name for path in sorted((tool.store / "drills").iterdir())] == [
        f"{name}.{second.finished:%Y%m%dT%H%M%SZ}.json",
        f"{name}.json",
    ]
    assert [first.proven, second.proven] == [False, True]
    assert accepted["recorded"] == f"drills/{name}.{second.finished:%Y%m%dT%H%M%SZ}.json"


def test_everything_of_a_sound_database_is_checked_and_a_wrong_answer_refutes_it(
    tool: Tool,
) -> None:
    name = tool.backup()
    tool.checks = (
        Check(name="connectors", query="SELECT count(*) FROM connectors", expect=((15,),)),
        Check(name="events", query="SELECT count(*) FROM events", expect=((1,),)),
    )

    wrong = tool.run("drill", "--json", expect=11)

    assert "check events returns [(5000,)] instead of [(1,)]" in wrong.stderr
    assert "do not rely on it" in wrong.stderr
    (record,) = records(tool.store)
    assert record.backup == name
    assert not record.proven
    assert [(check.name, check.problem is None) for check in record.checks] == [
        ("connectors", True),
        ("events", False),
    ]
    counts = record.counts
    assert (counts.tables, counts.rows, counts.large_objects) == (3, 7015, 1)
    assert (counts.foreign_keys, counts.sequences, counts.indexes) == (1, 1, 5)
    assert counts.btrees in (0, 4)  # amcheck is not part of every installation
    (recall,) = record.recall
    assert (recall.index, recall.method, recall.distance, recall.sampled) == (
        '"public"."embeddings_embedding_idx"',
        "hnsw",
        "<=>",
        20,
    )
    assert recall.recall is not None
    assert recall.recall >= 0.95
    assert record.server is not None
    assert record.server.startswith("18.")
    assert record.settings["fsync"] == "off"
    assert record.seconds.recovery is not None
    assert 0 < record.seconds.recovery < record.seconds.total
    assert json.loads(tool.run("list", "--json").stdout)[0]["proven"] is False


def test_a_backup_that_no_server_takes_back_is_recorded_as_refuted(
    postgres18: PostgresServer,
    tool_for: Callable[[PostgresServer, str], Tool],
    create_database: Callable[..., str],
    tmp_path: Path,
) -> None:
    broken_promise = tmp_path / "broken_promise.sql"
    broken_promise.write_text(
        "CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE b (a integer REFERENCES a);"
        " SET session_replication_role = replica; INSERT INTO b VALUES (7)"
    )
    tool = tool_for(postgres18, create_database(postgres18, "broken_promise", broken_promise))
    tool.backup()

    failed = tool.run("drill", expect=5)

    assert "b_a_fkey" in failed.stderr
    assert "not proven" in failed.stdout
    (record,) = records(tool.store)
    assert not record.proven
    assert record.differences[0].startswith("it could not be restored and compared: pg_restore")


def test_the_copy_of_each_store_is_drilled_and_one_that_cannot_be_asked_is_passed_over(
    tool: Tool, tmp_path: Path
) -> None:
    other = tmp_path / "tool" / "other"
    other.mkdir()
    unmounted = DirectoryStore(name="unmounted", path=tmp_path / "nowhere")
    tool.stores = [*tool.stores, DirectoryStore(name="other", path=other)]
    name = tool.backup()
    tool.stores = [unmounted, *tool.stores]

    alone = tool.run("drill", "--json")

    assert (
        "leave one of the two out"
        in tool.run("drill", "--every-store", "--store", "disk", expect=2).stderr
    )
    assert "unmounted" in alone.stderr
    assert json.loads(alone.stdout)["store"] == "disk"

    broken = next(path for path in other.rglob("*") if path.parent.name == "rows")
    content = broken.read_bytes()
    broken.unlink()
    broken.write_bytes(content[:-1])

    every = tool.run("drill", "--every-store", "--json", expect=8)

    found: list[Any] = json.loads(every.stdout)
    assert [(one["store"], one["name"], one["proven"]) for one in found] == [
        ("disk", name, True),
        ("other", name, False),
    ]
    assert f"rows/{broken.name}" in every.stderr
    assert "store unmounted" in every.stderr
    assert [record.proven for record in records(tool.store)] == [True, True]
    (refuted,) = records(other)
    assert (refuted.proven, refuted.seconds.search) == (False, None)
    assert broken.name in refuted.differences[0]


def test_what_is_owed_is_drilled_in_each_store_until_it_is_proven(
    tool: Tool, tmp_path: Path
) -> None:
    other = tmp_path / "tool" / "other"
    other.mkdir()
    tool.stores = [*tool.stores, DirectoryStore(name="other", path=other)]
    tool.run("backup", "--tier", "weekly")

    first = tool.json("drill", "--owed", "--within-objectives")

    assert [(one["store"], one["proven"]) for one in first] == [("disk", True), ("other", True)]
    # Backups of one second have no order.
    time.sleep(1 - time.time() % 1)
    tool.run("backup", "--tier", "hourly")
    assert tool.json("drill", "--owed") == []
    assert "no drill is owed" in tool.run("drill", "--owed").stdout

    time.sleep(1 - time.time() % 1)
    (weekly,) = tool.json("backup", "--tier", "weekly")
    damaged = next(other.glob(f"db/*/*/*/{weekly['name']}/rows/*"))
    content = damaged.read_bytes()
    damaged.unlink()
    damaged.write_bytes(content[:-1])

    second = tool.run("drill", "--owed", "--json", expect=8)
    third = tool.run("drill", "--owed", "--json", expect=8)

    assert [(one["store"], one["name"], one["proven"]) for one in json.loads(second.stdout)] == [
        ("disk", weekly["name"], True),
        ("other", weekly["name"], False),
    ]
    assert [one["store"] for one in json.loads(third.stdout)] == ["other"]
    assert damaged.name in third.stderr


def test_a_result_that_cannot_be_recorded_is_shown_and_fails_the_run(tool: Tool) -> None:
    tool.backup()
    (tool.store / "drills").write_text("in the way")

    failed = tool.run("drill", "--json", expect=6)

    shown = json.loads(failed.stdout)
    assert (shown["proven"], shown["recorded"]) == (True, None)
    assert "could not be recorded" in failed.stderr
