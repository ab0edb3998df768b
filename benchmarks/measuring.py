"""Running what is measured: wall time, and the memory of a whole tree of processes."""

import os
import pty
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_SAMPLE_SECONDS = 0.05


@dataclass
class Ran:
    """One run."""

    seconds: float
    lines: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])
    """What it wrote, each line with its time in seconds since the start."""
    busy_cores: float = 0.0
    """How many cores of the whole machine, its database server's too, were at work on average."""
    peak_bytes: int = 0
    """Most memory that the process and all that it began had at one time, pages that they share
    counted for each."""

    def at(self, start: str) -> float:
        """Time of the last line that begins so."""
        return max(when for when, line in self.lines if line.startswith(start))

    def having(self, part: str) -> float:
        """Time of the first line that holds this."""
        return min(when for when, line in self.lines if part in line)


def run(
    command: str, environment: Mapping[str, str], *, directory: Path, memory: bool = False
) -> Ran:
    """Run a line of bash, in which every program of a pipe must succeed.

    Raises:
        RuntimeError: it failed; with what it wrote.
    """
    controller, terminal = pty.openpty()
    began, before = time.monotonic(), _busy_seconds()
    process = subprocess.Popen(
        ["bash", "-c", f"set -euo pipefail; {command}"],
        env={**os.environ, **environment, "TERM": "dumb"},
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    ran = Ran(0.0)
    sampler = threading.Thread(target=_sample, args=(process, ran))
    if memory:
        sampler.start()
    for line in _lines(controller):
        ran.lines.append((time.monotonic() - began, line))
    code = process.wait()
    ran.seconds = time.monotonic() - began
    ran.busy_cores = (_busy_seconds() - before) / ran.seconds
    if memory:
        sampler.join()
    os.close(controller)
    if code != 0:
        said = "\n".join(line for _, line in ran.lines[-20:])
        raise RuntimeError(f"{command} failed with exit code {code}:\n{said}")
    return ran


def _lines(controller: int) -> Iterator[str]:
    rest = b""
    while True:
        try:
            block = os.read(controller, 1 << 16)
        except OSError:  # how Linux says that nobody holds the other end any more
            return
        *whole, rest = (rest + block).split(b"\n")
        for line in whole:
            yield line.decode(errors="replace").rstrip("\r")


def _busy_seconds() -> float:
    times = psutil.cpu_times()
    return times.user + times.system + times.nice


def _sample(process: subprocess.Popen[bytes], ran: Ran) -> None:
    root = psutil.Process(process.pid)
    while process.poll() is None:
        ran.peak_bytes = max(ran.peak_bytes, _tree_bytes(root))
        time.sleep(_SAMPLE_SECONDS)


def _tree_bytes(root: psutil.Process) -> int:
    found = 0
    try:
        for process in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                found += process.memory_info().rss
    except psutil.NoSuchProcess:  # it has ended since
        return found
    return found
