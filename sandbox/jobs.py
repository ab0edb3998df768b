"""Programs that a command waits for, which must not outlive it."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.processes import Supervisor, end

_TAIL_LINES = 15


class Job:
    """A program at work, writing to a log.

    It has a session of its own: a Ctrl-C reaches us alone, and we end it once and in order. Its
    record lets the next command end it, should we be killed before it is done.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        name: str,
        command: Sequence[str],
        *,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        output: Path | None = None,
    ) -> None:
        """Start it. What it writes to standard output goes to the log too, unless to `output`."""
        self._supervisor = supervisor
        self._name = name
        self._command = " ".join(command[:3])
        self._log = supervisor.log(name)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as files:
            log = files.enter_context(self._log.open("wb"))
            self._process = subprocess.Popen(
                list(command),
                cwd=directory,
                env=dict(os.environ if environment is None else environment),
                stdin=subprocess.DEVNULL,
                stdout=log if output is None else files.enter_context(output.open("wb")),
                stderr=log,
                start_new_session=True,
            )
        supervisor.record(name, self._process.pid, signal.SIGINT)

    def wait(self, fix: str) -> str:
        """Returns what it wrote; failure raises SandboxError with the end of that and the fix."""
        try:
            code = self._process.wait()
        finally:
            self.cancel()
        written = self._log.read_text(errors="replace")
        if code != 0:
            tail = "".join(f"\n    {line}" for line in written.splitlines()[-_TAIL_LINES:])
            raise SandboxError(
                f"`{self._command} …` ended with exit code {code}; {fix}. The end of {self._log}"
                f" says:{tail}"
            )
        return written

    def cancel(self) -> None:
        """Ends it if it is still at work."""
        if self._process.poll() is None:
            end(self._process.pid, signal.SIGINT, seconds=15)
        self._supervisor.forget(self._name)
