"""A file is whole under its name, or not there at all."""

import errno
import os
import stat
from pathlib import Path

import pytest

from neonhub_backup.errors import ConfigurationError, StoreError
from neonhub_backup.files import new_file


def test_a_committed_file_is_there_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"

    with new_file(path) as file:
        file.write(b"one")
        file.write(b"two")
        assert not path.exists()
        file.commit()

    assert path.read_bytes() == b"onetwo"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_committed_leaves_nothing(tmp_path: Path) -> None:
    with new_file(tmp_path / "dump.sql") as file:
        file.write(b"one")

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"
    path.write_text("older")

    with pytest.raises(ConfigurationError, match="never overwritten"), new_file(path):
        pass

    assert path.read_text() == "older"


def test_nor_is_one_that_appears_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "dump.sql"

    with new_file(path) as file:
        path.write_text("another's")
        with pytest.raises(ConfigurationError, match="never overwritten"):
            file.commit()

    assert path.read_text() == "another's"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_links_renames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    path = tmp_path / "dump.sql"

    with new_file(path) as file:
        file.write(b"one")
        file.commit()

    assert list(tmp_path.iterdir()) == [path]


def test_a_directory_that_does_not_exist_is_named(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "dump.sql"

    with (
        pytest.raises(StoreError, match=f"{path} cannot be written .*directory that exists"),
        new_file(path),
    ):
        pass


def _syncs_no_directory(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    sync = os.fsync

    def refuse(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)


def test_a_mount_that_cannot_sync_directories_takes_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _syncs_no_directory(monkeypatch, errno.EINVAL)

    with new_file(tmp_path / "dump.sql") as file:
        file.commit()

    assert (tmp_path / "dump.sql").exists()


def test_a_file_whose_name_may_not_be_on_the_disk_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _syncs_no_directory(monkeypatch, errno.EIO)

    with pytest.raises(StoreError, match="no such file"), new_file(tmp_path / "dump.sql") as file:
        file.commit()

    assert list(tmp_path.iterdir()) == []
