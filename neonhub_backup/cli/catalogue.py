"""What the stores hold: `list`."""

from typing import Any

import typer

from neonhub_backup.catalogue import Catalogue
from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import DatabaseName, Json, StoreName
from neonhub_backup.cli.output import describe, say_list, write_json
from neonhub_backup.cli.session import open_session
from neonhub_backup.errors import IntegrityError


@app.command(name="list")
def list_(
    context: typer.Context,
    store: StoreName = None,
    database: DatabaseName = None,
    as_json: Json = False,
) -> None:
    """Show the complete backups, newest first."""
    session = open_session(context.obj)
    if database is not None:
        session.databases(database)
    catalogue = Catalogue(session.store(store))
    found: list[dict[str, Any]] = []
    damaged: list[IntegrityError] = []
    for location in catalogue.locations():
        try:
            manifest = catalogue.manifest(location)
        except IntegrityError as error:
            damaged.append(error)
            continue
        if database in (None, manifest.database):
            found.append(describe(location, manifest))
    if as_json:
        write_json(found)
    else:
        say_list(found)
    if damaged:
        raise IntegrityError("; ".join(str(error) for error in damaged))
