"""`validate` finds what a backup lacks, with nothing but listings and manifests."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.domain.configuration import Database
from neonhub_backup.domain.layout import MANIFEST
from neonhub_backup.domain.manifest import dump_manifest
from neonhub_backup.errors import (
    ContentsError,
    IntegrityError,
    NoBackupError,
    PartialBackupError,
    StoreError,
)
from neonhub_backup.holdings.selection import Candidate
from tests.neonhub_backup.backups import back_up, copied, damage, file_of
from tests.neonhub_backup.cli.conftest import Line
from tests.neonhub_backup.samples import location

KIND = "TYPE public ConnectorKind"
CONNECTORS = "TABLE public connectors"
OTHERS = ("OWNER TABLE public connectors", "EXTENSION - vector")


@pytest.fixture
def backup(line: Line) -> Candidate:
    """A backup in both stores of the only database, all of whose required objects it holds."""
    written = ('CREATE TYPE "ConnectorKind"', "TABLE connectors")
    line.databases = (Database(name="app", required=written),)
    taken = back_up(line.disk, location(day=4), schema=(KIND, CONNECTORS, *OTHERS))
    copied(taken, line.other)
    return taken


def test_a_backup_that_is_complete_everywhere_is_valid(line: Line, backup: Candidate) -> None:
    said, _ = line.run("validate")
    (found,) = line.json("validate", backup.location.name)

    assert said == (
        f"valid: {backup.location.name} in disk, other: 3 objects, 11 B; TYPE public.ConnectorKind,"
        " TABLE public.connectors and 2 more objects of the schema\n"
    )
    assert (found["valid"], found["absent"], found["schema_objects"]) == (True, [], 4)
    assert found["stores"] == {
        "disk": {"state": "complete", "problems": []},
        "other": {"state": "complete", "problems": []},
    }


def test_what_is_required_and_not_there_fails_with_its_name(line: Line, backup: Candidate) -> None:
    line.databases = (Database(name="app", required=("TABLE users", "TABLE connectors")),)

    stdout, said = line.run("validate", "--json", expect=ContentsError)

    (found,) = json.loads(stdout)
    assert (found["valid"], found["absent"]) == (False, ["TABLE public.users"])
    assert f"{backup.location.name} of database app holds no TABLE public.users, which" in said
    assert ContentsError.exit_code == 14


@pytest.mark.usefixtures("backup")
def test_the_same_name_in_another_schema_is_another_object(line: Line) -> None:
    line.databases = (Database(name="app", required=("TABLE billing.connectors",)),)

    line.run("validate", expect=ContentsError)


@pytest.mark.parametrize("content", [None, b"archiv"])
def test_an_object_that_is_missing_or_cut_off_is_named_with_its_store(
    content: bytes | None, line: Line, backup: Candidate
) -> None:
    path = file_of(line.other, backup.location, backup.manifest.archive.name)
    damage(path, content) if content is not None else path.unlink()

    stdout, said = line.run("validate", expect=IntegrityError)

    problem = "is missing" if content is None else "has 6 bytes instead of 7"
    assert stdout == (
        f"not valid: {backup.location.name}\n  disk: complete\n  other: damaged\n"
        f"    archive.dump.zst.gpg {problem}\n"
    )
    assert f"in store other (archive.dump.zst.gpg {problem})" in said


def test_content_is_not_read(line: Line, backup: Candidate) -> None:
    damage(file_of(line.disk, backup.location, backup.manifest.archive.name), b"ARCHIVE")

    (found,) = line.json("validate")

    assert found["valid"] is True


def test_a_manifest_that_another_store_does_not_have_is_damage(
    line: Line, backup: Candidate
) -> None:
    other = backup.manifest.model_copy(update={"large_objects": 7})
    damage(file_of(line.other, backup.location, MANIFEST), dump_manifest(other))

    _, said = line.run("validate", expect=IntegrityError)

    assert "store other (its manifest is not the one in store disk)" in said


def test_a_damaged_manifest_is_never_passed_over_for_an_older_backup(
    line: Line, backup: Candidate
) -> None:
    newer = back_up(line.disk, location(day=5), schema=(KIND, CONNECTORS))
    damage(file_of(line.disk, newer.location, MANIFEST), b"{}")

    stdout, said = line.run("validate", expect=IntegrityError)

    assert newer.location.name in said
    assert backup.location.name not in stdout


def test_a_store_without_the_backup_fails_the_run(line: Line, backup: Candidate) -> None:
    newer = back_up(line.disk, location(day=5), schema=(KIND, CONNECTORS))

    _, said = line.run("validate", expect=PartialBackupError)

    assert f"backup {newer.location.name} is missing in store other" in said
    assert line.json("validate", "--store", "disk")[0]["name"] == newer.location.name
    assert line.json("validate", "--store", "other")[0]["name"] == backup.location.name


def test_a_store_that_cannot_be_asked_leaves_the_backup_unknown_there(
    line: Line, backup: Candidate
) -> None:
    shutil.rmtree(Path(line.other.address))

    stdout, said = line.run("validate", "--json", expect=StoreError)

    (found,) = json.loads(stdout)
    states: dict[str, Any] = {name: one["state"] for name, one in found["stores"].items()}
    assert states == {"disk": "complete", "other": "unread"}
    assert "whether it is complete there" in said
    assert backup.location.name in said


def test_every_database_is_looked_at_though_one_has_no_backup(
    line: Line, backup: Candidate
) -> None:
    line.databases = (Database(name="new"), *line.databases)

    stdout, said = line.run("validate", "--json", expect=NoBackupError)

    assert [found["name"] for found in json.loads(stdout)] == [backup.location.name]
    assert "backup of database new" in said
    line.run("validate", "--database", "app")
    line.run("validate", backup.location.name)


def test_nothing_is_required_of_a_database_that_the_configuration_no_longer_has(
    line: Line, backup: Candidate
) -> None:
    line.databases = (Database(name="new"),)

    (found,) = line.json("validate", backup.location.name)

    assert (found["valid"], found["required"]) == (True, [])


def test_all_that_is_wrong_is_shown_and_the_worst_fails_the_run(
    line: Line, backup: Candidate
) -> None:
    line.databases = (Database(name="app", required=("TABLE users",)),)
    file_of(line.disk, backup.location, backup.manifest.archive.name).unlink()
    file_of(line.other, backup.location, MANIFEST).unlink()

    stdout, _ = line.run("validate", expect=IntegrityError)

    assert stdout.splitlines()[1:] == [
        "  disk: damaged",
        "    archive.dump.zst.gpg is missing",
        "  other: missing",
        "  it holds no TABLE public.users",
    ]
