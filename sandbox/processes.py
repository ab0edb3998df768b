"""Servers that outlive the command that started them, and are found again by the next one.

A server is known by its process id *and* the moment that process started, so that a process which
later got the same id is never touched.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.files import write_atomically

MARK = "NEONHUB_SANDBOX"
"""In the environment of every server of ours: the record that it belongs to."""

_POLL_SECONDS = 0.05
_FREE_PORTS = range(20000, 32000)


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that listens on 127.0.0.1."""

    name: str
    command: Sequence[str]
    port: int
    ready: Callable[[], bool]
    """Whether it answers as it should."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Added to ours."""
    stop_signal: int = signal.SIGTERM
    start_seconds: float = 60.0
    restart_when: str = ""
    """Anything but the command that makes a running one stale when it changes."""

    @property
    def key(self) -> str:
        """Changes when a running server of this name is no longer the one described here."""
        facts = [list(self.command), dict(self.environment), self.restart_when]
        return sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Record:
    """A server that was started, as its file says."""

    pid: int
    started: str | None
    stop_signal: int
    key: str = ""
    """Empty for a job, which must not outlive its command."""


class Supervisor:
    """Starts and stops servers; keeps their records and logs in two directories."""

    def __init__(self, records: Path, logs: Path, patience_seconds: float = 20.0) -> None:
        self._records = records
        self._logs = logs
        self._patience_seconds = patience_seconds

    def identity(self, name: str) -> str | None:
        """What tells this run of a server from any other; None when it does not run."""
        record = self._record(name)
        return None if record is None else f"{record.pid} {record.started}"

    def log(self, name: str) -> Path:
        """Where a server's own words go."""
        return self._logs / f"{name}.log"

    def running(self, server: Server) -> bool:
        """Whether exactly this server runs and answers, if need be after a while.

        A busy machine makes a server slow, which is no reason to end it and lose what it holds.
        """
        deadline = time.monotonic() + self._patience_seconds
        while (record := self._record(server.name)) is not None and record.key == server.key:
            if server.ready():
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return False

    def start(self, server: Server) -> None:
        """Starts it, ending a stale or deaf one of ours first. Follow with `wait`."""
        self.stop(server.name)
        self._free_port(server)
        self._logs.mkdir(parents=True, exist_ok=True)
        mark = self._mark(server.name)
        with self.log(server.name).open("wb") as log:
            process = subprocess.Popen(
                list(server.command),
                env=os.environ | dict(server.environment) | {MARK: mark},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        self.record(server.name, process.pid, server.stop_signal, server.key)

    def record(self, name: str, pid: int, stop_signal: int, key: str = "") -> None:
        """Remembers a process by name, for whoever has to end it."""
        record = Record(pid, started(pid), stop_signal, key)
        write_atomically(self._records / f"{name}.json", json.dumps(asdict(record)))

    def forget(self, name: str) -> None:
        """Drops the record of a process that has ended."""
        (self._records / f"{name}.json").unlink(missing_ok=True)

    def wait(self, server: Server) -> None:
        """Returns once it answers; raises SandboxError when it ends or stays silent."""
        deadline = time.monotonic() + server.start_seconds
        while not server.ready():
            if self._record(server.name) is None:
                raise SandboxError(f"{server.name} ended as soon as it started{self._tail(server)}")
            if time.monotonic() > deadline:
                raise SandboxError(
                    f"{server.name} did not answer within {server.start_seconds:.0f} s"
                    f"{self._tail(server)}"
                )
            time.sleep(_POLL_SECONDS)

    def stop(self, name: str) -> bool:
        """Ends a process of ours and all it started; says whether there was one."""
        record = self._record(name)
        if record is not None:
            end(record.pid, record.stop_signal, self._patience_seconds)
        self.forget(name)
        return record is not None

    def end_orphans(self) -> None:
        """Ends the jobs of a command that was killed. Call it before starting any of one's own."""
        for name in self.names():
            record = self._record(name)
            if record is None or not record.key:
                self.stop(name)

    def names(self) -> list[str]:
        """Every server with a record, running or not."""
        return sorted(path.stem for path in self._records.glob("*.json"))

    def _mark(self, name: str) -> str:
        return str(self._records / name)

    def _record(self, name: str) -> Record | None:
        path = self._records / f"{name}.json"
        if not path.exists():
            return None
        record = Record(**json.loads(path.read_text()))
        alive = started(record.pid)
        return record if alive is not None and alive == record.started else None

    def _free_port(self, server: Server) -> None:
        """Ends a server of ours that lost its record to a kill; refuses anybody else's."""
        if not listening(server.port):
            return
        owner = listener(server.port)
        if owner is not None and _environment(owner).get(MARK) == self._mark(server.name):
            end(owner, server.stop_signal, self._patience_seconds)
            return
        who = "another program" if owner is None else f"process {owner} ({_command(owner)})"
        raise SandboxError(
            f"port {server.port}, which {server.name} needs, is taken by {who}: end that program,"
            " or change the port in Pulumi.local.yaml"
        )

    def _tail(self, server: Server) -> str:
        log = self.log(server.name)
        lines = log.read_text(errors="replace").splitlines()[-12:] if log.exists() else []
        return f"; the end of {log} says:" + "".join(f"\n    {line}" for line in lines)


def started(pid: int) -> str | None:
    """The moment this process started, unique even across reboots; None when it is not alive."""
    stat = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").exists():
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return None if after_name[0] in "ZX" else f"{boot} {after_name[19]}"
    shown = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout
    return shown.strip() or None


def end(pid: int, number: int, seconds: float) -> None:
    """Ends a process that leads its session: first asks it, then kills it and all it started."""
    born = started(pid)
    if born is None:
        return
    os.kill(pid, number)
    deadline = time.monotonic() + seconds
    while started(pid) == born and time.monotonic() < deadline:
        _reap(pid)
        time.sleep(_POLL_SECONDS)
    with suppress(ProcessLookupError):  # Nothing is left of the group: what we want.
        os.killpg(pid, signal.SIGKILL)
    while started(pid) == born:
        _reap(pid)
        time.sleep(_POLL_SECONDS)


def _reap(pid: int) -> None:
    """A child of ours that has ended stays a zombie until someone asks for its status."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return


def processes_in(directory: Path) -> Iterator[int]:
    """The processes whose working directory is this one, as far as the system lets us see them."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == directory.resolve():
                yield int(process.name)
        except OSError:
            continue  # Ended meanwhile, or another user's: not ours to see.


def listening(port: int) -> bool:
    """Whether anything accepts connections on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listener(port: int) -> int | None:
    """The process that listens on a port, as far as the system lets us see it."""
    wanted: set[str] = set()
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        if table.exists():
            for row in table.read_text().splitlines()[1:]:
                cells = row.split()
                if cells[3] == "0A" and int(cells[1].rpartition(":")[2], 16) == port:
                    wanted.add(f"socket:[{cells[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(link.readlink()) in wanted for link in (process / "fd").iterdir()):
                return int(process.name)
        except OSError:
            continue  # Ended meanwhile, or another user's: not ours to see.
    return None


def free_port() -> int:
    """A port that nothing uses at this moment.

    Below those that systems give to outgoing connections, one of which may take it a moment later.
    """
    while True:
        port = secrets.choice(_FREE_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _environment(pid: int) -> dict[str, str]:
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    entries = raw.decode(errors="replace").split("\0")
    return dict(entry.split("=", 1) for entry in entries if "=" in entry)


def _command(pid: int) -> str:
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return "already gone"
    return raw.replace(b"\0", b" ").decode(errors="replace").strip()[:120]
