"""The command line: refusals before anything is done, sentences on standard error, exit codes."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

import psycopg
import pytest
import typer

from neonhub_backup import __version__
from neonhub_backup.cli.app import COMMANDS
from neonhub_backup.cli.main import run
from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    render_configuration,
)
from neonhub_backup.domain.layout import MANIFEST, Location
from neonhub_backup.domain.manifest import dump_manifest
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.errors import BackupError
from tests.golden.commands import every_command, found
from tests.neonhub_backup.samples import location, manifest

EXIT_CODES = Path(__file__).parents[3] / "docs" / "exit-codes.md"
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"


class Outcome(NamedTuple):
    code: int
    output: str
    errors: str


Run = Callable[..., Outcome]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run the console script."""
    monkeypatch.delenv("NEONHUB_BACKUP_CONFIG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def call(*arguments: str) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["neonhub-backup", *arguments])
        with pytest.raises(SystemExit) as ended:
            run()
        assert isinstance(ended.value.code, int)
        output, errors = capsys.readouterr()
        return Outcome(ended.value.code, output, errors)

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """The directory of the only store."""
    path = tmp_path / "store"
    path.mkdir()
    return path


@pytest.fixture
def config(tmp_path: Path, store: Path) -> Path:
    """A configuration with two databases, one store, and no monthly tier."""
    configuration = Configuration(
        environment="test",
        databases=(Database(name="app"), Database(name="billing")),
        stores=(DirectoryStore(name="disk", path=store),),
        encryption=Encryption(public_keys=(KEY,)),
        retention=RetentionPolicy(monthly=None),
    )
    path = tmp_path / "test.yaml"
    path.write_text(render_configuration(configuration, "a test"))
    return path


def _back_up(store: Path, place: Location, database: str = "app") -> None:
    path = store / place.prefix / MANIFEST
    path.parent.mkdir(parents=True)
    path.write_bytes(dump_manifest(manifest(place, database)))


def _subclasses(kind: type[BackupError]) -> Iterator[type[BackupError]]:
    for one in kind.__subclasses__():
        yield one
        yield from _subclasses(one)


def _documented() -> dict[int, str]:
    """Code and name of each row of the page."""
    row = re.compile(r"^\| (\d+) \| `?(\w+)`? \| .+ \| .+ \|$", re.MULTILINE)
    rows = row.findall(EXIT_CODES.read_text())
    return {int(code): name for code, name in rows}


class TestHelp:
    """Needs nothing but the program."""

    @pytest.mark.parametrize("words", every_command(), ids=" ".join)
    def test_of_a_command_tells_every_option(self, words: tuple[str, ...], command: Run) -> None:
        shown = command(*words, "--help")

        assert (shown.code, shown.errors) == (0, "")
        for parameter in found(words).params:
            assert parameter.help is not None
            assert parameter.help.split()[0] in shown.output

    @pytest.mark.parametrize("option", [["--help"], ["-h"], []])
    def test_names_every_command_and_what_it_does(self, option: list[str], command: Run) -> None:
        shown = command(*option)

        assert (shown.code, shown.errors) == (0, "")
        said = " ".join(shown.output.split())
        assert all(f" {name} {listing.help}" in said for name, listing in COMMANDS.items())

    @pytest.mark.parametrize("name", COMMANDS)
    def test_says_of_a_command_what_its_own_help_begins_with(self, name: str) -> None:
        assert found((name,)).help.splitlines()[0] == COMMANDS[name].help

    def test_comes_before_anything_heavy_is_loaded(self) -> None:
        program = (
            "import sys\n"
            "from neonhub_backup.cli.app import app\n"
            "app(['--help'], standalone_mode=False)\n"
            "print({'boto3', 'google', 'psycopg', 'pydantic', 'rich'} & {*sys.modules})"
        )

        ran = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )

        assert ran.stdout.splitlines()[-1] == "set()"


