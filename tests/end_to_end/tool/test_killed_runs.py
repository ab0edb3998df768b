"""A hundred backups and some restores, in each of which something is killed at a random point.

Seeds make a run's victim and point repeatable, if not the moment that the machine is at. Each is a
test of its own, named by seed and victim. Another hundred: set NEONHUB_BACKUP_TEST_SEED; one alone:
give its number with `-k`.
"""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from neonhub_backup.domain.configuration import DirectoryStore
from neonhub_backup.files import PARTIAL
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.stores.factory import open_store
from sandbox import keys
from sandbox.postgres import PostgresServer
from sandbox.processes import Supervisor, free_port
from tests.end_to_end.compare import contents_of
from tests.end_to_end.conftest import THROWAWAY
from tests.end_to_end.databases.loading import load
from tests.end_to_end.tool.conftest import Tool
from tests.end_to_end.tool.test_faults import MARK, left

RUNS = 100
FIRST_SEED = int(os.environ.get("NEONHUB_BACKUP_TEST_SEED", "1000"))
VICTIMS = ("psql", "pg_dump", "zstd", "gpg", "server", "backend", "tool")
"""The server is killed as a whole, or one of its processes: then it starts anew by itself."""
OF_RESTORES = tuple({"pg_dump": "pg_restore"}.get(victim, victim) for victim in VICTIMS)
RESTORES = 21
MOST_BYTES = 32 << 20
"""More than most programs read and write, so that some are never killed."""
EXPLAINED = {4, 5, 10}
"""Exit codes of a run whose database, program or key failed."""
SQL = Path(__file__).with_name("killed.sql")


@dataclass
class Machine:
    """A server and an installation of the tool that survive, or are mended after, every run."""

    tool: Tool
    supervisor: Supervisor
    seconds: float = 0
    """How long a run takes that nobody kills."""
    ended: Counter[tuple[str, bool]] = field(default_factory=Counter[tuple[str, bool]])
    """How many runs of each victim, or restores, came to a good end or not."""

    def count(self, what: str, code: int) -> None:
        """Remember how a run ended."""
        self.ended[what, code == 0] += 1

    def backups(self) -> set[str]:
        """What `list` shows."""
        store = open_store(self.tool.stores[0])
        return {place.name for place in Catalogue(store).locations()}

    def partials(self) -> list[Path]:
        """Files of objects that were being written."""
        return [path for path in self.tool.files() if path.name.startswith(PARTIAL)]

    def mend(self) -> None:
        """Let the server answer again, whatever became of it."""
        server = self.tool.server.server()
        if self.supervisor.identity(server.name) is None:
            self.tool.server.prepare()
            self.supervisor.start(server)
        self.supervisor.wait(server)

    def postmaster(self) -> int:
        """The server's first process."""
        return int((self.tool.server.data / "postmaster.pid").read_text().split()[0])


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory, key_home: Path) -> Iterator[Machine]:
    home = tmp_path_factory.mktemp("killed")
    server = PostgresServer(home=home / "postgres", port=free_port(), settings=THROWAWAY)
    supervisor = Supervisor(home / "run", home / "logs")
    server.prepare()
    supervisor.start(server.server())
    try:
        supervisor.wait(server.server())
        load(SQL, server.url(), server.bin_dir)
        for folder in ("tool/store", "t"):
            (home / folder).mkdir(parents=True)
        (home / "keys").symlink_to(key_home)
        environment = {
            "DATABASE_URL": server.url(),
            "NEONHUB_BACKUP_PG_BIN": str(server.bin_dir),
            "NEONHUB_BACKUP_PRIVATE_KEY_FILE": str(keys.private_key(key_home)),
            "TMPDIR": str(home / "t"),
            MARK: str(home),
        }
        disk = DirectoryStore(name="disk", path=home / "tool/store")
        machine = Machine(Tool(home / "tool", server, "postgres", environment, [disk]), supervisor)
        began = time.monotonic()
        machine.tool.backup()
        machine.seconds = time.monotonic() - began
        yield machine
    finally:
        supervisor.stop("postgres")


@dataclass(frozen=True)
class Shot:
    """Whom to kill, and when: a moment after the start, and once it has moved so much."""

    victim: str
    after_seconds: float
    after_bytes: int

    @classmethod
    def of(cls, seed: int, victims: Sequence[str], seconds: float) -> "Shot":
        """A random one, the victims one after the other."""
        chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        victim = victims[seed % len(victims)]
        if chance.random() < 0.5:
            return cls(victim, chance.uniform(0, seconds * 1.3), 0)
        return cls(victim, 0, int(2 ** chance.uniform(0, MOST_BYTES.bit_length() - 1)))

    def run(
        self, machine: Machine, *arguments: str, **environment: str
    ) -> tuple[subprocess.CompletedProcess[str], bool]:
        """Run the tool, kill whom it meets, mend the server; and whether it met anybody."""
        process = machine.tool.start(*arguments, **environment)
        hit = self._fire(machine, lambda: process.poll() is None, process.pid)
        stdout, stderr = process.communicate(timeout=120)
        machine.mend()
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr), hit

    def _fire(self, machine: Machine, running: Callable[[], bool], tool: int) -> bool:
        """Wait for the moment and kill; False when the run ended before it came."""
        begun = time.monotonic()
        while running():
            if time.monotonic() - begun >= self.after_seconds:
                for pid in self._candidates(machine, tool):
                    # The tool reads all of Python first, and a server talks to sockets.
                    ours = self.victim in {"tool", "server", "backend"}
                    moved = _moved(tool, "wchar") if ours else _moved(pid, "rchar", "wchar")
                    if moved >= self.after_bytes:
                        with suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
                            return True
            time.sleep(0.001)
        return False

    def _candidates(self, machine: Machine, tool: int) -> list[int]:
        match self.victim:
            case "tool":
                return [tool]
            case "server":
                return [machine.postmaster()]
            case "backend":
                clients = _children(machine.postmaster())
                return [pid for pid in clients if b"127.0.0.1" in _command_line(pid)]
            case program:
                return [
                    pid
                    for pid in _children(tool)
                    if Path(_command_line(pid).split(b"\0")[0].decode()).name == program
                ]


