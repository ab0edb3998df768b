"""The drill workflow of the local stack, unchanged, by act."""

import pytest

from sandbox.runner.events import SCHEDULE
from sandbox.runner.running import SUCCESS, Run
from tests.end_to_end.workflows.conftest import Local, steps

pytestmark = pytest.mark.usefixtures("first_backup")

LASTING = ("weekly", "monthly", "annual")
ADDRESSES = {"aws": "s3://neonhub-local-backups", "gcp": "gs://neonhub-local-backups"}


@pytest.fixture(scope="module")
def scheduled(local: Local) -> Run:
    """The first drill on schedule, which owes a proof of the first backup."""
    return local.run("drill", event=SCHEDULE, example="drill")


def test_what_is_owed_is_restored_from_each_store_and_shows_no_difference(
    scheduled: Run, local: Local
) -> None:
    assert scheduled.result == SUCCESS, scheduled.log
    lasting = [place for place in local.places()["aws"] if place.tier in LASTING]
    owed = max(lasting)
    for store, address in ADDRESSES.items():
        _, proof = scheduled.summary.split(f"### `{store}`: proven")
        assert f"| backup | `{owed.name}`, {owed.tier}" in proof
        assert f"| copy | `{address}`" in proof


def test_it_says_how_long_a_recovery_takes_beside_what_was_promised(scheduled: Run) -> None:
    assert scheduled.summary.count("within the objective") == 2
    assert scheduled.summary.count("| objective | 1,800.0 s |") == 2


def test_by_hand_the_copy_of_one_store_is_drilled(local: Local) -> None:
    run = local.run("drill", store="gcp", reason="to see that copy", example="drill-by-hand")

    assert run.result == SUCCESS, run.log
    assert "Drill what is owed" not in steps(run, "drill")
    assert ADDRESSES["gcp"] in run.summary
    assert ADDRESSES["aws"] not in run.summary
