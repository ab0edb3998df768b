"""`heartbeat`: tells a dead man's switch that all is well."""

import os

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import Json
from neonhub_backup.cli.output import report
from neonhub_backup.heartbeat import beat


@app.command()
def heartbeat(*, as_json: Json = False) -> None:
    """Tell a dead man's switch that all is well, once everything has succeeded."""
    beat(os.environ)
    report({"told": True}, as_json=as_json)
    if not as_json:
        typer.echo("told the dead man's switch that all is well")
