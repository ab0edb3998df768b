"""The watch workflow of the local stack, unchanged, by act."""

from typing import Any

import boto3
import pytest

from neonhub_backup.domain.metrics import NAMESPACE, Metric
from sandbox.runner.events import SCHEDULE
from sandbox.runner.running import FAILURE, SUCCESS, Run
from tests.end_to_end.workflows.conftest import Local, alarmed, steps

pytestmark = pytest.mark.usefixtures("first_backup")


@pytest.fixture(scope="module")
def scheduled(local: Local) -> Run:
    """The first watch on schedule."""
    return local.run("watch", event=SCHEDULE, example="watch")


def test_whoever_backs_up_may_look_at_all_that_a_watch_is_about(scheduled: Run) -> None:
    assert scheduled.result == SUCCESS, scheduled.log
    assert scheduled.jobs["alert"].result == "skipped"
    assert "neonhub-backup watch`: success" in scheduled.summary


@pytest.mark.usefixtures("scheduled")
def test_the_alarms_of_the_stack_get_what_they_wait_for(local: Local) -> None:
    untyped: Any = boto3  # its types are those of every service there is
    cloudwatch = untyped.client(
        "cloudwatch",
        endpoint_url=local.sandbox.moto_url,
        region_name="us-east-1",
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 - the emulator's
    )
    published = cloudwatch.list_metrics(Namespace=NAMESPACE)["Metrics"]
    (age,) = [each for each in published if each["MetricName"] == Metric.BACKUP_AGE]
    assert {each["Name"]: each["Value"] for each in age["Dimensions"]} == {
        "Environment": "local",
        "Database": "neonhub",
    }


def test_a_workflow_that_was_disabled_is_enabled_again(local: Local) -> None:
    local.github.ask("PUT", "actions/workflows/db-backup-local.yml/disable")

    run = local.run("watch", reason="to see it find that")

    assert run.result == SUCCESS, run.log
    assert "db-backup-local.yml was not started any more (somebody had disabled it)" in run.summary
    assert local.github.ask("GET", "actions/workflows/db-backup-local.yml")["state"] == "active"


@pytest.mark.usefixtures("no_google_store")
def test_a_store_that_is_down_is_told_of_once(local: Local) -> None:
    def comments() -> int:
        (issue,) = local.github.issues()
        return issue["comments"]

    first = local.run("watch", reason="to see it fail", example="watch-store-down")
    assert "do not keep their promises: store of neonhub in gcp" in alarmed(first, local)
    before = comments()

    again = local.run("watch", reason="to see it fail again")

    assert steps(again, "watch")["Watch"] == FAILURE
    assert again.jobs["alert"].result == SUCCESS, again.log
    assert "told nobody again" in again.log
    assert comments() == before


def test_the_page_is_kept_with_the_run_and_in_every_operations_bucket(
    scheduled: Run, local: Local
) -> None:
    ((name, page),) = scheduled.artifacts["backups-local"].items()
    assert name == "page.html"
    assert b"<html" in page
    for cloud, keys in local.pages().items():
        assert [key.rpartition(".")[2] for key in keys][-2:] == ["html", "json"], cloud
