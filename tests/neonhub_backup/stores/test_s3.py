"""What a bucket promises as a place for backups, against a client that only remembers."""

import hashlib
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import boto3.session
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    IncompleteReadError,
    ProfileNotFound,
)

from neonhub_backup.domain import configuration
from neonhub_backup.domain.retention import LockMode
from neonhub_backup.errors import MissingObjectError, StoreError
from neonhub_backup.stores import s3
from neonhub_backup.stores.base import Listed, Lock
from neonhub_backup.stores.s3 import S3Store, part_bytes

KEY = "db/daily/2025/01/20250105T020000Z-0badcafe/archive.dump.gpg"
PART = 10
"""Bytes of the first parts in these tests."""
ARN = "arn:aws:kms:eu-west-1:111122223333:key/1"
LOCK = Lock(LockMode.COMPLIANCE, datetime(2030, 1, 1, tzinfo=UTC))
Answer = dict[str, Any]


def _refusal(code: str, retries: int = 0) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": "Because"},
            "ResponseMetadata": {"RetryAttempts": retries},
        },  # pyright: ignore[reportArgumentType] - the rest of the metadata plays no part
        "Any",
    )


class Client:
    """Stands in for botocore's client: keeps objects and uploads in memory."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Answer]] = []
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.before: dict[str, Callable[[Answer], object]] = {}
        """What to do, and perhaps to raise, before an operation."""
        self.answers: dict[str, Answer] = {}
        """What to answer instead."""
        self._lock = threading.Lock()

    def requests(self, operation: str) -> list[Answer]:
        return [parameters for name, parameters in self.asked if name == operation]

    def put_object(self, **asked: Any) -> Answer:
        self._ask("put_object", asked)
        self.objects[asked["Key"]] = bytes(asked["Body"])
        return self.answers.get("put_object", {"ChecksumSHA256": _checksum(asked["Body"])})

    def create_multipart_upload(self, **asked: Any) -> Answer:
        self._ask("create_multipart_upload", asked)
        self.uploads["upload-1"] = {}
        return {"UploadId": "upload-1"}

    def upload_part(self, **asked: Any) -> Answer:
        self._ask("upload_part", asked)
        self.uploads[asked["UploadId"]][asked["PartNumber"]] = bytes(asked["Body"])
        return self.answers.get(
            "upload_part",
            {"ETag": f"tag-{asked['PartNumber']}", "ChecksumSHA256": _checksum(asked["Body"])},
        )

    def complete_multipart_upload(self, **asked: Any) -> Answer:
        self._ask("complete_multipart_upload", asked)
        parts = self.uploads.pop(asked["UploadId"])
        self.objects[asked["Key"]] = b"".join(parts[number] for number in sorted(parts))
        digests = b"".join(hashlib.sha256(parts[number]).digest() for number in sorted(parts))
        answer = {"ChecksumSHA256": f"{_checksum(digests)}-{len(parts)}"}
        return self.answers.get("complete_multipart_upload", answer)

    def abort_multipart_upload(self, **asked: Any) -> None:
        self._ask("abort_multipart_upload", asked)
        if self.uploads.pop(asked["UploadId"], None) is None:
            raise _refusal("NoSuchUpload")

    def get_object(self, **asked: Any) -> Answer:
        self._ask("get_object", asked)
        if asked["Key"] not in self.objects:
            raise _refusal("NoSuchKey")
        start = int(asked.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        content = self.objects[asked["Key"]][start:]
        return {"ETag": '"tag"', "ContentLength": len(content), "Body": Body(content)}

    def get_paginator(self, _operation: str) -> "Client":
        return self

    def paginate(self, Bucket: str, Prefix: str, Delimiter: str | None = None) -> Iterator[Answer]:  # noqa: N803 - as botocore calls it
        self._ask("list_objects_v2", {"Bucket": Bucket, "Prefix": Prefix})
        yield {}
        for key in sorted(self.objects):
            folder, slash, _ = key.removeprefix(Prefix).partition(Delimiter or "/")
            if key.startswith(Prefix) and Delimiter and slash:
                yield {"CommonPrefixes": [{"Prefix": f"{Prefix}{folder}/"}]}
            elif key.startswith(Prefix):
                yield {"Contents": [{"Key": key, "Size": len(self.objects[key])}]}

    def _ask(self, operation: str, asked: Answer) -> None:
        with self._lock:
            self.asked.append((operation, asked))
        if operation in self.before:
            self.before[operation](asked)


class Body:
    """An answer's stream, which breaks off after `good_bytes` if that is not None."""

    good_bytes: int | None = None

    def __init__(self, content: bytes) -> None:
        self.left = content if self.good_bytes is None else content[: self.good_bytes]
        self.broken = len(self.left) < len(content)

    def read(self, size: int) -> bytes:
        block, self.left = self.left[:size], self.left[size:]
        if not block and self.broken:
            raise IncompleteReadError(actual_bytes=0, expected_bytes=1)
        return block

    def close(self) -> None:
        pass


