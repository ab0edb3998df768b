"""The tool beside what plain programs do: `python -m benchmarks.tool`, or `make bench`.

One server, one machine, one run: rounds are interleaved, so that a busy minute falls on all alike,
and what counts are ratios of medians. Writes `benchmarks/results.json` and `docs/performance.md`.
"""

import argparse
import json
import os
import platform
import shlex
import shutil
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import database
from benchmarks.measuring import Ran, run
from benchmarks.page import write_page
from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    render_configuration,
)
from neonhub_backup.encryption import private_home
from sandbox import keys
from sandbox.postgres import PostgresServer

PROJECT = Path(__file__).parents[1]
HOME = PROJECT / ".sandbox" / "benchmarks"
RESULTS = Path(__file__).with_name("results.json")
PAGE = PROJECT / "docs" / "performance.md"

ROUNDS = 5
MULTIPLES = (1, 4, 10)
SINGLE, SMALL, HUGE = "single", "small", "huge"
ONE_TABLE = "organizations"


@dataclass
class Bench:
    """A server, a key pair, a store, and what was measured with them."""

    server: PostgresServer
    gpg_home: Path
    rounds: int
    results: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def store(self) -> Path:
        """The directory store of the tool."""
        return HOME / "store"

    @property
    def plain(self) -> Path:
        """Where plain pipelines put their backups."""
        return HOME / "plain"

    @property
    def gpg(self) -> str:
        """Encryption, as far as both ways have it in common."""
        key = keys.public_key(HOME / "keys")
        return (
            f"gpg --homedir {shlex.quote(str(self.gpg_home))} --batch --quiet --no-tty"
            f" --trust-model always --recipient-file {shlex.quote(str(key))} --encrypt"
        )

    @property
    def decrypt(self) -> str:
        """Decryption, as both ways have it."""
        home = shlex.quote(str(self.gpg_home))
        return f"gpg --homedir {home} --batch --quiet --no-tty --decrypt"

    def run(self, command: str, name: str, *, memory: bool = False) -> Ran:
        """Run a command that finds the database as DATABASE_URL, and a copy as COPY_URL."""
        config = HOME / "benchmark.yaml"
        config.write_text(render_configuration(self._configuration(name), "a benchmark"))
        environment = {
            "DATABASE_URL": self.server.url(name),
            "COPY_URL": self.server.url("copy"),
            "NEONHUB_BACKUP_CONFIG": str(config),
            "NEONHUB_BACKUP_PG_BIN": str(self.server.bin_dir),
            "NEONHUB_BACKUP_PRIVATE_KEY_FILE": str(keys.private_key(HOME / "keys")),
            "PATH": os.pathsep.join(
                [str(self.server.bin_dir), str(Path(sys.executable).parent), os.environ["PATH"]]
            ),
            # As after any installation: nothing is compiled again at every start.
            "PYTHONDONTWRITEBYTECODE": "",
        }
        return run(command, environment, directory=HOME, memory=memory)

    def medians(self, ways: Mapping[str, Callable[[], float]]) -> dict[str, float]:
        """Median seconds of each way; one round of all after the other."""
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(self.rounds):
            for name, way in ways.items():
                seconds[name].append(way())
                print(f"  {number + 1}/{self.rounds} {name}: {seconds[name][-1]:.1f} s", flush=True)
        return {name: round(statistics.median(found), 2) for name, found in seconds.items()}

    def empty(self, *places: Path) -> None:
        """Empty directories, so that each run writes to as much free space."""
        for place in places:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)

    def _configuration(self, name: str) -> Configuration:
        return Configuration(
            environment="benchmark",
            databases=(Database(name=name),),
            stores=(DirectoryStore(name="disk", path=self.store),),
            encryption=Encryption(public_keys=(keys.public_key(HOME / "keys").read_text(),)),
        )


