"""Programs joined by pipes, where every exit status counts and nothing outlives its pipeline."""

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from neonhub_backup.errors import ProgramError
from neonhub_backup.progress import Progress, Silence

PIPE_BYTES = 1 << 18
"""What a pipe holds, where the system lets it, and the most that is read from one at once: a
program that finds room waits less often."""
DATA = "\0data\0"
"""Stands in a script for the path of the pipe to the next program; no name can contain it."""

_STDERR_TAIL_BYTES = 4096
_KILL_AFTER_SECONDS = 5.0


@dataclass(frozen=True)
class Command:
    """One program of a pipeline."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Added to this process's own; the place for passwords, which argv is not."""
    script: str | None = None
    """Text for its standard input. `DATA` in it becomes the path of the pipe to the next program,
    and its standard output is then kept for `Pipeline.finish` instead of being the data."""

    @property
    def name(self) -> str:
        """The program's name without its folder."""
        return Path(self.argv[0]).name


class StoppedError(ProgramError):
    """The run was stopped while this pipeline was at work or about to begin."""


class Programs:
    """All programs of one run, so that one call ends every one of them."""

    def __init__(self, progress: Progress | None = None) -> None:
        """`progress` is told how far the run is; None: nobody is."""
        self.progress = progress or Silence()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._stopped = False

    def start(self, command: Command, **streams: object) -> subprocess.Popen[bytes]:
        """Start a program out of reach of the terminal's Ctrl-C, which is ours to handle."""
        with self._guard:
            if self._stopped:
                raise StoppedError(f"{command.name} was not started: the run is being stopped")
            try:
                process: subprocess.Popen[bytes] = subprocess.Popen(  # pyright: ignore[reportCallIssue] - the keywords are those of our two callers
                    list(command.argv),
                    env={**os.environ, **command.environment},
                    process_group=0,
                    pipesize=PIPE_BYTES,
                    **streams,  # pyright: ignore[reportArgumentType] - as above
                )
            except OSError as error:
                found = shutil.which(command.argv[0])
                reason = f"cannot be run ({error.strerror})" if found else "is not installed"
                raise ProgramError(
                    f"{command.name} {reason}, so nothing was written: install it and make sure"
                    " that it is on PATH"
                ) from error
            self._running.add(process)
            return process

    def ended(self, process: subprocess.Popen[bytes]) -> None:
        """Forget a program that has been waited for."""
        with self._guard:
            self._running.discard(process)

    def stop(self) -> None:
        """End every running program and start no more."""
        with self._guard:
            self._stopped = True
            for process in self._running:
                _signal(process, signal.SIGTERM)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped


