"""A store with troubles: what passes is waited for, what does not is reported and costs no other.

The same promises for S3 and for Google, each in front of a server that keeps to its protocol: S3's
enforces locks and checksums, Google's its rules for uploads that were interrupted.
"""

import resource
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from neonhub_backup.domain.configuration import GcsStore, S3Store
from sandbox.postgres import PostgresServer
from tests.end_to_end.buckets import enforcing_server
from tests.end_to_end.faulty import (
    Fault,
    Faults,
    faulty_front,
    lose,
    reset,
    s3_refusal,
    slow,
    truncate,
)
from tests.end_to_end.tool.conftest import Tool
from tests.neonhub_backup.stores import gcs_server as google
from tests.neonhub_backup.stores.gcs_server import Answer, Asked, GcsServer

SQL = Path(__file__).with_name("killed.sql")
FOREVER = 10_000
EXPIRED = s3_refusal(400, "ExpiredToken")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with enforcing_server(tmp_path_factory.mktemp("versitygw")) as buckets:
        yield buckets.url


@pytest.fixture
def large(
    tool_for: Callable[[PostgresServer, str], Tool],
    postgres18: PostgresServer,
    create_database: Callable[..., str],
) -> Tool:
    """An installation whose backup has objects that are sent in parts."""
    return tool_for(postgres18, create_database(postgres18, "large", SQL))


@pytest.fixture
def aws(server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[S3Store, Faults]]:
    """A bucket of S3, and what goes wrong on the way to it."""
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "sandbox")
    bucket = f"vault-{secrets.token_hex(4)}"
    owner = boto3.client("s3", endpoint_url=server, region_name="us-east-1")  # pyright: ignore[reportUnknownMemberType] - few services have stubs
    owner.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    with faulty_front(server) as faults:
        store = S3Store(
            name="aws",
            bucket=bucket,
            region="us-east-1",
            endpoint_url=faults.url,
            path_style=True,
        )
        yield store, faults


@pytest.fixture
def cloud() -> Iterator[tuple[GcsStore, GcsServer]]:
    """A bucket of Google, and its server."""
    with google.gcs_server() as content:
        yield GcsStore(name="google", bucket=google.BUCKET, endpoint_url=content.url), content


def test_s3_has_troubles_that_pass_and_the_backup_is_whole(
    large: Tool, aws: tuple[S3Store, Faults]
) -> None:
    store, faults = aws
    large.stores = [store]
    troubles: list[tuple[str, Fault]] = [
        ("list-type=2", s3_refusal(500, "InternalError")),
        ("list-type=2", truncate),
        ("rows/", s3_refusal(503, "SlowDown", "Retry-After: 1")),
        ("?uploads", s3_refusal(500, "InternalError")),
        ("partNumber=1", reset),
        ("partNumber=1", s3_refusal(503, "ServiceUnavailable")),
        ("partNumber=2", lose),
        ("?uploadId", lose),
        ("archive.dump", reset),
        ("archive.dump", slow(1)),
        ("manifest.json", lose),
    ]
    for request, fault in troubles:
        faults.plan(request, fault)

    name = large.backup()

    assert faults.left == 0
    assert large.names() == [name]
    for request, fault in [
        ("GET /vault", truncate),
        ("list-type=2", s3_refusal(503, "SlowDown")),
        ("archive.dump", truncate),
        ("archive.dump", s3_refusal(500, "InternalError")),
        ("rows/", truncate),
        ("rows/", reset),
        ("manifest.json", truncate),
    ]:
        faults.plan(request, fault)
    assert large.json("drill", name)["proven"] is True


def test_google_has_troubles_that_pass_and_the_backup_is_whole(
    large: Tool, cloud: tuple[GcsStore, GcsServer]
) -> None:
    store, server = cloud
    large.stores = [store]

    def take_half(asked: Asked, _: Callable[[], Answer]) -> Answer:
        _told, arrived = server.uploads[asked.query["upload_id"]]
        arrived += asked.body[: len(asked.body) // 2]
        return google.refusal(503)

    for kind, status in (("list", 500), ("insert", 503), ("insert", 429), ("begin", 503)):
        server.refuse(kind, status)
    server.lose("insert")
    server.faults["part"] = [take_half]
    server.lose("part")
    server.refuse("state", 502)

    name = large.backup()

    assert not any(server.faults.values())
    assert large.names() == [name]
    for kind in ("list", "stat", "read"):
        server.refuse(kind, 503)
    server.lose("read")
    assert large.json("drill", name)["proven"] is True
    assert not any(server.faults.values())


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (s3_refusal(503, "SlowDown"), "the server was too busy at every attempt"),
        (reset, "cannot be reached"),
        (EXPIRED, "the session's token has expired"),
        (s3_refusal(507, "XMinioStorageFull"), "the store is full"),
        (s3_refusal(403, "QuotaExceeded"), "the store is full"),
    ],
    ids=["busy", "unreachable", "expired", "full", "quota"],
)
def test_trouble_that_begins_halfway_and_stays_costs_s3_its_backup_and_the_disk_nothing(
    tool: Tool, aws: tuple[S3Store, Faults], fault: Fault, message: str
) -> None:
    store, faults = aws
    faults.plan("/db/", fault, spared=2, times=None)
    tool.stores = [store, *tool.stores]

    failed = tool.run("backup", expect=3)

    assert message in failed.stderr
    assert "is missing in store aws and complete in disk" in failed.stderr
    assert tool.json("list", "--store", "aws") == []
    assert len(tool.json("list", "--store", "disk")) == 1


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (503, "the server was too busy at every attempt"),
        (401, "Google credentials"),
    ],
    ids=["busy", "expired"],
)
def test_trouble_that_begins_halfway_and_stays_costs_google_its_backup_and_the_disk_nothing(
    tool: Tool, cloud: tuple[GcsStore, GcsServer], status: int, message: str
) -> None:
    store, server = cloud
    server.faults["insert"] = [lambda _, act: act()] * 2
    server.refuse("insert", status, times=FOREVER)
    tool.stores = [store, *tool.stores]

    failed = tool.run("backup", expect=3)

    assert message in failed.stderr
    assert "is missing in store google and complete in disk" in failed.stderr
    assert tool.json("list", "--store", "google") == []
    assert len(tool.json("list", "--store", "disk")) == 1


def test_what_no_attempt_can_mend_is_not_tried_again_and_what_stays_behind_is_told(
    large: Tool, aws: tuple[S3Store, Faults]
) -> None:
    store, faults = aws
    large.stores = [store]
    faults.plan("partNumber=2", EXPIRED, times=None)
    faults.plan("DELETE", EXPIRED, times=None)

    failed = large.run("backup", expect=6)

    assert "the session's token has expired" in failed.stderr
    assert "sign in again" in failed.stderr
    assert "until then the bucket keeps, and bills, the parts of multipart upload" in failed.stderr
    assert len([request for request in faults.seen if "partNumber=2" in request]) == 1
    assert large.names() == []


def test_a_disk_that_fills_up_costs_the_bucket_nothing(
    tool: Tool, aws: tuple[S3Store, Faults]
) -> None:
    store, _ = aws
    tool.stores = [*tool.stores, store]

    process = tool.start("backup")
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))
    _, stderr = process.communicate(timeout=60)

    assert process.returncode == 3, stderr
    assert "is missing in store disk and complete in aws" in stderr
    assert len(tool.json("list", "--store", "aws")) == 1
    assert tool.json("list", "--store", "disk") == []