def backups(bench: Bench) -> None:
    """A database of many small rows and many vectors, encrypted: how long, and how large."""
    sizes: dict[str, int] = {}

    def timed(way: str, command: str, *places: Path) -> Callable[[], float]:
        def once() -> float:
            bench.empty(bench.store, bench.plain)
            seconds = bench.run(command, SINGLE).seconds
            files = [path for place in places for path in place.rglob("*") if path.is_file()]
            sizes[way] = sum(path.stat().st_size for path in files)
            return seconds

        return once

    plain = bench.plain
    gpg, quick_gpg = bench.gpg, f"{bench.gpg} --compress-level 0"
    commands = {
        "ours": ("neonhub-backup backup --tier daily", bench.store),
        "user": (f'pg_dump "$DATABASE_URL" | gzip | {gpg} > {plain}/backup.sql.gz.gpg', plain),
        "plain_zstd": (
            f'pg_dump "$DATABASE_URL" | zstd --quiet | {quick_gpg} > {plain}/backup.sql.zst.gpg',
            plain,
        ),
        "plain_directory": (
            "; ".join(
                (
                    f'pg_dump --dbname="$DATABASE_URL" -Fd -j2 -Zgzip:1 --file={plain}/dump',
                    f"tar --create --directory={plain} dump | {quick_gpg} > {plain}/dump.gpg",
                    f"rm -r {plain}/dump",
                )
            ),
            plain,
        ),
    }
    ways = {way: timed(way, command, place) for way, (command, place) in commands.items()}
    seconds = bench.medians(ways)
    best = min(seconds["plain_zstd"], seconds["plain_directory"])
    bench.results |= {
        "database_mb": database.megabytes(bench.server, SINGLE),
        "backup_seconds": seconds,
        "backup_mb": {way: round(size / 1e6, 1) for way, size in sizes.items()},
        "backup_vs_user": round(seconds["user"] / seconds["ours"], 2),
        "backup_vs_best_plain": round(best / seconds["ours"], 2),
        "size_vs_user": round(sizes["ours"] / sizes["user"], 3),
    }


def restores(bench: Bench) -> None:
    """The same database restored: until its rows, and until its vectors, can be queried."""
    bench.empty(bench.store, bench.plain)
    bench.run("neonhub-backup backup --tier daily", SINGLE)
    dump = bench.plain / "backup.sql.gz.gpg"
    bench.run(f'pg_dump "$DATABASE_URL" | gzip | {bench.gpg} > {dump}', SINGLE)
    data: dict[str, list[float]] = {"ours": [], "user": [], "drill": []}
    whole: dict[str, list[float]] = {"ours": []}

    def ours() -> float:
        ran = bench.run("neonhub-backup restore latest --into COPY_URL --json", SINGLE)
        database.drop(bench.server, "copy")
        whole["ours"].append(ran.seconds)
        return _of_tool(ran, '"restoring ', data["ours"])

    def user() -> float:
        database.create(bench.server, "copy")
        ran = bench.run(f'{bench.decrypt} {dump} | gunzip | psql "$COPY_URL"', SINGLE)
        database.drop(bench.server, "copy")
        data["user"].append(ran.at("COPY "))
        return ran.at("CREATE INDEX")

    def drill() -> float:
        ran = bench.run("neonhub-backup drill latest --json", SINGLE)
        return _of_tool(ran, None, data["drill"])

    search = bench.medians({"ours": ours, "drill": drill, "user": user})
    rows = {way: round(statistics.median(found), 2) for way, found in data.items()}
    bench.results |= {
        "data_seconds": rows,
        "search_seconds": search,
        "proven_seconds": {way: round(statistics.median(found), 2) for way, found in whole.items()},
        "data_vs_user": round(rows["user"] / rows["ours"], 2),
        "search_vs_user": round(search["user"] / search["ours"], 2),
        "drill_data_vs_user": round(rows["user"] / rows["drill"], 2),
        "drill_search_vs_user": round(search["user"] / search["drill"], 2),
    }


def _of_tool(ran: Ran, beginning: str | None, data: list[float]) -> float:
    """Seconds to search, and to data, since the command was given; a drill's since it loads."""
    text = "\n".join(line for _, line in ran.lines)
    result = json.loads(text[text.index("\n{\n") :])
    before = 0.0 if beginning is None else ran.having(beginning)
    data.append(before + result["seconds_to_data"])
    return before + result["seconds_to_search"]


