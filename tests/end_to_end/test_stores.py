"""What every store promises, kept by servers that speak S3's and Google's protocols.

The rest is of S3 alone: its parts, its permissions, and connections that break.
"""

import hashlib
import json
import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import boto3
import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.domain.retention import LockMode
from neonhub_backup.errors import MissingObjectError, StoreError
from neonhub_backup.stores.base import CONNECTIONS, Listed, Lock, Store
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.stores.gcs import GcsStore
from neonhub_backup.stores.s3 import S3Store
from tests.end_to_end.buckets import create_gcs_bucket, gcs_server, moto_server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MIB = 1 << 20
BUCKET = "vault"
KEY = "db/daily/2025/01/20250105T020304Z-0badcafe/archive.dump.gpg"
ADD_ONLY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:PutObject", "s3:AbortMultipartUpload", "s3:PutObjectRetention"],
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        },
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{BUCKET}"},
    ],
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A moto server's URL."""
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture(scope="module")
def google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server of Google Cloud Storage."""
    with gcs_server(tmp_path_factory.mktemp("fake-gcs")) as url:
        yield url


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)


@pytest.fixture
def s3(server: str, credentials: None) -> "S3Client":  # noqa: ARG001 - it sets the environment
    """An administrator's client of a server that holds an empty bucket with locks."""
    _tell_moto(server, "reset")
    client = boto3.client("s3", endpoint_url=server)  # pyright: ignore[reportUnknownMemberType] - few services have stubs
    client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    return client


@pytest.fixture
def store(server: str, s3: "S3Client") -> S3Store:  # noqa: ARG001 - it makes the bucket
    return _store(server)


def _store(url: str, bucket: str = BUCKET, kms_key_arn: str | None = None) -> S3Store:
    return S3Store(
        configuration.S3Store(
            name="offsite",
            bucket=bucket,
            region="us-east-1",
            endpoint_url=url,
            path_style=True,
            kms_key_arn=kms_key_arn,
        )
    )


def _tell_moto(server: str, path: str, body: bytes = b"") -> None:
    """Use moto's own controls. Anything but text/plain would be taken for a form."""
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{server}/moto-api/{path}", body, {"Content-Type": "text/plain"}, method="POST"
    )
    with urllib.request.urlopen(request):  # noqa: S310 - our own server
        return


def _gcs_store(url: str) -> GcsStore:
    """A bucket of its own: nothing can be deleted by us."""
    bucket = f"vault-{secrets.token_hex(4)}"
    create_gcs_bucket(url, bucket)
    return GcsStore(configuration.GcsStore(name="offsite", bucket=bucket, endpoint_url=url))


def _directory_store(path: Path) -> DirectoryStore:
    return DirectoryStore(configuration.DirectoryStore(name="offsite", path=path))


