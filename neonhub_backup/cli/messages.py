"""What goes to standard error: sentences for people, with `--json` one line of JSON for each."""

import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True)
class Failure:
    """Why a run ended."""

    code: int
    """The exit code."""
    kind: str
    """Name of the exit code in docs/exit-codes.md, or of the special case of it."""
    message: str
    """One sentence: the thing, the consequence, the fix."""
    notes: Sequence[str] = ()
    """What could not be cleaned up, a line each; the traceback of what is unexpected."""


class _Events(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _line("log", level=record.levelname.lower(), message=record.getMessage())


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is by now: bars on a terminal put something in its place."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # pyright: ignore[reportIncompatibleVariableOverride] - as logging's own last resort does
        return sys.stderr


class _Form:
    as_events = False


def writes_events() -> bool:
    """Whether standard error gets events."""
    return _Form.as_events


def say_logs(*, as_events: bool) -> None:
    """Write what is logged to standard error from now on, as events or as lines."""
    _Form.as_events = as_events
    handler = _StandardError()
    handler.setFormatter(
        _Events() if as_events else logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S")
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def say_failure(failure: Failure, *, as_events: bool) -> None:
    """The last words of a run."""
    if as_events:
        write_event(
            "error",
            code=failure.code,
            kind=failure.kind,
            message=failure.message,
            notes=list(failure.notes),
        )
        return
    lines = [f"neonhub-backup: {failure.message}", *(f"  {note}" for note in failure.notes)]
    sys.stderr.write("\n".join(lines) + "\n")


def write_event(event: str, **fields: object) -> None:
    """One line of JSON, written whole: threads may do so side by side."""
    sys.stderr.write(_line(event, **fields) + "\n")
    sys.stderr.flush()


def _line(event: str, **fields: object) -> str:
    return json.dumps({"event": event, **fields}, ensure_ascii=False, default=str)
