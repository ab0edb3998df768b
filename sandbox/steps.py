"""What a command of the sandbox tells its user: a line for each step, and how long it took."""

import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.errors import SandboxError


class StepError(SandboxError):
    """A step that failed, by name."""


@dataclass
class Step:
    """One step at work."""

    done: str = ""
    """What was done, for the line that reports it."""
    reused: bool = False
    """Everything was there already."""


class Steps:
    """Prints the steps as they end."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet

    def say(self, name: str, text: str) -> None:
        """Says what has begun, where a user would wonder what takes so long."""
        self._print(name, text)

    @contextmanager
    def step(self, name: str, began: float | None = None) -> Generator[Step]:
        """Times a block, or all since `began` on the monotonic clock.

        Raises StepError, which names the step, for anything that a user can put right.
        """
        began = time.monotonic() if began is None else began
        step = Step()
        try:
            yield step
        except (SandboxError, OSError, subprocess.SubprocessError) as error:
            raise StepError(f"the step `{name}` failed: {error}") from error
        if not (self._quiet and step.reused):
            self._print(name, step.done, f"{time.monotonic() - began:8.1f} s")

    def _print(self, name: str, text: str, seconds: str = "") -> None:
        print(f"  {name:<16} {text:<66} {seconds}".rstrip(), flush=True)


def fail(error: SandboxError) -> None:
    """The last words of a command that did not succeed."""
    message = str(error)
    print(f"\n{message[0].upper()}{message[1:]}", file=sys.stderr, flush=True)