def _checksum(content: bytes) -> str:
    return b64encode(hashlib.sha256(content).digest()).decode()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    client = Client()

    class Session:
        def client(self, *_: object, **__: object) -> Client:
            return client

    monkeypatch.setattr(boto3.session, "Session", Session)
    monkeypatch.setattr(s3, "FIRST_PART_BYTES", PART)
    return client


@pytest.fixture
def store(client: Client) -> S3Store:  # noqa: ARG001 - it replaces the session
    return S3Store(configuration.S3Store(name="offsite", bucket="vault", region="eu-west-1"))


def _put(store: S3Store, *blocks: bytes, lock: Lock | None = None, key: str = KEY) -> None:
    with store.upload(key, lock) as upload:
        for block in blocks:
            upload.write(block)
        upload.commit()


def _raise(error: BaseException) -> Callable[[Answer], None]:
    def fail(_: Answer) -> None:
        raise error

    return fail


def test_ten_thousand_parts_hold_five_terabytes_within_the_limits_of_s3() -> None:
    sizes = [part_bytes(number) for number in range(1, 10_001)]

    assert sum(sizes) >= 5 << 40
    assert min(sizes) >= 5 << 20
    assert max(sizes) <= 5 << 30


def test_eight_gigabytes_go_in_parts_of_eight_mebibytes() -> None:
    assert {part_bytes(number) for number in range(1, 1001)} == {8 << 20}
    assert part_bytes(1001) == 16 << 20


@pytest.mark.parametrize("size", [0, 1, PART])
def test_a_small_object_goes_in_one_request(store: S3Store, client: Client, size: int) -> None:
    _put(store, bytes(size))

    assert [operation for operation, _ in client.asked] == ["put_object"]
    assert client.objects == {KEY: bytes(size)}


def test_a_large_object_goes_in_full_parts_and_a_rest(store: S3Store, client: Client) -> None:
    content = bytes(range(256))[: 4 * PART + 3]

    _put(store, content[:1], content[1:17], content[17:])

    sent = {asked["PartNumber"]: bytes(asked["Body"]) for asked in client.requests("upload_part")}
    assert [len(sent[number]) for number in sorted(sent)] == [PART, PART, PART, PART, 3]
    assert client.objects == {KEY: content}
    assert client.uploads == {}


def test_every_request_with_bytes_carries_their_checksum(store: S3Store, client: Client) -> None:
    _put(store, b"small", key="small")
    _put(store, bytes(2 * PART))

    for asked in (*client.requests("put_object"), *client.requests("upload_part")):
        assert asked["ChecksumAlgorithm"] == "SHA256"
        assert asked["ChecksumSHA256"] == _checksum(asked["Body"])
    (complete,) = client.requests("complete_multipart_upload")
    assert complete["MultipartUpload"]["Parts"] == [
        {"PartNumber": n, "ETag": f"tag-{n}", "ChecksumSHA256": _checksum(bytes(PART))}
        for n in (1, 2)
    ]
    assert complete["MpuObjectSize"] == 2 * PART


@pytest.mark.parametrize("size", [1, 2 * PART])
def test_lock_and_key_are_set_with_the_object(client: Client, size: int) -> None:
    store = S3Store(
        configuration.S3Store(name="offsite", bucket="vault", region="eu-west-1", kms_key_arn=ARN)
    )

    _put(store, bytes(size), lock=LOCK)

    _, first = client.asked[0]
    assert first["ObjectLockMode"] == "COMPLIANCE"
    assert first["ObjectLockRetainUntilDate"] == LOCK.until
    assert first["ServerSideEncryption"] == "aws:kms"
    assert first["SSEKMSKeyId"] == ARN


