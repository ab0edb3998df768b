"""`python -m sandbox.gameday`: break everything there is, and see who tells and what it takes."""

import argparse
import sys
import time
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.gameday.day import FULL, SHORT, hold
from sandbox.gameday.place import now
from sandbox.gameday.record import Record, problems, render, write
from sandbox.gameday.scenarios import SCENARIOS


def main() -> int:
    """Exit with 0 when everything was told and mended as promised, else with 1."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.gameday", description=__doc__)
    parser.add_argument("--short", action="store_true", help="little data, and little is written")
    parser.add_argument("--record", type=Path, metavar="FOLDER", help="keep what came of it there")
    parser.add_argument(
        "--only",
        type=int,
        nargs="+",
        choices=sorted(each.number for each in SCENARIOS),
        help="numbers of scenarios; nothing is recorded of some alone",
    )
    arguments = parser.parse_args()
    if arguments.only and arguments.record:
        parser.error("--record keeps whole game days, and --only names some scenarios: leave one")
    size = SHORT if arguments.short else FULL
    chosen = [each for each in SCENARIOS if each.number in (arguments.only or {each.number})]
    began, clock = now(), time.monotonic()
    try:
        held = hold(size, chosen, say=lambda text: print(text, flush=True))
    except SandboxError as error:
        print(f"The game day ended early: {error}", file=sys.stderr)
        return 1
    record = Record(
        began=began,
        seconds=time.monotonic() - clock,
        size=size,
        postgres=held.postgres,
        outcomes=held.outcomes,
    )
    if arguments.record:
        page, _ = write(record, arguments.record)
        print(f"The record is {page}.")
    else:
        print(render(record))
    for number, outcome in record.outcomes:
        for problem in problems(outcome):
            print(f"{number}. {outcome.name}: {problem}", file=sys.stderr)
    return 0 if record.good else 1


if __name__ == "__main__":
    sys.exit(main())
