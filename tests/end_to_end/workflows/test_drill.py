"""The drill workflow of the local stack, unchanged, by act."""

import pytest

from sandbox.runner.events import SCHEDULE
from sandbox.runner.running import SUCCESS, Run
from tests.end_to_end.workflows.conftest import Local

pytestmark = pytest.mark.usefixtures("first_backup")


@pytest.fixture(scope="module")
def asked(local: Local) -> Run:
    """A drill by hand, of every store."""
    return local.run("drill", reason="to see that it works", example="drill")


def test_a_drill_restores_from_each_store_and_finds_no_difference(asked: Run, local: Local) -> None:
    assert asked.result == SUCCESS, asked.log
    (name,) = local.backups()["aws"]
    for store, address in (("aws", "s3"), ("gcp", "gs")):
        _, proof = asked.summary.split(f"### `{store}`: proven")
        assert f"| backup | `{name}`, annual" in proof
        assert f"| copy | `{address}://neonhub-local-backups`" in proof


def test_it_says_how_long_a_recovery_takes_beside_what_was_promised(asked: Run) -> None:
    assert asked.summary.count("within the objective") == 2
    assert asked.summary.count("| objective | 1,800.0 s |") == 2


def test_a_schedule_has_nothing_to_do_when_all_that_is_owed_is_proven(
    asked: Run, local: Local
) -> None:
    assert asked.result == SUCCESS
    before = local.stored()

    run = local.run("drill", event=SCHEDULE, example="drill-nothing-owed")

    assert run.result == SUCCESS, run.log
    assert "proven" not in run.summary
    assert local.stored() == before
