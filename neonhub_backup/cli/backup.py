"""`backup`: to every store, under the tier that is owed."""

import logging
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from neonhub_backup.backup import Backup, take_backup
from neonhub_backup.cli import reporting
from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import DatabaseName, Json
from neonhub_backup.cli.output import describe, say_backup, write_json
from neonhub_backup.cli.session import Session, open_session, running_programs
from neonhub_backup.domain.configuration import Database
from neonhub_backup.errors import BackupError, PartialBackupError
from neonhub_backup.github.summary import BackedUp, BackupReport
from neonhub_backup.holdings.history import History, read_history

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
    outcomes: list[tuple[Database, Backup | BackupError]] = []
    for one in session.databases(database):
        try:
            with running_programs() as programs:
                taken = take_backup(
                    session.configuration, one, session.stores, programs, tier=chosen
                )
        except BackupError as error:
            log.error("%s", error)  # noqa: TRY400 - the sentence says it all; the next database follows
            failures.append(error)
            outcomes.append((one, error))
            continue
        outcomes.append((one, taken))
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
    if reporting.is_wanted():
        reporting.keep(_report(outcomes, session))
    if failures:
        raise failures[0]


def _report(
    outcomes: Sequence[tuple[Database, Backup | BackupError]], session: Session
) -> BackupReport:
    """What the summary shows, with earlier backups from a store that has the new ones if any."""
    taken = [one for _, one in outcomes if isinstance(one, Backup)]
    holders = [store for one in taken for store in one.stored]
    asked = {store.name: store for store in (*holders, *session.stores)}
    history = read_history(list(asked.values()))
    return BackupReport(
        databases=[_backed_up(database.name, outcome, history) for database, outcome in outcomes],
        history_store=history.store,
        history_problems=history.problems,
    )


def _backed_up(database: str, outcome: Backup | BackupError, history: History) -> BackedUp:
    earlier = history.of(database)
    if isinstance(outcome, BackupError):
        return BackedUp(database=database, problem=str(outcome), history=earlier)
    manifest = outcome.manifest
    return BackedUp(
        database=database,
        manifest=manifest,
        stores=[store.name for store in outcome.stored],
        lacking={name: str(error) for name, error in outcome.failed.items()},
        history=[manifest, *(one for one in earlier if one.name != manifest.name)],
    )
