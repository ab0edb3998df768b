"""Which user runs a PostgreSQL server, and what that user may pass."""

import os
import pwd
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from neonhub_backup.postgres.user import (
    ServerUserError,
    first_closed_directory,
    prefix,
    server_user_prefix,
)

STRANGER = 54321
"""A uid and gid that own nothing here."""


def _accounts(*names: str) -> Callable[[], list[pwd.struct_passwd]]:
    entries = [
        pwd.struct_passwd((name, "x", 700 + i, 800 + i, "", "/", "/bin/sh"))
        for i, name in enumerate(names)
    ]
    return lambda: entries


def _present(program: str) -> str:
    return f"/usr/bin/{program}"


def _absent(_program: str) -> None:
    return None


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(shutil, "which", _present)
    return monkeypatch


@pytest.fixture
def open_directory(tmp_path: Path) -> Path:
    """A directory whose ancestors' modes are not ours to choose: only what is below counts."""
    place = tmp_path / "closed" / "bin"
    place.mkdir(parents=True)
    return place


def test_an_ordinary_user_runs_the_server_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert server_user_prefix([Path("/")]) == ([], None)


def test_root_runs_it_as_the_postgres_user(as_root: pytest.MonkeyPatch) -> None:
    as_root.setattr(pwd, "getpwall", _accounts("nobody", "postgres"))

    command, owner = server_user_prefix([Path("/")])

    assert owner == (701, 801)
    assert command == ["setpriv", "--reuid=701", "--regid=801", "--clear-groups"]


def test_root_falls_back_on_nobody(as_root: pytest.MonkeyPatch) -> None:
    as_root.setattr(pwd, "getpwall", _accounts("root", "nobody"))

    assert server_user_prefix([Path("/")])[1] == (701, 801)


def test_a_machine_without_either_user_is_told_to_create_one(as_root: pytest.MonkeyPatch) -> None:
    as_root.setattr(pwd, "getpwall", _accounts("root"))

    with pytest.raises(ServerUserError, match="useradd --system postgres"):
        server_user_prefix([Path("/")])


def test_a_machine_without_setpriv_is_told_what_to_install(as_root: pytest.MonkeyPatch) -> None:
    as_root.setattr(pwd, "getpwall", _accounts("postgres"))
    as_root.setattr(shutil, "which", _absent)

    with pytest.raises(ServerUserError, match="install util-linux"):
        server_user_prefix([Path("/")])


def test_a_directory_closed_to_the_user_is_found(open_directory: Path) -> None:
    closed = open_directory.parent
    closed.chmod(0o700)

    found = first_closed_directory([open_directory], STRANGER, STRANGER)

    assert found is not None
    assert closed.is_relative_to(found)


def test_directories_open_to_all_need_no_capability() -> None:
    assert first_closed_directory([Path("/usr/bin")], STRANGER, STRANGER) is None


def test_a_path_behind_a_symlink_is_followed(open_directory: Path) -> None:
    open_directory.chmod(0o700)
    link = open_directory.parent.parent / "link"
    link.symlink_to(open_directory)

    assert first_closed_directory([link], STRANGER, STRANGER) is not None


def test_one_capability_and_no_other_is_kept() -> None:
    assert prefix(7, 8, "dac_read_search")[-3:] == [
        "--securebits=+no_setuid_fixup",
        "--inh-caps=-all,+dac_read_search",
        "--ambient-caps=+dac_read_search",
    ]