class Pipeline:
    """Programs joined by pipes.

    Feed the first with `write`, read the last with `blocks`, then call `finish`, which checks every
    exit status. Left in any other way, all of its programs are ended.
    """

    def __init__(
        self, programs: Programs, commands: Sequence[Command], *, fed: bool = False
    ) -> None:
        self._programs = programs
        self._commands = commands
        self._fed = fed
        self._processes: list[subprocess.Popen[bytes]] = []
        self._errors: list[IO[bytes]] = []
        self._said: IO[bytes] | None = None
        self.input: IO[bytes] | None = None
        self.output: IO[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def _start(self) -> None:
        source: int | IO[bytes] = subprocess.PIPE if self._fed else subprocess.DEVNULL
        for command in self._commands:
            stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _end
            self._errors.append(stderr)
            if command.script is None:
                process = self._programs.start(
                    command, stdin=source, stdout=subprocess.PIPE, stderr=stderr
                )
                data = process.stdout
            else:
                process, data = self._start_script(command, command.script, stderr)
            if isinstance(source, int):
                self.input = process.stdin if self._fed else None
            else:
                source.close()
            self._processes.append(process)
            assert data is not None  # noqa: S101 - both ways asked for a pipe
            source = data
        self.output = source if not isinstance(source, int) else None

    def _start_script(
        self, command: Command, script: str, stderr: IO[bytes]
    ) -> tuple[subprocess.Popen[bytes], IO[bytes]]:
        read, write = _wide_pipe()
        data = os.fdopen(read, "rb", buffering=0)
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed in _end
        with tempfile.TemporaryFile() as text:
            text.write(script.replace(DATA, f"/dev/fd/{write}").encode())
            text.seek(0)
            try:
                process = self._programs.start(
                    command, stdin=text, stdout=self._said, stderr=stderr, pass_fds=(write,)
                )
            finally:
                os.close(write)
        return process, data

    def write(self, block: bytes | memoryview) -> None:
        """Feed the first program.

        Raises:
            ProgramError: a program has died.
        """
        assert self.input is not None  # noqa: S101 - only a fed pipeline is written to
        try:
            self.input.write(block)
        except BrokenPipeError:
            self.finish()
            raise ProgramError(
                f"{self._commands[0].name} stopped reading before the end of its input, so the"
                " data is incomplete: try again"
            ) from None

    def offer(self, block: bytes | memoryview) -> bool:
        """Feed the first program, unless it has read all that it wants; whether it has not.

        It may have failed instead, which `finish` says.
        """
        assert self.input is not None  # noqa: S101 - as above
        try:
            self.input.write(block)
        except BrokenPipeError:
            return False
        return True

    def end_input(self) -> None:
        """Let the first program know that nothing follows."""
        _close(self.input)

    def blocks(self) -> Iterator[memoryview]:
        """What the last program writes, as it comes; each block is valid until the next one."""
        assert self.output is not None  # noqa: S101 - the last program always has one
        descriptor = self.output.fileno()
        buffer = bytearray(PIPE_BYTES)
        view = memoryview(buffer)
        while count := os.readv(descriptor, [buffer]):
            yield view[:count]

    def finish(self) -> str:
        """Wait for every program; return what a scripted one said, or the unread output's text.

        Raises:
            ProgramError: one of them failed. It is the last in the row that did: programs before it
                fail only because nobody reads them any more.
        """
        _close(self.input)
        rest = b"".join(bytes(block) for block in self.blocks())
        codes = [process.wait() for process in self._processes]
        for process in self._processes:
            self._programs.ended(process)
        if self._programs.stopped:
            raise StoppedError("the run was stopped")
        for command, code, stderr in reversed(
            list(zip(self._commands, codes, self._errors, strict=True))
        ):
            if code != 0:
                said = _tail(stderr)
                failed = ProgramError(_explain(command.name, code, said))
                failed.said = said
                raise failed
        if self._said is None:
            return rest.decode(errors="replace")
        self._said.seek(0)
        return self._said.read().decode(errors="replace")

    def _end(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                _signal(process, signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(_KILL_AFTER_SECONDS)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait()
            self._programs.ended(process)
            for stream in (process.stdin, process.stdout):
                _close(stream)
        _close(self.output)
        for stream in (*self._errors, self._said):
            _close(stream)


def run(programs: Programs, command: Command) -> str:
    """Run one program to its end and return what it wrote.

    Raises:
        ProgramError: it failed.
    """
    with Pipeline(programs, [command]) as pipeline:
        return pipeline.finish()


def _wide_pipe() -> tuple[int, int]:
    read, write = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return read, write


def _explain(name: str, code: int, stderr: str) -> str:
    how = (
        f"was ended by signal {signal.Signals(-code).name}"
        if code < 0
        else f"failed with exit code {code}"
    )
    said = f" ({stderr})" if stderr else ""
    return f"{name} {how}{said}, so the run was given up and nothing incomplete is kept: try again"


def _tail(stderr: IO[bytes]) -> str:
    size = stderr.seek(0, os.SEEK_END)
    stderr.seek(max(0, size - _STDERR_TAIL_BYTES))
    return " ".join(stderr.read().decode(errors="replace").split())


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        process.poll()


def _close(stream: IO[bytes] | None) -> None:
    if stream is None:
        return
    try:
        stream.close()
    except BrokenPipeError:
        # The reader is gone; its exit status says why, and the descriptor is closed all the same.
        return