def test_no_command_loads_a_cloud_s_libraries_or_draws_before_it_has_to() -> None:
    program = (
        "import sys\n"
        "from importlib import import_module\n"
        "from neonhub_backup.cli.app import COMMANDS\n"
        "for one in COMMANDS.values():\n"
        "    import_module(f'neonhub_backup.cli.{one.module}')\n"
        "print({'boto3', 'google.cloud', 'rich'} & {*sys.modules})"
    )

    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert ran.stdout == "set()\n"


def test_the_version_comes_with_those_of_the_programs(command: Run) -> None:
    shown = command("--version")

    first, *programs = shown.output.splitlines()
    assert (shown.code, first) == (0, f"neonhub-backup {__version__}")
    assert [line.split(":")[0].strip() for line in programs] == [
        "gpg",
        "zstd",
        "psql",
        "pg_dump",
        "pg_restore",
    ]
    assert "gpg (GnuPG) 2" in programs[0]


def test_a_program_that_is_missing_is_said_to_be(
    command: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "  zstd: not installed" in command("--version").output.splitlines()


class TestACommandLine:
    """That cannot be meant is refused with exit code 2."""

    @pytest.fixture
    def refused(self, command: Run, config: Path) -> Callable[..., str]:
        def call(*arguments: str) -> str:
            code, output, errors = command("--config", str(config), *arguments)
            assert (code, output) == (2, "")
            assert errors.startswith("neonhub-backup: ")
            return errors

        return call

    @pytest.mark.parametrize(
        "arguments", [["--wrong"], ["wrong"], ["list", "--wrong"], ["list", "wrong"], ["restore"]]
    )
    def test_with_something_unknown_or_missing(
        self, arguments: list[str], refused: Callable[..., str]
    ) -> None:
        assert "See --help." in refused(*arguments)

    def test_with_a_group_alone_is_told_its_commands(self, refused: Callable[..., str]) -> None:
        said = refused("keys")

        assert "Missing command" in said
        assert all(name in said for name in ("check", "rotate"))

    def test_that_was_mistyped_is_told_what_may_have_been_meant(
        self, refused: Callable[..., str]
    ) -> None:
        assert "Did you mean 'verify'?" in refused("verfy")

    def test_with_a_tier_that_nobody_has(self, refused: Callable[..., str]) -> None:
        said = refused("backup", "--tier", "yearly")

        assert "--tier yearly is not a tier" in said
        assert "auto or one of hourly, daily, weekly, annual" in said

    def test_with_a_tier_that_this_environment_does_not_use(
        self, refused: Callable[..., str]
    ) -> None:
        assert "--tier monthly is not a tier" in refused("backup", "--tier", "monthly")

    @pytest.mark.parametrize(
        "arguments",
        [["list"], ["drill", "--database", "app"], ["restore", "--into", "X", "--database", "app"]],
    )
    def test_with_an_unknown_store(
        self, arguments: list[str], refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("X", "postgresql://app@db.invalid/app")

        assert "its stores are disk" in refused(*arguments, "--store", "tape")

    @pytest.mark.parametrize(
        "arguments", [["backup"], ["list"], ["drill"], ["restore", "--into", "dbname=x"]]
    )
    def test_with_an_unknown_database(
        self, arguments: list[str], refused: Callable[..., str]
    ) -> None:
        assert "choose one of app, billing" in refused(*arguments, "--database", "shop")

    @pytest.mark.parametrize("arguments", [["drill"], ["restore", "--into", "dbname=x"]])
    def test_that_leaves_open_which_database_is_meant(
        self, arguments: list[str], refused: Callable[..., str]
    ) -> None:
        assert "--database is missing" in refused(*arguments)

    @pytest.mark.parametrize(
        "target", ["postgresql://app:hunter2@db/app", "host=db password=hunter2"]
    )
    def test_with_a_password(self, target: str, refused: Callable[..., str]) -> None:
        said = refused("restore", "--database", "app", "--into", target)

        assert "give the variable's name" in said
        assert "hunter2" not in said

    def test_with_a_variable_that_is_not_set(
        self, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("COPY_URL", raising=False)

        assert "COPY_URL, named by --into, is not set" in refused("restore", "--into", "COPY_URL")

    def test_with_a_pooled_target(
        self, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COPY_URL", "postgresql://app@ep-1-pooler.neon.tech/app")

        assert "COPY_URL names Neon's pooled host" in refused("restore", "--into", "COPY_URL")


class TestAList:
    """Shows what can be restored."""

    def test_of_an_empty_store_is_empty(self, command: Run, config: Path) -> None:
        code, output, _ = command("--config", str(config), "list", "--json")

        assert (code, json.loads(output)) == (0, [])

    def test_is_newest_first(self, command: Run, config: Path, store: Path) -> None:
        for day in (4, 6, 5):
            _back_up(store, location(day=day))

        listed = json.loads(command("--config", str(config), "list", "--json").output)

        assert [item["started"][:10] for item in listed] == [
            "2026-01-06",
            "2026-01-05",
            "2026-01-04",
        ]

    def test_can_be_of_one_database(self, command: Run, config: Path, store: Path) -> None:
        _back_up(store, location(day=4), "app")
        _back_up(store, location(day=5), "billing")

        shown = command("--config", str(config), "list", "--database", "billing", "--json")

        assert [item["database"] for item in json.loads(shown.output)] == ["billing"]

    def test_for_people_names_each_backup_in_a_line(
        self, command: Run, config: Path, store: Path
    ) -> None:
        place = location(Tier.WEEKLY)
        _back_up(store, place)

        _, line = command("--config", str(config), "list").output.splitlines()

        assert line.split()[:3] == [place.name, "weekly", "app"]


def _fail(monkeypatch: pytest.MonkeyPatch, kind: type[BackupError]) -> None:
    """Have every command that reads a configuration fail."""

    def fail(_path: Path) -> NoReturn:
        error = kind("a sentence")
        error.add_note("what was left behind")
        raise error

    monkeypatch.setattr("neonhub_backup.cli.session.load_configuration", fail)


class TestAnExitCode:
    """Says what kind of failure it was, and is documented."""

    @pytest.mark.parametrize("kind", [*_subclasses(BackupError)])
    def test_is_that_of_the_error(
        self,
        kind: type[BackupError],
        command: Run,
        config: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        _fail(monkeypatch, kind)

        assert command("--config", str(config), "list") == Outcome(
            kind.exit_code, "", "neonhub-backup: a sentence\n  what was left behind\n"
        )

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
    def test_tells_an_interrupt(
        self,
        number: signal.Signals,
        code: int,
        command: Run,
        config: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def interrupted(_path: Path) -> NoReturn:
            os.kill(os.getpid(), number)
            raise AssertionError("the signal was ignored")

        monkeypatch.setattr("neonhub_backup.cli.session.load_configuration", interrupted)

        ended = command("--config", str(config), "list")

        assert ended == Outcome(
            code, "", f"neonhub-backup: stopped by {number.name}; nothing incomplete was kept\n"
        )

    def test_of_what_nobody_expected_is_1_with_a_traceback(
        self, command: Run, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_path: Path) -> NoReturn:
            raise ZeroDivisionError("nobody thought of this")

        monkeypatch.setattr("neonhub_backup.cli.session.load_configuration", fail)

        code, output, errors = command("--config", str(config), "list")

        assert (code, output) == (1, "")
        assert "report it as a bug" in errors.splitlines()[0]
        assert "Traceback (most recent call last)" in errors
        assert "ZeroDivisionError: nobody thought of this" in errors.splitlines()[-1]

    @pytest.mark.parametrize(
        ("error", "code", "said"),
        [
            (psycopg.OperationalError("gone\naway"), 4, "refused a step (gone away)"),
            (typer.Abort(), 12, "the question was not answered"),
        ],
    )
    def test_of_other_people_s_errors_is_that_of_their_kind(
        self,
        error: Exception,
        code: int,
        said: str,
        command: Run,
        config: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def fail(_path: Path) -> NoReturn:
            raise error

        monkeypatch.setattr("neonhub_backup.cli.session.load_configuration", fail)

        ended = command("--config", str(config), "list")

        assert (ended.code, len(ended.errors.splitlines())) == (code, 1)
        assert said in ended.errors

    def test_of_a_store_without_a_backup(self, command: Run, config: Path) -> None:
        assert command("--config", str(config), "drill", "--database", "app").code == 7

    def test_of_a_damaged_manifest(self, command: Run, config: Path, store: Path) -> None:
        place = location()
        _back_up(store, place)
        (store / place.prefix / MANIFEST).write_text("{}")

        assert command("--config", str(config), "list").code == 8

    def test_is_not_shared_by_two_kinds(self) -> None:
        kinds = BackupError.__subclasses__()

        assert len({kind.exit_code for kind in (BackupError, *kinds)}) == len(kinds) + 1

    def test_of_a_special_case_is_that_of_its_kind(self) -> None:
        for kind in BackupError.__subclasses__():
            assert {one.exit_code for one in _subclasses(kind)} <= {kind.exit_code}

    def test_is_documented_with_its_name(self) -> None:
        kinds = {kind.exit_code: kind.__name__ for kind in BackupError.__subclasses__()}
        others = {0: "success", BackupError.exit_code: "unexpected", 130: "SIGINT", 143: "SIGTERM"}

        assert _documented() == kinds | others


class TestWithJson:
    """Standard error is a line of JSON for each event."""

    @pytest.mark.parametrize("kind", [*_subclasses(BackupError)])
    def test_a_failure_is_the_last_event(
        self,
        kind: type[BackupError],
        command: Run,
        config: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        _fail(monkeypatch, kind)

        code, output, errors = command("--config", str(config), "list", "--json")

        assert (code, output) == (kind.exit_code, "")
        assert json.loads(errors) == {
            "event": "error",
            "code": kind.exit_code,
            "kind": kind.__name__,
            "message": "a sentence",
            "notes": ["what was left behind"],
        }

    @pytest.mark.parametrize(
        ("arguments", "code", "kind"),
        [
            (["list", "--json", "--wrong"], 2, "UsageError"),
            (["list", "--json", "--store", "tape"], 2, "ConfigurationError"),
            (["drill", "--json", "--database", "app"], 7, "NoBackupError"),
        ],
    )
    def test_a_command_line_that_fails_is_an_event_too(
        self, arguments: list[str], code: int, kind: str, command: Run, config: Path
    ) -> None:
        ended = command("--config", str(config), *arguments)

        (event,) = [json.loads(line) for line in ended.errors.splitlines()]
        assert (ended.code, ended.output) == (code, "")
        assert (event["event"], event["code"], event["kind"]) == ("error", code, kind)

    def test_a_traceback_is_within_the_event(
        self, command: Run, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(_path: Path) -> NoReturn:
            raise ZeroDivisionError("nobody thought of this")

        monkeypatch.setattr("neonhub_backup.cli.session.load_configuration", fail)

        event = json.loads(command("--config", str(config), "list", "--json").errors)

        assert (event["code"], event["kind"]) == (1, "ZeroDivisionError")
        assert event["notes"][-1] == "ZeroDivisionError: nobody thought of this"

    def test_an_interrupt_is_an_event(
        self, command: Run, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupted(_path: Path) -> NoReturn:
            os.kill(os.getpid(), signal.SIGTERM)
            raise AssertionError("the signal was ignored")

        monkeypatch.setattr("neonhub_backup.cli.session.load_configuration", interrupted)

        event = json.loads(command("--config", str(config), "list", "--json").errors)

        assert (event["code"], event["kind"]) == (143, "SIGTERM")
