"""The restore workflow of the local stack, unchanged, by act: what a person does, step by step."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from sandbox.runner.running import FAILURE, SUCCESS, Run
from tests.end_to_end.workflows.conftest import Local, steps

pytestmark = pytest.mark.usefixtures("first_backup")

LATER = "SELECT to_regclass('made_after_the_backup') IS NOT NULL"
"""Whether a database is the one that went on, and not its copy."""


class Restored(NamedTuple):
    """A copy beside the live database, made by a run."""

    run: Run
    copies: set[str]


@pytest.fixture(scope="module")
def restored(local: Local) -> Iterator[Restored]:
    """A migration went wrong, and a person restores; afterwards all is as before."""
    before = local.databases()
    local.execute("CREATE TABLE made_after_the_backup ()")
    run = local.run(
        "restore",
        step="restore",
        confirm="local",
        reason="a migration went wrong",
        example="restore",
    )
    yield Restored(run, local.databases() - before)
    for database in local.databases() - before:
        local.execute(f'DROP DATABASE "{database}" WITH (FORCE)', "postgres")
    local.execute("DROP TABLE made_after_the_backup")


def test_another_confirmation_than_the_environments_name_is_refused(local: Local) -> None:
    before = local.databases()

    run = local.run(
        "restore",
        step="restore",
        confirm="production",
        reason="a slip of the mind",
        example="restore-not-confirmed",
    )

    assert run.result == FAILURE
    assert steps(run, "restore")["Check everything beforehand"] == FAILURE
    assert "Restore" not in steps(run, "restore")
    assert "--confirm is not the name of the environment" in run.summary
    assert local.databases() == before


def test_the_right_one_puts_a_copy_beside_the_live_database(
    restored: Restored, local: Local
) -> None:
    assert restored.run.result == SUCCESS, restored.run.log
    (copy,) = restored.copies
    assert copy in restored.run.summary
    assert not local.ask(LATER, copy)
    assert local.ask(LATER)
    rows = "SELECT count(*) FROM document_chunks"
    assert local.ask(rows, copy) == local.ask(rows) > 0


def test_how_long_it_took_is_recorded_in_both_clouds(restored: Restored, local: Local) -> None:
    aws, gcp = (set(keys) for keys in local.recoveries().values())

    assert aws == gcp
    assert aws
    assert "was not recorded" not in restored.run.log


def test_each_step_is_a_run_of_its_own(restored: Restored) -> None:
    assert restored.run.jobs["promote"].result == "skipped"
    assert restored.run.jobs["revert"].result == "skipped"


def test_promotion_gives_the_copy_the_live_name_and_reversal_gives_it_back(
    restored: Restored, local: Local
) -> None:
    assert len(restored.copies) == 1

    promoted = local.run(
        "restore", step="promote", confirm="local", reason="looked at it", example="promote"
    )
    assert promoted.result == SUCCESS, promoted.log
    assert promoted.jobs["restore"].result == "skipped"
    assert not local.ask(LATER)

    reverted = local.run(
        "restore", step="revert", confirm="local", reason="it was wrong", example="revert"
    )
    assert reverted.result == SUCCESS, reverted.log
    assert local.ask(LATER)
