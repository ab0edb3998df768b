"""What `drill` says before anything is restored: what is owed, and what cannot be meant."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from neonhub_backup.cli import drill as command
from neonhub_backup.domain.configuration import Database, Objectives
from neonhub_backup.domain.proof import Seconds
from neonhub_backup.drill import Drilled
from neonhub_backup.errors import (
    ConfigurationError,
    DrillFailedError,
    NoBackupError,
    ObjectiveError,
    StoreError,
)
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.holdings.selection import Candidate
from tests.neonhub_backup.cli.conftest import Line
from tests.neonhub_backup.samples import proof


@pytest.fixture
def proven(line: Line, everywhere: Candidate) -> Line:
    """The only database's backup is proven in both stores, and no proof is ever too old."""
    line.databases = (Database(name="app"),)
    line.objectives = line.objectives.model_validate({"prove_every": "100y"})
    for store in line.stores:
        Proofs(store).add(proof(everywhere.location))
    return line


def test_nothing_owed_is_said_and_no_failure(proven: Line) -> None:
    assert proven.run("drill", "--owed")[0] == "no drill is owed: all that must be proven is\n"
    assert proven.json("drill", "--owed") == []


def test_nothing_is_said_to_be_proven_of_a_store_that_cannot_be_asked(proven: Line) -> None:
    shutil.rmtree(Path(proven.other.address))

    said, failure = proven.run("drill", "--owed", expect=StoreError)

    assert said == ""
    assert "store other" in failure
    assert proven.json("drill", "--owed", "--store", "disk") == []


def test_a_database_without_a_backup_fails_the_run(proven: Line) -> None:
    proven.databases = (*proven.databases, Database(name="billing"))

    _, failure = proven.run("drill", "--owed", expect=NoBackupError)

    assert "has no complete backup of database billing" in failure
    assert proven.json("drill", "--owed", "--database", "app") == []


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("backup", ["latest", "20260105T020000Z-0badcafe"])
def test_a_backup_and_what_is_owed_cannot_both_be_meant(backup: str, line: Line) -> None:
    _, failure = line.run("drill", backup, "--owed", expect=ConfigurationError)

    assert f"{backup} names a backup and --owed asks for whatever is owed" in failure


class TestWithinObjectives:
    """A recovery that takes too long fails the run on request, and is recorded all the same."""

    @pytest.fixture
    def drilled(
        self, line: Line, everywhere: Candidate, monkeypatch: pytest.MonkeyPatch
    ) -> Callable[..., None]:
        """Have every drill take so many minutes to restore, and find these differences."""
        line.databases = (Database(name="app"),)
        line.objectives = Objectives(rto_minutes=30)

        def take(minutes: float, differences: tuple[str, ...] = ()) -> None:
            def drill(*_: object, objective: float, **_options: object) -> Drilled:
                seconds = Seconds(
                    verify=1.0,
                    data=1.0,
                    search=60 * minutes - 1,
                    compare=1.0,
                    total=60 * minutes + 1,
                    objective=objective,
                )
                found = proof(everywhere.location, differences=differences)
                return Drilled(found.model_copy(update={"seconds": seconds}), None)

            def source(copy: Candidate, _decrypt: object) -> Candidate:
                return copy

            monkeypatch.setattr(command, "drill", drill)
            monkeypatch.setattr(Candidate, "source", source)

        return take

    @pytest.mark.parametrize("minutes", [0.5, 30])
    def test_a_recovery_as_quick_as_promised_is_well(
        self, minutes: float, line: Line, drilled: Callable[..., None]
    ) -> None:
        drilled(minutes)

        line.run("drill", "--within-objectives")

    def test_a_slower_one_is_recorded_as_proven_and_fails(
        self, line: Line, everywhere: Candidate, drilled: Callable[..., None]
    ) -> None:
        drilled(41.2)

        said, failure = line.run("drill", "--within-objectives", "--json", expect=ObjectiveError)

        name = everywhere.location.name
        assert ObjectiveError.exit_code == 15
        assert f"backup {name} in store disk" in failure
        assert "recovery took 41.2 min, and the objective is 30.0 min" in failure
        assert json.loads(said)["proven"] is True
        assert Proofs(line.disk).proven([name]) == {name}

    def test_unless_it_is_asked_for_time_fails_nothing(
        self, line: Line, drilled: Callable[..., None]
    ) -> None:
        drilled(600)

        line.run("drill")

    def test_a_backup_that_is_not_proven_is_the_worse_news(
        self, line: Line, drilled: Callable[..., None]
    ) -> None:
        drilled(600, ("x",))

        line.run("drill", "--within-objectives", expect=DrillFailedError)

    def test_of_what_is_owed_each_store_is_drilled(
        self, line: Line, everywhere: Candidate, drilled: Callable[..., None]
    ) -> None:
        drilled(41.2)

        said, _ = line.run(
            "drill", "--owed", "--within-objectives", "--json", expect=ObjectiveError
        )

        name = everywhere.location.name
        assert [one["recorded"] for one in json.loads(said)] == [f"drills/{name}.json"] * 2
        for store in line.stores:
            assert Proofs(store).proven([name]) == {name}
