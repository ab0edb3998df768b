"""What a bucket of Google Cloud Storage promises, kept with Google's client and a local server."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.domain.retention import LockMode
from neonhub_backup.errors import MissingObjectError, StoreError
from neonhub_backup.stores import gcs
from neonhub_backup.stores.base import Listed, Lock
from neonhub_backup.stores.gcs import GcsStore
from tests.neonhub_backup.stores.gcs_server import (
    BUCKET,
    Answer,
    Asked,
    GcsServer,
    Kept,
    crc32c,
    gcs_server,
    refusal,
)

PREFIX = "db/monthly/2025/01/20250105T020000Z-0badcafe/"
KEY = f"{PREFIX}archive.dump.zst.gpg"
PART = 10
"""Bytes of the parts in these tests."""
LOCK = Lock(LockMode.COMPLIANCE, datetime(2030, 1, 1, tzinfo=UTC))
GOVERNED = Lock(LockMode.GOVERNANCE, datetime(2030, 1, 1, tzinfo=UTC))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    monkeypatch.setattr(gcs, "PART_BYTES", PART)
    monkeypatch.setattr(gcs, "RANGE_BYTES", PART)
    monkeypatch.setattr(gcs, "BLOCK_BYTES", 4)
    monkeypatch.setattr(gcs, "PAUSE_SECONDS", 0)
    with gcs_server() as server:
        yield server


@pytest.fixture
def store(server: GcsServer) -> GcsStore:
    return _store(server)


def _store(server: GcsServer, bucket: str = BUCKET, **settings: Any) -> GcsStore:
    return GcsStore(
        configuration.GcsStore(name="offsite", bucket=bucket, endpoint_url=server.url, **settings)
    )


def _put(store: GcsStore, *blocks: bytes, lock: Lock | None = None, key: str = KEY) -> None:
    with store.upload(key, lock) as upload:
        for block in blocks:
            upload.write(block)
        upload.commit()


def _get(store: GcsStore, key: str = KEY) -> bytes:
    with store.download(key) as blocks:
        return b"".join(blocks)


def _contents(server: GcsServer) -> dict[str, bytes]:
    return {key: kept.content for key, kept in server.objects.items()}


@pytest.mark.parametrize("size", [0, 1, PART])
def test_a_small_object_goes_in_one_request(store: GcsStore, server: GcsServer, size: int) -> None:
    _put(store, bytes(size))

    assert [asked.kind for asked in server.asked] == ["insert"]
    assert _contents(server) == {KEY: bytes(size)}


def test_a_large_object_goes_in_full_parts_and_a_rest(store: GcsStore, server: GcsServer) -> None:
    content = bytes(range(4 * PART + 3))

    _put(store, content[:1], content[1:17], content[17:])

    assert [len(asked.body) for asked in server.requests("part")] == [PART] * 4 + [3]
    assert [asked.headers["Content-Range"] for asked in server.requests("part")] == [
        "bytes 0-9/*",
        "bytes 10-19/*",
        "bytes 20-29/*",
        "bytes 30-39/*",
        "bytes 40-42/43",
    ]
    assert _contents(server) == {KEY: content}


def test_the_server_is_told_the_checksum(store: GcsStore, server: GcsServer) -> None:
    _put(store, b"small", key="small")
    _put(store, bytes(2 * PART), key="large")

    (insert,) = server.requests("insert")
    *others, last = server.requests("part")
    assert insert.told["crc32c"] == crc32c(b"small")
    assert last.headers["X-Goog-Hash"] == f"crc32c={crc32c(bytes(2 * PART))}"
    assert all(asked.headers["X-Goog-Hash"] is None for asked in others)


@pytest.mark.parametrize(("size", "kind"), [(1, "insert"), (2 * PART, "begin")])
@pytest.mark.parametrize(
    ("lock", "mode"), [(LOCK, "Locked"), (GOVERNED, "Unlocked")], ids=["locked", "unlocked"]
)
def test_the_lock_is_set_with_the_object(
    store: GcsStore, server: GcsServer, size: int, kind: str, lock: Lock, mode: str
) -> None:
    _put(store, bytes(size), lock=lock)

    (asked,) = server.requests(kind)
    assert asked.told["retention"]["mode"] == mode
    assert asked.told["retention"]["retainUntilTime"] == "2030-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(("size", "kind"), [(1, "insert"), (2 * PART, "begin")])
def test_no_lock_is_asked_for_where_the_bucket_decides(
    server: GcsServer, size: int, kind: str
) -> None:
    _put(_store(server, object_retention=False), bytes(size), lock=LOCK, key="a")
    _put(_store(server), bytes(size), key="b")

    assert [asked.told.get("retention") for asked in server.requests(kind)] == [None, None]


@pytest.mark.parametrize(("size", "kind"), [(1, "insert"), (2 * PART, "begin")])
@pytest.mark.parametrize(
    ("key", "storage_class"),
    [
        (KEY, "COLDLINE"),
        (KEY.replace("monthly", "annual"), "ARCHIVE"),
        (f"{PREFIX}manifest.json", "STANDARD"),
        ("drills/x.json", None),
    ],
)
def test_the_class_follows_the_tier_but_manifests_stay_at_hand(
    store: GcsStore, server: GcsServer, size: int, kind: str, key: str, storage_class: str | None
) -> None:
    _put(store, bytes(size), key=key)

    (asked,) = server.requests(kind)
    assert asked.told.get("storageClass") == storage_class


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
    store: GcsStore, server: GcsServer, key: str, content_type: str
) -> None:
    _put(store, b"x", key=key)
    _put(store, bytes(2 * PART), key=f"large/{key}")

    (begin,) = server.requests("begin")
    (insert,) = server.requests("insert")
    assert insert.told["contentType"] == content_type
    assert begin.headers["X-Upload-Content-Type"] == content_type


@pytest.mark.parametrize(("size", "kind"), [(1, "insert"), (2 * PART, "begin")])
def test_nothing_is_ever_overwritten(
    store: GcsStore, server: GcsServer, size: int, kind: str
) -> None:
    server.put(KEY, b"first")

    with pytest.raises(StoreError, match=f"cannot write gs://vault/{KEY}: .* never overwritten"):
        _put(store, bytes(size))

    (asked,) = server.requests(kind)
    assert asked.query["ifGenerationMatch"] == "0"
    assert _contents(server) == {KEY: b"first"}
    assert server.uploads == {}


@pytest.mark.parametrize(
    ("size", "kind"),
    [(1, "insert"), (3 * PART, "begin"), (3 * PART, "part"), (3 * PART, "state")],
)
def test_an_answer_that_gets_lost_loses_no_object(
    store: GcsStore, server: GcsServer, size: int, kind: str
) -> None:
    content = os.urandom(size)
    server.lose(kind)
    if kind == "state":
        server.lose("part")

    _put(store, content)

    assert not any(server.faults.values())
    assert _contents(server) == {KEY: content}


def test_the_last_answer_can_get_lost_too(store: GcsStore, server: GcsServer) -> None:
    content = os.urandom(PART + 1)

    def lose_last(_: Asked, act: Callable[[], Answer]) -> Answer | None:
        answer = act()
        return None if answer.status == 200 else answer

    server.faults["part"] = [lose_last, lose_last]

    _put(store, content)

    assert _contents(server) == {KEY: content}
    assert [asked.kind for asked in server.asked] == ["begin", "part", "part", "state"]


def test_an_upload_that_ended_with_its_object_is_no_failure(
    store: GcsStore, server: GcsServer
) -> None:
    def succeed_and_forget(_: Asked, act: Callable[[], Answer]) -> None:
        if act().status == 200:
            server.uploads.clear()

    server.faults["part"] = [lambda _, act: act(), succeed_and_forget]

    _put(store, bytes(PART + 1))

    assert _contents(server) == {KEY: bytes(PART + 1)}


def test_another_object_is_not_taken_for_the_answer_that_was_lost(
    store: GcsStore, server: GcsServer
) -> None:
    def write_something_else(_: Asked, __: Callable[[], Answer]) -> None:
        server.put(KEY, b"y")

    server.faults["insert"] = [write_something_else]

    with pytest.raises(StoreError, match="never overwritten"):
        _put(store, b"x")


def test_a_part_that_arrived_by_half_is_completed(store: GcsStore, server: GcsServer) -> None:
    content = os.urandom(2 * PART + 1)

    def take_half(asked: Asked, _: Callable[[], Answer]) -> Answer:
        _told, arrived = server.uploads["upload-1"]
        arrived += asked.body[: PART // 2]
        return refusal(503)

    server.faults["part"] = [take_half]

    _put(store, content)

    assert _contents(server) == {KEY: content}
    assert server.requests("part")[1].headers["Content-Range"] == "bytes 5-9/*"


def test_bytes_that_the_server_lost_again_end_the_upload(
    store: GcsStore, server: GcsServer
) -> None:
    def lose_all(_: Asked, __: Callable[[], Answer]) -> Answer:
        server.uploads["upload-1"][1].clear()
        return refusal(503)

    server.faults["part"] = [lambda _, act: act(), lose_all]

    with pytest.raises(StoreError, match="it lost bytes after the first 0"):
        _put(store, bytes(2 * PART))

    assert server.objects == {}


@pytest.mark.parametrize(("size", "kind"), [(1, "insert"), (2 * PART, "begin"), (2 * PART, "part")])
def test_a_busy_server_is_asked_five_times(
    store: GcsStore, server: GcsServer, size: int, kind: str
) -> None:
    server.refuse(kind, 503, times=9)
    server.refuse("state", 503, times=9)

    with pytest.raises(StoreError, match="too busy at every attempt"):
        _put(store, bytes(size))

    tried = len(server.requests(kind)) + len(server.requests("state"))
    assert tried == gcs.ATTEMPTS


@pytest.mark.parametrize("kind", ["insert", "list", "stat", "read"])
def test_a_short_trouble_is_not_noticed(store: GcsStore, server: GcsServer, kind: str) -> None:
    for status in (429, 500, 502, 503):
        server.refuse(kind, status)

    _put(store, b"x")

    assert list(store.list("")) == [Listed(KEY, 1)]
    assert _get(store) == b"x"
    assert not any(server.faults.values())


@pytest.mark.parametrize(("size", "kind"), [(1, "insert"), (PART + 1, "part")])
def test_an_answer_with_another_checksum_fails_the_upload(
    store: GcsStore, server: GcsServer, size: int, kind: str
) -> None:
    def damage(_: Asked, act: Callable[[], Answer]) -> Answer:
        answer = act()
        answer.body = answer.body.replace(crc32c(bytes(size)).encode(), b"other")
        return answer

    server.faults[kind] = [damage] * 2

    with pytest.raises(StoreError, match="the server holds other bytes than were sent"):
        _put(store, bytes(size))


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("elsewhere")])
def test_an_error_leaves_neither_object_nor_upload(
    store: GcsStore, server: GcsServer, error: BaseException
) -> None:
    def broken() -> None:
        with store.upload(KEY, None) as upload:
            upload.write(bytes(5 * PART))
            raise error

    with pytest.raises(type(error)):
        broken()

    assert server.objects == {}
    assert server.uploads == {}
    assert server.asked[-1].kind == "cancel"


def test_leaving_without_a_commit_leaves_neither_object_nor_upload(
    store: GcsStore, server: GcsServer
) -> None:
    with store.upload(KEY, None) as upload:
        upload.write(bytes(5 * PART))

    assert server.objects == {}
    assert server.uploads == {}


def test_an_upload_that_cannot_be_ended_is_noted_on_the_error(
    store: GcsStore, server: GcsServer
) -> None:
    server.refuse("cancel", 403)

    def broken() -> None:
        with store.upload(KEY, None) as upload:
            upload.write(bytes(2 * PART))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        broken()

    (note,) = caught.value.__notes__
    assert f"store offsite cannot clean up gs://vault/{KEY}" in note
    assert "Google drops them within a week" in note
    assert "upload-1" not in note


def test_an_upload_that_never_began_needs_no_end(store: GcsStore, server: GcsServer) -> None:
    server.refuse("begin", 403)

    with pytest.raises(StoreError, match="access is denied"):
        _put(store, bytes(2 * PART))

    assert server.requests("cancel") == []


def test_an_upload_that_failed_cannot_be_committed(store: GcsStore, server: GcsServer) -> None:
    server.refuse("part", 403)

    with store.upload(KEY, None) as upload:
        for _ in range(3):
            with pytest.raises(StoreError, match="access is denied"):
                upload.write(bytes(5 * PART))
        with pytest.raises(StoreError, match="access is denied"):
            upload.commit()

    assert len(server.requests("part")) == 1
    assert server.objects == {}


def test_a_part_is_sent_while_the_next_is_filled(store: GcsStore, server: GcsServer) -> None:
    arrives = threading.Event()

    def wait(_: Asked, act: Callable[[], Answer]) -> Answer:
        assert arrives.wait(5)
        return act()

    server.faults["part"] = [wait]
    with store.upload(KEY, None) as upload:
        upload.write(bytes(2 * PART))
        assert not arrives.is_set()
        arrives.set()
        upload.commit()

    assert _contents(server) == {KEY: bytes(2 * PART)}


@pytest.mark.parametrize("size", [0, 1, PART, 3 * PART + 1])
def test_what_was_stored_is_read_in_blocks(store: GcsStore, server: GcsServer, size: int) -> None:
    content = os.urandom(size)
    server.put(KEY, content)

    with store.download(KEY) as blocks:
        read = list(blocks)

    assert b"".join(read) == content
    assert all(0 < len(block) <= gcs.BLOCK_BYTES for block in read)


def test_a_range_that_breaks_is_read_again(store: GcsStore, server: GcsServer) -> None:
    content = os.urandom(3 * PART)
    server.put(KEY, content)

    def shorten(_: Asked, act: Callable[[], Answer]) -> Answer:
        answer = act()
        answer.body = answer.body[:-1]
        return answer

    server.faults["read"] = [shorten]
    server.lose("read")

    assert _get(store) == content
    assert not any(server.faults.values())


def test_an_object_replaced_while_it_is_read_is_noticed(store: GcsStore, server: GcsServer) -> None:
    server.put(KEY, bytes(2 * PART))

    with store.download(KEY) as blocks:
        next(blocks)
        server.objects[KEY] = Kept(bytes(2 * PART), {}, 99)

        with pytest.raises(StoreError, match="it was replaced while it was read"):
            list(blocks)


def test_bytes_that_were_damaged_on_the_way_are_noticed(store: GcsStore, server: GcsServer) -> None:
    server.put(KEY, bytes(2 * PART))
    server.faults["read"] = [lambda _, __: Answer(206, b"x" * PART)]

    with pytest.raises(StoreError, match="the bytes arrived damaged"):
        _get(store)


def test_a_missing_object_is_named(store: GcsStore) -> None:
    with pytest.raises(MissingObjectError, match=f"object {KEY} is not in store offsite"):
        _get(store)


def test_every_page_is_listed(store: GcsStore, server: GcsServer) -> None:
    for number in range(5):
        server.put(f"db/{number}", bytes(number))
    server.put("other", b"")

    assert list(store.list("db/")) == [Listed(f"db/{n}", n) for n in range(5)]
    assert len(server.requests("list")) == 3


def test_the_folders_of_every_page_are_listed_once(store: GcsStore, server: GcsServer) -> None:
    for key in ("db/b/1", "db/b/2", "db/a/1/2", "db/c/1", "db/d", "db/e", "other/f"):
        server.put(key, b"")

    assert list(store.folders("db/")) == ["a", "b", "c"]
    assert len(server.requests("list")) == 3
    assert list(store.folders("db/a/")) == ["1"]
    assert list(store.folders("nothing/")) == []


def test_a_page_that_cannot_be_read_is_no_end_of_the_list(
    store: GcsStore, server: GcsServer
) -> None:
    for number in range(5):
        server.put(f"db/{number}", b"")
    server.faults["list"] = [lambda _, act: act(), lambda _, __: refusal(403)]

    with pytest.raises(StoreError, match=r"allow the identity in use storage\.objects\.list"):
        list(store.list("db/"))


def test_a_page_that_cannot_be_read_is_no_end_of_the_folders(
    store: GcsStore, server: GcsServer
) -> None:
    for number in range(5):
        server.put(f"db/{number}/a", b"")
    server.faults["list"] = [lambda _, act: act(), lambda _, __: refusal(403)]

    with pytest.raises(StoreError, match=r"allow the identity in use storage\.objects\.list"):
        list(store.folders("db/"))


@pytest.mark.parametrize("use", ["write", "read", "list"])
def test_a_missing_bucket_is_named_with_the_fix(server: GcsServer, use: str) -> None:
    store = _store(server, bucket="elsewhere")
    uses: dict[str, Callable[[], object]] = {
        "write": lambda: _put(store, b"x"),
        "read": lambda: _get(store),
        "list": lambda: list(store.list("")),
    }

    with pytest.raises(StoreError, match="there is no bucket elsewhere; deploy it") as caught:
        uses[use]()
    assert not isinstance(caught.value, MissingObjectError)


def test_a_server_that_cannot_be_reached_is_named(
    server: GcsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gcs, "ATTEMPTS", 2)
    server.url = "http://127.0.0.1:1"
    cannot = "store offsite cannot list gs://vault/db/x: http://127.0.0.1:1 cannot be reached"

    with pytest.raises(StoreError, match=cannot):
        list(_store(server).list("db/x"))


def test_all_threads_share_one_client(
    store: GcsStore, server: GcsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected: list[object] = []
    connect = gcs.storage.Client

    def count(**settings: Any) -> Any:
        connected.append(settings)
        return connect(**settings)

    monkeypatch.setattr(gcs.storage, "Client", count)
    threads = [
        threading.Thread(target=_put, args=(store, b"x"), kwargs={"key": f"{n}"}) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(connected) == 1
    assert len(server.objects) == 8


def test_without_credentials_nothing_can_be_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    store = GcsStore(configuration.GcsStore(name="offsite", bucket="vault"))

    for use in (lambda: list(store.list("")), lambda: _put(store, b"x")):
        with pytest.raises(StoreError, match="store offsite cannot be used: no usable Google cred"):
            use()


@pytest.fixture
def federated(server: GcsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> GcsStore:
    """A store that is no emulator's, with what a workflow of GitHub is given as credentials."""
    (tmp_path / "identity").write_text("from GitHub", encoding="utf-8")
    provider = "projects/1/locations/global/workloadIdentityPools/github/providers/github"
    credentials = {
        "type": "external_account",
        "audience": f"//iam.googleapis.com/{provider}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{server.url}/token",
        "credential_source": {"file": str(tmp_path / "identity")},
    }
    (tmp_path / "credentials.json").write_text(json.dumps(credentials), encoding="utf-8")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "credentials.json"))
    monkeypatch.setenv("API_ENDPOINT_OVERRIDE", server.url)
    return GcsStore(configuration.GcsStore(name="offsite", bucket=BUCKET))


