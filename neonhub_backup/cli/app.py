"""The application that every command registers with, and what it does before each of them."""

import logging
from pathlib import Path
from typing import Annotated

import typer

log = logging.getLogger("neonhub_backup")

app = typer.Typer(
    help="Back up PostgreSQL, restore it, and prove that it can be restored.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def main(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The configuration file that the deployment committed.",
            metavar="FILE",
            envvar="NEONHUB_BACKUP_CONFIG",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Name every object stored.")] = False,
) -> None:
    """Back up PostgreSQL, list the backups, restore one, and prove that it can be restored."""
    context.obj = config
    log.setLevel(logging.DEBUG if verbose else logging.INFO)