@pytest.fixture(params=["s3", "gcs", "directory"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Each kind of store, empty."""
    match request.param:
        case "s3":
            return request.getfixturevalue("store")
        case "gcs":
            return _gcs_store(request.getfixturevalue("google"))
        case _:
            return _directory_store(tmp_path)


def _put(store: Store, content: bytes, lock: Lock | None = None, key: str = KEY) -> None:
    with store.upload(key, lock) as upload:
        for start in range(0, len(content), 700_001):
            upload.write(content[start : start + 700_001])
        upload.commit()


def _get(store: Store) -> bytes:
    with store.download(KEY) as blocks:
        return b"".join(blocks)


def _unfinished(s3: "S3Client") -> int:
    return len(s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


@pytest.mark.parametrize("size", [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 40 * MIB])
def test_what_was_uploaded_is_listed_and_downloaded(any_store: Store, size: int) -> None:
    content = os.urandom(size)

    _put(any_store, content, Lock(LockMode.GOVERNANCE, datetime.now(UTC) + timedelta(days=1)))

    assert list(any_store.list("db/daily/")) == [Listed(KEY, size)]
    assert _get(any_store) == content


@pytest.mark.parametrize("size", [1, 30 * MIB])
def test_what_was_not_committed_never_was(any_store: Store, size: int) -> None:
    def failing() -> None:
        with any_store.upload(KEY, None) as upload:
            upload.write(bytes(size))
            raise ValueError("the dump died")

    with pytest.raises(ValueError, match="the dump died"):
        failing()

    assert list(any_store.list("")) == []


@pytest.mark.parametrize("size", [1, 9 * MIB])
def test_nothing_is_overwritten_in_any_store(any_store: Store, size: int) -> None:
    _put(any_store, b"first")

    with pytest.raises(StoreError, match="never overwritten"):
        _put(any_store, bytes(size))

    assert _get(any_store) == b"first"


def test_a_missing_object_is_named(any_store: Store) -> None:
    with pytest.raises(MissingObjectError, match=f"object {KEY} is not in store offsite"):
        _get(any_store)


def test_every_store_lists_alike(store: S3Store, google: str, tmp_path: Path) -> None:
    stores = (store, _gcs_store(google), _directory_store(tmp_path))
    for key in ("db/a-b", "db/a/b", "db/a0", "db/A", "db/ä/1", "db/ä-1", "other"):
        for one in stores:
            _put(one, b"x", key=key)

    first, *others = [list(one.list("db/")) for one in stores]

    assert len(first) == 6
    assert others == [first, first]


def test_every_store_has_the_same_folders(store: S3Store, google: str, tmp_path: Path) -> None:
    stores = (store, _gcs_store(google), _directory_store(tmp_path))
    many = [f"db/many/{number:04}/a" for number in range(1001)]
    for key in ("db/a-b/1", "db/a/b", "db/a/c/d", "db/A/1", "db/ä/1", "db/file", *many):
        for one in stores:
            _put(one, b"", key=key)

    for one in stores:
        assert list(one.folders("db/")) == ["A", "a", "a-b", "many", "ä"]
        assert list(one.folders("db/a/")) == ["c"]
        assert list(one.folders("db/many/")) == [f"{number:04}" for number in range(1001)]
        assert list(one.folders("db/nothing/")) == []


def test_google_keeps_the_lock_and_the_class_of_an_object(google: str) -> None:
    store = _gcs_store(google)
    until = datetime(2040, 1, 1, tzinfo=UTC)
    key = KEY.replace("daily", "annual")

    for size in (1, 9 * MIB):
        _put(store, bytes(size), Lock(LockMode.COMPLIANCE, until), key=f"{key}.{size}")

    listing = f"{google}/storage/v1/b/{store.address.removeprefix('gs://')}/o"
    with urllib.request.urlopen(listing) as answer:  # noqa: S310 - our own server
        kept = json.load(answer)["items"]
    assert [item["storageClass"] for item in kept] == ["ARCHIVE", "ARCHIVE"]
    assert [item["retention"]["mode"] for item in kept] == ["Locked", "Locked"]
    assert [item["retention"]["retainUntilTime"][:10] for item in kept] == ["2040-01-01"] * 2


@pytest.mark.parametrize("size", [1, 9 * MIB])
def test_the_checksum_sent_is_the_one_kept(store: S3Store, s3: "S3Client", size: int) -> None:
    _put(store, bytes(size))

    kept = s3.head_object(Bucket=BUCKET, Key=KEY, ChecksumMode="ENABLED")

    assert "ChecksumSHA256" in kept


def test_an_upload_that_fails_leaves_neither_object_nor_parts(
    store: S3Store, s3: "S3Client"
) -> None:
    begun = 0

    def failing() -> None:
        nonlocal begun
        with store.upload(KEY, None) as upload:
            upload.write(bytes(30 * MIB))
            begun = _unfinished(s3)
            raise ValueError("the dump died")

    with pytest.raises(ValueError, match="the dump died"):
        failing()

    assert begun == 1
    assert _unfinished(s3) == 0
    assert list(store.list("")) == []


def test_ctrl_c_leaves_neither_object_nor_parts(
    server: str, store: S3Store, s3: "S3Client"
) -> None:
    program = f"""
import time
from neonhub_backup.domain import configuration
from neonhub_backup.stores.s3 import S3Store
store = S3Store(configuration.S3Store(
    name="offsite", bucket="{BUCKET}", region="us-east-1", endpoint_url="{server}", path_style=True
))
with store.upload("{KEY}", None) as upload:
    upload.write(bytes(30 << 20))
    print("written", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        begun = _unfinished(s3)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)

    assert "KeyboardInterrupt" in told
    assert process.returncode != 0
    assert begun == 1
    assert _unfinished(s3) == 0
    assert list(store.list("")) == []


def test_the_lock_is_set_with_the_object(store: S3Store, s3: "S3Client") -> None:
    # Of one part, since moto drops the lock of an object that came in several.
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)

    _put(store, b"x", Lock(LockMode.COMPLIANCE, until))

    kept = s3.head_object(Bucket=BUCKET, Key=KEY)
    assert kept["ObjectLockMode"] == "COMPLIANCE"
    assert kept["ObjectLockRetainUntilDate"] == until


@pytest.mark.parametrize("size", [1, 9 * MIB])
def test_the_key_encrypts_every_object(server: str, s3: "S3Client", size: int) -> None:
    kms = boto3.client("kms", endpoint_url=server)  # pyright: ignore[reportUnknownMemberType] - few services have stubs
    key = kms.create_key()["KeyMetadata"].get("Arn", "")

    _put(_store(server, kms_key_arn=key), bytes(size))

    kept = s3.head_object(Bucket=BUCKET, Key=KEY)
    assert (kept["ServerSideEncryption"], kept["SSEKMSKeyId"]) == ("aws:kms", key)


@pytest.mark.parametrize("size", [1, 9 * MIB])
def test_an_existing_object_is_never_overwritten(store: S3Store, s3: "S3Client", size: int) -> None:
    _put(store, b"first")

    with pytest.raises(StoreError, match="never overwritten"):
        _put(store, bytes(size))

    assert _get(store) == b"first"
    assert _unfinished(s3) == 0


@pytest.mark.parametrize("size", [1, 9 * MIB])
def test_a_missing_bucket_is_named_with_the_fix(server: str, s3: "S3Client", size: int) -> None:  # noqa: ARG001 - it empties the server
    store = _store(server, bucket="elsewhere")

    with pytest.raises(StoreError, match=r"there is no bucket elsewhere; deploy it"):
        _put(store, bytes(size))
    with pytest.raises(StoreError, match=r"there is no bucket elsewhere; deploy it"):
        list(store.list(""))
    with pytest.raises(StoreError, match=r"there is no bucket elsewhere; deploy it"):
        list(store.folders("db/"))


@pytest.fixture
def add_only(server: str, s3: "S3Client", monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001 - it makes the bucket
    """We are someone who may add and list objects, and the server enforces that."""
    iam = boto3.client("iam", endpoint_url=server)  # pyright: ignore[reportUnknownMemberType] - few services have stubs
    iam.create_user(UserName="backup")
    iam.put_user_policy(
        UserName="backup", PolicyName="add-only", PolicyDocument=json.dumps(ADD_ONLY)
    )
    access = iam.create_access_key(UserName="backup")["AccessKey"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", access["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", access["SecretAccessKey"])
    _tell_moto(server, "reset-auth", b"0")
    yield
    _tell_moto(server, "reset-auth", b"inf")


@pytest.mark.usefixtures("add_only")
@pytest.mark.parametrize("size", [1, 9 * MIB])
def test_who_may_only_add_can_upload_and_not_read(store: S3Store, size: int) -> None:
    _put(store, bytes(size))
    with store.upload(f"{KEY}.aborted", None) as upload:
        upload.write(bytes(9 * MIB))

    assert list(store.list("")) == [Listed(KEY, size)]
    with pytest.raises(StoreError, match=r"access is denied .* allow .* s3:GetObject"):
        _get(store)


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on, and breaks some of the answers."""

    protocol_version = "HTTP/1.1"
    behind: ClassVar[str] = ""
    breaks: ClassVar[list[Callable[[str, bytes], bytes | None]]] = []
    """Each is given `<method> <path>` and a whole answer, and used up once it returns another."""

    def handle_request(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        upstream = HTTPConnection(self.behind.removeprefix("http://"))
        upstream.request(
            self.command, self.path, self.rfile.read(length), headers=dict(self.headers)
        )
        answer = upstream.getresponse()
        body = answer.read()
        headers = [item for item in answer.getheaders() if item[0].lower() != "connection"]
        head = "".join(f"{name}: {value}\r\n" for name, value in headers)
        whole = f"HTTP/1.1 {answer.status} {answer.reason}\r\n{head}\r\n".encode() + body
        upstream.close()
        for fault in self.breaks:
            broken = fault(f"{self.command} {self.path}", whole)
            if broken is not None:
                self.breaks.remove(fault)
                self.wfile.write(broken)
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
        self.wfile.write(whole)

    do_GET = do_PUT = do_POST = do_DELETE = handle_request  # noqa: N815 - as http.server calls them

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
        """Say nothing."""


@pytest.fixture
def flaky(server: str, s3: "S3Client") -> Iterator[str]:  # noqa: ARG001 - it makes the bucket
    """The URL of a proxy before the server; what it breaks is in `Proxy.breaks`."""
    Proxy.behind, Proxy.breaks = server, []
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{proxy.server_address[1]}"
        proxy.shutdown()
        thread.join()


def _lose(request: str) -> Callable[[str, bytes], bytes | None]:
    return lambda asked, _: b"" if request in asked else None


def _halve(request: str) -> Callable[[str, bytes], bytes | None]:
    return lambda asked, whole: whole[: len(whole) // 2] if request in asked else None


@pytest.mark.parametrize(
    ("size", "request_lost"),
    [
        (1, f"PUT /{BUCKET}/{KEY}"),
        (9 * MIB, "uploads"),
        (9 * MIB, "partNumber=1"),
        (9 * MIB, f"POST /{BUCKET}/{KEY}?uploadId"),
    ],
)
def test_an_answer_that_gets_lost_loses_no_backup(
    flaky: str, store: S3Store, size: int, request_lost: str
) -> None:
    content = os.urandom(size)
    Proxy.breaks.append(_lose(request_lost))

    _put(_store(flaky), content)

    assert Proxy.breaks == []
    assert hashlib.sha256(_get(store)).digest() == hashlib.sha256(content).digest()


def test_a_download_that_breaks_goes_on_where_it_broke(flaky: str, store: S3Store) -> None:
    content = os.urandom(20 * MIB)
    _put(store, content)
    Proxy.breaks += [_halve(f"GET /{BUCKET}/{KEY}") for _ in range(3)]

    got = _get(_store(flaky))

    assert Proxy.breaks == []
    assert hashlib.sha256(got).digest() == hashlib.sha256(content).digest()


def test_an_object_replaced_during_a_download_is_noticed(
    flaky: str, store: S3Store, s3: "S3Client"
) -> None:
    _put(store, os.urandom(4 * MIB))

    def replace(asked: str, whole: bytes) -> bytes | None:
        if not asked.startswith("GET"):
            return None
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=bytes(4 * MIB))
        return whole[: len(whole) // 2]

    Proxy.breaks.append(replace)

    with pytest.raises(StoreError, match="it was replaced while it was read"):
        _get(_store(flaky))


def test_as_many_as_may_ask_at_once_are_asked_without_a_warning(
    any_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    all_at_once = threading.Barrier(CONNECTIONS)

    def ask(_number: int) -> list[Listed]:
        all_at_once.wait()
        return list(any_store.list("db/none/"))

    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(CONNECTIONS) as pool:
        assert list(pool.map(ask, range(CONNECTIONS))) == [[]] * CONNECTIONS

    assert caplog.text == ""
