"""`restore`: beside the live database, which is only ever renamed."""

import logging
import shlex
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from neonhub_backup.cli import restoring
from neonhub_backup.cli.app import app
from neonhub_backup.cli.default_command import DEFAULT, WithDefault
from neonhub_backup.cli.neon import restore_at
from neonhub_backup.cli.options import BackupName, Confirm, DatabaseName, DryRun, Json, NoRoles
from neonhub_backup.cli.output import report
from neonhub_backup.cli.selecting import At, FromStore, TierName, chosen
from neonhub_backup.cli.session import (
    Session,
    check_confirmation,
    open_session,
    read_configuration,
    read_target,
)
from neonhub_backup.cli.ways import Ways, find_ways, loss_text
from neonhub_backup.domain.configuration import Database
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.holdings.catalogue import LATEST
from neonhub_backup.holdings.selection import parse_moment
from neonhub_backup.restore.names import parse_tables
from neonhub_backup.restore.whole import Swap, promote, revert
from neonhub_backup.ways import Kind, least_loss

log = logging.getLogger(__name__)

AUTO = "auto"
_TAKES = (Kind.BACKUP, Kind.NEON)
SET_ASIDE = "--set-aside-existing"
BESIDE = "--beside"
TABLES = "--tables"
SIDE_SCHEMA = "--side-schema"
IN_PLACE = "--in-place"
SCHEMA_ONLY = "--schema-only"
DATA_ONLY = "--data-only"
NO_ROLES = "--no-roles"

_CLASHES = {
    BESIDE: (SET_ASIDE,),
    TABLES: (SET_ASIDE, BESIDE, SCHEMA_ONLY, DATA_ONLY, NO_ROLES),
    SCHEMA_ONLY: (SET_ASIDE, BESIDE, DATA_ONLY),
    DATA_ONLY: (SET_ASIDE, BESIDE, NO_ROLES),
    IN_PLACE: (SIDE_SCHEMA,),
}

Into = Annotated[
    str,
    typer.Option(
        help="The database to restore into: the NAME of an environment variable that holds its"
        " connection string, or a connection string without a password.",
        metavar="DATABASE_URL",
    ),
]
Disconnect = Annotated[
    bool,
    typer.Option(
        "--disconnect",
        help="End the connections that are open. What they have not committed is lost to them.",
    ),
]

group = typer.Typer(
    cls=WithDefault,
    rich_markup_mode=None,
    help="Restore a backup into a new database, which takes the target's name once it is proven.",
)
app.add_typer(group, name="restore")


