"""`restore`: beside the live database, which is only ever renamed."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from neonhub_backup.catalogue import LATEST, Catalogue
from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import BackupName, DatabaseName, Json, StoreName
from neonhub_backup.cli.output import counted, describe, say_times, write_json
from neonhub_backup.cli.session import open_session, read_target, running_programs
from neonhub_backup.encryption import decryptor
from neonhub_backup.restore.source import Source
from neonhub_backup.restore.whole import restore_into


@app.command()
def restore(
    context: typer.Context,
    into: Annotated[
        str,
        typer.Option(
            help="The database to restore into: the NAME of an environment variable that holds its"
            " connection string, or a connection string without a password.",
            metavar="DATABASE_URL",
        ),
    ],
    backup: BackupName = LATEST,
    store: StoreName = None,
    database: DatabaseName = None,
    set_aside: Annotated[
        bool,
        typer.Option(
            "--set-aside-existing",
            help="If the database has tables, rename it to <name>_before_<time> and put the backup"
            " in its place. Nothing is dropped.",
        ),
    ] = False,
    no_roles: Annotated[
        bool,
        typer.Option(
            "--no-roles",
            help="Leave owners and privileges out: everything belongs to the connecting user.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Restore a backup into a new database, which takes the target's name once it is proven."""
    session = open_session(context.obj)
    target = read_target(into)
    catalogue = Catalogue(session.store(store))
    location, manifest = catalogue.find(backup, session.database(database).name)
    with running_programs() as programs, decryptor() as decrypt:
        decrypt.check(manifest.recipients, manifest.name)
        source = Source(catalogue.store, location, manifest, decrypt)
        done = restore_into(
            source, target, programs, datetime.now(UTC), set_aside=set_aside, roles=not no_roles
        )
    result = describe(location, manifest) | {
        "target": str(target),
        "seconds_to_data": round(done.times.to_data, 3),
        "seconds_to_search": round(done.times.to_search, 3),
        "set_aside": done.aside,
    }
    if as_json:
        write_json(result)
        return
    typer.echo(f"restored {manifest.name} into {target}: {counted(result)}")
    say_times(result)
    if done.aside is not None:
        typer.echo(f"  the database that was there is now named {done.aside}")