def _children(pid: int) -> list[int]:
    # Threads have children of their own.
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found += [int(child) for child in thread.read_text().split()]
    return found


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _moved(pid: int, *directions: str) -> int:
    """Bytes that a process has read from (rchar) or written to (wchar) files and pipes."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return -1
    return sum(int(line.split()[1]) for line in lines if line.startswith(directions))


@pytest.mark.parametrize(
    "seed",
    range(FIRST_SEED, FIRST_SEED + RUNS),
    ids=lambda seed: f"{seed}-{VICTIMS[seed % len(VICTIMS)]}",
)
def test_a_run_killed_at_a_random_point_shows_no_backup_that_cannot_be_restored(
    machine: Machine, seed: int
) -> None:
    tool, shot = machine.tool, Shot.of(seed, VICTIMS, machine.seconds)
    before, partials = machine.backups(), machine.partials()

    process, hit = shot.run(machine, "backup")

    new = machine.backups() - before
    machine.count(shot.victim, process.returncode)
    assert left(str(tool.home.parent)) == []
    if shot.victim == "tool" and hit:
        assert process.returncode == -signal.SIGKILL
    else:
        assert len(new) == (process.returncode == 0)
        assert process.returncode in {0, *EXPLAINED}, process.stderr
        assert "Traceback" not in process.stderr
        assert machine.partials() == partials
    for name in new:
        assert tool.json("drill", name)["proven"] is True


@pytest.fixture(scope="module")
def live(machine: Machine) -> str:
    """A database that restores are to replace, and that has other rows than the backup."""
    tool = machine.tool
    with psycopg.connect(tool.url("postgres"), autocommit=True) as connection:
        connection.execute("CREATE DATABASE live")
    with psycopg.connect(tool.url("live")) as connection:
        connection.execute("CREATE TABLE events AS SELECT 'precious' AS payload")
    tool.backup()
    began = time.monotonic()
    tool.run("restore", "latest", "--into", "URL", URL=tool.url("copy"))
    machine.seconds = time.monotonic() - began
    return "live"


@pytest.mark.parametrize(
    "seed",
    range(FIRST_SEED, FIRST_SEED + RESTORES),
    ids=lambda seed: f"{seed}-{OF_RESTORES[seed % len(OF_RESTORES)]}",
)
def test_a_restore_killed_at_a_random_point_has_replaced_the_database_or_not_touched_it(
    machine: Machine, live: str, seed: int
) -> None:
    tool, shot = machine.tool, Shot.of(seed, OF_RESTORES, machine.seconds)
    before, databases = contents_of(tool.url(live)), tool.databases()
    oid = _oids(tool)[live]

    process, hit = shot.run(
        machine, "restore", "latest", "--into", "URL", "--set-aside-existing", URL=tool.url(live)
    )

    machine.count("restore", process.returncode)
    oids = _oids(tool)
    kept = next(name for name, number in oids.items() if number == oid)
    assert contents_of(tool.url(kept)) == before
    if kept != live:
        assert contents_of(tool.url(live)) == contents_of(tool.url(tool.database))
    if shot.victim == "tool" and hit:
        assert process.returncode == -signal.SIGKILL
    else:
        assert (kept != live) == (process.returncode == 0)
        assert process.returncode in {0, *EXPLAINED}, process.stderr
        assert "Traceback" not in process.stderr
    if shot.victim not in {"tool", "server", "backend"}:
        assert oids.keys() == databases | {kept}
    _drop(tool, oids.keys() - databases - {kept})
    assert left(str(tool.home.parent), "psql") == []


def test_the_victims_died_at_many_points_and_not_always(machine: Machine) -> None:
    if machine.ended.total() < RUNS + RESTORES:
        pytest.skip("says something of all the runs together only")
    print(machine.ended)

    assert sum(machine.ended[victim, True] for victim in VICTIMS) >= 3
    assert all(machine.ended[victim, False] >= 5 for victim in VICTIMS)
    assert machine.ended["restore", False] >= 10


def test_after_all_of_them_the_tool_works_as_before(machine: Machine) -> None:
    tool = machine.tool
    name = tool.backup()

    assert tool.names()[0] == name
    assert tool.json("drill", "latest")["name"] == name
    tool.run("restore", name, "--into", "URL", URL=tool.url("after"))
    assert contents_of(tool.url("after")) == contents_of(tool.url(tool.database))


def _oids(tool: Tool) -> dict[str, int]:
    with psycopg.connect(tool.url("postgres")) as connection:
        return dict(connection.execute("SELECT datname::text, oid::int FROM pg_database"))


def _drop(tool: Tool, databases: Iterable[str]) -> None:
    """What a restore could not clean up when it was killed, or when the server was."""
    with psycopg.connect(tool.url("postgres"), autocommit=True) as connection:
        for name in databases:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(drop.format(sql.Identifier(name)))
