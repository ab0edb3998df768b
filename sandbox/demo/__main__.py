"""`python -m sandbox.demo`: fill an empty database with the demo, or find it complete."""

import argparse
import os
import sys
import time

import psycopg

from sandbox.demo.seed import SeedRefusedError, seed


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0.01 <= scale <= 1000:
        raise argparse.ArgumentTypeError(f"must be a number between 0.01 and 1000: got {text}")
    return scale


def main() -> int:
    """Exit with 0 when the database holds the complete demo, else with 1 or argparse's 2."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--database-url", default=os.environ.get("DATABASE_URL"))
    parser.add_argument(
        "--rows",
        type=_scale,
        default=1.0,
        metavar="SCALE",
        help="how many times the usual number of rows; the 15 connectors stay 15",
    )
    arguments = parser.parse_args()
    if not arguments.database_url:
        parser.error("name the database to fill: give --database-url, or set DATABASE_URL")

    started = time.monotonic()
    try:
        found = seed(arguments.database_url, arguments.rows)
    except (SeedRefusedError, psycopg.Error) as error:
        print(f"The demo was not created: {error}", file=sys.stderr)
        return 1
    done = (
        f"Created the demo in {time.monotonic() - started:.1f} s"
        if found.created
        else "The demo is complete already; nothing was changed"
    )
    size = f"{found.size_bytes / 1_000_000:.0f} MB"
    print(f"{done}: {found.tables} tables, about {found.rows:,} rows, {size}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
