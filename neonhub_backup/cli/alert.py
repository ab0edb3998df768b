"""`alert`: tells people that a workflow has failed."""

import os
from typing import Annotated

import typer

from neonhub_backup.alert import FAILURE_VARIABLE, Alert, Result, send
from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import Json
from neonhub_backup.cli.output import report


@app.command(name="alert")
def alert_(
    environment: Annotated[
        str, typer.Option(help="What is backed up: production.", metavar="NAME")
    ],
    workflow: Annotated[
        str, typer.Option(help="File of the workflow that failed.", metavar="FILE")
    ],
    result: Annotated[Result, typer.Option(help="How it ended, as GitHub calls it.")],
    as_json: Json = False,
) -> None:
    """Tell people that a workflow has failed: an issue in GitHub, and a message to a chat.

    For GitHub Actions. The variable FAILURE holds the sentence to tell.
    """
    failure = os.environ.get(FAILURE_VARIABLE, "").strip()
    alert = Alert(environment=environment, workflow=workflow, result=result, failure=failure)
    done = send(alert, os.environ)
    report({"told": done}, as_json=as_json)
    if not as_json:
        typer.echo("\n".join(done))
