"""`backup`: to every store, under the tier that is owed."""

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from neonhub_backup.backup import Backup, take_backup
from neonhub_backup.cli import reporting
from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import DatabaseName, Json
from neonhub_backup.cli.output import describe, say_backup, write_json
from neonhub_backup.cli.session import Session, open_session, running_programs
from neonhub_backup.domain.configuration import Database, Neon
from neonhub_backup.domain.manifest import NeonSnapshot
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import BackupError, ConfigurationError, NeonError, PartialBackupError
from neonhub_backup.github.summary import BackedUp, BackupReport
from neonhub_backup.holdings.history import History, read_history
from neonhub_backup.neon import snapshots
from neonhub_backup.neon.api import Api, open_api
from neonhub_backup.upkeep.indexing import keep_up

log = logging.getLogger(__name__)


@app.command()
def backup(
    context: typer.Context,
    tier: Annotated[
        str, typer.Option(help="auto (the highest that is owed), or one of the retention tiers.")
    ] = "auto",
    database: DatabaseName = None,
    neon_snapshot: Annotated[
        bool,
        typer.Option(
            "--neon-snapshot",
            help="Make a snapshot in Neon of each database that it hosts too, and name it in the"
            " manifest. Needs NEON_API_KEY.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Back up every database of the configuration to all of its stores."""
    session = open_session(context.obj)
    chosen = session.tier(tier)
    if neon_snapshot and not any(one.neon for one in session.databases(database)):
        raise ConfigurationError(
            "--neon-snapshot is given and no database has `neon` in the configuration, so nothing"
            " was backed up: leave it out"
        )
    failures: list[BackupError] = []
    results: list[dict[str, Any]] = []
    outcomes: list[tuple[Database, Backup | BackupError]] = []
    beside = _Beside(session, wanted=neon_snapshot)
    for one in session.databases(database):
        try:
            with beside.of(one) as snapshot, running_programs() as programs:
                taken = take_backup(
                    *(session.configuration, one, session.stores, programs),
                    tier=chosen,
                    snapshot_beside=snapshot,
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
    taken_to = [
        (store, one.location.started)
        for _, one in outcomes
        if isinstance(one, Backup)
        for store in one.stored
    ]
    keep_up(session.configuration, taken_to, datetime.now(UTC))
    if as_json:
        write_json(results)
    if reporting.is_wanted():
        reporting.keep(_report(outcomes, session))
    failures += beside.failures
    if failures:
        raise failures[0]


@dataclass
class _Beside:
    """Snapshots in Neon beside backups, where they are wanted."""

    session: Session
    wanted: bool
    failures: list[BackupError] = field(default_factory=list[BackupError])
    """Of snapshots: the backup itself goes on without."""

    @contextmanager
    def of(self, database: Database) -> Generator[Callable[[Tier], NeonSnapshot | None]]:
        """What makes one of a database, by the tier of its backup."""
        settings = database.neon
        if settings is None or not self.wanted:
            yield lambda _: None
            return
        with open_api(settings) as api:

            def take(tier: Tier) -> NeonSnapshot | None:
                try:
                    return self._take(api, settings, tier)
                except NeonError as error:
                    log.error("%s; the backup goes on", error)  # noqa: TRY400 - the sentence says it all
                    self.failures.append(error)
                    return None

            yield take

    def _take(self, api: Api, settings: Neon, tier: Tier) -> NeonSnapshot:
        configuration = self.session.configuration
        environment = configuration.environment
        rules = settings.retention(configuration.retention).rules()
        kept = tier if tier in rules else next(iter(rules))
        view = snapshots.look(api, settings, environment)
        taken = snapshots.take(api, view, environment, kept, rules[kept].keep, datetime.now(UTC))
        branch = taken.held.branch
        log.info("made snapshot %s of branch %s", branch.name, settings.branch)
        return NeonSnapshot(
            project=settings.project,
            branch=branch.name,
            branch_id=branch.id,
            created=branch.created_at,
        )


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
