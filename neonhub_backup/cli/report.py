"""`report`: everything that is known of an environment's backups, as a page or as JSON."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from neonhub_backup.cli import output
from neonhub_backup.cli.app import app
from neonhub_backup.cli.failures import raise_first
from neonhub_backup.cli.looking import Looked, look
from neonhub_backup.cli.options import DatabaseName, Json
from neonhub_backup.cli.session import Session, open_session
from neonhub_backup.cli.watch import WalToo
from neonhub_backup.errors import ConfigurationError, StoreError
from neonhub_backup.files import replace_file
from neonhub_backup.report.document import Known, describe_report
from neonhub_backup.report.gathering import look_back
from neonhub_backup.report.others import read_statuses
from neonhub_backup.report.page import render_page
from neonhub_backup.report.publishing import publish as keep_page


@app.command()
def report(
    context: typer.Context,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Write the page into this file, in the place of the one that is there.",
            metavar="FILE",
        ),
    ] = None,
    others: Annotated[
        list[Path] | None,
        typer.Option(
            "--with",
            help="Show another environment beside this one: a file that its `status --json`"
            " wrote. May be given several times.",
            metavar="FILE",
        ),
    ] = None,
    publish: Annotated[
        bool,
        typer.Option(
            "--publish",
            help="Keep the page and its document in the operations bucket of every store, too,"
            " below status/pages/.",
        ),
    ] = False,
    database: DatabaseName = None,
    wal: WalToo = False,
    as_json: Json = False,
) -> None:
    """Write a page that shows how the backups stand and have stood for a year.

    It is one file, runs no script and loads nothing. Reads every store, tells nobody. The exit
    code says whether it was written, whatever it shows; a verdict is what `status` is for.
    """
    if html is None and not as_json and not publish:
        raise ConfigurationError(
            "--html is missing and neither --publish nor --json is given, so there is nothing to"
            " write: name the file that the page shall be in"
        )
    if html is not None and html.exists() and not html.is_file():
        raise ConfigurationError(
            f"--html {html} is there and is no file, so no page was written: name a file"
        )
    beside = read_statuses(others or [])
    session = open_session(context.obj)
    found = look(session, database, wal=wal)
    document = describe_report(_known(session, found), beside)
    # A long past takes seconds to draw.
    page = render_page(document) if html is not None or publish else ""
    if html is not None:
        replace_file(html, page)
    kept, failures = _publish(session, document, page, found) if publish else ({}, [])
    output.report(document | {"pages": kept}, as_json=as_json)
    if not as_json:
        status = document["status"]
        typer.echo(f"{status['environment']}: {status['verdict']}")
        for place in (html, *kept.values()):
            if place is not None:
                typer.echo(f"  the page is {place}")
    raise_first(failures)


def _publish(
    session: Session, document: dict[str, Any], page: str, found: Looked
) -> tuple[dict[str, str], list[StoreError]]:
    places = session.operations
    if not places:
        raise ConfigurationError(
            "--publish is given and no store of the configuration has an operations bucket, so the"
            " page was kept nowhere: name one (operations_bucket), or leave the option out"
        )
    text = json.dumps(document, ensure_ascii=False, indent=1)
    return keep_page(places, page, f"{text}\n", found.status.taken)


def _known(session: Session, found: Looked) -> Known:
    now = found.status.taken
    indexes = {store.name: store for store in session.operations}
    pasts, unread = look_back(session.stores, indexes, found.holdings, now)
    return Known(
        configuration=session.configuration,
        status=found.status,
        holdings=found.holdings,
        replicas=found.seen.replicas,
        pasts=pasts,
        unread=unread,
    )
