"""The archive of a self-hosted server in a bucket, which barman writes and reads."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
import requests

from neonhub_backup.domain.configuration import Archiving, GcsStore, S3Store
from tests.end_to_end.archiving import DATABASE, Archived, archived, wait_until
from tests.end_to_end.buckets import create_gcs_bucket, enforcing_server, gcs_server

BUCKET = "operations"
OWNER = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}
ITEMS = "CREATE TABLE items (id int PRIMARY KEY)"


@dataclass(frozen=True)
class Shop:
    """A server that archives into a bucket, and the bucket."""

    server: Archived
    remove: Callable[[str], object]
    """Delete the object of a WAL file."""
    away: Callable[[], AbstractContextManager[None]] | None = None
    """Nobody answers for the bucket meanwhile. None: it would forget what it holds."""


@pytest.fixture(params=["s3", "gcs"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, key_home: Path) -> Generator[Shop]:
    """One with a base backup in S3, and one in Cloud Storage."""
    home = tmp_path / "shop"
    if request.param == "s3":
        with enforcing_server(tmp_path / "versitygw") as buckets:
            url = buckets.url
            client = boto3.client(  # pyright: ignore[reportUnknownMemberType] - few services have stubs
                "s3",
                endpoint_url=url,
                region_name="us-east-1",
                aws_access_key_id="sandbox",
                aws_secret_access_key="sandbox",  # noqa: S106 - the emulator's own
            )
            client.create_bucket(Bucket=BUCKET)
            store = S3Store(
                name="aws",
                bucket="vault",
                region="us-east-1",
                operations_bucket=BUCKET,
                endpoint_url=url,
                path_style=True,
            )
            archiving = Archiving(store="aws")
            with archived(
                home, key_home, 18, store, archiving=archiving, environment=OWNER
            ) as server:
                yield _with_base(
                    Shop(
                        server,
                        lambda key: client.delete_object(Bucket=BUCKET, Key=key),
                        buckets.away,
                    )
                )
        return
    with gcs_server(tmp_path / "fake-gcs") as url:
        create_gcs_bucket(url, BUCKET)
        store = GcsStore(name="google", bucket="vault", operations_bucket=BUCKET, endpoint_url=url)
        archiving = Archiving(store="google", compression="gzip", jobs=1)

        def remove(key: str) -> None:
            address = f"{url}/storage/v1/b/{BUCKET}/o/{key.replace('/', '%2F')}"
            requests.delete(address, timeout=10).raise_for_status()

        with archived(home, key_home, 18, store, archiving=archiving) as server:
            yield _with_base(Shop(server, remove))


def _with_base(shop: Shop) -> Shop:
    shop.server.sql(ITEMS)
    shop.server.run("base", "create")
    return shop


def test_every_row_until_a_moment_comes_back_from_a_bucket_and_none_after(
    shop: Shop, tmp_path: Path
) -> None:
    server = shop.server
    server.sql("INSERT INTO items SELECT generate_series(1, 1000)")
    ((moment,),) = server.sql("SELECT clock_timestamp()")
    server.sql("DELETE FROM items")
    server.archive_all()
    (base,) = server.json("base", "list")
    checked = server.json("wal", "check")
    server.kill()

    done = server.json("pitr", str(tmp_path / "data"), "--at", moment.isoformat(), live=False)

    assert done["base"] == base["name"]
    assert done["tables"] == {"public.items": 1000}
    assert checked["systems"] == [base["system"]]
    assert checked["bases"][0]["missing"] is None
    assert checked["server"]["failing"] is None


@pytest.mark.parametrize("shop", ["s3"], indirect=True)
def test_archiving_fails_while_the_bucket_is_away_and_catches_up_with_nothing_lost(
    shop: Shop, tmp_path: Path
) -> None:
    server = shop.server
    server.sql("INSERT INTO items VALUES (1)")
    assert shop.away is not None
    with shop.away():
        for _ in range(2):
            server.sql("INSERT INTO items SELECT max(id) + 1 FROM items")
            server.sql("SELECT pg_switch_wal()")
        wait_until(
            lambda: server.sql("SELECT 1 FROM pg_stat_archiver WHERE failed_count > 0") != []
        )
        ((waiting,),) = server.sql(
            "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
        )
        assert waiting >= 2

    server.archive_all()
    assert "0 files wait" in server.run("wal", "check").stdout
    server.kill()
    done = server.json("pitr", str(tmp_path / "data"), "--latest", live=False)

    assert done["tables"] == {"public.items": 3}


def test_a_segment_that_is_missing_in_a_bucket_is_named(shop: Shop, tmp_path: Path) -> None:
    server = shop.server
    for _ in range(3):
        server.sql("INSERT INTO items SELECT count(*) FROM items")
        server.archive_all()
    newest = server.json("wal", "check")["bases"][0]["newest"]
    gone = f"{newest[:-1]}{int(newest[-1], 16) - 1:X}"
    suffix = "gz" if server.archiving.compression == "gzip" else "lz4"
    shop.remove(f"wal/{DATABASE}/wals/{gone[:16]}/{gone}.{suffix}")

    for arguments in (("wal", "check", "--offline"), ("pitr", str(tmp_path / "data"), "--latest")):
        told = server.run(*arguments, expect=8, live=False).stderr
        assert f"WAL segment {gone} is missing in archive {DATABASE}" in told
    server.run("wal", "fetch", gone, str(tmp_path / gone), expect=7)


def test_a_file_that_is_archived_again_is_accepted_only_if_it_is_the_same(
    shop: Shop, tmp_path: Path
) -> None:
    server = shop.server
    server.archive_all()
    name = server.json("wal", "check")["bases"][0]["newest"]
    ((data,),) = server.sql("SHOW data_directory")
    copy = tmp_path / "copy"
    (copy / "pg_wal").mkdir(parents=True)
    (copy / "global").symlink_to(Path(data) / "global")
    server.run("wal", "fetch", name, str(copy / "pg_wal" / name))

    server.run("wal", "push", str(copy / "pg_wal" / name))
    with (copy / "pg_wal" / name).open("ab") as file:
        file.write(b"more")
    told = server.run("wal", "push", str(copy / "pg_wal" / name), expect=8).stderr

    assert f"has another {name} already" in told


def test_the_bucket_of_another_server_is_refused(shop: Shop, tmp_path: Path) -> None:
    server = shop.server
    server.archive_all()
    name = "000000010000000000000001"
    (tmp_path / "other" / "global").mkdir(parents=True)
    (tmp_path / "other" / "global" / "pg_control").write_bytes(bytes(range(1, 9)))
    (tmp_path / "other" / "pg_wal").mkdir()
    (tmp_path / "other" / "pg_wal" / name).write_bytes(bytes(16 << 20))

    told = server.run(
        "wal", "push", str(tmp_path / "other" / "pg_wal" / name), expect=2, live=False
    ).stderr

    assert "belongs to the server with system identifier" in told
    assert "nothing was deleted" in server.run("base", "prune", "--yes", expect=2).stderr
