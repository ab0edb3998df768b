"""`restore`: beside the live database, which is only ever renamed."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from neonhub_backup.catalogue import LATEST
from neonhub_backup.cli.app import app
from neonhub_backup.cli.default_command import DEFAULT, WithDefault
from neonhub_backup.cli.options import BackupName, DatabaseName, Json
from neonhub_backup.cli.output import counted, describe, say_times, write_json
from neonhub_backup.cli.selecting import (
    At,
    FromStore,
    TierName,
    chosen,
    describe_candidates,
    say_candidates,
)
from neonhub_backup.cli.session import open_session, read_target, running_programs
from neonhub_backup.encryption import Decryptor
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.postgres.connection import Target
from neonhub_backup.restore.selection import Candidate, first_that_works
from neonhub_backup.restore.whole import (
    Beside,
    Restored,
    Swap,
    plan_restore,
    promote,
    restore_beside,
    restore_into,
    revert,
)

Into = Annotated[
    str,
    typer.Option(
        help="The database to restore into: the NAME of an environment variable that holds its"
        " connection string, or a connection string without a password.",
        metavar="DATABASE_URL",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check everything, say what would be done, and stop.")
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
            "--set-aside-existing",
            help="If the database has tables, rename it to <name>_before_<time> and put the backup"
            " in its place. Nothing is dropped.",
        ),
    ] = False,
    beside: Annotated[
        bool,
        typer.Option(
            "--beside",
            help="Leave the restored database beside the target as <name>_restored_<time>, for"
            " `restore promote`.",
        ),
    ] = False,
    no_roles: Annotated[
        bool,
        typer.Option(
            "--no-roles",
            help="Leave owners and privileges out: everything belongs to the connecting user.",
        ),
    ] = False,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Restore a backup into a new database, which takes the target's name once it is proven."""
    session = open_session(context.obj)
    if beside and set_aside:
        raise ConfigurationError(
            "--beside leaves the target alone and --set-aside-existing renames it, so it is unclear"
            " which is meant and nothing was done: leave one of the two out"
        )
    target = read_target(into)
    name = session.database(database).name
    now = datetime.now(UTC)
    with chosen(session, name, backup=backup, store=store, tier=tier, at=at) as (found, decrypt):
        if dry_run:
            would = plan_restore(
                found[0].manifest,
                target,
                now,
                set_aside=None if beside else set_aside,
                roles=not no_roles,
            )
            _say_plan(found, would, as_json=as_json)
        elif beside:
            left = first_that_works(
                found, lambda one: _beside(one, decrypt, target, now, roles=not no_roles)
            )
            _say_beside(left, into, as_json=as_json)
        else:
            done = first_that_works(
                found,
                lambda one: _into(
                    one, decrypt, target, now, set_aside=set_aside, roles=not no_roles
                ),
            )
            _say_restored(done, as_json=as_json)


@group.command(name="promote")
def promote_(
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
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give a copy that --beside left the target's name."""
    swap = promote(
        read_target(into),
        datetime.now(UTC),
        beside=copy,
        end_sessions=disconnect,
        dry_run=dry_run,
    )
    _say_swap(swap, f"backup {swap.backup}", dry_run=dry_run, as_json=as_json)


@group.command(name="revert")
def revert_(
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
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Give the name back to the database that had it."""
    swap = revert(
        read_target(into),
        datetime.now(UTC),
        aside=aside,
        end_sessions=disconnect,
        dry_run=dry_run,
    )
    _say_swap(swap, "what was there before", dry_run=dry_run, as_json=as_json)


def _beside(
    candidate: Candidate, decrypt: Decryptor, target: Target, now: datetime, *, roles: bool
) -> Beside:
    with running_programs() as programs:
        return restore_beside(candidate.source(decrypt), target, programs, now, roles=roles)


def _into(
    candidate: Candidate,
    decrypt: Decryptor,
    target: Target,
    now: datetime,
    *,
    set_aside: bool,
    roles: bool,
) -> Restored:
    with running_programs() as programs:
        return restore_into(
            candidate.source(decrypt), target, programs, now, set_aside=set_aside, roles=roles
        )


def _said(done: Beside | Restored) -> dict[str, Any]:
    return describe(done.source.location, done.source.manifest) | {
        "store": done.source.store.name,
        "target": str(done.target),
        "seconds_to_data": round(done.times.to_data, 3),
        "seconds_to_search": round(done.times.to_search, 3),
    }


def _say_restored(done: Restored, *, as_json: bool) -> None:
    result = _said(done) | {"set_aside": done.aside}
    if as_json:
        write_json(result)
        return
    typer.echo(f"restored {result['name']} into {done.target}: {counted(result)}")
    say_times(result)
    if done.aside is not None:
        typer.echo(f"  the database that was there is now named {done.aside}")
        typer.echo("  to give it its name back: neonhub-backup restore revert --into …")


def _say_beside(left: Beside, into: str, *, as_json: bool) -> None:
    swap = f"neonhub-backup restore promote --into {into} --from {left.name}"
    result = _said(left) | {"beside": left.name, "promote": swap}
    if as_json:
        write_json(result)
        return
    typer.echo(f"restored {result['name']} as {left.name}, beside {left.target}: {counted(result)}")
    say_times(result)
    typer.echo(f"  to give it the name {left.target.database}: {swap}")


def _say_plan(candidates: list[Candidate], would: dict[str, Any], *, as_json: bool) -> None:
    first = candidates[0]
    if as_json:
        result = describe(first.location, first.manifest) | describe_candidates(candidates)
        write_json(result | would | {"dry_run": True})
        return
    say_candidates(candidates)
    typer.echo(f"  it would be restored and compared as {would['beside']} on the server of")
    typer.echo(f"  {would['target']}")
    for old, new in would["renames"].items():
        typer.echo(f"  then {old} would be renamed to {new}")
    typer.echo("nothing was changed")


def _say_swap(swap: Swap, what: str, *, dry_run: bool, as_json: bool) -> None:
    name = swap.target.database
    if as_json:
        write_json(
            {
                "target": str(swap.target),
                "database": name,
                "was": swap.moved,
                "backup": swap.backup,
                "set_aside": swap.aside,
                "disconnected": [str(session) for session in swap.disconnected],
                "dry_run": dry_run,
            }
        )
        return
    would = "would be" if dry_run else "is now"
    typer.echo(f"{swap.moved} ({what}) {would} named {name}")
    if swap.aside is not None:
        typer.echo(f"  what had that name {would} named {swap.aside}")
    for session in swap.disconnected:
        typer.echo(f"  {'would be' if dry_run else 'was'} disconnected: {session}")
    if dry_run:
        typer.echo("nothing was changed")
    elif swap.aside is not None:
        typer.echo("  to undo this: neonhub-backup restore revert --into …")
