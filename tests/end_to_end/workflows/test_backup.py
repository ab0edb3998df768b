"""The backup workflow of the local stack, unchanged, by act."""

import pytest

from sandbox.runner.running import SUCCESS, Run
from tests.end_to_end.workflows.conftest import Local


def test_a_run_on_schedule_leaves_the_same_backup_in_both_clouds(
    first_backup: Run, local: Local
) -> None:
    assert first_backup.result == SUCCESS, first_backup.log
    stored = local.stored()
    assert stored["aws"] == stored["gcp"]
    (name,) = local.backups()["aws"]
    assert all(f"/{name}/" in key for key in stored["aws"])


@pytest.mark.parametrize("store", ["aws", "gcp"])
def test_its_role_may_bring_the_index_of_the_month_up_to_date(
    store: str, first_backup: Run, local: Local
) -> None:
    (place,) = local.places()[store]
    (key,) = local.indexes()[store]
    assert key.startswith(f"index/{place.started:%Y-%m}/")
    assert "was not brought up to date" not in first_backup.log


def test_its_summary_says_what_was_stored_and_that_it_is_valid(
    first_backup: Run, local: Local
) -> None:
    (name,) = local.backups()["aws"]
    backed_up, validated = first_backup.summary.split("## `neonhub-backup validate`: success")
    assert name in backed_up
    assert name in validated
    rows = local.ask("SELECT count(*) FROM document_chunks")
    assert f"| `public.document_chunks` | 22.5 MiB | {rows:,} |" in backed_up
    assert "`TYPE public.ConnectorKind`, `TABLE public.connectors`" in validated


def test_no_secret_is_in_what_the_run_says(first_backup: Run, local: Local) -> None:
    said = first_backup.log + first_backup.summary
    assert local.sandbox.database_url not in said
    assert local.sandbox.addresses.github_token not in said


def test_nobody_is_alarmed_by_a_run_that_succeeds(first_backup: Run, local: Local) -> None:
    assert first_backup.jobs["alert"].result == "skipped"
    assert local.github.issues() == []
