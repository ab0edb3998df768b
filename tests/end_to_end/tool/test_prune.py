"""What has had its time leaves a directory on request only; buckets are left to themselves."""

import json
import shutil
from datetime import UTC, datetime, timedelta

from neonhub_backup.domain.configuration import S3Store
from neonhub_backup.domain.layout import MANIFEST, Location, new_location
from neonhub_backup.domain.manifest import dump_manifest, load_manifest
from neonhub_backup.domain.retention import Tier
from tests.end_to_end.tool.conftest import Tool


def aged(tool: Tool, original: str, days: int) -> Location:
    """A copy of a backup as it would have been taken some days ago."""
    (source,) = [path.parent for path in tool.files() if path.parts[-2:] == (original, MANIFEST)]
    place = new_location(Tier.HOURLY, datetime.now(UTC) - timedelta(days=days))
    copy = tool.store / place.prefix
    shutil.copytree(source, copy)
    manifest = load_manifest((copy / MANIFEST).read_bytes(), "it").model_copy(
        update={
            "name": place.name,
            "tier": place.tier,
            "started": place.started,
            "finished": place.started,
        }
    )
    (copy / MANIFEST).unlink()
    (copy / MANIFEST).write_bytes(dump_manifest(manifest))
    return place


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
