"""`index rebuild` writes what the manifests say, and names those that cannot be trusted."""

import shutil
from pathlib import Path

import pytest

from neonhub_backup.domain.index import Month
from neonhub_backup.domain.layout import MANIFEST
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import ConfigurationError, IntegrityError, StoreError
from neonhub_backup.holdings.index import Index
from neonhub_backup.holdings.selection import Candidate
from tests.neonhub_backup.backups import back_up, damage, file_of
from tests.neonhub_backup.cli.conftest import Line
from tests.neonhub_backup.samples import location

JANUARY = Month(2026, 1)


def test_the_index_of_every_store_is_written_once(line: Line, everywhere: Candidate) -> None:
    said, _ = line.run("index", "rebuild")
    again = line.json("index", "rebuild")

    assert said == (
        f"disk ({line.disk.address}): 1 written, 0 unchanged\n  written: 2026-01\n"
        f"other ({line.other.address}): 1 written, 0 unchanged\n  written: 2026-01\n"
    )
    assert [(each["written"], each["unchanged"]) for each in again] == [([], ["2026-01"])] * 2
    for store in line.stores:
        (entry,) = Index(store, store).entries([JANUARY]).entries
        assert entry.name == everywhere.location.name


@pytest.mark.usefixtures("everywhere")
def test_one_month_of_one_store_is_written_alone(line: Line) -> None:
    (march,) = line.json("index", "rebuild", "--store", "disk", "--month", "2026-03")
    (january,) = line.json("index", "rebuild", "--store", "disk", "--month", "2026-01")

    assert (march["written"], march["unchanged"]) == ([], ["2026-03"])
    assert (january["store"], january["written"]) == ("disk", ["2026-01"])
    assert list(line.other.list("index/")) == []


def test_a_damaged_manifest_is_named_and_the_rest_is_indexed(
    line: Line, everywhere: Candidate
) -> None:
    damaged = back_up(line.disk, location(Tier.WEEKLY, day=4))
    damage(file_of(line.disk, damaged.location, MANIFEST), b"{}")

    stdout, said = line.run("index", "rebuild", "--store", "disk", expect=IntegrityError)

    assert "written: 2026-01" in stdout
    assert damaged.location.name in said
    assert said.endswith("; its backup is in no index")
    (found,) = line.json("index", "rebuild", "--store", "disk", expect=IntegrityError)
    assert [damaged.location.name in each for each in found["damaged"]] == [True]
    (entry,) = Index(line.disk, line.disk).entries([JANUARY]).entries
    assert entry.name == everywhere.location.name


@pytest.mark.usefixtures("everywhere")
def test_a_store_that_cannot_be_read_keeps_no_other_from_its_index(line: Line) -> None:
    shutil.rmtree(Path(line.disk.address))

    disk, other = line.json("index", "rebuild", expect=StoreError)

    assert "store disk" in disk["problem"]
    assert other["written"] == ["2026-01"]


@pytest.mark.parametrize("text", ["2026", "2026-13", "january"])
def test_what_is_no_month_is_refused(text: str, line: Line) -> None:
    _, said = line.run("index", "rebuild", "--month", text, expect=ConfigurationError)

    assert said.startswith(f"--month {text} is no month")