def test_without_lock_and_key_the_bucket_decides(store: S3Store, client: Client) -> None:
    _put(store, b"x")

    (asked,) = client.requests("put_object")
    assert not {"ObjectLockMode", "ServerSideEncryption", "SSEKMSKeyId"} & asked.keys()


@pytest.mark.parametrize("size", [1, 2 * PART])
@pytest.mark.parametrize(
    ("key", "storage_class"),
    [
        (KEY, "STANDARD"),
        (KEY.replace("daily", "monthly"), "GLACIER_IR"),
        (KEY.replace("daily", "annual"), "STANDARD"),
        (KEY.replace("daily", "monthly").replace("archive.dump.gpg", "manifest.json"), "STANDARD"),
        ("drills/x.json", None),
    ],
)
def test_the_class_follows_the_tier_but_manifests_stay_at_hand(
    store: S3Store, client: Client, size: int, key: str, storage_class: str | None
) -> None:
    _put(store, bytes(size), key=key)

    _, first = client.asked[0]
    assert first.get("StorageClass") == storage_class


@pytest.mark.parametrize(
    ("key", "content_type"),
    [
        ("db/manifest.json", "application/json"),
        ("status/pages/x.html", "text/html"),
        ("db/archive.dump.gpg", "application/pgp-encrypted"),
        ("db.json/other", "application/octet-stream"),
    ],
)
def test_the_content_type_follows_the_name(
    store: S3Store, client: Client, key: str, content_type: str
) -> None:
    _put(store, b"x", key=key)

    assert client.requests("put_object")[0]["ContentType"] == content_type


@pytest.mark.parametrize(
    ("size", "operation"), [(1, "put_object"), (2 * PART, "complete_multipart_upload")]
)
def test_nothing_is_ever_overwritten(
    store: S3Store, client: Client, size: int, operation: str
) -> None:
    client.before[operation] = _raise(_refusal("PreconditionFailed"))

    with pytest.raises(StoreError, match=f"cannot write s3://vault/{KEY}: .* never overwritten"):
        _put(store, bytes(size))

    assert client.requests(operation)[0]["IfNoneMatch"] == "*"
    assert client.uploads == {}


@pytest.mark.parametrize(
    ("size", "operation"), [(1, "put_object"), (2 * PART, "complete_multipart_upload")]
)
def test_a_server_without_conditional_writes_is_asked_without_condition(
    store: S3Store, client: Client, size: int, operation: str
) -> None:
    def refuse_conditions(asked: Answer) -> None:
        if "IfNoneMatch" in asked:
            raise _refusal("NotImplemented")

    client.before[operation] = refuse_conditions

    _put(store, bytes(size))

    assert client.objects == {KEY: bytes(size)}


@pytest.mark.parametrize(
    ("size", "operation", "code"),
    [
        (1, "put_object", "PreconditionFailed"),
        (2 * PART, "complete_multipart_upload", "PreconditionFailed"),
        (2 * PART, "complete_multipart_upload", "NoSuchUpload"),
    ],
)
def test_a_lost_answer_is_not_a_lost_object(
    store: S3Store, client: Client, size: int, operation: str, code: str
) -> None:
    def succeed_unheard(_: Answer) -> None:
        client.objects[KEY] = bytes(size)
        client.uploads.clear()
        raise _refusal(code, retries=1)

    client.before[operation] = succeed_unheard

    _put(store, bytes(size))

    assert client.requests("abort_multipart_upload") == []


def test_another_object_is_not_taken_for_the_answer_that_was_lost(
    store: S3Store, client: Client
) -> None:
    client.objects[KEY] = b"longer"
    client.before["put_object"] = _raise(_refusal("PreconditionFailed", retries=1))

    with pytest.raises(StoreError, match="never overwritten"):
        _put(store, b"x")


@pytest.mark.parametrize(
    ("size", "operation"),
    [(1, "put_object"), (2 * PART, "upload_part"), (2 * PART, "complete_multipart_upload")],
)
def test_an_answer_with_another_checksum_fails_the_upload(
    store: S3Store, client: Client, size: int, operation: str
) -> None:
    client.answers[operation] = {"ETag": "tag", "ChecksumSHA256": "other"}

    with pytest.raises(StoreError, match="the server holds other bytes than were sent"):
        _put(store, bytes(size))


