"""`neonhub-backup --config FILE backup|list|restore|drill`."""

import logging
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import psycopg
import typer
from typer.exceptions import TyperException

from neonhub_backup.backup import take_backup
from neonhub_backup.catalogue import LATEST, Catalogue
from neonhub_backup.cli.output import counted, describe, say_backup, say_list, say_times, write_json
from neonhub_backup.cli.session import open_session, read_target
from neonhub_backup.drill import drill
from neonhub_backup.encryption import decryptor
from neonhub_backup.errors import (
    BackupError,
    DatabaseError,
    DrillFailedError,
    IntegrityError,
    PartialBackupError,
)
from neonhub_backup.processes import Programs
from neonhub_backup.restore import DIFFERENCES_SHOWN, Source, restore_into

app = typer.Typer(
    help=__doc__,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
log = logging.getLogger("neonhub_backup")

Json = Annotated[bool, typer.Option("--json", help="Write the result as JSON to standard output.")]
StoreName = Annotated[
    str | None,
    typer.Option(
        "--store", help="Read from this store. By default from the first one.", metavar="NAME"
    ),
]
DatabaseName = Annotated[
    str | None,
    typer.Option("--database", help="One of the configuration's databases.", metavar="NAME"),
]
BackupName = Annotated[
    str,
    typer.Argument(help="A backup's name as `list` shows it, or `latest`.", metavar="BACKUP"),
]


class Stopped(BaseException):
    """The run was asked to end, by Ctrl-C or SIGTERM."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.exit_code = 128 + number


@app.callback()
def main(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The configuration file that the deployment committed.",
            metavar="FILE",
            envvar="NEONHUB_BACKUP_CONFIG",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Name every object stored.")] = False,
) -> None:
    """Back up PostgreSQL, list the backups, restore one, and prove that it can be restored."""
    context.obj = config
    log.setLevel(logging.DEBUG if verbose else logging.INFO)


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
            with _programs() as programs:
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
    with _programs() as programs, decryptor() as decrypt:
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
    with _programs() as programs, decryptor() as decrypt:
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


def run() -> NoReturn:
    """The console script: every failure one sentence on standard error and its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    # Ctrl-C is asked for by name: a shell's background jobs begin with it ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    sys.exit(_exit_code(sys.argv[1:]))


def _exit_code(arguments: Sequence[str]) -> int:
    try:
        code = app(args=list(arguments), prog_name="neonhub-backup", standalone_mode=False)
    except Stopped as stop:
        notes = _notes(stop)
        rest = "but what follows was not cleaned up:" if notes else "nothing incomplete was kept"
        typer.echo("\n".join([f"neonhub-backup: {stop}; {rest}", *notes]), err=True)
        return stop.exit_code
    except TyperException as error:
        typer.echo(f"neonhub-backup: {error.format_message()} See --help.", err=True)
        return error.exit_code
    except BackupError as error:
        typer.echo("\n".join([f"neonhub-backup: {error}", *_notes(error)]), err=True)
        return error.exit_code
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        typer.echo(
            f"neonhub-backup: the database refused a step ({reason}), so the run was given up and"
            " nothing incomplete is kept: correct that and try again",
            err=True,
        )
        return DatabaseError.exit_code
    return code if isinstance(code, int) else 0


def _notes(error: BaseException) -> list[str]:
    return [f"  {note}" for note in getattr(error, "__notes__", [])]


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    # A second Ctrl-C must not interrupt the cleaning up after the first.
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    raise Stopped(number)


@contextmanager
def _programs() -> Generator[Programs]:
    programs = Programs()
    try:
        yield programs
    except BaseException:
        programs.stop()
        raise