def one_table(bench: Bench) -> None:
    """One small table out of the large backup: time follows the table."""
    bench.empty(bench.store)
    bench.run("neonhub-backup backup --tier daily", SINGLE)
    database.create(bench.server, "copy")
    seconds: list[float] = []
    try:
        for number in range(bench.rounds):
            ran = bench.run(
                f"neonhub-backup restore latest --tables {ONE_TABLE} --side-schema side_{number}"
                " --into COPY_URL",
                SINGLE,
            )
            seconds.append(ran.seconds)
    finally:
        database.drop(bench.server, "copy")
    bench.results["one_table_seconds"] = round(statistics.median(seconds), 2)


def sizes(bench: Bench) -> None:
    """Time and memory at several sizes of the database."""
    found: dict[str, dict[str, float]] = {}
    for multiple in MULTIPLES:
        name = database.ensure(bench.server, f"rows_times_{multiple}", size=multiple, indexes=False)
        runs: list[Ran] = []
        for _ in range(bench.rounds):
            bench.empty(bench.store, bench.plain)
            runs.append(bench.run("neonhub-backup backup --tier daily", name, memory=True))
        found[str(multiple)] = {
            "mb": database.megabytes(bench.server, name),
            "seconds": round(statistics.median(ran.seconds for ran in runs), 2),
            "peak_rss_mb": round(max(ran.peak_bytes for ran in runs) / 1e6, 1),
        }
        print(f"  {multiple} times: {found[str(multiple)]}", flush=True)
    bench.empty(bench.store)
    bench.results |= {
        "sizes": found,
        "peak_rss_mb": max(each["peak_rss_mb"] for each in found.values()),
    }


def huge_table(bench: Bench) -> None:
    """A database that is one table: cut into pieces, it keeps all cores at work."""
    name = database.ensure_huge(bench.server, HUGE, "single_bare")
    busy: list[float] = []

    def ours() -> float:
        bench.empty(bench.store)
        ran = bench.run("neonhub-backup backup --tier daily", name)
        busy.append(ran.busy_cores)
        return ran.seconds

    bench.results |= {
        "huge_table_seconds": bench.medians({"ours": ours})["ours"],
        "huge_table_busy_cores": round(statistics.median(busy), 2),
    }


def small_database(bench: Bench) -> None:
    """48 tables of 10 MB: what a backup costs beside `pg_dump` when there is next to nothing."""
    name = database.ensure_small(bench.server, SMALL)

    def ours() -> float:
        bench.empty(bench.store)
        return bench.run("neonhub-backup backup --tier daily", name).seconds

    def dump() -> float:
        bench.empty(bench.plain)
        return bench.run(f'pg_dump "$DATABASE_URL" > {bench.plain}/backup.sql', name).seconds

    seconds = bench.medians({"ours": ours, "pg_dump": dump})
    bench.results |= {
        "small_seconds": seconds,
        "small_overhead_seconds": round(seconds["ours"] - seconds["pg_dump"], 2),
    }


PARTS: Mapping[str, Callable[[Bench], None]] = {
    "backups": backups,
    "small": small_database,
    "huge": huge_table,
    "sizes": sizes,
    "restores": restores,
    "table": one_table,
}


def main(arguments: Sequence[str]) -> None:
    """Measure, then write what was found beside what other runs found of other parts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tool", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    keys.ensure(HOME / "keys")
    with database.server(HOME) as server, private_home() as gpg_home:
        bench = Bench(server, gpg_home, options.rounds)
        bench.empty(bench.store, bench.plain)
        database.drop(server, "copy")  # which a run that was interrupted can have left
        database.ensure(server, "single_bare", size=1, indexes=False)
        database.ensure(server, SINGLE, size=1, indexes=True)
        _import_private_key(bench)
        for part in options.parts or PARTS:
            print(part, flush=True)
            PARTS[part](bench)
            _keep(bench)
        bench.empty(bench.store, bench.plain)


def _keep(bench: Bench) -> None:
    known: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    machine: dict[str, Any] = {
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "rounds": bench.rounds,
    }
    results: dict[str, Any] = dict(sorted({**known, **machine, **bench.results}.items()))
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    write_page(PAGE, results)


def _import_private_key(bench: Bench) -> None:
    key = shlex.quote(str(keys.private_key(HOME / "keys")))
    home = shlex.quote(str(bench.gpg_home))
    bench.run(f"gpg --homedir {home} --batch --quiet --no-tty --import {key}", SINGLE)


if __name__ == "__main__":
    main(sys.argv[1:])
