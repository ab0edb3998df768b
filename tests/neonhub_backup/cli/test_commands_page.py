"""docs/commands.md says what the commands say, and docs/keys.md what exists."""

import re
from pathlib import Path

import pytest

from neonhub_backup import encryption
from neonhub_backup.upkeep.rewrapping import PROCEDURE
from tests.golden.commands import command_page, every_command

KEYS = (Path(__file__).parents[3] / "docs" / "keys.md").read_text()


def test_the_page_of_the_commands_is_up_to_date() -> None:
    for path, wanted in command_page().items():
        assert path.read_text(encoding="utf-8") == wanted, "run: make golden"


def test_no_line_of_it_is_wider_than_a_terminal() -> None:
    (page,) = command_page().values()

    for block in re.findall(r"```text\n(.+?)```", page, re.DOTALL):
        assert max(map(len, block.splitlines())) <= 80


@pytest.mark.parametrize(
    "name",
    [
        encryption.PRIVATE_KEY_VARIABLE,
        encryption.PRIVATE_KEY_FILE_VARIABLE,
        encryption.PASSPHRASE_VARIABLE,
        encryption.PASSPHRASE_FILE_VARIABLE,
    ],
)
def test_every_variable_of_keys_is_documented(name: str) -> None:
    assert f"| `{name}` |" in KEYS


def test_every_command_that_the_page_of_keys_names_exists() -> None:
    named = re.findall(r"neonhub-backup ([a-z]+(?: [a-z]+)?)", KEYS + PROCEDURE)
    known = {" ".join(words) for words in every_command()}

    assert named
    assert {name for name in named if name not in known and name.split()[0] not in known} == set()


def test_how_a_key_is_replaced_has_as_many_steps_as_in_the_documentation() -> None:
    section = KEYS.partition("## Replace a key")[2].partition("**A re-wrapped")[0]

    assert re.findall(r"^(\d)\.", section, re.MULTILINE) == re.findall(
        r"^  (\d)\.", PROCEDURE, re.MULTILINE
    )
