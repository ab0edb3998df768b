"""One pass fills a bucket of S3, one of Google and a disk; any of them gives everything back."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import boto3
import pytest

from neonhub_backup.domain.configuration import DirectoryStore, GcsStore, S3Store, Store
from neonhub_backup.domain.layout import INDEX, MANIFEST
from neonhub_backup.stores.factory import open_store
from tests.end_to_end.buckets import create_gcs_bucket, gcs_server, moto_server
from tests.end_to_end.compare import contents_of, differences
from tests.end_to_end.tool.conftest import Tool


@dataclass
class Clouds:
    """The servers of a test module."""

    s3: str
    gcs: str


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    home = tmp_path_factory.mktemp("clouds")
    with moto_server(home) as s3, gcs_server(home) as gcs:
        yield Clouds(s3, gcs)


@pytest.fixture
def everywhere(tool: Tool, clouds: Clouds, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """An installation with three stores, all of them empty."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "sandbox")
    bucket = f"vault-{secrets.token_hex(4)}"
    s3 = boto3.client("s3", endpoint_url=clouds.s3, region_name="us-east-1")  # pyright: ignore[reportUnknownMemberType] - few services have stubs
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    create_gcs_bucket(clouds.gcs, bucket)
    tool.stores = [
        S3Store(
            name="aws",
            bucket=bucket,
            region="us-east-1",
            endpoint_url=clouds.s3,
            path_style=True,
        ),
        GcsStore(name="google", bucket=bucket, endpoint_url=clouds.gcs),
        DirectoryStore(name="disk", path=tool.store),
    ]
    return tool


def _objects(store: Store) -> dict[str, bytes]:
    """Everything in a store but the index, which only a directory keeps beside its backups."""
    opened = open_store(store)
    found: dict[str, bytes] = {}
    for listed in opened.list(""):
        if listed.key.startswith(INDEX):
            continue
        with opened.download(listed.key) as blocks:
            found[listed.key] = b"".join(blocks)
    return found


def test_one_pass_gives_every_store_the_same_objects(everywhere: Tool) -> None:
    (taken,) = everywhere.json("backup")

    aws, google, disk = (_objects(store) for store in everywhere.stores)
    # Encryption never gives the same bytes twice, so equal ones were read from the database once.
    assert aws == google == disk
    assert len([key for key in aws if key.endswith(MANIFEST)]) == 1
    assert len(aws) >= 4
    assert taken["failed"] == {}
    assert list(taken["stores"]) == ["aws", "google", "disk"]
    for store in ("aws", "google", "disk"):
        (listed,) = everywhere.json("list", "--store", store)
        assert listed["name"] == taken["name"]


def test_the_copy_at_google_alone_gives_everything_back(everywhere: Tool) -> None:
    name = everywhere.backup()
    _, google, _ = everywhere.stores
    everywhere.stores = [google]
    copy = f"{everywhere.database}_from_google"

    restored = everywhere.run(
        "restore", "latest", "--into", "COPY_URL", COPY_URL=everywhere.url(copy)
    )

    assert name in restored.stdout
    original = contents_of(everywhere.url(everywhere.database))
    assert differences(original, contents_of(everywhere.url(copy))) == []


@pytest.mark.parametrize("broken", ["aws", "google"])
def test_a_bucket_that_is_missing_costs_no_other_store_its_copy(
    everywhere: Tool, broken: str
) -> None:
    everywhere.stores = [
        store.model_copy(update={"bucket": "elsewhere"}) if store.name == broken else store
        for store in everywhere.stores
    ]

    ran = everywhere.run("backup", expect=3)

    whole = [store for store in everywhere.stores if store.name != broken]
    first, second = (_objects(store) for store in whole)
    assert first == second
    assert len([key for key in first if key.endswith(MANIFEST)]) == 1
    assert f"is missing in store {broken} and complete in {whole[0].name}, {whole[1].name}" in (
        ran.stderr
    )
    assert "there is no bucket elsewhere" in ran.stderr


def test_a_backup_is_copied_from_one_cloud_to_the_other(everywhere: Tool) -> None:
    aws, google, disk = everywhere.stores
    everywhere.stores = [aws]
    name = everywhere.backup()
    everywhere.stores = [aws, google, disk]

    everywhere.run("copy", name, "--to", "google", "--store", "aws")
    everywhere.run("copy", name, "--to", "disk", "--store", "google")

    here, there, _ = (_objects(store) for store in everywhere.stores)
    assert here == there
    verdicts = everywhere.json("verify", name, "--deep")["stores"]
    assert [one["verdict"] for one in verdicts.values()] == ["whole"] * 3
