"""The console script `neonhub-backup`, and what becomes of its failures."""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import FrameType
from typing import NoReturn

import typer

from neonhub_backup.cli import reporting
from neonhub_backup.cli.app import COMMANDS, COMPLETION_VARIABLE, PROGRAM, app
from neonhub_backup.cli.messages import Failure, say_failure, say_logs
from neonhub_backup.errors import BackupError, DatabaseError, UnconfirmedError
from neonhub_backup.watch.findings import VerdictError

JSON = "--json"
VERDICTS = ("status", "watch")
"""The commands whose exit codes 1 and 2 are verdicts on the backups."""
MOVED_BY = 100
"""What is added, with those, to the exit codes 1 and 2 of failures."""
USAGE_ERROR = "UsageError"
"""What a command line that cannot be meant is called; its exit code is that of a configuration."""


class Stopped(SystemExit):
    """The run was asked to end, by Ctrl-C or SIGTERM.

    Libraries know such an exception: psycopg cancels the statement that the server is at.
    """

    def __init__(self, number: int) -> None:
        self.exit_code = 128 + number
        self.kind = signal.Signals(number).name
        super().__init__(self.exit_code)

    def __str__(self) -> str:
        return f"stopped by {self.kind}"


def run() -> NoReturn:
    """The console script: every failure one sentence on standard error and its exit code."""
    # Without a word, it says which there are.
    arguments = sys.argv[1:] or ["--help"]
    # Known before the command line is read, since that can fail too.
    as_events = JSON in arguments
    say_logs(as_events=as_events)
    if COMPLETION_VARIABLE in os.environ:
        from typer.completion import (  # noqa: PLC0415 - only shells ask
            completion_init,  # pyright: ignore[reportPrivateImportUsage] - it has no other door
        )

        completion_init()
    # Ctrl-C is asked for by name: a shell's background jobs begin with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    sys.exit(_exit_code(arguments, as_events=as_events))


def _exit_code(arguments: Sequence[str], *, as_events: bool) -> int:
    moved = next((word for word in arguments if word in COMMANDS), None) in VERDICTS
    code, failure = _attempt(
        lambda: _run_command(arguments), as_events=as_events, moved_by=MOVED_BY if moved else 0
    )
    untold, _ = _attempt(lambda: reporting.tell(failure, as_json=as_events), as_events=as_events)
    return code or untold


def _run_command(arguments: Sequence[str]) -> object:
    if reporting.GITHUB in arguments:
        reporting.begin(os.environ)
    return app(args=list(arguments), prog_name=PROGRAM, standalone_mode=False)


def _attempt(
    act: Callable[[], object], *, as_events: bool, moved_by: int = 0
) -> tuple[int, Failure | None]:
    """Do something; the exit code, and the failure whose last words were said."""
    try:
        code = act()
    except (Stopped, Exception) as error:  # noqa: BLE001 - the outermost place; all of it is shown
        failure = _failure(error)
        if failure.code in (1, 2) and not isinstance(error, VerdictError):
            failure = replace(failure, code=failure.code + moved_by)
        say_failure(failure, as_events=as_events)
        return failure.code, failure
    return (code if isinstance(code, int) else 0), None


def _failure(error: BaseException) -> Failure:
    notes = tuple(getattr(error, "__notes__", ()))
    match error:
        case Stopped():
            rest = (
                "but what follows was not cleaned up:" if notes else "nothing incomplete was kept"
            )
            return Failure(error.exit_code, error.kind, f"{error}; {rest}", notes)
        case typer.TyperException():
            return _of_command_line(error)
        case typer.Abort():
            message = "the question was not answered, so nothing was changed by what it was about"
            return Failure(UnconfirmedError.exit_code, UnconfirmedError.__name__, message, notes)
        case VerdictError():
            return Failure(int(error.verdict), VerdictError.__name__, str(error), notes)
        case BackupError():
            return Failure(error.exit_code, type(error).__name__, str(error), notes)
        case _:
            return _of_database(error) or _unexpected(error)


def _of_command_line(error: typer.TyperException) -> Failure:
    said = error.format_message().replace("Value error, ", "")
    if said.startswith("Usage:"):
        # A group without a command: its help names those that there are.
        shown = tuple(line for line in said.splitlines() if line)
        return Failure(error.exit_code, USAGE_ERROR, "Missing command:", shown)
    return Failure(error.exit_code, USAGE_ERROR, f"{said.rstrip('.')}. See --help.", ())


def _of_database(error: BaseException) -> Failure | None:
    import psycopg  # noqa: PLC0415 - a fifth of a second, which only such a failure needs

    if not isinstance(error, psycopg.Error):
        return None
    reason = " ".join(str(error).split())
    message = (
        f"the database refused a step ({reason}), so the run was given up and nothing incomplete is"
        " kept: correct that and try again"
    )
    notes = tuple(getattr(error, "__notes__", ()))
    return Failure(DatabaseError.exit_code, DatabaseError.__name__, message, notes)


def _unexpected(error: BaseException) -> Failure:
    shown = "".join(traceback.format_exception(error)).splitlines()
    message = "something that this program cannot explain: report it as a bug, with this traceback:"
    return Failure(BackupError.exit_code, type(error).__name__, message, tuple(shown))


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    # A second Ctrl-C must not interrupt the cleaning up after the first.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    raise Stopped(number)
