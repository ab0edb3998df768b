"""docs/emergency.md says what the program does."""

import re
from pathlib import Path

import pytest

from neonhub_backup.emergency import restore
from neonhub_backup.journal import Entry, Event
from neonhub_backup.rollback import steps
from tests.golden.commands import found

PAGE = (Path(__file__).parents[3] / "docs" / "emergency.md").read_text()
CHECKED = ("emergency restore", "rollback migration")


def test_every_step_of_a_restore_has_its_line_in_their_order() -> None:
    order = (
        *(restore.STOP, restore.BACK_UP, restore.RESTORE, restore.MIGRATE, restore.CHECK),
        *(restore.SMOKE_TEST, restore.SWAP, restore.OPEN, restore.RESTART),
    )

    told = [name for name in re.findall(r"^\| `([a-z-]+)` \|", PAGE, re.MULTILINE) if name in order]

    assert told == list(order)


@pytest.mark.parametrize("step", [steps.APPLY, steps.MARK, steps.COMPARE])
def test_every_step_of_a_rollback_is_told(step: str) -> None:
    assert re.search(rf"^\d\. `{step}`: ", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", [steps.ROWS, steps.SCHEMA, steps.DIFFERENCE])
def test_every_file_that_a_rollback_keeps_is_told(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("word", [*Entry.model_fields, *Event, restore.PURPOSE, steps.PURPOSE])
def test_everything_in_a_journal_is_told(word: str) -> None:
    assert f"`{word}`" in PAGE.partition("## The journal")[2]


@pytest.mark.parametrize("option", sorted(set(re.findall(r"(?<=[`\[ ])--[a-z-]+", PAGE))))
def test_every_option_that_it_names_is_there(option: str) -> None:
    known = {
        name
        for words in CHECKED
        for parameter in found(tuple(words.split())).params
        for name in parameter.opts
    }
    elsewhere = {"--decrypt", "--rolled-back"}

    assert option in known | elsewhere