@group.command(name=DEFAULT, hidden=True)
def restore(
    context: typer.Context,
    into: Into,
    backup: BackupName = LATEST,
    store: FromStore = None,
    database: DatabaseName = None,
    tier: TierName = None,
    at: At = None,
    set_aside: Annotated[
        bool,
        typer.Option(
            SET_ASIDE,
            help="If the database has tables, rename it to <name>_before_<time> and put the backup"
            " in its place. Nothing is dropped.",
        ),
    ] = False,
    beside: Annotated[
        bool,
        typer.Option(
            BESIDE,
            help="Leave the restored database beside the target as <name>_restored_<time>, for"
            " `restore promote`.",
        ),
    ] = False,
    tables: Annotated[
        str | None,
        typer.Option(
            TABLES,
            help="Restore these tables alone, with their rows: connectors,billing.invoices. Only"
            " their own objects are read.",
            metavar="LIST",
        ),
    ] = None,
    side_schema: Annotated[
        str | None,
        typer.Option(
            SIDE_SCHEMA,
            help="The new schema for the tables. By default restored_<time>.",
            metavar="NAME",
        ),
    ] = None,
    in_place: Annotated[
        bool,
        typer.Option(
            IN_PLACE,
            help="Replace the rows of the live tables instead, in one transaction in which every"
            " foreign key is checked.",
        ),
    ] = False,
    schema_only: Annotated[
        bool,
        typer.Option(
            SCHEMA_ONLY, help="Restore all definitions and no rows, into a new or empty database."
        ),
    ] = False,
    data_only: Annotated[
        bool,
        typer.Option(
            DATA_ONLY,
            help="Restore all rows and no definitions, into a database that has the same tables,"
            " all of them empty.",
        ),
    ] = False,
    no_roles: NoRoles = False,
    way: Annotated[
        str,
        typer.Option(
            "--way",
            help="With --at: auto takes what loses least, and with --beside that can be a branch of"
            " Neon; or choose backup or neon.",
        ),
    ] = AUTO,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Restore a backup into a new database, which takes the target's name once it is proven."""
    only = read_way(way)
    check_combination(
        {
            SET_ASIDE: set_aside,
            BESIDE: beside,
            TABLES: tables is not None,
            SIDE_SCHEMA: side_schema is not None,
            IN_PLACE: in_place,
            SCHEMA_ONLY: schema_only,
            DATA_ONLY: data_only,
            NO_ROLES: no_roles,
        }
    )
    names = None if tables is None else parse_tables(tables)
    session = open_session(context.obj)
    check_confirmation(session.configuration, confirm)
    target = read_target(into)
    one = session.database(database)
    name = one.name
    now = datetime.now(UTC)
    of_a_backup = {
        "a backup's name": backup != LATEST,
        "--store": store is not None,
        "--tier": tier is not None,
        TABLES: names is not None,
        SCHEMA_ONLY: schema_only,
        DATA_ONLY: data_only,
    }
    found_ways = _ways(session, one, at, only, of_a_backup, beside=beside)
    if found_ways is not None:
        if not as_json:
            found_ways.say()
        if found_ways.taken.kind is Kind.NEON:
            restore_at(
                context.obj,
                name,
                found_ways.at,
                dry_run=dry_run,
                as_json=as_json,
                beside=found_ways.described(),
            )
            return
    described = {} if found_ways is None else found_ways.described()
    with chosen(session, name, backup=backup, store=store, tier=tier, at=at) as (found, decrypt):
        asked = restoring.Asked(
            session=session,
            candidates=found,
            decrypt=decrypt,
            target=target,
            into=into,
            now=now,
            roles=not no_roles,
            dry_run=dry_run,
            as_json=as_json,
            ways=described,
        )
        if names is not None and in_place:
            restoring.in_place(asked, names)
        elif names is not None:
            restoring.aside(asked, names, side_schema or f"restored_{now:%Y%m%dT%H%M%SZ}")
        elif schema_only:
            restoring.schema_only(asked)
        elif data_only:
            restoring.data_only(asked)
        elif dry_run:
            restoring.plan(asked, set_aside=None if beside else set_aside)
        elif beside:
            restoring.beside(asked)
        else:
            restoring.into(asked, set_aside=set_aside)


def read_way(name: str) -> Kind | None:
    """The way that --way names. None: the one that loses least.

    Raises:
        ConfigurationError: it names none that this command can take.
    """
    if name not in (AUTO, *_TAKES):
        raise ConfigurationError(
            f"--way {name} is no way that `restore` can take, so nothing was done: choose {AUTO},"
            f" {' or '.join(_TAKES)}; WAL is replayed by `pitr`, on the server's machine"
        )
    return None if name == AUTO else Kind(name)


def _ways(
    session: Session,
    database: Database,
    at: str | None,
    only: Kind | None,
    of_a_backup: Mapping[str, bool],
    *,
    beside: bool,
) -> Ways | None:
    """The ways to a moment. None: a backup is the only one that could be meant.

    Raises:
        ConfigurationError: WAL loses less than what this command can take.
    """
    other = next((option for option, given in of_a_backup.items() if given), None)
    if only is Kind.NEON and (at is None or other is not None or not beside):
        missing = "--at" if at is None else BESIDE
        wrong = f"{other} is about a backup" if other else f"{missing} is missing"
        raise ConfigurationError(
            f"--way neon makes a branch of one moment beside production, and {wrong}, so nothing"
            f" was done: give --at and {BESIDE} and nothing about a backup, or another way"
        )
    if at is None or other is not None or (database.neon or database.archiving) is None:
        return None
    takes = list(Kind) if beside else [Kind.BACKUP]
    found = find_ways(session, database, parse_moment(at), only=only, takes=takes)
    loss, least = found.taken.loses(found.at), least_loss(found.ways, found.at)
    replay = f"`neonhub-backup pitr DATADIR --at {at} --database {database.name}`"
    if found.taken.kind is Kind.WAL:
        raise ConfigurationError(
            f"the archived WAL of {database.name} leads back to {at} itself and a backup does not,"
            f" so nothing was restored: run {replay} on the machine of its server, or give --way"
            " backup or --store to lose what came after the newest backup"
        )
    if least is not found.taken and loss != least.loses(found.at) and only is None:
        instead = replay if least.kind is Kind.WAL else f"give {BESIDE}"
        log.warning(
            "%s would lose less than %s, which ends %s before: %s",
            *(least.kind, found.taken.kind, loss_text(loss), instead),
        )
    return found


def check_combination(given: dict[str, bool]) -> None:
    """Refuse options that mean nothing together.

    Raises:
        ConfigurationError: with the two that clash, or the one that is missing.
    """
    for option, others in _CLASHES.items():
        for other in others:
            if given[option] and given[other]:
                raise ConfigurationError(
                    f"{option} and {other} mean nothing together, so nothing was done: leave one of"
                    " the two out"
                )
    for option in (SIDE_SCHEMA, IN_PLACE):
        if given[option] and not given[TABLES]:
            raise ConfigurationError(
                f"{option} is about single tables and none is named, so nothing was done: name them"
                f" with {TABLES}"
            )


@group.command(name="promote")
def promote_(
    context: typer.Context,
    into: Into,
    copy: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="The restored database to promote. By default the newest one that is finished.",
            metavar="NAME",
        ),
    ] = None,
    disconnect: Disconnect = False,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give a copy that --beside left the target's name."""
    if confirm is not None:
        check_confirmation(read_configuration(context.obj), confirm)
    swap = promote(
        read_target(into),
        datetime.now(UTC),
        beside=copy,
        end_sessions=disconnect,
        dry_run=dry_run,
    )
    _say_swap(swap, f"backup {swap.backup}", into, dry_run=dry_run, as_json=as_json)