def test_the_identity_of_a_workflow_is_enough(federated: GcsStore, server: GcsServer) -> None:
    _put(federated, b"x", key="small")
    _put(federated, bytes(2 * PART), key="large")

    assert [listed.key for listed in federated.list("")] == ["large", "small"]
    (token,) = server.requests("token")
    assert b"from+GitHub" in token.body
    assert b"devstorage" in token.body
    for kind in ("insert", "begin", "list"):
        (asked,) = server.requests(kind)
        assert asked.headers["Authorization"] == "Bearer federated"


def test_an_emulator_is_sent_no_credentials(
    federated: GcsStore, store: GcsStore, server: GcsServer
) -> None:
    assert federated.address == store.address
    _put(store, b"x")

    assert server.requests("token") == []
    assert server.requests("insert")[0].headers["Authorization"] is None


def test_an_identity_that_is_refused_is_named(federated: GcsStore, server: GcsServer) -> None:
    server.refuse("token", 400)

    with pytest.raises(
        StoreError, match=r"not valid .*; sign in again, or let the workload identity"
    ):
        list(federated.list(""))


@pytest.mark.parametrize(
    ("module", "loaded"), [("neonhub_backup.cli.main", False), ("neonhub_backup.stores.gcs", True)]
)
def test_googles_libraries_wait_until_a_store_needs_them_and_say_nothing(
    module: str, *, loaded: bool
) -> None:
    program = f"import sys, {module}; print('google.cloud.storage' in sys.modules)"

    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stdout == f"{loaded}\n"
    assert ran.stderr == ""
