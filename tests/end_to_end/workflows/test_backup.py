"""The backup workflow of the local stack, unchanged, by act."""

import pytest

from sandbox.runner.events import SCHEDULE
from sandbox.runner.running import SUCCESS, Run
from tests.end_to_end.workflows.conftest import Local


@pytest.fixture(scope="module")
def scheduled(local: Local) -> Run:
    """The first run on schedule."""
    return local.run("backup", event=SCHEDULE, save_as="backup")


def test_a_run_on_schedule_leaves_the_same_backup_in_both_clouds(
    scheduled: Run, local: Local
) -> None:
    assert scheduled.result == SUCCESS, scheduled.log
    stored = local.stored()
    assert stored["aws"] == stored["gcp"]
    (name,) = local.backups()["aws"]
    assert all(f"/{name}/" in key for key in stored["aws"])


def test_its_summary_names_the_backup_and_nobody_is_alarmed(scheduled: Run, local: Local) -> None:
    (name,) = local.backups()["aws"]
    assert name in scheduled.summary
    assert scheduled.jobs["alert"].result == "skipped"
    assert local.github.issues() == []
