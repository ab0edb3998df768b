"""A configured command acts on the database it is given, and is ended in any case."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import conninfo

from neonhub_backup.domain.configuration import Database, Recovery
from neonhub_backup.errors import ConfigurationError, RecoveryCommandError
from neonhub_backup.postgres.connection import Target
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.processes import Programs
from neonhub_backup.recovery import (
    check_command,
    command_environment,
    connection_url,
    run_command,
)

COPY = Target({"host": "db.example", "user": "app", "password": "p@ss", "dbname": "copy"})
SUITE = Suite(Path("/opt/pg/bin"), 18)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("parameters", "url"),
    [
        (COPY.parameters, "postgresql://app:p%40ss@db.example/copy"),
        ({"host": "::1", "port": "6543", "dbname": "a/b"}, "postgresql://[::1]:6543/a%2Fb"),
        (
            {"host": "/run/postgresql", "port": "1", "user": "app", "dbname": "x"},
            "postgresql://app@/x?host=%2Frun%2Fpostgresql&port=1",
        ),
        ({"host": "a,b", "dbname": "x"}, "postgresql:///x?host=a%2Cb"),
        (
            {"host": "h", "dbname": "x", "sslmode": "verify-full", "options": "-c x=1"},
            "postgresql://h/x?sslmode=verify-full&options=-c%20x%3D1",
        ),
    ],
)
def test_an_address_is_written_as_programs_ask_for_it(parameters: dict[str, str], url: str) -> None:
    assert connection_url(Target(parameters)) == url


@given(
    st.fixed_dictionaries(
        {"dbname": TEXT, "host": st.sampled_from(["h", "/run/x", "a,b", "::1", "10.0.0.1"])},
        optional={"user": TEXT, "password": TEXT, "port": st.just("5433"), "options": TEXT},
    )
)
def test_any_address_is_read_back_as_it_was(parameters: dict[str, str]) -> None:
    assert conninfo.conninfo_to_dict(connection_url(Target(parameters))) == parameters


def test_a_command_finds_its_database_under_every_name_and_no_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin")
    monkeypatch.setenv("NEON_API_KEY", "napi_secret")
    recovery = Recovery(url_variables=("DIRECT_URL",))

    found = command_environment(Database(name="app", recovery=recovery), COPY, SUITE)

    url = "postgresql://app:p%40ss@db.example/copy"
    assert (found["DATABASE_URL"], found["DIRECT_URL"]) == (url, url)
    assert (found["PGDATABASE"], found["PGPASSWORD"]) == ("copy", "p@ss")
    assert found["PATH"] == "/usr/bin:/opt/pg/bin"
    assert found["NEONHUB_BACKUP_PRIVATE_KEY"] == found["NEONHUB_BACKUP_PASSPHRASE"] == ""
    assert found["NEON_API_KEY"] == ""


def run(script: str, recovery: Recovery | None = None) -> dict[str, object]:
    database = Database(name="app", recovery=recovery or Recovery())
    words = ("sh", "-c", script)
    return dict(run_command(words, database, COPY, SUITE, Programs(), "app was left as it was"))


def test_what_a_command_says_goes_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    done = run('echo "$PGDATABASE"; echo warned >&2')

    assert done["exit_code"] == 0
    assert capfd.readouterr() == ("", "copy\nwarned\n")


def test_a_command_runs_in_its_directory(tmp_path: Path) -> None:
    run("touch here", Recovery(directory=tmp_path))

    assert (tmp_path / "here").exists()


@pytest.mark.parametrize(
    ("script", "how"), [("exit 3", "exit code 3"), ("kill -9 $$", "signal SIGKILL")]
)
def test_a_command_that_fails_says_how_and_what_was_left(script: str, how: str) -> None:
    with pytest.raises(RecoveryCommandError, match=f"{how}, so app was left as it was") as failed:
        run(script)

    assert "p@ss" not in str(failed.value)


def test_a_command_that_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    never = Recovery().model_copy(update={"timeout_minutes": 0.01})
    script = f"sleep 60 & echo $! > {tmp_path}/child; wait"

    with pytest.raises(RecoveryCommandError, match="was ended after"):
        run(script, never)

    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 5
    while _runs(child):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_command_that_does_not_want_to_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neonhub_backup.recovery._KILL_AFTER_SECONDS", 0.1)
    never = Recovery().model_copy(update={"timeout_minutes": 0.005})

    began = time.monotonic()
    with pytest.raises(RecoveryCommandError, match="was ended after"):
        run("trap '' TERM; while :; do sleep 1; done", never)

    assert time.monotonic() - began < 5


def test_a_command_that_is_not_there_is_said_to_be_missing() -> None:
    database = Database(name="app")

    with pytest.raises(RecoveryCommandError, match="not-here is not installed"):
        run_command(("not-here",), database, COPY, SUITE, Programs(), "nothing was done")
    with pytest.raises(ConfigurationError, match=r"app\.recovery\.migrate begins with not-here"):
        check_command(("not-here",), "migrate", database, SUITE)


def test_a_directory_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    database = Database(name="app", recovery=Recovery(directory=tmp_path / "app"))

    with pytest.raises(ConfigurationError, match="check the application's code out"):
        check_command(("sh",), "migrate", database, SUITE)


def test_a_program_of_the_checkout_is_looked_for_there(tmp_path: Path) -> None:
    database = Database(name="app", recovery=Recovery(directory=tmp_path))
    script = tmp_path / "scripts" / "smoke"
    script.parent.mkdir()
    script.touch(mode=0o755)

    check_command(("scripts/smoke",), "smoke_test", database, SUITE)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
