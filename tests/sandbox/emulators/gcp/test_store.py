"""What the emulator remembers, and for whom."""

from pathlib import Path

import pytest

from sandbox.emulators.gcp.store import DirectoryInUseError, Store


def test_two_emulators_never_share_a_directory(tmp_path: Path):
    first = Store(tmp_path)
    with pytest.raises(DirectoryInUseError, match="use another --data"):
        Store(tmp_path)
    first.close()

    Store(tmp_path).close()


def test_what_a_failed_change_did_is_undone(tmp_path: Path):
    store = Store(tmp_path)

    def fail() -> None:
        with store.changing():
            store.table("things")["a"] = {}
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()

    assert store.table("things") == {}
    store.close()


def test_only_its_owner_reads_the_file(tmp_path: Path):
    store = Store(tmp_path)
    with store.changing():
        store.table("things")["a"] = {}
    store.close()

    assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
