"""`fetch` and `copy`: a backup as it is, encrypted, to a folder or to another store."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.catalogue import wanted_copies
from neonhub_backup.cli.options import BackupName, DatabaseName, Json
from neonhub_backup.cli.output import describe, report
from neonhub_backup.cli.selecting import FromStore, asked_stores
from neonhub_backup.cli.session import open_session, running_programs
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.holdings.selection import Candidate, first_that_works
from neonhub_backup.processes import Programs
from neonhub_backup.upkeep.copying import Moved, copy_to
from neonhub_backup.upkeep.copying import fetch as fetch_copy
from neonhub_backup.upkeep.indexing import keep_up
from neonhub_backup.wording import size_text


@app.command()
def fetch(
    context: typer.Context,
    backup: BackupName,
    directory: Annotated[
        Path,
        typer.Argument(
            help="Where the backup's folder goes, which has the backup's name.", metavar="DIR"
        ),
    ],
    store: FromStore = None,
    database: DatabaseName = None,
    as_json: Json = False,
) -> None:
    """Download a backup as it is stored. Run again, it goes on where it stopped."""
    session = open_session(context.obj)
    copies = wanted_copies(session, asked_stores(session, store), backup, database).whole
    used, moved = _first(copies, lambda copy, programs: fetch_copy(copy, directory, programs))
    _say("fetched", used, moved, as_json=as_json)


@app.command()
def copy(
    context: typer.Context,
    backup: BackupName,
    to: Annotated[str, typer.Option("--to", help="The store to copy it into.", metavar="STORE")],
    store: FromStore = None,
    database: DatabaseName = None,
    as_json: Json = False,
) -> None:
    """Copy a backup into another store, as it is. Run again, it goes on where it stopped."""
    session = open_session(context.obj)
    destination = session.store(to, "--to")
    sources = [one for one in asked_stores(session, store) if one.name != to]
    if not sources:
        raise ConfigurationError(
            f"--to {to} leaves no other store to read from, so nothing was copied: choose two"
            " different stores"
        )
    copies = wanted_copies(session, sources, backup, database).whole
    retention = session.configuration.retention
    now = datetime.now(UTC)
    used, moved = _first(
        copies, lambda copy, programs: copy_to(copy, destination, retention, now, programs)
    )
    keep_up(session.configuration, [(destination, used.location.started)], now)
    _say("copied", used, moved, as_json=as_json)


def _first(
    copies: Sequence[Candidate], move: Callable[[Candidate, Programs], Moved]
) -> tuple[Candidate, Moved]:
    """Move the first copy that can be read; what an earlier one brought over is kept."""

    def act(candidate: Candidate) -> tuple[Candidate, Moved]:
        with running_programs() as programs:
            return candidate, move(candidate, programs)

    return first_that_works(copies, act)


def _say(done: str, copy: Candidate, moved: Moved, *, as_json: bool) -> None:
    result = describe(copy.location, copy.manifest) | {
        "store": copy.store.name,
        "place": moved.place,
        "objects_moved": moved.moved,
        "objects_kept": moved.kept,
    }
    report(result, as_json=as_json)
    if as_json:
        return
    kept = f", {moved.kept} were there already" if moved.kept else ""
    typer.echo(
        f"{done} {copy.location.name} from store {copy.store.name} to {moved.place}: {moved.moved}"
        f" objects{kept}, {size_text(copy.manifest.bytes)} in all, each with the sha256 that the"
        " manifest promises"
    )
