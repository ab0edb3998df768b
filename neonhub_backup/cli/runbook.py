"""`runbook`: what to do when, with this environment's own names; and its review."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.default_command import DEFAULT, WithDefault
from neonhub_backup.cli.discovery import find_configuration
from neonhub_backup.cli.looking import Looked, look
from neonhub_backup.cli.options import Json
from neonhub_backup.cli.output import report
from neonhub_backup.cli.session import Session, open_session, read_configuration
from neonhub_backup.dr.disaster import journal_path
from neonhub_backup.files import replace_file
from neonhub_backup.journal import default_path, peek_journal
from neonhub_backup.runbook.page import Standing, runbook_page
from neonhub_backup.runbook.review import Review, describe_review, make_review, review_text

group = typer.Typer(
    cls=WithDefault,
    rich_markup_mode=None,
    help="Print the runbook: which restore when, with the names of this environment.",
)
app.add_typer(group, name="runbook")


@group.command(name=DEFAULT, hidden=True)
def runbook(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write it into this file, which is replaced, instead of standard output.",
            metavar="FILE",
        ),
    ] = None,
    measured: Annotated[
        bool,
        typer.Option(
            "--measured",
            help="Add what was measured last, and what has changed since the last review: reads"
            " every store.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Print the runbook: which restore when, with the names of this environment.

    Without --measured it is the page that the deployment committed, from the configuration alone.
    """
    if measured:
        session = open_session(context.obj)
        looked = look(session, None)
        standing = Standing(
            status=looked.status, review=review_text(_review(context.obj, session, looked))
        )
        text = runbook_page(session.configuration, standing)
    else:
        text = runbook_page(read_configuration(context.obj))
    if output is not None:
        replace_file(output, text)
    report({"output": None if output is None else str(output), "text": text}, as_json=as_json)
    if as_json:
        return
    typer.echo(text if output is None else f"the runbook is {output}", nl=output is not None)


@group.command(name="review")
def review_(context: typer.Context, as_json: Json = False) -> None:
    """Show when the next review is due, and what has changed since the last one.

    From git, where the configuration's file is in a checkout, from every store, and from the
    journals of this machine.
    """
    session = open_session(context.obj)
    found = _review(context.obj, session, look(session, None))
    report(describe_review(found), as_json=as_json)
    if not as_json:
        typer.echo(review_text(found))


def _review(path: Path | None, session: Session, looked: Looked) -> Review:
    configuration = session.configuration
    return make_review(
        configuration,
        path or find_configuration(Path.cwd(), os.environ),
        looked.holdings,
        looked.seen.recoveries,
        [
            peek_journal(place(configuration.environment, database.name))
            for database in configuration.databases
            for place in (default_path, journal_path)
        ],
        datetime.now(UTC),
    )
