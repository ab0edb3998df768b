"""What a run needs is there in the end, or one sentence says what is missing and what to do."""

import logging
from pathlib import Path

import pytest

from neonhub_backup.errors import ProgramError
from neonhub_backup.postgres.installing import ensure
from neonhub_backup.postgres.programs import DIRECTORY_VARIABLE, client_programs, server_programs
from tests.neonhub_backup.machine import PGVECTOR, Machine

QUIET = "--quiet --yes --option=Acquire::Retries=3 --option=DPkg::Lock::Timeout=120"
UPDATE = f"apt-get {QUIET} update"
INSTALL = f"apt-get {QUIET} install --no-install-recommends"
ADD_REPOSITORY = "apt.postgresql.org.sh -y"
TOOLS = ("gnupg", "zstd")
CLIENT = ("postgresql-client-16", *TOOLS)
SERVER = ("postgresql-16", "postgresql-16-pgvector")
NO_CLUSTER = "/etc/postgresql-common/createcluster.d/neonhub-backup.conf"


def _as_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)


def _said(*, server: bool = False) -> str:
    """Why the programs cannot be had."""
    with pytest.raises(ProgramError) as refused:
        ensure(16, server=server)
    return str(refused.value)


def test_nothing_is_done_when_all_is_there(machine: Machine) -> None:
    machine.has(*CLIENT, *SERVER)

    ensured = ensure(16, server=True)

    assert ensured.suite == server_programs(16)
    assert ensured.suite.directory == machine.suite(16)
    assert (ensured.pgvector, ensured.packages) == (PGVECTOR, ())
    assert machine.commands == []


def test_a_client_is_not_asked_for_a_server(machine: Machine) -> None:
    machine.has(*CLIENT)

    ensured = ensure(16, server=False)

    assert (ensured.pgvector, ensured.packages) == (None, ())
    assert machine.commands == []


def test_an_absent_client_is_installed_from_the_repositories_that_have_it(
    machine: Machine,
) -> None:
    machine.has(*TOOLS)
    machine.offers(postgresql_client_16="16.4-0ubuntu0.24.04.1")

    ensured = ensure(16, server=False)

    assert ensured.packages == ("postgresql-client-16",)
    assert ensured.suite == client_programs(16)
    assert machine.commands == [UPDATE, f"{INSTALL} postgresql-client-16"]


def test_where_no_repository_has_it_the_project_s_own_is_added_as_documented(
    machine: Machine,
) -> None:
    machine.has(*TOOLS)
    machine.offers(postgresql_client_16="(none)")

    ensure(16, server=False)

    assert machine.commands == [
        UPDATE,
        f"{INSTALL} postgresql-common ca-certificates",
        ADD_REPOSITORY,
        f"{INSTALL} postgresql-client-16",
    ]


def test_only_the_very_major_version_will_do(machine: Machine) -> None:
    machine.has("postgresql-client-17", *TOOLS)
    machine.offers(postgresql_client_16="16.4-1")

    assert client_programs(16).major == 17
    assert ensure(16, server=False).suite.major == 16
    assert client_programs(16).major == 16


def test_an_absent_server_is_installed_without_creating_one_that_listens(machine: Machine) -> None:
    machine.has(*CLIENT)
    machine.offers(postgresql_16="16.4-1", postgresql_16_pgvector="0.8.1-1.pgdg24.04+1")

    ensured = ensure(16, server=True)

    assert ensured.packages == SERVER
    update, create, install, remove = machine.commands
    assert update == UPDATE
    assert create.startswith("install -D --mode=644 /")
    assert create.endswith(f" {NO_CLUSTER}")
    assert install == f"{INSTALL} {' '.join(SERVER)}"
    assert remove == f"rm --force {NO_CLUSTER}"


def test_what_keeps_clusters_away_says_so_to_debian_s_packages(
    machine: Machine, tmp_path: Path
) -> None:
    machine.has(*CLIENT)
    copy = tmp_path / "copy.conf"
    machine.recorded("install", f'cp "$3" {copy}\n')

    ensure(16, server=True)

    assert copy.read_text() == "create_main_cluster = false\n"


def test_a_runner_of_github_lacks_pgvector_alone(machine: Machine) -> None:
    machine.has(*CLIENT, "postgresql-16", "postgresql-common", "ca-certificates")
    machine.offers(postgresql_16_pgvector="0.8.1-1.pgdg24.04+1")

    ensured = ensure(16, server=True)

    assert ensured.packages == ("postgresql-16-pgvector",)
    assert ensured.pgvector == PGVECTOR
    assert machine.commands[0] == UPDATE
    assert machine.commands[2] == f"{INSTALL} postgresql-16-pgvector"


def test_the_pgvector_of_a_distribution_is_too_old_for_a_drill(machine: Machine) -> None:
    machine.has(*CLIENT, "postgresql-16", "postgresql-common", "ca-certificates")
    machine.offers(postgresql_16_pgvector="0.6.0-1")

    ensure(16, server=True)

    assert machine.commands[0] == ADD_REPOSITORY
    assert machine.commands[2] == f"{INSTALL} postgresql-16-pgvector"


