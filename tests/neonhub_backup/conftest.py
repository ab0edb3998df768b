"""What tests of several of the tool's modules share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from neonhub_backup.stores.directory import DirectoryStore
from tests.github_server import seed
from tests.neonhub_backup.backups import directory_store
from tests.neonhub_backup.keys import Key, KeyMaker, key_maker
from tests.neonhub_backup.machine import Machine, make_machine


@pytest.fixture(scope="session")
def keys() -> Iterator[KeyMaker]:
    """Makes GPG keys."""
    with key_maker() as maker:
        yield maker


@pytest.fixture(scope="session")
def key(keys: KeyMaker) -> Key:
    """A key pair with which nothing is wrong."""
    return keys.make("good@example")


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an emulated GitHub holds in the beginning."""
    return seed(tmp_path_factory.mktemp("seeded") / "data")


@pytest.fixture
def disk(tmp_path: Path) -> DirectoryStore:
    """An empty store."""
    return directory_store(tmp_path, "disk")


@pytest.fixture
def other(tmp_path: Path) -> DirectoryStore:
    """Another one."""
    return directory_store(tmp_path, "other")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A machine without PostgreSQL, with a package manager that brings it."""
    return make_machine(tmp_path / "machine", tmp_path / "shelf", monkeypatch)
