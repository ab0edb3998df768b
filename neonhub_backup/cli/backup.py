"""`backup`: to every store, under the tier that is owed."""

import logging
from typing import Annotated, Any

import typer

from neonhub_backup.backup import take_backup
from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import DatabaseName, Json
from neonhub_backup.cli.output import describe, say_backup, write_json
from neonhub_backup.cli.session import open_session, running_programs
from neonhub_backup.errors import BackupError, PartialBackupError

log = logging.getLogger(__name__)


@app.command()
def backup(
    context: typer.Context,
    tier: Annotated[
        str, typer.Option(help="auto (the highest that is owed), or one of the retention tiers.")
    ] = "auto",
    database: DatabaseName = None,
    as_json: Json = False,
) -> None:
    """Back up every database of the configuration to all of its stores."""
    session = open_session(context.obj)
    chosen = session.tier(tier)
    failures: list[BackupError] = []
    results: list[dict[str, Any]] = []
    for one in session.databases(database):
        try:
            with running_programs() as programs:
                taken = take_backup(
                    session.configuration, one, session.stores, programs, tier=chosen
                )
        except BackupError as error:
            log.error("%s", error)  # noqa: TRY400 - the sentence says it all; the next database follows
            failures.append(error)
            continue
        result = describe(taken.location, taken.manifest) | {
            "stores": {
                store.name: f"{store.address}/{taken.location.prefix}" for store in taken.stored
            },
            "failed": {name: str(error) for name, error in taken.failed.items()},
        }
        results.append(result)
        if taken.failed:
            failures.append(
                PartialBackupError(
                    f"backup {taken.location.name} is missing in store {', '.join(taken.failed)}"
                    f" and complete in {', '.join(store.name for store in taken.stored)}: mend the"
                    " store and back up again"
                )
            )
        if not as_json:
            say_backup(result)
    if as_json:
        write_json(results)
    if failures:
        raise failures[0]
