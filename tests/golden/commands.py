"""docs/commands.md: the `--help` of every command, as a terminal of 80 columns shows it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from neonhub_backup.cli.app import app
from tests.golden.stacks import ROOT

COMMANDS_PAGE = ROOT / "docs" / "commands.md"

_PROGRAM = "neonhub-backup"
_COLUMNS = 80
_HEADER = """\
# Commands

Written by `make golden` from what each command says with `--help`. What goes to standard output and
to standard error, and what the exit codes mean, is in [exit codes](exit-codes.md); which command is
for what, in [procedures](procedures.md).

Without `--config` and `NEONHUB_BACKUP_CONFIG`, the configuration is the first of these; `--verbose`
says which:

1. `neonhub-backup.yaml`, else the only file of `.neonhub-backup/*.yaml`, in the working directory,
   then in each directory above it up to the root of the git repository. Several files are refused:
   choose one with `--config`.
2. `$XDG_CONFIG_HOME/neonhub-backup/config.yaml`; `XDG_CONFIG_HOME` is `~/.config` unless set.
3. `/etc/neonhub-backup.yaml`.
"""


def every_command() -> list[tuple[str, ...]]:
    """The words of every command and group, in the order of `--help`."""
    return list(_words(_root(), ()))


def found(words: tuple[str, ...]) -> Any:
    """The command of these words. Its type is not public."""
    one = _root()
    for word in words:
        one = one.get_command(_context(one), word)
    return one


def command_page() -> dict[Path, str]:
    """Where the page is, and what it must hold."""
    parts = [_HEADER]
    for words in ((), *every_command()):
        title = " ".join((_PROGRAM, *words))
        level = "##" if len(words) < 2 else "###"
        parts.append(f"{level} {title}\n\n```text\n{_help(words)}\n```\n")
    return {COMMANDS_PAGE: "\n".join(parts)}


def _help(words: tuple[str, ...]) -> str:
    one, context = _root(), None
    for number in range(len(words) + 1):
        name = words[number - 1] if number else _PROGRAM
        one = one.get_command(context, name) if number else one
        context = _context(one, name, context)
    assert context is not None
    return "\n".join(line.rstrip() for line in context.get_help().splitlines())


def _words(one: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if not hasattr(one, "list_commands"):
        return
    for name in one.list_commands(_context(one)):
        child = one.get_command(_context(one), name)
        if not child.hidden:
            yield (*words, name)
            yield from _words(child, (*words, name))


def _root() -> Any:
    return typer.main.get_command(app)


def _context(one: Any, name: str = _PROGRAM, parent: typer.Context | None = None) -> Any:
    return typer.Context(
        one, info_name=name, parent=parent, terminal_width=_COLUMNS, **one.context_settings
    )
