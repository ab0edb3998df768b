"""PostgreSQL's programs are those of the server's major version, or else the next newer ones."""

from collections.abc import Callable
from pathlib import Path

import pytest

from neonhub_backup.errors import ProgramError
from neonhub_backup.postgres.programs import DIRECTORY_VARIABLE, client_programs, server_programs

CLIENT = ("pg_dump", "pg_restore", "psql")
SERVER = (*CLIENT, "postgres", "initdb")

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install programs of a version where Debian has them, or in another directory."""
    debian = tmp_path / "debian"
    monkeypatch.setattr("neonhub_backup.postgres.programs._DEBIAN", debian)
    monkeypatch.delenv(DIRECTORY_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))

    def make(
        version: str, directory: Path | None = None, programs: tuple[str, ...] = CLIENT
    ) -> Path:
        place = directory or debian / version.split(".", maxsplit=1)[0] / "bin"
        place.mkdir(parents=True)
        for name in programs:
            program = place / name
            program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
            program.chmod(0o755)
        return place

    return make


def test_the_server_s_own_version_is_taken(install: Install) -> None:
    for version in ("16.14", "17.6", "18.1"):
        install(version)

    suite = client_programs(17)

    assert suite.major == 17
    assert suite.path("psql").endswith("/17/bin/psql")


def test_else_the_next_newer_one(install: Install) -> None:
    for version in ("9.6", "16.14", "18.1", "19beta1"):
        install(version)

    assert client_programs(17).major == 18


def test_older_ones_are_refused_with_the_package_to_install(install: Install) -> None:
    install("15.2")
    install("16.14")

    with pytest.raises(ProgramError) as refused:
        client_programs(17)

    assert str(refused.value) == (
        "pg_dump of PostgreSQL 17 or newer is needed for this server and the versions found are"
        " 15, 16, so nothing was done: install postgresql-client-17, or name the directory of its"
        f" programs in {DIRECTORY_VARIABLE}"
    )


@pytest.mark.usefixtures("install")
def test_where_there_are_none_that_is_said() -> None:
    with pytest.raises(ProgramError, match="the versions found are none at all"):
        client_programs(17)


def test_the_directory_of_the_environment_comes_first(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("17.6")
    mine = install("17.2", tmp_path / "mine")
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(mine))

    assert client_programs(17).directory == mine


def test_what_is_on_the_path_is_found(install: Install, tmp_path: Path) -> None:
    place = install("18.6", tmp_path / "path")

    assert client_programs(16).directory == place


def test_a_directory_that_lacks_a_program_is_passed_over(install: Install, tmp_path: Path) -> None:
    install("17.6", programs=("psql",))
    place = install("18.6", tmp_path / "path")

    assert client_programs(17).directory == place


def test_a_server_needs_more_programs_than_a_client(install: Install, tmp_path: Path) -> None:
    install("17.6")
    place = install("18.6", tmp_path / "path", SERVER)

    assert client_programs(17).major == 17
    assert server_programs(17).directory == place


def test_a_server_that_is_missing_is_told_by_its_package(install: Install) -> None:
    install("18.6")

    with pytest.raises(ProgramError, match="install postgresql-18"):
        server_programs(18)


def test_a_program_that_does_not_tell_its_version_is_not_trusted(install: Install) -> None:
    place = install("17.6")
    (place / "pg_dump").write_text("#!/bin/sh\necho broken library >&2; exit 127\n")

    with pytest.raises(ProgramError, match=r"does not tell its version \(broken library\)"):
        client_programs(17)
