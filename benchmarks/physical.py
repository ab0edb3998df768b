"""Base backups and recoveries beside plain programs and the logical way: `-m benchmarks.physical`.

One server with one database of small rows and vectors, which archives its WAL into a directory.
Rounds are interleaved; what counts are ratios of medians. Says what it found as tables.
"""

import argparse
import json
import os
import shlex
import shutil
import statistics
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import database
from benchmarks.measuring import Ran, run
from neonhub_backup.domain.configuration import (
    Archiving,
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    render_configuration,
)
from neonhub_backup.postgres.connection import parse_url
from neonhub_backup.postgres.user import server_user_prefix
from sandbox import keys
from sandbox.postgres import PostgresServer
from sandbox.processes import Supervisor, free_port

HOME = Path(__file__).parents[1] / ".sandbox" / "benchmarks" / "physical"
NAME = "single"
ROUNDS = 3


@dataclass(frozen=True)
class Bench:
    """A server that archives, and places for what is made of it."""

    server: PostgresServer
    rounds: int

    @property
    def store(self) -> Path:
        """The tool's directory store, with the archive."""
        return HOME / "store"

    @property
    def plain(self) -> Path:
        """Where plain programs put theirs."""
        return HOME / "plain"

    def run(self, command: str) -> Ran:
        """Run a command that finds the database as DATABASE_URL, and a copy as COPY_URL."""
        environment = {
            "DATABASE_URL": self.server.url(NAME),
            "COPY_URL": self.server.url("copy"),
            "NEONHUB_BACKUP_CONFIG": str(configuration(self.store)),
            "NEONHUB_BACKUP_PG_BIN": str(self.server.bin_dir),
            "NEONHUB_BACKUP_PRIVATE_KEY_FILE": str(keys.private_key(HOME / "keys")),
            "PATH": os.pathsep.join(
                [str(self.server.bin_dir), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            # Plain programs find the server by PostgreSQL's own variables.
            **parse_url(self.server.url(), "the benchmark").environment(),
            # As after any installation: nothing is compiled again at every start.
            "PYTHONDONTWRITEBYTECODE": "",
        }
        return run(command, environment, directory=HOME)

    def medians(self, ways: Mapping[str, Callable[[], float]]) -> dict[str, float]:
        """Median seconds of each way; one round of all after the other."""
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(self.rounds):
            for name, way in ways.items():
                seconds[name].append(way())
                print(f"  {number + 1}/{self.rounds} {name}: {seconds[name][-1]:.1f} s", flush=True)
        return {name: statistics.median(found) for name, found in seconds.items()}


def configuration(store: Path) -> Path:
    """The tool's configuration file."""
    path = HOME / "benchmark.yaml"
    settings = Configuration(
        environment="benchmark",
        databases=(Database(name=NAME, archiving=Archiving(store="disk")),),
        stores=(DirectoryStore(name="disk", path=store),),
        encryption=Encryption(public_keys=(keys.public_key(HOME / "keys").read_text(),)),
    )
    path.write_text(render_configuration(settings, "a benchmark"))
    return path


@contextmanager
def archiving_server() -> Generator[Bench]:
    """The server, whose database stays for the next run; its archive begins anew."""
    store = HOME / "store"
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir(parents=True)
    _, owner = server_user_prefix([store])
    if owner is not None:
        os.chown(store, *owner)
    config = shlex.quote(str(configuration(store)))
    program = shlex.quote(str(Path(sys.executable).with_name("neonhub-backup")))
    settings = (
        "max_wal_size=8GB",
        "shared_buffers=128MB",
        "archive_mode=on",
        f'archive_command={program} --config {config} wal push "%p"',
    )
    server = PostgresServer(home=HOME / "postgres", port=free_port(), settings=settings)
    supervisor = Supervisor(HOME / "run", HOME / "logs")
    server.prepare()
    supervisor.start(server.server())
    try:
        supervisor.wait(server.server())
        yield Bench(server, ROUNDS)
    finally:
        supervisor.stop("postgres")


def backups(bench: Bench) -> dict[str, float]:
    """Seconds that each kind of backup takes, until it is complete and on the disk."""
    target = bench.plain / "base"

    def basebackup() -> float:
        shutil.rmtree(target, ignore_errors=True)
        return bench.run(f"pg_basebackup --checkpoint=fast --pgdata={target}").seconds

    return bench.medians(
        {
            "base create": lambda: bench.run("neonhub-backup base create").seconds,
            "pg_basebackup": basebackup,
            "backup": lambda: bench.run("neonhub-backup backup --tier daily").seconds,
        }
    )


def recoveries(bench: Bench) -> dict[str, float]:
    """Seconds from the command until the database answers, its vector index included."""
    data = bench.plain / "data"

    def pitr() -> float:
        ran = bench.run(f"neonhub-backup pitr {data} --latest --json")
        shutil.rmtree(data)
        text = "\n".join(line for _, line in ran.lines)
        result = json.loads(text[text.index("\n{\n") :])
        return ran.having('"restoring ') + result["seconds_to_data"]

    def plain() -> float:
        seconds = bench.run(_plain_recovery(bench, data)).seconds
        bench.run(f"{_as_server(bench)} pg_ctl stop --silent --mode=fast --pgdata={data}")
        shutil.rmtree(data)
        return seconds

    def logical() -> float:
        ran = bench.run("neonhub-backup restore latest --into COPY_URL --json")
        database.drop(bench.server, "copy")
        text = "\n".join(line for _, line in ran.lines)
        result = json.loads(text[text.index("\n{\n") :])
        return ran.having('"restoring ') + result["seconds_to_search"]

    return bench.medians({"pitr": pitr, "cp and pg_ctl": plain, "restore": logical})


def _as_server(bench: Bench) -> str:
    prefix, _ = server_user_prefix([bench.server.bin_dir, bench.plain])
    return shlex.join(prefix)


def _plain_recovery(bench: Bench, data: Path) -> str:
    """What people do by hand: copy, two lines of settings, and start."""
    _, owner = server_user_prefix([bench.plain])
    wals = bench.store / "wal" / NAME / "wals"
    lines = [
        f"cp --archive {bench.plain / 'base'} {data}",
        f"echo \"restore_command = 'cp {wals}/*/%f %p'\" >> {data}/postgresql.auto.conf",
        f"touch {data}/recovery.signal",
        f"port={free_port()}",
    ]
    if owner is not None:
        lines.append(f"chown --recursive {owner[0]}:{owner[1]} {data}")
    options = "-c port=$port -c unix_socket_directories= -c archive_mode=off"
    start = (
        f"{_as_server(bench)} pg_ctl start --silent --wait --timeout=600 --pgdata={data}"
        f' --log={data}/log --options="{options}"'
    )
    ask = (
        "psql --port=$port --tuples-only --no-align --dbname=postgres"
        ' --command="SELECT pg_is_in_recovery()"'
    )
    return "; ".join([*lines, start, f'until [ "$({ask})" = f ]; do sleep 0.1; done'])


def table(title: str, found: Mapping[str, float]) -> str:
    """Seconds of each way, and times the first."""
    first = next(iter(found.values()))
    lines = [f"| {title} | seconds | times the first |", "|---|---|---|"]
    lines += [f"| `{way}` | {each:.1f} | {each / first:.2f} |" for way, each in found.items()]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Measure, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.physical", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    keys.ensure(HOME / "keys")
    shutil.rmtree(HOME / "plain", ignore_errors=True)
    (HOME / "plain").mkdir(parents=True)
    with archiving_server() as started:
        bench = Bench(started.server, options.rounds)
        database.ensure(bench.server, NAME, size=1, indexes=True)
        made = backups(bench)
        recovered = recoveries(bench)
        megabytes = database.megabytes(bench.server, NAME)
    for place in (bench.plain, bench.store):
        shutil.rmtree(place)
    print(f"\n{megabytes} MB of rows and vectors, {os.cpu_count()} cores\n")
    print(table("backup", made), table("until the database answers", recovered), sep="\n\n")


if __name__ == "__main__":
    main(sys.argv[1:])
