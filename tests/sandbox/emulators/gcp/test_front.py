"""What a retention forbids, and that everything else reaches the server of the objects."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.emulators.gcp.conftest import Google

OBJECT = "/storage/v1/b/backups/o/db%2Fdump"
UPLOAD = "/upload/storage/v1/b/backups/o"


def _age(google: Google, seconds: int) -> None:
    """Let there be an object that was made so long ago."""
    made = datetime.now(UTC) - timedelta(seconds=seconds)
    google.objects.found["backups/db/dump"] = {"name": "db/dump", "timeCreated": made.isoformat()}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("DELETE", OBJECT, None),
        ("POST", f"{UPLOAD}?uploadType=media&name=db/dump", {}),
        ("POST", f"{UPLOAD}?uploadType=resumable", {"name": "db/dump"}),
        ("POST", f"{OBJECT}/compose", {}),
        ("POST", "/storage/v1/b/others/o/x/rewriteTo/b/backups/o/db%2Fdump", {}),
        ("PUT", "/backups/db/dump", {}),
    ],
)
def test_a_young_object_is_neither_deleted_nor_overwritten(
    google: Google, method: str, path: str, body: Any
):
    google.bucket(retentionPolicy={"retentionPeriod": "100"})
    _age(google, 50)
    status, said = google.refusal(method, path, body)

    assert status == 403
    assert "retention policy" in said
    assert google.objects.passed_on == []


def test_an_old_object_is_deleted(google: Google):
    google.bucket(retentionPolicy={"retentionPeriod": "100"})
    _age(google, 101)

    assert google.request("DELETE", OBJECT).status_code == 204
    assert google.objects.passed_on == [f"DELETE {OBJECT}"]


def test_a_new_object_is_written(google: Google):
    google.bucket(retentionPolicy={"retentionPeriod": "100"})

    assert google.request("POST", f"{UPLOAD}?uploadType=media&name=new").status_code == 204


def test_an_objects_own_retention_is_kept_as_long_as_its_buckets(google: Google):
    body = {"name": "backups", "location": "NAM4"}
    google.json("POST", "/storage/v1/b?project=neonhub-test&enableObjectRetention=true", body)
    end = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    kept = {"name": "db/dump", "retention": {"mode": "Locked", "retainUntilTime": end}}
    google.request("POST", f"{UPLOAD}?uploadType=resumable", kept)
    _age(google, 10)
    weaker = {"retention": {"mode": None, "retainUntilTime": None}}

    assert google.refusal("DELETE", OBJECT)[0] == 403
    assert google.refusal("PATCH", f"{OBJECT}?overrideUnlockedRetention=true", weaker)[0] == 403


def test_an_object_is_retained_only_where_the_bucket_allows_it(google: Google):
    google.bucket()
    end = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"name": "a", "retention": {"mode": "Unlocked", "retainUntilTime": end}}

    assert "not enabled" in google.refusal("POST", f"{UPLOAD}?uploadType=resumable", body)[1]


def test_no_batch_gets_around_a_retention(google: Google):
    assert google.refusal("POST", "/batch/storage/v1", {})[0] == 400
