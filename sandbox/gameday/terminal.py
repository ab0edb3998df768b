"""Typing commands as a person does: on a terminal, and confirming what is asked."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from sandbox.errors import SandboxError

_QUESTION = b"Go on? [y/N]:"
_PATIENCE_SECONDS = 300


def typed(
    line: str, setup: str, environment: Mapping[str, str], directory: Path
) -> tuple[int, str]:
    """Run one line of bash on a terminal of its own; the exit code, and all that was shown.

    Raises:
        SandboxError: it does not end.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", f"{setup}\n{line}"],
        cwd=directory,
        env={**environment, "TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "200"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        shown = _answering(ours)
        return process.wait(timeout=_PATIENCE_SECONDS), shown
    except TimeoutError:
        raise SandboxError(
            f"`{line}` did not end within {_PATIENCE_SECONDS} seconds: run the game day again on a"
            " quieter machine"
        ) from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        os.close(ours)


def _answering(terminal: int) -> str:
    """All that comes from a terminal until everybody has left it; each question is answered yes."""
    shown = b""
    answered = 0
    until = time.monotonic() + _PATIENCE_SECONDS
    while (left := until - time.monotonic()) > 0:
        if not select.select([terminal], [], [], left)[0]:
            break
        try:
            block = os.read(terminal, 1 << 16)
        except OSError:  # how Linux says that the other end is closed
            return shown.decode(errors="replace")
        if not block:
            return shown.decode(errors="replace")
        shown += block
        if shown.count(_QUESTION) > answered:
            answered += 1
            os.write(terminal, b"y\n")
    raise TimeoutError
