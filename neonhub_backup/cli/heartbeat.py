"""`heartbeat`: tells a dead man's switch that all is well."""

import os

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import Json
from neonhub_backup.cli.output import write_json
from neonhub_backup.heartbeat import beat


@app.command()
def heartbeat(*, as_json: Json = False) -> None:
    """Tell a dead man's switch that all is well, once everything has succeeded."""
    beat(os.environ)
    if as_json:
        write_json({"told": True})
    else:
        typer.echo("told the dead man's switch that all is well")
