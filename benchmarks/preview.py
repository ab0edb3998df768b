"""How long a preview takes, by the number of databases: `python -m benchmarks.preview`.

The real engine previews the local stack, new and deployed, with 1 to 50 databases in its file.
Rounds are interleaved, so that a busy minute falls on all sizes alike.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from sandbox.stack_file import STACK
from sandbox.throwaway import Throwaway
from tests.end_to_end.clouds import deployed

SIZES = (1, 10, 25, 50)
ROUNDS = 3


class Measured(NamedTuple):
    """One size of the stack."""

    databases: int
    resources: int
    seconds: float
    """Median of the rounds."""


def measure(sandbox: Throwaway) -> list[Measured]:
    """Every size, the smallest first."""
    seconds: dict[int, list[float]] = {size: [] for size in SIZES}
    resources: dict[int, int] = {}
    for _ in range(ROUNDS):
        for size in SIZES:
            with _databases(sandbox, size):
                started = time.monotonic()
                steps = _preview(sandbox)
                seconds[size].append(time.monotonic() - started)
                resources[size] = steps
    return [Measured(each, resources[each], statistics.median(seconds[each])) for each in SIZES]


def _preview(sandbox: Throwaway) -> int:
    """Preview the stack; return how many resources it has."""
    done = sandbox.pulumi("preview", "--json", "--stack", STACK)
    if done.returncode != 0:
        raise RuntimeError(f"the preview failed: {done.stdout}{done.stderr}")
    summary: dict[str, int] = json.loads(done.stdout)["changeSummary"]
    return sum(summary.values())


@contextmanager
def _databases(sandbox: Throwaway, count: int) -> Generator[None]:
    """The stack with so many databases, all of them the demo."""
    file = sandbox.project / f"Pulumi.{STACK}.yaml"
    before = file.read_text()
    content: dict[str, Any] = yaml.safe_load(before)
    config = content["config"]
    (first,) = config["neonhub-backup:databases"]
    url = config[f"neonhub-backup:{first['secret']}"]
    for number in range(2, count + 1):
        entry = {**first, "name": f"tenant-{number}", "secret": f"tenant{number}Url"}
        config["neonhub-backup:databases"].append(entry)
        config[f"neonhub-backup:{entry['secret']}"] = url
    file.write_text(yaml.safe_dump(content))
    try:
        yield
    finally:
        file.write_text(before)


def line(measured: list[Measured]) -> tuple[float, float, float]:
    """Seconds of none, seconds of each further one, and how straight the line is (r squared)."""
    counts = [float(each.databases) for each in measured]
    times = [each.seconds for each in measured]
    slope, intercept = statistics.linear_regression(counts, times)
    return intercept, slope, statistics.correlation(counts, times) ** 2


def report(title: str, measured: list[Measured]) -> str:
    """A table, and the line through it."""
    intercept, slope, straightness = line(measured)
    first = measured[0].seconds
    rows = [
        f"| {each.databases} | {each.resources} | {each.seconds:.1f} | {each.seconds / first:.2f} |"
        for each in measured
    ]
    return "\n".join(
        [
            f"### {title}",
            "",
            "| databases | resources | seconds | times the first |",
            "|---|---|---|---|",
            *rows,
            "",
            f"{intercept:.1f} s + {1000 * slope:.0f} ms a database, r² = {straightness:.3f}",
            "",
        ]
    )


def production(place: Path) -> str:
    """The production stack as it is, deployed: seconds of each round."""
    seconds: list[float] = []
    with deployed(place, "prod") as stack:
        for _ in range(ROUNDS):
            started = time.monotonic()
            stack.pulumi("preview", "--expect-no-changes")
            seconds.append(time.monotonic() - started)
    rounds = ", ".join(f"{each:.1f}" for each in seconds)
    return f"### Production, deployed\n\n{statistics.median(seconds):.1f} s ({rounds})\n"


def main() -> None:
    """Print what the README of this folder has."""
    with tempfile.TemporaryDirectory() as place:
        print(production(Path(place)))
    with tempfile.TemporaryDirectory() as place:
        sandbox = Throwaway.create(Path(place))
        try:
            sandbox.start()
            sandbox.pulumi("stack", "select", "--create", STACK)
            print(report("A new stack", measure(sandbox)))
            done = sandbox.pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
            if done.returncode != 0:
                raise RuntimeError(f"the deployment failed: {done.stdout}{done.stderr}")
            print(report("A deployed stack", measure(sandbox)))
        finally:
            sandbox.stop()


if __name__ == "__main__":
    sys.exit(main())
