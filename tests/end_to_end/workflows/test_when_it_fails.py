"""What failed runs of the local stack leave: a summary, and the one issue of alarm."""

from collections.abc import Iterator

import pytest

from sandbox.runner.running import SUCCESS
from tests.end_to_end.workflows.conftest import Local, alarmed, steps

pytestmark = pytest.mark.usefixtures("first_backup")

ENVIRONMENT, SECRET = "local-backup", "DATABASE_URL"
ROLE = "AWS_ROLE_ARN"
PASSWORD = "word-that-must-not-be-said"  # noqa: S105 - to see that it is not


@pytest.fixture
def secret(local: Local) -> Iterator[None]:
    """The connection string is there again afterwards."""
    yield
    local.github.set_secret(ENVIRONMENT, SECRET, local.sandbox.database_url)


@pytest.fixture
def aws_role(local: Local) -> Iterator[None]:
    """The name of the role is there again afterwards."""
    known = local.github.variable(ENVIRONMENT, ROLE)
    yield
    local.github.set_variable(ENVIRONMENT, ROLE, known)


@pytest.mark.usefixtures("secret")
def test_a_database_that_does_not_answer(local: Local) -> None:
    nowhere = f"postgresql://neonhub:{PASSWORD}@127.0.0.1:1/neonhub"
    local.github.set_secret(ENVIRONMENT, SECRET, nowhere)
    before = local.stored()

    run = local.run("backup", reason="to see it fail", example="backup-no-database")

    reason = "neonhub on 127.0.0.1:1 cannot be reached, so nothing was done"
    assert reason in alarmed(run, local)
    assert reason in run.summary
    assert "Validate" not in steps(run, "backup")
    assert PASSWORD not in run.log + run.summary
    assert local.stored() == before


@pytest.mark.usefixtures("secret")
def test_a_secret_that_is_missing(local: Local) -> None:
    local.github.ask("DELETE", f"environments/{ENVIRONMENT}/secrets/{SECRET}")

    run = local.run("backup", reason="to see it fail", example="backup-no-secret")

    reason = "environment variable DATABASE_URL is not set"
    assert reason in alarmed(run, local)
    assert reason in run.summary


@pytest.mark.usefixtures("no_google_store")
def test_a_store_that_is_down_while_the_other_one_gets_its_copy(local: Local) -> None:
    run = local.run("backup", tier="weekly", reason="to see it fail", example="backup-store-down")

    assert "is missing in store gcp and complete in aws" in alarmed(run, local)
    assert "**not `gcp`**" in run.summary


@pytest.mark.usefixtures("aws_role")
def test_a_cloud_that_does_not_let_the_run_in_while_the_other_one_gets_its_copy(
    local: Local,
) -> None:
    nobody = "arn:aws:iam::123456789012:role/nobody"
    local.github.set_variable(ENVIRONMENT, ROLE, nobody)

    run = local.run("backup", tier="daily", reason="to see it fail", example="backup-cloud-closed")

    assert "is missing in store aws and complete in gcp" in alarmed(run, local)
    assert local.backups()["gcp"][-1] not in local.backups()["aws"]


def test_the_runs_after_it_succeed_again(local: Local) -> None:
    run = local.run("backup", tier="weekly", reason="mended")

    assert run.result == SUCCESS, run.log
    assert local.backups()["gcp"][-1] == local.backups()["aws"][-1]
