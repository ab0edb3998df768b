"""`drill`: the proof of a backup."""

import typer

from neonhub_backup.catalogue import LATEST, Catalogue
from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import BackupName, DatabaseName, Json, StoreName
from neonhub_backup.cli.output import counted, describe, say_times, write_json
from neonhub_backup.cli.session import open_session, running_programs
from neonhub_backup.drill import drill
from neonhub_backup.encryption import decryptor
from neonhub_backup.errors import DrillFailedError
from neonhub_backup.restore.comparison import DIFFERENCES_SHOWN
from neonhub_backup.restore.source import Source


@app.command(name="drill")
def drill_(
    context: typer.Context,
    backup: BackupName = LATEST,
    store: StoreName = None,
    database: DatabaseName = None,
    as_json: Json = False,
) -> None:
    """Prove a backup: restore it into an empty server of its own and compare everything."""
    session = open_session(context.obj)
    catalogue = Catalogue(session.store(store))
    wanted = session.database(database)
    location, manifest = catalogue.find(backup, wanted.name)
    with running_programs() as programs, decryptor() as decrypt:
        decrypt.check(manifest.recipients, manifest.name)
        source = Source(catalogue.store, location, manifest, decrypt)
        done = drill(source, wanted.checks, programs)
    result = describe(location, manifest) | {
        "store": catalogue.store.name,
        "server_major": done.server_major,
        "schema_objects": len(manifest.schema_.objects),
        "seconds_to_verify": round(done.verified_seconds, 3),
        "seconds_to_data": round(done.times.to_data, 3),
        "seconds_to_search": round(done.times.to_search, 3),
        "checks": [check.name for check in wanted.checks],
        "differences": list(done.differences),
        "proven": not done.differences,
    }
    if as_json:
        write_json(result)
    elif not done.differences:
        typer.echo(
            f"proven: {manifest.name} was restored into PostgreSQL {done.server_major} and equals"
            f" its manifest: {counted(result)}, {len(manifest.schema_.objects):,} schema objects,"
            f" {len(wanted.checks)} checks"
        )
        say_times(result)
    if done.differences:
        shown = "; ".join(done.differences[:DIFFERENCES_SHOWN])
        more = len(done.differences) - DIFFERENCES_SHOWN
        raise DrillFailedError(
            f"backup {manifest.name} was restored and differs from its manifest: {shown}"
            + (f"; and {more} more" if more > 0 else "")
            + "; do not rely on it: take a new backup and drill that"
        )