def test_gpg_and_zstd_need_no_repository_of_postgresql(machine: Machine) -> None:
    machine.has("postgresql-client-16")

    assert ensure(16, server=False).packages == TOOLS
    assert machine.commands == [UPDATE, f"{INSTALL} gnupg zstd"]


def test_who_is_not_root_does_all_of_it_by_sudo_which_never_asks(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _as_user(monkeypatch)

    ensure(16, server=True)

    by_sudo = [line for line in machine.commands if line.startswith("sudo ")]
    others = [line for line in machine.commands if not line.startswith("sudo ")]
    assert [line.split(" ")[1] for line in by_sudo] == ["--non-interactive"] * len(others)
    assert len(others) == 6
    assert by_sudo[0] == (
        f"sudo --non-interactive env DEBIAN_FRONTEND=noninteractive apt-get {QUIET} update"
    )


def test_without_sudo_only_root_can_install(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    _as_user(monkeypatch)
    (machine.path / "sudo").unlink()

    assert "and only root may install that, and there is no sudo, so nothing" in _said()
    assert machine.commands == []


def test_where_there_is_no_apt_it_is_said_how_else_to_install(machine: Machine) -> None:
    machine.has("gnupg")
    (machine.path / "apt-get").unlink()

    assert _said(server=True) == (
        "this machine lacks psql, pg_dump and pg_restore of PostgreSQL 16, postgres and initdb of"
        " PostgreSQL 16, pgvector for PostgreSQL 16 and zstd, and has no apt-get to install that"
        " with, so nothing can be backed up, restored or proven on it: install it with `apt-get"
        " install postgresql-client-16 postgresql-16 postgresql-16-pgvector zstd` from"
        " https://wiki.postgresql.org/wiki/Apt, with `brew install postgresql@16 pgvector zstd`,"
        " or in another way, and name the directory of PostgreSQL's programs in"
        f" {DIRECTORY_VARIABLE} unless it is on PATH"
    )


def test_a_failure_of_apt_is_shown_with_its_own_words(machine: Machine) -> None:
    machine.has(*CLIENT)
    machine.breaks("postgresql-16")

    said = _said(server=True)

    assert (
        "and `apt-get install postgresql-16 postgresql-16-pgvector` failed with exit code 100"
        " (E: Unable to locate package postgresql-16), so nothing can be"
    ) in said
    assert machine.commands[-1] == f"rm --force {NO_CLUSTER}"


def test_of_a_long_failure_the_end_is_shown(machine: Machine) -> None:
    machine.recorded("apt-get", "seq 1000; echo E: no space left; exit 100\n")

    said = _said()

    assert "999 1000 E: no space left)" in said
    assert " 900 " not in said


def test_programs_from_elsewhere_that_lack_something_are_found_out(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has(*CLIENT, *SERVER)
    mine = tmp_path / "mine" / "bin"
    mine.mkdir(parents=True)
    for program in machine.suite(16).iterdir():
        if program.name != "pg_config":
            (mine / program.name).symlink_to(program)
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(mine))

    assert _said(server=True) == (
        "this machine lacks pgvector for PostgreSQL 16, even after apt-get has installed"
        " postgresql-16-pgvector, so nothing can be backed up, restored or proven on it: see"
        f" whether {DIRECTORY_VARIABLE} or PATH leads to programs from elsewhere first"
    )

    control = mine.parent / "share" / "postgresql" / "extension" / "vector.control"
    control.parent.mkdir(parents=True)
    control.touch()

    assert ensure(16, server=True).pgvector == "of an unknown version"


def test_a_named_directory_of_another_version_is_passed_over_and_that_is_said(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    machine.has(*CLIENT, "postgresql-client-17")
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(machine.suite(17)))

    with caplog.at_level(logging.WARNING):
        ensured = ensure(16, server=False)

    assert ensured.suite.directory == machine.suite(16)
    (message,) = caplog.messages
    assert message == (
        f"{DIRECTORY_VARIABLE} names {machine.suite(17)}, which lacks programs of PostgreSQL 16,"
        f" so those of {machine.suite(16)} are used: name that directory, or unset the variable"
    )


def test_a_named_directory_of_the_version_needs_no_word(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    machine.has(*CLIENT)
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(machine.suite(16)))

    ensure(16, server=False)

    assert caplog.messages == []


def test_debian_s_wrappers_without_a_version_behind_them_are_no_obstacle(machine: Machine) -> None:
    machine.has(*TOOLS)
    for name in ("psql", "pg_dump", "pg_restore"):
        machine.recorded(name, "echo 'You must install at least one client' >&2; exit 1\n")

    with pytest.raises(ProgramError, match="does not tell its version"):
        client_programs(16)

    machine.offers(postgresql_client_16="16.4-1")
    for name in ("psql", "pg_dump", "pg_restore"):
        machine.recorded(name, f'exec {machine.suite(16)}/"${{0##*/}}" "$@"\n')

    assert ensure(16, server=False).packages == ("postgresql-client-16",)