@pytest.mark.parametrize(
    ("size", "operation"),
    [(1, "put_object"), (2 * PART, "upload_part"), (2 * PART, "complete_multipart_upload")],
)
def test_an_answer_without_checksum_is_enough(
    store: S3Store, client: Client, size: int, operation: str
) -> None:
    client.answers[operation] = {"ETag": "tag"}

    _put(store, bytes(size))

    assert client.objects == {KEY: bytes(size)}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("elsewhere")])
def test_an_error_leaves_neither_object_nor_parts(
    store: S3Store, client: Client, error: BaseException
) -> None:
    def broken() -> None:
        with store.upload(KEY, None) as upload:
            upload.write(bytes(5 * PART))
            raise error

    with pytest.raises(type(error)):
        broken()

    assert client.objects == {}
    assert client.uploads == {}


def test_leaving_without_a_commit_leaves_neither_object_nor_parts(
    store: S3Store, client: Client
) -> None:
    with store.upload(KEY, None) as upload:
        upload.write(bytes(5 * PART))

    assert client.objects == {}
    assert client.uploads == {}


def test_no_part_arrives_after_the_abort(store: S3Store, client: Client) -> None:
    aborting = threading.Event()

    def wait_a_little(_: Answer) -> None:
        aborting.wait(0.05)

    client.before["upload_part"] = wait_a_little
    client.before["abort_multipart_upload"] = lambda _: aborting.set()
    with store.upload(KEY, None) as upload:
        upload.write(bytes(5 * PART))

    assert client.asked[-1][0] == "abort_multipart_upload"
    assert client.uploads == {}


def test_parts_that_cannot_be_removed_are_noted_on_the_error(
    store: S3Store, client: Client
) -> None:
    client.before["abort_multipart_upload"] = _raise(_refusal("AccessDenied"))

    def broken() -> None:
        with store.upload(KEY, None) as upload:
            upload.write(bytes(2 * PART))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        broken()

    (note,) = caught.value.__notes__
    assert "allow the identity in use s3:AbortMultipartUpload" in note
    assert "upload-1" in note


def test_parts_that_cannot_be_removed_are_an_error_of_their_own(
    store: S3Store, client: Client
) -> None:
    client.before["abort_multipart_upload"] = _raise(_refusal("AccessDenied"))

    def left_without_commit() -> None:
        with store.upload(KEY, None) as upload:
            upload.write(bytes(2 * PART))

    with pytest.raises(StoreError, match=r"cannot clean up .* parts of multipart upload upload-1"):
        left_without_commit()


def test_an_upload_that_never_began_needs_no_abort(store: S3Store, client: Client) -> None:
    client.before["create_multipart_upload"] = _raise(_refusal("AccessDenied"))

    with pytest.raises(StoreError, match="access is denied"):
        _put(store, bytes(2 * PART))

    assert client.requests("abort_multipart_upload") == []


def test_a_part_that_failed_fails_what_comes_next(store: S3Store, client: Client) -> None:
    client.before["upload_part"] = _raise(_refusal("SlowDown"))

    def write_on() -> None:
        with store.upload(KEY, None) as upload:
            while True:
                upload.write(bytes(PART))

    with pytest.raises(StoreError, match="too busy at every attempt"):
        write_on()

    assert len(client.requests("upload_part")) <= s3.PARTS_IN_FLIGHT + 1


def test_an_upload_that_failed_cannot_be_committed(store: S3Store, client: Client) -> None:
    client.before["upload_part"] = _raise(_refusal("SlowDown"))

    with store.upload(KEY, None) as upload:
        for _ in range(3):
            with pytest.raises(StoreError, match="too busy"):
                upload.write(bytes(5 * PART))
        with pytest.raises(StoreError, match="too busy"):
            upload.commit()

    assert client.objects == {}


def test_parts_are_sent_while_the_next_is_filled_and_never_more_than_two(
    store: S3Store, client: Client
) -> None:
    sending = threading.Semaphore(0)
    together: list[int] = []
    now = 0
    count = threading.Lock()

    def send(_: Answer) -> None:
        nonlocal now
        with count:
            now += 1
            together.append(now)
        sending.acquire(timeout=5)
        with count:
            now -= 1

    client.before["upload_part"] = send
    with store.upload(KEY, None) as upload:
        upload.write(bytes(3 * PART))
        # The third part is being filled; neither of the first two has arrived.
        assert client.uploads == {"upload-1": {}}
        sending.release(10)
        upload.write(bytes(5 * PART))
        upload.commit()

    assert max(together) <= s3.PARTS_IN_FLIGHT
    assert len(client.objects[KEY]) == 8 * PART


