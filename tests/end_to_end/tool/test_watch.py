"""`status` and `watch` on real backups, real drills, real receivers."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.domain.configuration import DirectoryStore, Objectives
from tests.end_to_end.tool.conftest import Tool
from tests.receiver import Receiver, receiver


@pytest.fixture
def backed_up(tool: Tool) -> Tool:
    tool.objectives = Objectives(rpo=timedelta(hours=1))
    tool.run("backup")
    return tool


def test_a_new_backup_is_well_and_so_is_its_drill(backed_up: Tool) -> None:
    backed_up.run("drill", "latest")

    said = json.loads(backed_up.run("status", "--json").stdout)

    (database,) = said["databases"]
    (store,) = database["stores"]
    assert said["verdict"] == "well"
    assert store["newest"]["name"] == store["proven"]
    assert 0 <= store["age_seconds"] < 120
    assert 0 < store["recovery"]["last_seconds"] < 120


def test_a_store_without_a_backup_is_a_breach(tool: Tool) -> None:
    said = tool.run("status", expect=2)

    assert "has no complete backup" in said.stderr
    assert "none" in said.stdout


def test_a_lost_store_is_a_breach(backed_up: Tool) -> None:
    backed_up.store.rename(backed_up.store.with_name("away"))

    said = backed_up.run("watch", expect=2)

    assert "nobody can tell whether store disk" in said.stderr


def test_a_corrupt_manifest_is_a_breach(backed_up: Tool) -> None:
    (manifest,) = backed_up.store.rglob("manifest.json")
    manifest.write_text(manifest.read_text().replace('"daily"', '"hourly"').replace("18", "19"))

    said = backed_up.run("watch", expect=2)

    assert "was changed after it was written" in said.stderr


@pytest.mark.parametrize("command", ["status", "watch"])
def test_a_failure_has_no_verdict_s_exit_code(command: str, tool: Tool) -> None:
    said = tool.run(command, "--database", "unknown", expect=102)

    assert "--database unknown is not in the configuration" in said.stderr
    assert "--unknown" in tool.run(command, "--unknown", expect=102).stderr


def test_only_a_breach_may_be_asked_to_fail(backed_up: Tool) -> None:
    second = backed_up.home / "second"
    second.mkdir()
    backed_up.stores = [*backed_up.stores, DirectoryStore(name="second", path=second)]
    backed_up.run("backup")
    backed_up.run("backup")
    newest = backed_up.names()[0]
    (lost,) = second.rglob(f"{newest}/manifest.json")
    lost.unlink()

    assert f"{newest}, is not in store second" in backed_up.run("watch", expect=1).stderr
    assert newest in backed_up.run("watch", "--fail-on", "breach").stdout


class TestTelling:
    """Whoever should know."""

    @pytest.fixture
    def switch(self) -> Iterator[Receiver]:
        with receiver() as found:
            yield found

    def test_a_dead_man_s_switch_hears_of_a_good_watch_alone(
        self, backed_up: Tool, switch: Receiver
    ) -> None:
        heartbeat: dict[str, Any] = {"NEONHUB_BACKUP_HEARTBEAT_URL": switch.address}

        backed_up.run("watch", "--heartbeat", **heartbeat)
        backed_up.store.rename(backed_up.store.with_name("away"))
        backed_up.run("watch", "--heartbeat", expect=2, **heartbeat)

        assert [request.method for request in switch.received] == ["GET"]

    def test_a_chat_hears_of_a_breach_alone(self, backed_up: Tool, switch: Receiver) -> None:
        chat: dict[str, Any] = {"NEONHUB_BACKUP_CHAT_URL": switch.address}

        backed_up.run("watch", "--chat", **chat)
        assert switch.received == []
        backed_up.store.rename(backed_up.store.with_name("away"))
        backed_up.run("watch", "--chat", expect=2, **chat)

        (told,) = switch.received
        assert "do not keep their promises" in json.loads(told.body)["text"]

    def test_a_gateway_of_prometheus_has_the_numbers(
        self, backed_up: Tool, switch: Receiver
    ) -> None:
        backed_up.run("watch", "--pushgateway", switch.address)

        (pushed,) = switch.received
        assert pushed.method == "PUT"
        assert b"neonhub_backup_age_seconds" in pushed.body

    def test_a_file_of_prometheus_has_the_numbers(self, backed_up: Tool, tmp_path: Path) -> None:
        backed_up.run("watch", "--prometheus", str(tmp_path / "neonhub.prom"))

        assert "neonhub_backup_watched_timestamp_seconds" in (tmp_path / "neonhub.prom").read_text()

    def test_everybody_is_tried_whoever_cannot_be_reached(
        self, backed_up: Tool, switch: Receiver, tmp_path: Path
    ) -> None:
        said = backed_up.run(
            *("watch", "--prometheus", str(tmp_path / "no" / "neonhub.prom")),
            *("--pushgateway", switch.address),
            expect=16,
        )

        assert "so Prometheus sees old numbers" in said.stderr
        assert len(switch.received) == 1


def test_what_restores_took_stands_beside_what_is_promised(backed_up: Tool) -> None:
    backed_up.run("drill", "latest")
    restore = ("restore", "--into", "DATABASE_URL", "--tables", "connectors", "--in-place")
    backed_up.run(*restore, "--dry-run")
    backed_up.run(*restore)

    said = json.loads(backed_up.run("status", "--json").stdout)["objectives"]

    ways = {each["scenario"]: each for each in said["rto"]}
    assert {name: each["measured"] for name, each in ways.items()} == {"table": 1, "store": 1}
    assert 0 < ways["table"]["last_seconds"] < ways["table"]["target_seconds"] == 300
    assert said["rpo"]["target_seconds"] == 3600
    assert "one table" in backed_up.run("status").stdout
