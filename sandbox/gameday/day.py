"""One game day: servers of its own, a database, and every scenario in turn."""

import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neonhub_backup.holdings.proofs import Proofs
from sandbox.gameday.place import Place, Servers, manifests
from sandbox.gameday.scenarios import SCENARIOS, Outcome, Scenario, Start


@dataclass(frozen=True)
class Size:
    """How much there is, and how much is written."""

    rows: int
    """Of each of the two tables that scenarios break."""
    demo: float
    """How many times the usual rows of the demo there are beside them. 0: none."""
    writes: int
    """Entries that the application commits between one step and the next, at least."""


FULL = Size(rows=200_000, demo=1.0, writes=250)
SHORT = Size(rows=40_000, demo=0.0, writes=5)


@contextmanager
def started(home: Path, size: Size) -> Generator[Start]:
    """The servers, a filled database, and one proven backup of it."""
    servers = Servers.create(home)
    try:
        servers.start()
        template = servers.fill(size.rows, size.demo)
        place = Place(servers, "gameday-0", template)
        name = place.backup()
        place.run("drill", name)
        (like,) = manifests(place)
        (proof,) = Proofs(place.stores[0]).of(name)
        yield Start(servers, template, like, proof, size.writes)
    finally:
        servers.stop()


@dataclass(frozen=True)
class Held:
    """What came of a game day."""

    postgres: str
    """Version of the server."""
    outcomes: tuple[tuple[int, Outcome], ...]
    """By number."""


def hold(
    size: Size,
    scenarios: Sequence[Scenario] = SCENARIOS,
    say: Callable[[str], None] = print,
) -> Held:
    """Hold a game day.

    Raises:
        SandboxError: nobody told of something, or the runbook did not lead back.
    """
    found: list[tuple[int, Outcome]] = []
    with tempfile.TemporaryDirectory(prefix="gameday-") as home, started(Path(home), size) as start:
        for scenario in scenarios:
            say(f"{scenario.number}. {scenario.name} ...")
            outcome = scenario.run(start)
            say(
                f"   told after {outcome.detection_seconds:.1f} s, mended in"
                f" {outcome.recovery_seconds:.1f} s, {outcome.rows_lost} rows lost"
            )
            found.append((scenario.number, outcome))
    return Held(start.like.server.version, tuple(sorted(found, key=lambda each: each[0])))
