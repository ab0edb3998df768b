"""The console script `neonhub-backup`: every command, and what becomes of its failures."""

import logging
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import psycopg
import typer
from typer.exceptions import TyperException

from neonhub_backup.cli import backup, catalogue, drill, restore
from neonhub_backup.cli.app import app
from neonhub_backup.errors import BackupError, DatabaseError

COMMANDS = (backup, catalogue, restore, drill)
"""Each registers its commands with `app` when imported; their order is that of `--help`."""


class Stopped(BaseException):
    """The run was asked to end, by Ctrl-C or SIGTERM."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


def run() -> NoReturn:
    """The console script: every failure one sentence on standard error and its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    # Ctrl-C is asked for by name: a shell's background jobs begin with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    sys.exit(_exit_code(sys.argv[1:]))


def _exit_code(arguments: Sequence[str]) -> int:
    try:
        code = app(args=list(arguments), prog_name="neonhub-backup", standalone_mode=False)
    except Stopped as stop:
        notes = _notes(stop)
        rest = "but what follows was not cleaned up:" if notes else "nothing incomplete was kept"
        typer.echo("\n".join([f"neonhub-backup: {stop}; {rest}", *notes]), err=True)
        return stop.exit_code
    except TyperException as error:
        typer.echo(f"neonhub-backup: {error.format_message()} See --help.", err=True)
        return error.exit_code
    except BackupError as error:
        typer.echo("\n".join([f"neonhub-backup: {error}", *_notes(error)]), err=True)
        return error.exit_code
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        typer.echo(
            f"neonhub-backup: the database refused a step ({reason}), so the run was given up and"
            " nothing incomplete is kept: correct that and try again",
            err=True,
        )
        return DatabaseError.exit_code
    return code if isinstance(code, int) else 0


def _notes(error: BaseException) -> list[str]:
    return [f"  {note}" for note in getattr(error, "__notes__", [])]


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    # A second Ctrl-C must not interrupt the cleaning up after the first.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    raise Stopped(number)
