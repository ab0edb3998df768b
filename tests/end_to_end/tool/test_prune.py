"""What has had its time leaves a directory on request only; buckets are left to themselves."""

import json

from neonhub_backup.domain.configuration import S3Store
from tests.end_to_end.tool.aging import aged
from tests.end_to_end.tool.conftest import Tool


def test_a_directory_is_pruned_once_that_is_confirmed(tool: Tool) -> None:
    taken = tool.backup()
    old, older = aged(tool, taken, 2), aged(tool, taken, 90)
    before = tool.files()

    refused = tool.run("prune", expect=12)
    shown = tool.json("prune", "--dry-run")

    assert f"would delete hourly backup {older.name}" in refused.stdout
    assert "give --yes" in refused.stderr
    assert tool.files() == before
    ((found),) = shown
    assert found["deleted"] is False
    assert [item["name"] for item in found["expired"]] == [older.name]
    assert {item["name"] for item in found["kept"]} == {taken, old.name}

    (done,) = tool.json("prune", "--store", "disk", "--yes")

    assert done == found | {"deleted": True}
    assert not (tool.store / older.prefix).exists()
    assert set(tool.names()) == {taken, old.name}
    assert tool.json("prune", "--yes")[0]["expired"] == []


def test_a_bucket_is_left_to_its_lifecycle(tool: Tool) -> None:
    tool.stores = [*tool.stores, S3Store(name="aws", bucket="vault", region="eu-central-1")]

    refused = tool.run("prune", "--store", "aws", "--yes", expect=2)

    assert "nothing was deleted: aws (s3://vault) expires backups by its own" in refused.stderr
    assert json.loads(tool.run("prune", "--dry-run", "--json").stdout)[0]["store"] == "disk"
