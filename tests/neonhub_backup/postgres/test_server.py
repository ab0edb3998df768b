"""A server for one drill is nobody else's."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from neonhub_backup.errors import ConfigurationError
from neonhub_backup.postgres.server import private_place, settings


def test_it_listens_on_no_network() -> None:
    assert settings()["listen_addresses"] == ""


def test_its_socket_is_its_owner_s_alone() -> None:
    assert settings()["unix_socket_permissions"] == "0700"


def test_no_variable_of_the_environment_chooses_its_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6543")

    assert settings()["port"] == "5432"


@pytest.mark.parametrize("gigabytes", [1, 8, 64, 1024])
def test_it_leaves_most_of_the_memory_to_others(
    gigabytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neonhub_backup.postgres.server.memory_bytes", lambda: gigabytes << 30)

    found = settings()

    assert int(found["shared_buffers"].removesuffix("MB")) <= (gigabytes << 10) / 8


@pytest.mark.parametrize(("free", "kind"), [(16 << 30, "posix"), (64 << 20, "mmap")])
def test_its_shared_memory_is_where_there_is_room(
    free: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neonhub_backup.postgres.server.memory_bytes", lambda: 8 << 30)

    def usage(_path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=free)

    monkeypatch.setattr("neonhub_backup.postgres.server.shutil.disk_usage", usage)

    assert settings()["dynamic_shared_memory_type"] == kind


def test_a_temporary_folder_too_deep_for_a_socket_is_named_and_left_empty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 100)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))

    with pytest.raises(ConfigurationError, match=r"TMPDIR is .* too long"), private_place():
        pass

    assert list(deep.iterdir()) == []
