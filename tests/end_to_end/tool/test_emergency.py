"""From a database that is lost or damaged to one in use again, whatever interrupts it."""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from neonhub_backup.domain.configuration import Check, Recovery
from neonhub_backup.journal import Event, peek_journal
from sandbox.postgres import PostgresServer
from tests.end_to_end.compare import contents_of
from tests.end_to_end.tool.conftest import SMALL, Tool
from tests.end_to_end.tool.journals import done, journal

RESTORE = ("emergency", "restore", "--yes")
MIGRATION = "CREATE TABLE migrated AS SELECT current_database()::text AS name"
ALL_THERE = Check(name="embeddings", query="SELECT count(*) FROM embeddings", expect=((2000,),))


def psql(query: str) -> tuple[str, ...]:
    """A command of the configuration that runs a query on the database it is given."""
    return ("psql", "--no-psqlrc", "--set=ON_ERROR_STOP=1", f"--command={query}")


def execute(url: str, query: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(query.encode())


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


@pytest.fixture
def patient(
    postgres18: PostgresServer,
    create_database: Callable[..., str],
    tool_for: Callable[[PostgresServer, str], Tool],
) -> Tool:
    """An installation for a database of its own that was backed up, and then lost its rows."""
    tool = tool_for(
        postgres18, create_database(postgres18, f"patient_{secrets.token_hex(4)}", SMALL)
    )
    tool.checks = (ALL_THERE,)
    tool.recovery = Recovery(
        stop=("Scale the API to 0",),
        restart=("Scale the API up",),
        migrate=psql(MIGRATION),
        smoke_test=psql("SELECT 1 / count(*) FROM embeddings"),
    )
    tool.backup()
    execute(tool.url(tool.database), "DELETE FROM embeddings")
    return tool


def test_the_whole_way_back_leaves_everything_as_it_was_beside(patient: Tool) -> None:
    url = patient.url(patient.database)
    (good,) = patient.names()
    before = contents_of(url)

    result = patient.json(*RESTORE)

    assert result["backup"] == good
    assert value(url, "SELECT count(*) FROM embeddings") == 2000
    # The migrations ran on the copy, before it had the database's name.
    assert str(value(url, "SELECT name FROM migrated")).startswith(f"{patient.database}_restored_")
    assert contents_of(patient.url(result["set_aside"])) == before
    assert result["restart"] == ["Scale the API up"]
    assert result["within_rto"] is True
    kept = result["present_state"]["backup"]
    assert {item["name"]: item["tier"] for item in patient.json("list")}[kept] == "daily"
    assert done(patient) == [
        *("stop-writers", "back-up", "restore", "migrate", "check", "smoke-test", "swap"),
        "restart",
    ]
    _, *revert = result["revert"].split()
    # What is set aside is named by the second.
    time.sleep(1)
    patient.run(*revert)
    assert value(url, "SELECT count(*) FROM embeddings") == 0


def test_a_second_restore_does_not_bring_back_what_the_first_replaced(patient: Tool) -> None:
    (good,) = patient.names()
    patient.recovery = Recovery()
    patient.json(*RESTORE)

    assert patient.json("emergency", "restore", "--dry-run")["backup"] == good


def test_a_dry_run_tells_everything_and_touches_nothing(patient: Tool) -> None:
    before = patient.files(), patient.databases()

    with psycopg.connect(patient.url(patient.database), application_name="the api"):
        said = patient.run("emergency", "restore", "--dry-run").stdout

    assert (patient.files(), patient.databases()) == before
    assert not journal(patient).exists()
    for expected in (
        *patient.names(),
        "connections now: 1",
        "postgres of the api from",
        "Scale the API to 0",
        f"{patient.database}_restored_",
        MIGRATION,
        f"{patient.database} becomes {patient.database}_before_",
        "Scale the API up",
        str(journal(patient)),
        "nothing was changed",
    ):
        assert expected in said


def test_while_somebody_is_connected_nothing_is_changed(patient: Tool) -> None:
    before = patient.files(), patient.databases()

    with psycopg.connect(patient.url(patient.database), application_name="the api"):
        said = patient.run(*RESTORE, expect=12).stderr

    assert "postgres of the api" in said
    assert "--fence" in said
    assert (patient.files(), patient.databases()) == before
    assert done(patient) == []


def test_nobody_confirming_nothing_is_changed(patient: Tool) -> None:
    said = patient.run("emergency", "restore", expect=12).stderr

    assert "--yes" in said
    assert done(patient) == []


def test_behind_a_fence_who_is_connected_is_ended_and_may_write_again_afterwards(
    patient: Tool,
) -> None:
    url = patient.url(patient.database)
    patient.recovery = Recovery(smoke_test=psql("SHOW transaction_read_only"))

    with psycopg.connect(url) as connection:
        result = patient.json(*RESTORE, "--fence")
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")

    for one in (url, patient.url(result["set_aside"])):
        assert value(one, "SHOW default_transaction_read_only") == "off"
    assert "lift-fence" in done(patient)


class TestAFailure:
    """Leaves the database as it was, and is gone on from."""

    def test_of_a_command_is_told_and_the_next_run_does_the_rest(self, patient: Tool) -> None:
        url = patient.url(patient.database)
        good = patient.recovery
        patient.recovery = good.model_copy(update={"smoke_test": psql("SELECT 1 / 0")})

        failed = patient.run(*RESTORE, expect=13)

        assert "division by zero" in failed.stderr
        assert f"{patient.database} was left as it was" in failed.stderr
        assert failed.stdout == ""
        assert value(url, "SELECT count(*) FROM embeddings") == 0
        backups = patient.names()
        patient.recovery = good
        result = patient.json(*RESTORE)
        assert patient.names() == backups
        assert result["present_state"]["backup"] in backups
        assert value(url, "SELECT count(*) FROM embeddings") == 2000
        assert done(patient).count("restore") == 1
        assert done(patient).count("stop-writers") == 2

    def test_of_a_step_can_be_passed_by_with_a_reason(self, patient: Tool) -> None:
        patient.recovery = Recovery(smoke_test=("node-is-not-here", "smoke.mjs"))

        refused = patient.run(*RESTORE, expect=2)
        patient.run(*RESTORE, "--skip-step", "smoke-test", "--reason", "no node on this machine")

        assert "node-is-not-here, which is not installed here" in refused.stderr
        entries = peek_journal(journal(patient)).entries
        (skipped,) = [entry for entry in entries if entry.event is Event.SKIPPED]
        assert (skipped.step, skipped.text) == ("smoke-test", "no node on this machine")

    def test_of_a_check_is_told(self, patient: Tool) -> None:
        patient.checks = (ALL_THERE.model_copy(update={"expect": ((2001,),)}),)

        failed = patient.run(*RESTORE, expect=11)

        assert "returns [(2000,)] instead of [(2001,)]" in failed.stderr
        assert value(patient.url(patient.database), "SELECT count(*) FROM embeddings") == 0

    def test_takes_the_fence_down_and_can_be_given_up(self, patient: Tool) -> None:
        url = patient.url(patient.database)
        patient.recovery = Recovery(smoke_test=psql("SELECT 1 / 0"))
        before = patient.databases()

        said = patient.run(*RESTORE, "--fence", expect=13).stderr

        assert "goes on with smoke-test, --undo gives it up" in said
        assert value(url, "SHOW default_transaction_read_only") == "off"
        (copy,) = patient.databases() - before

        looked = patient.run(*RESTORE, "--undo", "--dry-run").stdout

        assert f"the copy {copy} would be dropped" in looked
        assert "nothing was changed" in looked
        assert patient.databases() == before | {copy}

        patient.run(*RESTORE, "--undo")

        assert patient.databases() == before
        assert "nothing to undo" in patient.run(*RESTORE, "--undo", expect=2).stderr
        assert peek_journal(journal(patient)).entries[-1].event is Event.CLOSED


def killed(tool: Tool, *arguments: str) -> None:
    """Run until it is killed by the command that it runs itself."""
    process = tool.start(*arguments)
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, stdout + stderr


KILL_ONCE = 'test -e "$0" && exit 0; touch "$0"; kill -9 "$PPID"'


class TestAKill:
    """At any moment loses nothing: the same command does the rest."""

    @pytest.fixture
    def once(self, tmp_path: Path) -> tuple[str, ...]:
        """A command that kills whoever runs it the first time, and is content the second."""
        return ("sh", "-c", KILL_ONCE, str(tmp_path / "killed"))

    def _is_whole(self, tool: Tool, before: set[str]) -> None:
        result = tool.json(*RESTORE)
        url = tool.url(tool.database)
        assert value(url, "SELECT count(*) FROM embeddings") == 2000
        assert value(url, "SHOW default_transaction_read_only") == "off"
        assert value(tool.url(result["set_aside"]), "SELECT count(*) FROM embeddings") == 0
        assert tool.databases() == before | {result["set_aside"]}
        assert peek_journal(journal(tool)).entries[-1].event is Event.CLOSED

    def test_between_two_steps(self, patient: Tool, once: tuple[str, ...]) -> None:
        before = patient.databases()
        patient.recovery = Recovery(migrate=once)

        killed(patient, *RESTORE)

        assert done(patient) == ["stop-writers", "back-up", "restore"]
        self._is_whole(patient, before)
        assert done(patient).count("restore") == 1

    def test_behind_a_fence(self, patient: Tool, once: tuple[str, ...]) -> None:
        before = patient.databases()
        patient.recovery = Recovery(migrate=once)

        killed(patient, *RESTORE, "--fence")

        url = patient.url(patient.database)
        assert value(url, "SHOW default_transaction_read_only") == "on"
        patient.run(*RESTORE, "--undo")
        assert value(url, "SHOW default_transaction_read_only") == "off"
        assert patient.databases() == before
        self._is_whole(patient, before)

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
    def test_inside_the_restore(self, number: signal.Signals, patient: Tool) -> None:
        before = patient.databases()
        process = patient.start(*RESTORE)
        deadline = time.monotonic() + 60
        while not any("_restore_" in name for name in patient.databases() - before):
            assert process.poll() is None
            assert time.monotonic() < deadline
        process.send_signal(number)
        process.communicate(timeout=60)

        assert done(patient) == ["stop-writers", "back-up"]
        self._is_whole(patient, before)

    def test_after_the_swap_before_it_was_written_down(self, patient: Tool) -> None:
        before = patient.databases()
        patient.recovery = Recovery()
        result = patient.json(*RESTORE)
        lines = journal(patient).read_text().splitlines(keepends=True)
        (swapped,) = [
            number
            for number, line in enumerate(lines)
            if '"event":"done"' in line and '"step":"swap"' in line
        ]
        journal(patient).write_text("".join(lines[:swapped]))

        again = patient.json(*RESTORE)

        assert again["set_aside"] == result["set_aside"]
        assert patient.databases() == before | {result["set_aside"]}
        assert value(patient.url(patient.database), "SELECT count(*) FROM embeddings") == 2000


def test_a_run_that_is_days_old_is_not_gone_on_with_unasked(patient: Tool) -> None:
    (good,) = patient.names()
    patient.recovery = Recovery(smoke_test=psql("SELECT 1 / 0"))
    patient.run(*RESTORE, expect=13)
    first, *rest = journal(patient).read_text().splitlines(keepends=True)
    year = str(datetime.now(UTC).year)
    journal(patient).write_text("".join([first.replace(f'"{year}', '"2020', 1), *rest]))
    patient.recovery = Recovery()

    said = patient.run(*RESTORE, expect=12).stderr
    patient.run(*RESTORE, good)

    assert "may be too old" in said
    assert good in said


def test_a_database_that_is_gone_comes_back(patient: Tool) -> None:
    patient.recovery = Recovery()
    with psycopg.connect(patient.server.url(), autocommit=True) as connection:
        gone = sql.SQL("DROP DATABASE {}").format(sql.Identifier(patient.database))
        connection.execute(gone)

    result = patient.json(*RESTORE)

    assert result["present_state"] == {"backup": None}
    assert result["set_aside"] is None
    assert value(patient.url(patient.database), "SELECT count(*) FROM embeddings") == 2000


def test_two_at_once_are_refused(patient: Tool, tmp_path: Path) -> None:
    reached, go_on = tmp_path / "reached", tmp_path / "go on"
    script = 'touch "$0"; while ! test -e "$1"; do sleep 0.1; done'
    patient.recovery = Recovery(migrate=("sh", "-c", script, str(reached), str(go_on)))
    first = patient.start(*RESTORE)
    while not reached.exists():
        time.sleep(0.05)
        assert first.poll() is None

    said = patient.run(*RESTORE, expect=12).stderr

    go_on.touch()
    first.communicate(timeout=60)
    assert "another run has the journal" in said
    assert first.returncode == 0


class TestADamagedDatabase:
    """Is saved as far as it can be read, and kept whole."""

    @pytest.fixture
    def damaged(self, patient: Tool) -> Tool:
        """A table of it has a page that is not one."""
        server, name = patient.server, patient.database
        # A new copy of its files, no page of which is in memory.
        with psycopg.connect(server.url(), autocommit=True) as connection:
            for statement in (
                "ALTER DATABASE {0} RENAME TO {1}",
                "CREATE DATABASE {0} TEMPLATE {1} STRATEGY file_copy",
                "DROP DATABASE {1}",
            ):
                connection.execute(
                    sql.SQL(statement).format(sql.Identifier(name), sql.Identifier(f"{name}_old"))
                )
        path = Path(str(value(server.url(name), "SHOW data_directory"))) / str(
            value(server.url(name), "SELECT pg_relation_filepath('events')")
        )
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(size // 2 // 8192 * 8192)
            file.write(os.urandom(8192))
        return patient

    def test_is_replaced_and_what_could_not_be_read_is_named(self, damaged: Tool) -> None:
        damaged.recovery = Recovery()

        process = damaged.run(*RESTORE)

        entries = peek_journal(journal(damaged)).entries
        (saved,) = [entry.facts for entry in entries if entry.step == "back-up" and entry.facts]
        assert saved["backup"] is None
        assert saved["unreadable"] == ('"public"."events"',)
        assert "invalid page" in str(saved["reason"])
        assert '"public"."events" could not be read to its end' in process.stderr
        assert str(saved["directory"]) in process.stdout
        files = sorted(Path(str(saved["directory"])).iterdir())
        (incomplete,) = [path for path in files if path.suffix == ".incomplete"]
        assert "events" in incomplete.name
        rows = opened(damaged, incomplete).count("\n")
        assert 1000 < rows < 5000
        (connectors,) = [path for path in files if "public.connectors" in path.name]
        assert opened(damaged, connectors).count("connector ") == 15
        assert value(damaged.url(damaged.database), "SELECT count(*) FROM events") == 5000


def opened(tool: Tool, path: Path) -> str:
    """What a file of a salvage holds, read without this tool."""
    key = tool.environment["NEONHUB_BACKUP_PRIVATE_KEY_FILE"]
    home = tool.home.parent / "t" / "gpg"
    home.mkdir(mode=0o700, exist_ok=True)
    gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet"]
    subprocess.run([*gpg, "--import", key], check=True, capture_output=True)
    with subprocess.Popen([*gpg, "--decrypt", str(path)], stdout=subprocess.PIPE) as decrypted:
        plain = subprocess.run(
            ["zstd", "-dc"], stdin=decrypted.stdout, check=True, capture_output=True
        )
    return plain.stdout.decode()
