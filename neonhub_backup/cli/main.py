"""`neonhub-backup --config FILE backup|list|restore|drill`."""

import json
import logging
import os
import re
import signal
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table
from typer.exceptions import TyperException

from neonhub_backup.backup import take_backup
from neonhub_backup.catalogue import LATEST, Catalogue
from neonhub_backup.domain.configuration import Configuration, Database, load_configuration
from neonhub_backup.domain.layout import Location
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.retention import Tier
from neonhub_backup.drill import drill
from neonhub_backup.encryption import decryptor
from neonhub_backup.errors import (
    BackupError,
    ConfigurationError,
    DrillFailedError,
    PartialBackupError,
)
from neonhub_backup.postgres.connection import Target, parse_url
from neonhub_backup.processes import Programs
from neonhub_backup.restore import DIFFERENCES_SHOWN, Source, restore_into
from neonhub_backup.stores.base import Store
from neonhub_backup.stores.factory import open_stores

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


@dataclass(frozen=True)
class Session:
    """What every command works with."""

    configuration: Configuration
    stores: tuple[Store, ...]

    def store(self, name: str | None) -> Store:
        """A store by its name, or the first."""
        for store in self.stores:
            if name in (None, store.name):
                return store
        known = ", ".join(store.name for store in self.stores)
        raise ConfigurationError(
            f"--store {name} is not in the configuration, so there is nothing to read: its stores"
            f" are {known}"
        )

    def database(self, name: str | None) -> Database:
        """A database by its name, or the only one."""
        first, *others = self.databases(name)
        if others:
            known = ", ".join(database.name for database in self.configuration.databases)
            raise ConfigurationError(
                "--database is missing and the configuration has several, so it is unclear which"
                f" one is meant: choose one of {known}"
            )
        return first

    def databases(self, name: str | None) -> tuple[Database, ...]:
        """A database by its name, or all."""
        every = self.configuration.databases
        chosen = tuple(database for database in every if name in (None, database.name))
        if not chosen:
            known = ", ".join(database.name for database in every)
            raise ConfigurationError(
                f"--database {name} is not in the configuration, so nothing was done: choose one of"
                f" {known}"
            )
        return chosen


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
    session = _session(context)
    chosen = _tier(tier, session.configuration)
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
        result = _describe(taken.location, taken.manifest) | {
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
            _say_backup(result)
    if as_json:
        _write_json(results)
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
    session = _session(context)
    if database is not None:
        session.databases(database)
    found = [
        _describe(location, manifest)
        for location, manifest in Catalogue(session.store(store)).manifests(database)
    ]
    if as_json:
        _write_json(found)
        return
    table = Table(box=None, pad_edge=False)
    for column, justify in (
        ("backup", "left"),
        ("tier", "left"),
        ("database", "left"),
        ("tables", "right"),
        ("rows", "right"),
        ("size", "right"),
    ):
        table.add_column(column, justify=justify, no_wrap=True)  # pyright: ignore[reportArgumentType] - two of its words
    for item in found:
        table.add_row(
            item["name"],
            item["tier"],
            item["database"],
            f"{item['tables']:,}",
            f"{item['rows']:,}",
            _size(item["bytes"]),
        )
    Console().print(table)


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
    session = _session(context)
    target = _target(into)
    catalogue = Catalogue(session.store(store))
    location, manifest = catalogue.find(backup, session.database(database).name)
    with _programs() as programs, decryptor() as decrypt:
        decrypt.check(manifest.recipients, manifest.name)
        source = Source(catalogue.store, location, manifest, decrypt)
        done = restore_into(
            source, target, programs, datetime.now(UTC), set_aside=set_aside, roles=not no_roles
        )
    result = _describe(location, manifest) | {
        "target": str(target),
        "seconds_to_data": round(done.times.to_data, 3),
        "seconds_to_search": round(done.times.to_search, 3),
        "set_aside": done.aside,
    }
    if as_json:
        _write_json(result)
        return
    typer.echo(f"restored {manifest.name} into {target}: {_counted(result)}")
    _say_times(result)
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
    session = _session(context)
    catalogue = Catalogue(session.store(store))
    wanted = session.database(database)
    location, manifest = catalogue.find(backup, wanted.name)
    with _programs() as programs, decryptor() as decrypt:
        decrypt.check(manifest.recipients, manifest.name)
        source = Source(catalogue.store, location, manifest, decrypt)
        done = drill(source, wanted.checks, programs)
    result = _describe(location, manifest) | {
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
        _write_json(result)
    elif not done.differences:
        typer.echo(
            f"proven: {manifest.name} was restored into PostgreSQL {done.server_major} and equals"
            f" its manifest: {_counted(result)}, {len(manifest.schema_.objects):,} schema objects,"
            f" {len(wanted.checks)} checks"
        )
        _say_times(result)
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
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[
            RichHandler(
                console=Console(stderr=True, soft_wrap=True),
                show_path=False,
                show_level=False,
                log_time_format="%H:%M:%S",
                markup=False,
                highlighter=None,
            )
        ],
    )
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


def _session(context: typer.Context) -> Session:
    path: Path | None = context.obj
    if path is None:
        raise ConfigurationError(
            "--config is missing, so it is unknown what to back up and where: give the file that"
            " the deployment committed, .neonhub-backup/<environment>.yaml"
        )
    configuration = load_configuration(path)
    return Session(configuration, open_stores(configuration))


def _tier(name: str, configuration: Configuration) -> Tier | None:
    if name == "auto":
        return None
    rules = configuration.retention.rules()
    if name not in list(rules):
        raise ConfigurationError(
            f"--tier {name} is not a tier of this environment, so nothing was done: choose auto or"
            f" one of {', '.join(rules)}"
        )
    return Tier(name)


def _target(into: str) -> Target:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", into):
        url = os.environ.get(into)
        if not url:
            raise ConfigurationError(
                f"environment variable {into}, named by --into, is not set, so there is no database"
                " to restore into: set it to postgresql://user:password@host/database"
            )
        return parse_url(url, into)
    target = parse_url(into, "--into")
    if "password" in target.parameters:
        raise ConfigurationError(
            "--into holds a password, which every user of this machine can read in the list of"
            " processes, so nothing was done: put the connection string into an environment"
            " variable and give the variable's name"
        )
    return target


def _describe(location: Location, manifest: Manifest) -> dict[str, Any]:
    return {
        "name": location.name,
        "tier": str(location.tier),
        "database": manifest.database,
        "environment": manifest.environment,
        "started": manifest.started.isoformat(),
        "finished": manifest.finished.isoformat(),
        "server": manifest.server.version,
        "tables": len(manifest.tables),
        "rows": manifest.rows,
        "large_objects": manifest.large_objects,
        "objects": len(manifest.objects()) + 1,
        "bytes": manifest.bytes,
    }


def _say_backup(result: dict[str, Any]) -> None:
    typer.echo(f"{result['tier']} backup {result['name']}: {_counted(result)}")
    for name, address in result["stores"].items():
        typer.echo(f"  {name}: {address}")


def _say_times(result: dict[str, Any]) -> None:
    typer.echo(
        f"  time to data {result['seconds_to_data']:.1f} s,"
        f" time to search {result['seconds_to_search']:.1f} s"
    )


def _counted(result: dict[str, Any]) -> str:
    return f"{result['rows']:,} rows of {result['tables']} tables, {_size(result['bytes'])} stored"


def _size(number: int) -> str:
    size = float(number)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _write_json(result: object) -> None:
    typer.echo(json.dumps(result, indent=2, ensure_ascii=False))