@group.command(name="revert")
def revert_(
    context: typer.Context,
    into: Into,
    aside: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="The database to bring back. By default the one set aside last.",
            metavar="NAME",
        ),
    ] = None,
    disconnect: Disconnect = False,
    confirm: Confirm = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give the name back to the database that had it."""
    if confirm is not None:
        check_confirmation(read_configuration(context.obj), confirm)
    swap = revert(
        read_target(into),
        datetime.now(UTC),
        aside=aside,
        end_sessions=disconnect,
        dry_run=dry_run,
    )
    _say_swap(swap, "what was there before", into, dry_run=dry_run, as_json=as_json)


def _say_swap(swap: Swap, what: str, into: str, *, dry_run: bool, as_json: bool) -> None:
    name = swap.target.database
    undo = None
    if swap.aside is not None and not dry_run:
        undo = f"neonhub-backup restore revert --into {shlex.quote(into)}"
    result = {
        "target": str(swap.target),
        "database": name,
        "was": swap.moved,
        "backup": swap.backup,
        "set_aside": swap.aside,
        "disconnected": [str(session) for session in swap.disconnected],
        "revert": undo,
        "dry_run": dry_run,
    }
    report(result, as_json=as_json)
    if as_json:
        return
    would = "would be" if dry_run else "is now"
    typer.echo(f"{swap.moved} ({what}) {would} named {name}")
    if swap.aside is not None:
        typer.echo(f"  what had that name {would} named {swap.aside}")
    for session in swap.disconnected:
        typer.echo(f"  {'would be' if dry_run else 'was'} disconnected: {session}")
    if dry_run:
        typer.echo("nothing was changed")
    elif undo is not None:
        typer.echo(f"  to undo this: {undo}")
