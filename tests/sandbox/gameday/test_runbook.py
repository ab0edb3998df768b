"""A game day types what the runbook says, line by line."""

from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
)
from neonhub_backup.runbook.page import runbook_page
from sandbox.errors import SandboxError
from sandbox.gameday.runbook import Runbook

PAGE = """\
# Runbook

## Before anything

```sh setup
export BACKUP="${BACKUP:-latest}"
```

## It is lost

Words.

```sh
restore "$BACKUP" \\
  --into DATABASE_URL --dry-run
restore "$BACKUP"
```

```sh elsewhere
# Needs GitHub.
gh workflow run
```

```sh
revert
```

## Backups have stopped

```sh
backup
```
"""


def test_commands_are_those_below_the_heading_each_in_one_line() -> None:
    runbook = Runbook(PAGE)

    assert runbook.commands("It is lost", 0) == (
        'restore "$BACKUP" --into DATABASE_URL --dry-run',
        'restore "$BACKUP"',
    )
    assert runbook.commands("It is lost", 1) == ("revert",)
    assert runbook.commands("Backups have stopped", 0) == ("backup",)


def test_what_comes_before_them_in_the_same_shell_is_known() -> None:
    assert Runbook(PAGE).setup == 'export BACKUP="${BACKUP:-latest}"\n'


def test_a_heading_that_is_gone_is_named_with_those_that_there_are() -> None:
    with pytest.raises(SandboxError, match=r"no heading “It burns”.*It is lost, Backups have"):
        Runbook(PAGE).commands("It burns", 0)


def test_a_block_that_is_gone_is_named_with_its_heading() -> None:
    with pytest.raises(SandboxError, match="1 blocks of commands below “Backups have stopped”"):
        Runbook(PAGE).commands("Backups have stopped", 1)


def test_every_case_of_a_game_day_is_in_the_runbook() -> None:
    stores = tuple(DirectoryStore(name=each, path=Path("/mnt", each)) for each in ("aws", "gcp"))
    configuration = Configuration(
        environment="gameday",
        databases=(Database(name="neonhub"),),
        stores=stores,
        encryption=Encryption(public_keys=("-----BEGIN PGP PUBLIC KEY BLOCK-----",)),
    )
    runbook = Runbook(runbook_page(configuration))

    for heading, number in (
        ("Rows or tables are lost", 1),
        ("A migration has done harm", 0),
        ("The newest backup is damaged", 0),
        ("The store aws is lost", 1),
        ("The database server is lost", 0),
        ("The private key is lost, wrong or known to others", 1),
        ("Backups have stopped", 0),
    ):
        assert all("neonhub-backup" in line for line in runbook.commands(heading, number))