def test_what_was_stored_is_read(store: S3Store, client: Client) -> None:
    client.objects[KEY] = bytes(3 << 20)

    with store.download(KEY) as blocks:
        read = list(blocks)

    assert [len(block) for block in read] == [1 << 20] * 3


def test_a_broken_download_goes_on_where_it_broke(
    store: S3Store, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.objects[KEY] = bytes(range(100))
    monkeypatch.setattr(Body, "good_bytes", 40)

    with store.download(KEY) as blocks:
        content = b"".join(blocks)

    assert content == bytes(range(100))
    assert [
        (asked.get("Range"), asked.get("IfMatch")) for asked in client.requests("get_object")
    ] == [(None, None), ("bytes=40-", '"tag"'), ("bytes=80-", '"tag"')]


def test_a_download_that_gets_no_further_ends(
    store: S3Store, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.objects[KEY] = bytes(100)
    monkeypatch.setattr(Body, "good_bytes", 0)

    with (
        pytest.raises(StoreError, match="the connection broke at byte 0 of 100, 5 times"),
        store.download(KEY) as blocks,
    ):
        list(blocks)

    assert len(client.requests("get_object")) == s3.ATTEMPTS


def test_a_missing_object_is_named(store: S3Store) -> None:
    with (
        pytest.raises(MissingObjectError, match=f"object {KEY} is not in store offsite"),
        store.download(KEY),
    ):
        pass


def test_every_page_is_listed(store: S3Store, client: Client) -> None:
    client.objects = {"db/a": b"1", "db/b": b"22", "other": b""}

    assert list(store.list("db/")) == [Listed("db/a", 1), Listed("db/b", 2)]


def test_the_folders_of_every_page_are_listed_once(store: S3Store, client: Client) -> None:
    client.objects = dict.fromkeys(("db/b/1", "db/b/2", "db/a/1/2", "db/c", "other/d"), b"")

    assert list(store.folders("db/")) == ["a", "b"]
    assert list(store.folders("db/a/")) == ["1"]
    assert list(store.folders("nothing/")) == []


def test_an_error_names_store_object_reason_and_fix(store: S3Store, client: Client) -> None:
    unreachable = EndpointConnectionError(endpoint_url="https://vault.s3.amazonaws.com")
    for operation in ("put_object", "get_object", "list_objects_v2"):
        client.before[operation] = _raise(unreachable)
    cannot = r"store offsite cannot {} s3://vault/db/x: .*cannot be reached.*; check the network"

    with pytest.raises(StoreError, match=cannot.format("write")):
        _put(store, b"x", key="db/x")
    with pytest.raises(StoreError, match=cannot.format("read")), store.download("db/x"):
        pass
    with pytest.raises(StoreError, match=cannot.format("list")):
        list(store.list("db/x"))
    with pytest.raises(StoreError, match=cannot.format("list").replace("x:", "x/:")):
        list(store.folders("db/x/"))


def test_all_threads_share_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    connected: list[Client] = []

    class Session:
        def client(self, *_: object, **__: object) -> Client:
            connected.append(Client())
            return connected[-1]

    monkeypatch.setattr(boto3.session, "Session", Session)
    store = S3Store(configuration.S3Store(name="offsite", bucket="vault", region="eu-west-1"))
    threads = [
        threading.Thread(target=_put, args=(store, b"x"), kwargs={"key": f"{n}"}) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(connected) == 1
    assert len(connected[0].objects) == 8


def test_an_endpoint_that_is_no_url_is_refused_with_the_fix() -> None:
    store = S3Store(
        configuration.S3Store(
            name="offsite", bucket="vault", region="eu-west-1", endpoint_url="minio:9000"
        )
    )

    with pytest.raises(StoreError, match="correct its endpoint_url"):
        list(store.list(""))


def test_a_profile_that_does_not_exist_is_a_failure_of_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_profile() -> None:
        raise ProfileNotFound(profile="work")

    monkeypatch.setattr(boto3.session, "Session", no_profile)
    store = S3Store(configuration.S3Store(name="offsite", bucket="vault", region="eu-west-1"))

    for use in (lambda: list(store.list("")), lambda: _put(store, b"x")):
        with pytest.raises(StoreError, match="correct AWS_PROFILE"):
            use()
