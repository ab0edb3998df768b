"""`restore` without a name is the restore itself, and options that clash are refused first."""

import pytest
from typer.testing import CliRunner

from neonhub_backup.cli.app import app
from neonhub_backup.cli.restore import (
    BESIDE,
    DATA_ONLY,
    IN_PLACE,
    NO_ROLES,
    SCHEMA_ONLY,
    SET_ASIDE,
    SIDE_SCHEMA,
    TABLES,
    check_combination,
)
from neonhub_backup.errors import BackupError, ConfigurationError, UnconfirmedError
from tests.neonhub_backup.cli.conftest import Line

OPTIONS = (SET_ASIDE, BESIDE, TABLES, SIDE_SCHEMA, IN_PLACE, SCHEMA_ONLY, DATA_ONLY, NO_ROLES)


def _given(*options: str) -> dict[str, bool]:
    return {option: option in options for option in OPTIONS}


@pytest.mark.parametrize(
    "options",
    [
        (),
        (SET_ASIDE, NO_ROLES),
        (BESIDE, NO_ROLES),
        (TABLES,),
        (TABLES, SIDE_SCHEMA),
        (TABLES, IN_PLACE),
        (SCHEMA_ONLY, NO_ROLES),
        (DATA_ONLY,),
    ],
)
def test_options_that_mean_something_together_are_taken(options: tuple[str, ...]) -> None:
    check_combination(_given(*options))


@pytest.mark.parametrize(
    "options",
    [
        (BESIDE, SET_ASIDE),
        (TABLES, BESIDE),
        (TABLES, SET_ASIDE),
        (TABLES, SCHEMA_ONLY),
        (TABLES, DATA_ONLY),
        (TABLES, NO_ROLES),
        (SCHEMA_ONLY, DATA_ONLY),
        (SCHEMA_ONLY, BESIDE),
        (DATA_ONLY, SET_ASIDE),
        (DATA_ONLY, NO_ROLES),
        (IN_PLACE, SIDE_SCHEMA),
    ],
)
def test_options_that_clash_are_refused_by_name(options: tuple[str, str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        check_combination(_given(*options, TABLES) if IN_PLACE in options else _given(*options))

    assert all(option in str(refused.value) for option in options)


@pytest.mark.parametrize("option", [SIDE_SCHEMA, IN_PLACE])
def test_how_to_restore_tables_is_nothing_without_tables(option: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{option} .* name them with --tables"):
        check_combination(_given(option))


@pytest.mark.parametrize("arguments", [["restore", "--help"], ["restore", "-h"]])
def test_its_help_has_its_own_options_and_the_names_of_its_commands(arguments: list[str]) -> None:
    shown = CliRunner().invoke(app, arguments).output

    assert " restore [OPTIONS] [BACKUP]" in shown.splitlines()[0]
    assert all(option in shown for option in (*OPTIONS, "--into", "--at", "--tier", "--dry-run"))
    assert "promote" in shown
    assert "revert" in shown


@pytest.mark.parametrize("name", ["promote", "revert"])
def test_its_commands_have_a_help_of_their_own(name: str) -> None:
    shown = CliRunner().invoke(app, ["restore", name, "--help"]).output

    assert "--disconnect" in shown
    assert TABLES not in shown


RESTORES = (
    ["restore"],
    ["restore", "promote"],
    ["restore", "revert"],
    ["emergency", "restore", "--database", "app", "--yes"],
)


def into(command: list[str]) -> list[str]:
    """The option that names the database, where there is one."""
    return [] if command[0] == "emergency" else ["--into", "APP_URL"]


class TestConfirm:
    """What is not confirmed by the environment's name is refused before anything is contacted."""

    @pytest.fixture(autouse=True)
    def nowhere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No variable holds a connection string, which is found out only after this."""
        for name in ("APP_URL", "DATABASE_URL"):
            monkeypatch.delenv(name, raising=False)

    @pytest.mark.parametrize("command", RESTORES, ids=" ".join)
    @pytest.mark.parametrize("text", ["", "Test", "test ", "tes", "production"])
    def test_with_any_other_text_refuses_and_does_not_tell_the_right_one(
        self, text: str, command: list[str], line: Line
    ) -> None:
        _, said = line.run(*command, *into(command), "--confirm", text, expect=UnconfirmedError)

        assert UnconfirmedError.exit_code == 12
        assert said == (
            "--confirm is not the name of the environment that is to be restored, so nothing was"
            " contacted and nothing was changed: give the environment's name as it is in the"
            " configuration, letter for letter"
        )

    @pytest.mark.parametrize("command", RESTORES, ids=" ".join)
    @pytest.mark.parametrize("confirm", [[], ["--confirm", "test"]], ids=["without", "right"])
    def test_with_the_name_or_left_out_goes_on(
        self, confirm: list[str], command: list[str], line: Line
    ) -> None:
        # On to the next thing that is missing.
        _, said = line.run(*command, *into(command), *confirm, expect=ConfigurationError)

        assert "environment variable" in said
        assert "is not set" in said

    def test_left_out_a_swap_needs_no_configuration(self) -> None:
        ended = CliRunner().invoke(
            app, ["--config", "/nowhere.yaml", "restore", "promote", "--into", "APP_URL"]
        )

        assert isinstance(ended.exception, BackupError)
        assert "environment variable APP_URL" in str(ended.exception)
