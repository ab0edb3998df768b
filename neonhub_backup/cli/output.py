"""What the commands say: JSON for machines, lines for people."""

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TextIO

import typer

from neonhub_backup.cli.reporting import keep
from neonhub_backup.domain.layout import Location
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.wording import size_text

if TYPE_CHECKING:
    from rich.console import Console

PIPED_COLUMNS = 400


def describe(location: Location, manifest: Manifest) -> dict[str, Any]:
    """A backup as `--json` shows it; times are ISO 8601, sizes are bytes."""
    return {
        "name": location.name,
        "tier": str(location.tier),
        "database": manifest.database,
        "environment": manifest.environment,
        "started": manifest.started.isoformat(),
        "finished": manifest.finished.isoformat(),
        "server": manifest.server.version,
        "tables": len(manifest.tables),
        "rows": manifest.rows,
        "large_objects": manifest.large_objects,
        "objects": len(manifest.objects()) + 1,
        "bytes": manifest.bytes,
    }


def say_backup(result: dict[str, Any]) -> None:
    """What was backed up, and where it is."""
    typer.echo(f"{result['tier']} backup {result['name']}: {counted(result)}")
    for name, address in result["stores"].items():
        typer.echo(f"  {name}: {address}")


def times_text(result: dict[str, Any]) -> str:
    """How long a restore took until rows, and until indexes, could be used."""
    return (
        f"  time to data {result['seconds_to_data']:.1f} s,"
        f" time to search {result['seconds_to_search']:.1f} s"
    )


def counted(result: dict[str, Any]) -> str:
    """How much a backup holds."""
    return (
        f"{result['rows']:,} rows of {result['tables']} tables, {size_text(result['bytes'])} stored"
    )


def report(result: object, *, as_json: bool) -> None:
    """The result of a command: kept for a summary in GitHub, and with --json written."""
    keep(result)
    if as_json:
        write_json(result)


def write_json(result: object) -> None:
    """A result for machines."""
    typer.echo(json.dumps(result, indent=2, ensure_ascii=False))


def say_list(found: Sequence[dict[str, Any]]) -> None:
    """A row for each backup."""
    say_table(
        ["backup", "tier", "database", "#tables", "#rows", "#size", "proven", "stores"],
        [
            (
                item["name"],
                item["tier"],
                item["database"],
                f"{item['tables']:,}",
                f"{item['rows']:,}",
                size_text(item["bytes"]),
                {True: "yes", False: "no", None: "unknown"}[item["proven"]],
                ", ".join(item["stores"])
                + (f" (missing in {', '.join(item['missing'])})" if item["missing"] else ""),
            )
            for item in found
        ],
    )


def say_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows below their columns' names; a name that begins with # is that of numbers."""
    from rich.table import Table  # noqa: PLC0415 - as for the console
    from rich.text import Text  # noqa: PLC0415 - as above

    table = Table(box=None, pad_edge=False)
    for column in columns:
        justify = "right" if column.startswith("#") else "left"
        table.add_column(column.removeprefix("#"), justify=justify, no_wrap=True)
    for row in rows:
        # Names are the user's: brackets in them are no markup.
        table.add_row(*(Text(cell) for cell in row))
    console(sys.stdout).print(table)


def console(stream: TextIO) -> "Console":
    """Draws on a stream: nothing but text where no one looks or NO_COLOR is set."""
    from rich.console import Console  # noqa: PLC0415 - only what is drawn waits for it

    return Console(
        file=stream,
        # With its own answer to NO_COLOR, bold letters would still be bold.
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        # Where no one looks, no column is cut to fit a screen.
        width=None if stream.isatty() else PIPED_COLUMNS,
    )
