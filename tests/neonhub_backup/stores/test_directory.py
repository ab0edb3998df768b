"""What a directory promises as a place for backups."""

import errno
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.domain.retention import LockMode
from neonhub_backup.errors import MissingObjectError, StoreError
from neonhub_backup.stores.base import Listed, Lock
from neonhub_backup.stores.directory import BLOCK_BYTES, DirectoryStore

KEY = "db/daily/2025/01/20250105T020000Z-0badcafe/rows/0001-000.binary.zst.gpg"


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(configuration.DirectoryStore(name="disk", path=tmp_path))


def _put(store: DirectoryStore, key: str, *blocks: bytes) -> None:
    with store.upload(key, None) as upload:
        for block in blocks:
            upload.write(block)
        upload.commit()


def _get(store: DirectoryStore, key: str) -> bytes:
    with store.download(key) as blocks:
        return b"".join(blocks)


def _files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def _failing(number: int) -> Callable[..., int]:
    def fail(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("size", [0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1])
def test_what_was_written_is_read(store: DirectoryStore, size: int) -> None:
    content = os.urandom(size)

    _put(store, KEY, content[:1000], content[1000:])

    assert _get(store, KEY) == content


def test_a_block_has_at_most_a_mebibyte(store: DirectoryStore) -> None:
    _put(store, KEY, bytes(3 * BLOCK_BYTES + 5))

    with store.download(KEY) as blocks:
        assert max(len(block) for block in blocks) <= BLOCK_BYTES


def test_an_object_is_listed_only_once_committed(store: DirectoryStore) -> None:
    with store.upload(KEY, None) as upload:
        upload.write(b"abc")
        assert list(store.list("")) == []
        upload.commit()

    assert list(store.list("")) == [Listed(KEY, 3)]


def test_an_error_leaves_nothing_behind(store: DirectoryStore, tmp_path: Path) -> None:
    def interrupted() -> None:
        with store.upload(KEY, None) as upload:
            upload.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert list(tmp_path.iterdir()) == []


def test_leaving_without_a_commit_leaves_nothing_behind(
    store: DirectoryStore, tmp_path: Path
) -> None:
    with store.upload(KEY, None) as upload:
        upload.write(b"half")

    assert list(tmp_path.iterdir()) == []


def test_an_error_after_the_commit_keeps_the_object(store: DirectoryStore) -> None:
    def committed_then_failed() -> None:
        with store.upload(KEY, None) as upload:
            upload.commit()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        committed_then_failed()

    assert list(store.list("")) == [Listed(KEY, 0)]


def test_nothing_but_the_object_stays(store: DirectoryStore, tmp_path: Path) -> None:
    _put(store, KEY, b"abc")

    assert _files(tmp_path) == [tmp_path / KEY]


def test_an_existing_object_is_never_overwritten(store: DirectoryStore, tmp_path: Path) -> None:
    _put(store, KEY, b"first")

    with pytest.raises(StoreError, match="never overwritten"):
        _put(store, KEY, b"second")

    assert _get(store, KEY) == b"first"
    assert _files(tmp_path) == [tmp_path / KEY]


def test_without_hard_links_an_object_is_renamed_and_never_overwritten(
    store: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", _failing(errno.EOPNOTSUPP))

    _put(store, KEY, b"first")
    with pytest.raises(StoreError, match="never overwritten"):
        _put(store, KEY, b"second")

    assert _get(store, KEY) == b"first"
    assert _files(tmp_path) == [tmp_path / KEY]


def test_only_the_owner_may_read_and_nobody_may_write(
    store: DirectoryStore, tmp_path: Path
) -> None:
    _put(store, KEY, b"abc")

    path = tmp_path / KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o400
    below_root = [parent for parent in path.parents if parent.is_relative_to(tmp_path)][:-1]
    assert {stat.S_IMODE(parent.stat().st_mode) for parent in below_root} == {0o700}


def test_a_lock_is_accepted_and_ignored(store: DirectoryStore) -> None:
    with store.upload(KEY, Lock(LockMode.COMPLIANCE, datetime(2040, 1, 1, tzinfo=UTC))) as upload:
        upload.commit()

    assert list(store.list("")) == [Listed(KEY, 0)]


def test_content_and_names_are_on_the_disk_before_a_commit_returns(
    store: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = os.fsync

    def record(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(tmp_path)))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    _put(store, "db/daily/manifest.json", b"{}")

    assert synced[0].startswith(".partial-")
    assert synced[1:] == [".", "db", "db/daily"]


def test_an_object_whose_name_may_not_last_does_not_exist(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def fail_on_last(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").readlink().name == "daily":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_on_last)
    with pytest.raises(StoreError, match="Input/output error"):
        _put(store, "db/daily/manifest.json", b"{}")

    assert list(store.list("")) == []


def test_directories_that_cannot_be_synced_are_good_enough(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def only_files(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    _put(store, KEY, b"abc")

    assert _get(store, KEY) == b"abc"


def test_keys_are_listed_in_the_order_s3_lists_them(store: DirectoryStore) -> None:
    keys = ["a-b", "a/b-c/d", "a/b/c", "a0", "A", "ä", "b"]
    for key in keys:
        _put(store, key)

    assert [found.key for found in store.list("")] == sorted(keys, key=str.encode)


def test_only_keys_that_begin_with_the_prefix_are_listed(store: DirectoryStore) -> None:
    for key in ("db/daily/a", "db/daily-b", "db/dai", "other/db/daily/c"):
        _put(store, key)

    assert [found.key for found in store.list("db/daily")] == ["db/daily-b", "db/daily/a"]
    assert [found.key for found in store.list("db/daily/")] == ["db/daily/a"]
    assert [found.key for found in store.list("nothing/here")] == []


def test_folders_are_the_directories_directly_below_a_prefix(store: DirectoryStore) -> None:
    for key in ("db/b/1", "db/a/1/2", "db/c", "other/d"):
        _put(store, key)

    assert list(store.folders("")) == ["db", "other"]
    assert list(store.folders("db/")) == ["a", "b"]
    assert list(store.folders("db/a/")) == ["1"]
    assert list(store.folders("db/c/")) == []
    assert list(store.folders("nothing/here/")) == []


def test_folders_that_lead_elsewhere_are_none(store: DirectoryStore, tmp_path: Path) -> None:
    _put(store, "db/a/1")
    (tmp_path / "away").symlink_to("/etc")
    (tmp_path / "near").symlink_to(tmp_path / "db")

    assert list(store.folders("")) == ["db"]
    assert list(store.folders("near/")) == []
    for prefix in ("away/", "../", "db//", "/"):
        with pytest.raises(StoreError, match="leads out of"):
            list(store.folders(prefix))


def test_links_are_neither_listed_nor_followed(store: DirectoryStore, tmp_path: Path) -> None:
    (tmp_path / "away").symlink_to("/etc")

    assert list(store.list("")) == []
    with pytest.raises(StoreError, match="leads out of"):
        _get(store, "away/passwd")


@pytest.mark.parametrize(
    "key",
    [
        "../escaped",
        "db/../../escaped",
        "/etc/passwd",
        "db//a",
        "",
        ".",
        "db/",
        "a\0b",
        ".partial-a",
    ],
)
def test_a_key_that_leads_elsewhere_is_refused(store: DirectoryStore, key: str) -> None:
    with pytest.raises(StoreError, match="leads out of"):
        _put(store, key)
    with pytest.raises(StoreError, match="leads out of"):
        _get(store, key)


@pytest.mark.parametrize("key", ["missing", "db", "db/daily/a/b"])
def test_a_missing_object_is_named(store: DirectoryStore, key: str) -> None:
    _put(store, "db/daily/a")

    with pytest.raises(MissingObjectError, match=f"object {key} is not in store disk"):
        _get(store, key)


def test_a_missing_directory_is_a_mount_to_look_after(tmp_path: Path) -> None:
    settings = configuration.DirectoryStore(name="disk", path=tmp_path / "mount")
    store = DirectoryStore(settings)
    sentence = r"store disk cannot \w+ .*mount.* does not exist; mount it"

    with pytest.raises(StoreError, match=sentence):
        _put(store, KEY)
    with pytest.raises(StoreError, match=sentence):
        _get(store, KEY)
    with pytest.raises(StoreError, match=sentence):
        list(store.list(""))
    with pytest.raises(StoreError, match=sentence):
        list(store.folders("db/"))
    assert not settings.path.exists()


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "No space left on device; free some space"),
        (errno.EDQUOT, "free some space, or ask for a larger quota"),
        (errno.EACCES, "Permission denied; let the user who runs this own the directory"),
        (errno.EROFS, "Read-only file system; mount it writable"),
        (errno.ESTALE, "unmount it and mount it again"),
        (errno.EIO, "Input/output error; check the disk or the mount"),
    ],
)
def test_a_failed_write_names_store_reason_and_fix(
    store: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, fix: str
) -> None:
    monkeypatch.setattr(os, "write", _failing(number))

    with pytest.raises(StoreError, match=f"store disk cannot write {tmp_path}/{KEY}: .*{fix}"):
        _put(store, KEY, b"abc")

    assert list(tmp_path.iterdir()) == []


def test_bytes_that_the_file_lost_are_noticed(store: DirectoryStore, tmp_path: Path) -> None:
    def truncated() -> None:
        with store.upload(KEY, None) as upload:
            upload.write(b"abc")
            os.truncate(next(tmp_path.iterdir()), 1)
            upload.commit()

    with pytest.raises(StoreError, match="has 1 bytes instead of 3"):
        truncated()


def test_what_cannot_be_removed_is_noted_on_the_error(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted() -> None:
        with store.upload(KEY, None):
            monkeypatch.setattr(Path, "unlink", _unremovable)
            raise KeyboardInterrupt

    def _unremovable(path: Path, missing_ok: bool = False) -> None:  # noqa: ARG001 - as pathlib calls it
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with pytest.raises(KeyboardInterrupt) as caught:
        interrupted()

    assert "store disk cannot clean up" in caught.value.__notes__[0]
