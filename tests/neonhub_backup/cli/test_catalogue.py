"""What `list`, `show`, `verify`, `fetch` and `copy` say of backups in two directories."""

import json
from pathlib import Path

import pytest

from neonhub_backup.domain.layout import MANIFEST
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import (
    ConfigurationError,
    IntegrityError,
    NoBackupError,
    PartialBackupError,
)
from neonhub_backup.holdings.selection import Candidate
from tests.neonhub_backup.backups import back_up, damage, file_of
from tests.neonhub_backup.cli.conftest import Line
from tests.neonhub_backup.samples import location


def test_a_list_has_the_backups_of_all_stores(line: Line, everywhere: Candidate) -> None:
    there = back_up(line.other, location(Tier.WEEKLY, day=5))

    newest, oldest = line.json("list")

    assert (newest["name"], list(newest["stores"]), newest["missing"]) == (
        there.location.name,
        ["other"],
        ["disk"],
    )
    assert (list(oldest["stores"]), oldest["missing"]) == (["disk", "other"], [])
    assert oldest["stores"]["disk"] == f"{line.disk.address}/{everywhere.location.prefix}"
    assert [one["name"] for one in line.json("list", "--tier", "weekly")] == [newest["name"]]
    assert line.json("list", "--proven") == []


def test_a_list_for_people_says_where_a_backup_is_missing(line: Line) -> None:
    back_up(line.other, location())

    assert "other (missing in disk)" in line.run("list")[0]


def test_a_list_with_a_damaged_manifest_shows_the_rest_and_fails(
    line: Line, everywhere: Candidate
) -> None:
    bad = back_up(line.disk, location(day=6))
    damage(file_of(line.disk, bad.location, MANIFEST), b"{}")

    listed, said = line.run("list", "--json", expect=IntegrityError)

    assert [one["name"] for one in json.loads(listed)] == [everywhere.location.name]
    assert bad.location.name in said


def test_a_named_backup_needs_no_database_and_refuses_a_wrong_one(
    line: Line, everywhere: Candidate
) -> None:
    name = everywhere.location.name

    assert line.json("show", name)["database"] == "app"
    assert line.json("show", name, "--database", "app")["name"] == name
    _, said = line.run("show", name, "--database", "billing", expect=NoBackupError)
    assert "give --database app" in said


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("command", [["show"], ["verify"], ["fetch", "latest", "."]])
def test_the_latest_is_that_of_one_database(command: list[str], line: Line) -> None:
    _, said = line.run(*command, expect=ConfigurationError)

    assert "--database is missing" in said


def test_a_backup_shows_its_custody_and_its_tables(line: Line, everywhere: Candidate) -> None:
    shown = line.json("show", everywhere.location.name)
    said, _ = line.run("show", everywhere.location.name)

    (size,) = shown["sizes"]
    assert size == {
        "schema": "public",
        "table": "connectors",
        "form": "text",
        "rows": 3,
        "disk_bytes": 8192,
        "bytes": 4,
        "ratio": 2048.0,
        "objects": 1,
    }
    assert shown["origin"] == {"host": "runner", "user": "backup", "run": None}
    assert shown["recipients"] == ["A" * 40]
    assert [one["state"] for one in shown["stores"].values()] == ["complete", "complete"]
    for expected in ("backup on runner", "A" * 40, shown["digest"], "public.connectors", "8.0 KiB"):
        assert expected in said


def test_every_copy_gets_its_verdict(line: Line, everywhere: Candidate) -> None:
    name = everywhere.location.name
    assert line.json("verify", name)["stores"]["other"]["verdict"] == "whole"
    file_of(line.other, everywhere.location, everywhere.manifest.archive.name).unlink()

    output, said = line.run("verify", name, expect=IntegrityError)

    assert output.splitlines()[0].startswith("disk: whole, 3 objects")
    assert output.splitlines()[1:] == ["other: damaged", "  archive.dump.zst.gpg is missing"]
    assert f"backup {name} is damaged in store other (archive.dump.zst.gpg is missing)" in said


def test_a_store_without_a_copy_is_told_of_and_can_get_one(line: Line) -> None:
    name = back_up(line.disk, location()).location.name

    verified = line.json("verify", name, expect=PartialBackupError)
    copy = line.json("copy", name, "--to", "other")

    assert verified["stores"]["other"]["verdict"] == "missing"
    assert (copy["objects_moved"], copy["objects_kept"]) == (2, 0)
    line.run("verify", name)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--to", "tape"], "--to tape is not in the configuration"),
        (["--to", "other", "--store", "other"], "choose two different stores"),
        (["--to", "other"], "already, so nothing was copied"),
    ],
)
def test_a_copy_that_makes_no_sense_is_refused(
    options: list[str], reason: str, line: Line, everywhere: Candidate
) -> None:
    _, said = line.run("copy", everywhere.location.name, *options, expect=ConfigurationError)

    assert reason in said


def test_a_fetch_reads_the_next_store_where_one_is_damaged(
    line: Line, everywhere: Candidate, tmp_path: Path
) -> None:
    name, archive = everywhere.location.name, everywhere.manifest.archive.name
    damage(file_of(line.disk, everywhere.location, archive), b"ARCHIVE")

    fetched = line.json("fetch", name, str(tmp_path))

    assert fetched["store"] == "other"
    assert (tmp_path / name / archive).read_bytes() == b"archive"
    assert (tmp_path / name / MANIFEST).exists()


@pytest.mark.parametrize("command", ["list", "show", "verify"])
def test_a_store_that_is_not_in_the_configuration_is_refused(command: str, line: Line) -> None:
    _, said = line.run(command, "--store", "tape", expect=ConfigurationError)

    assert "its stores are disk, other" in said


def test_a_tier_that_is_none_is_refused(line: Line) -> None:
    assert (
        "choose one of hourly" in line.run("list", "--tier", "yearly", expect=ConfigurationError)[1]
    )
