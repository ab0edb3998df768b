"""How long it takes to look at ten thousand backups: `python -m benchmarks.listing`.

A directory store of 27 years, of backups that hold next to nothing. What few listings and an index
per month save is measured beside reading every manifest, once as it is and once with every request
as slow as one to a bucket. Rounds are interleaved, so that a busy minute falls on all ways alike.
The command `status` is measured as its user meets it, from its start to its end, by the same store.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple, TypeVar

from neonhub_backup.domain import configuration
from neonhub_backup.domain.index import Month, newest_months
from neonhub_backup.domain.layout import (
    ARCHIVE,
    DRILLS,
    MANIFEST,
    Location,
    drill_key,
    new_location,
    tier_prefix,
)
from neonhub_backup.domain.manifest import dump_manifest
from neonhub_backup.domain.proof import dump_proof
from neonhub_backup.domain.retention import Tier
from neonhub_backup.holdings.catalogue import READERS, Catalogue
from neonhub_backup.holdings.index import Index
from neonhub_backup.stores.base import Listed, Lock, Store, Upload
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.watch.survey import survey
from tests.neonhub_backup.samples import manifest, proof

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
BACKUPS = 10_000
PIECES = 4
"""Objects of a backup beside its archive and its manifest."""
MONTHS = 12
NEWEST = 40
"""Backups of each tier that are looked at."""
ROUNDS = 3
DELAYS = (0.0, 0.03)
"""Seconds that each request takes longer: none, and as to a bucket in another country."""
PAGE = 1000
"""What one request lists."""

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"

T = TypeVar("T")


class Distant:
    """A store each of whose requests takes a while; it counts them."""

    def __init__(self, store: DirectoryStore, seconds: float) -> None:
        """Nothing is asked yet."""
        self.name, self.address = store.name, store.address
        self.requests = 0
        self._store = store
        self._seconds = seconds
        self._guard = threading.Lock()

    def upload(self, key: str, lock: Lock | None) -> AbstractContextManager[Upload]:
        """As the store does."""
        return self._store.upload(key, lock)

    def download(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """One request, since all objects here are small."""
        self._ask()
        return self._store.download(key)

    def list(self, prefix: str) -> Iterator[Listed]:
        """One request for each page."""
        yield from self._paged(self._store.list(prefix))

    def folders(self, prefix: str) -> Iterator[str]:
        """One request for each page."""
        yield from self._paged(self._store.folders(prefix))

    def _paged(self, found: Iterator[T]) -> Iterator[T]:
        self._ask()
        for number, each in enumerate(found):
            if number and number % PAGE == 0:
                self._ask()
            yield each

    def _ask(self) -> None:
        with self._guard:
            self.requests += 1
        time.sleep(self._seconds)


def build(folder: Path) -> DirectoryStore:
    """A store of ten thousand backups, each of six objects, the drill of each, and indexes."""
    (folder / DRILLS).mkdir()
    for place in _history():
        directory = folder / place.prefix
        directory.mkdir(parents=True)
        for number in range(PIECES):
            (directory / f"{number}.gpg").write_bytes(b"x")
        (directory / ARCHIVE).write_bytes(b"x")
        (directory / MANIFEST).write_bytes(dump_manifest(manifest(place)))
        (folder / drill_key(place.name)).write_bytes(dump_proof(proof(place)))
    store = DirectoryStore(configuration.DirectoryStore(name="disk", path=folder))
    Index(store, store).rebuild(NOW)
    return store


def _history() -> Iterator[Location]:
    """All that is kept of hours, weeks, months and years; and days, until there are enough."""
    kept = {
        Tier.HOURLY: (24, timedelta(hours=1)),
        Tier.WEEKLY: (12, timedelta(weeks=1)),
        Tier.MONTHLY: (12, timedelta(days=30)),
        Tier.ANNUAL: (27, timedelta(days=365)),
    }
    days = BACKUPS - sum(number for number, _ in kept.values())
    for tier, (number, apart) in {**kept, Tier.DAILY: (days, timedelta(days=1))}.items():
        for each in range(number):
            yield new_location(tier, NOW - each * apart)


def every_manifest(store: Store) -> int:
    """Read every manifest."""
    catalogue = Catalogue(store)
    return len(list(catalogue.read_all(catalogue.locations())))


def listed(store: Store) -> int:
    """List every object, and read the newest manifests of each tier."""
    catalogue = Catalogue(store)
    places = [place for tier in Tier for place in catalogue.locations(tier_prefix(tier))[:NEWEST]]
    return len(list(catalogue.read_all(places)))


def walked(store: Store) -> int:
    """List the folders on the way to the newest backups of each tier, and read their manifests."""
    catalogue = Catalogue(store)
    places = [place for tier in Tier for place in islice(catalogue.newest_first(tier), NEWEST)]
    return len(list(catalogue.read_all(places)))


def surveyed(store: Store) -> int:
    """All that `status` asks: the newest backups of each tier, and the newest drills."""
    (holding,) = survey([store], ["app"])
    return len(holding.backups)


def year(store: Store) -> int:
    """List the folders of twelve months, and read their manifests."""
    catalogue = Catalogue(store)
    asked = [(tier, month) for month in newest_months(NOW, MONTHS) for tier in Tier]
    with ThreadPoolExecutor(READERS) as pool:

        def candidates(each: tuple[Tier, Month]) -> list[Location]:
            return catalogue.candidates(*each)

        found = pool.map(candidates, asked)
        places = [place for listing in found for place in listing]
    return len(list(catalogue.read_all(places)))


def indexed(store: Store) -> int:
    """Read the indexes of twelve months, and list the folders of these."""
    return len(Index(store, store).entries(newest_months(NOW, MONTHS)).entries)


WAYS: Mapping[str, Callable[[Store], int]] = {
    "every manifest": every_manifest,
    f"the newest {NEWEST} of each tier, every object listed": listed,
    f"the newest {NEWEST} of each tier, walked to": walked,
    "all that `status` asks, drills too": surveyed,
    f"{MONTHS} months, by their manifests": year,
    f"{MONTHS} months, by their indexes": indexed,
}


def command(store: DirectoryStore, place: Path) -> list[float]:
    """Seconds that each run of the command `status` takes, as a process of its own."""
    settings = configuration.Configuration(
        environment="test",
        databases=(configuration.Database(name="app"),),
        stores=(configuration.DirectoryStore(name=store.name, path=Path(store.address)),),
        encryption=configuration.Encryption(public_keys=(KEY,)),
    )
    config = place / "status.yaml"
    config.write_text(configuration.render_configuration(settings, "a measurement"))
    seconds: list[float] = []
    for _ in range(ROUNDS):
        began = time.monotonic()
        ended = subprocess.run(
            [sys.executable, "-m", "neonhub_backup", "--config", config, "status", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        seconds.append(time.monotonic() - began)
        # It has a verdict on backups of another day, and has seen the newest of each tier.
        (database,) = json.loads(ended.stdout)["databases"]
        (seen,) = database["stores"]
        if seen["newest"] is None:
            raise SystemExit("status saw no backup, so there is nothing to measure")
    return seconds


class Measured(NamedTuple):
    """One way of looking at the store."""

    backups: int
    requests: int
    seconds: Mapping[float, float]
    """Median of the rounds, by how long a request takes."""


def measure(store: DirectoryStore) -> dict[str, Measured]:
    """Every way, near and far."""
    took: dict[str, dict[float, list[float]]] = {
        way: {delay: [] for delay in DELAYS} for way in WAYS
    }
    counted: dict[str, tuple[int, int]] = {}
    for _ in range(ROUNDS):
        for delay in DELAYS:
            for way, look in WAYS.items():
                distant = Distant(store, delay)
                began = time.monotonic()
                found = look(distant)
                took[way][delay].append(time.monotonic() - began)
                counted[way] = found, distant.requests
    return {
        way: Measured(*counted[way], {each: statistics.median(took[way][each]) for each in DELAYS})
        for way in WAYS
    }


def report(measured: Mapping[str, Measured]) -> str:
    """A table; ratios to the first way."""
    first = next(iter(measured.values()))
    near, far = DELAYS
    rows = [
        f"| {way} | {each.backups} | {each.requests} | {each.seconds[near]:.2f} |"
        f" {each.seconds[near] / first.seconds[near]:.3f} | {each.seconds[far]:.2f} |"
        f" {each.seconds[far] / first.seconds[far]:.3f} |"
        for way, each in measured.items()
    ]
    return "\n".join(
        [
            (
                "| what is looked at | backups | requests | seconds, on the disk |"
                f" times the first | seconds, {1000 * far:.0f} ms a request | times the first |"
            ),
            "|---|---|---|---|---|---|---|",
            *rows,
        ]
    )


def main() -> None:
    """Print what the README of this folder has."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "store")
        folder.mkdir()
        store = build(folder)
        print(report(measure(store)))
        seconds = command(store, Path(home))
    took = ", ".join(f"{each:.2f}" for each in sorted(seconds))
    print(f"\nThe command `status`: **{statistics.median(seconds):.2f} s** ({took}).")


if __name__ == "__main__":
    sys.exit(main())
