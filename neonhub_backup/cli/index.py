"""`index`: what the manifests of a month say, in one small object."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.failures import raise_first
from neonhub_backup.cli.options import Json
from neonhub_backup.cli.output import report
from neonhub_backup.cli.selecting import asked_stores
from neonhub_backup.cli.session import Session, open_session
from neonhub_backup.domain.index import Month, parse_month
from neonhub_backup.errors import BackupError, ConfigurationError, IntegrityError
from neonhub_backup.holdings.index import Index, Updated
from neonhub_backup.upkeep.indexing import open_index

index = typer.Typer(
    help="The index of each month, which saves reading the manifests of its backups.",
    no_args_is_help=True,
)
app.add_typer(index, name="index")


@index.command()
def rebuild(
    context: typer.Context,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            help="Only the indexes of this store. By default those of every store that keeps any.",
            metavar="NAME",
        ),
    ] = None,
    month: Annotated[
        str | None,
        typer.Option(
            "--month",
            help="Only the index of this month, in UTC. By default those of all months.",
            metavar="YYYY-MM",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Rebuild the indexes of months from the manifests of all their backups.

    An index that says the same already stays. A manifest that cannot be trusted is named, its
    backup is in no index, and the exit code is 8.
    """
    session = open_session(context.obj)
    months = None if month is None else [_month(month)]
    indexes = _indexes(session, store)
    now = datetime.now(UTC)

    def act(one: Index) -> Updated | BackupError:
        try:
            return one.rebuild(now, months)
        except BackupError as error:
            return error

    with ThreadPoolExecutor(len(indexes), "indexes") as pool:
        done = list(zip(indexes, pool.map(act, indexes), strict=True))
    report([_describe(*each) for each in done], as_json=as_json)
    if not as_json:
        for each in done:
            _say(*each)
    raise_first([error for _, outcome in done for error in _failures(outcome)])


def _month(text: str) -> Month:
    found = parse_month(text)
    if found is None:
        raise ConfigurationError(
            f"--month {text} is no month, so no index was built: give its year and its number, such"
            " as 2026-01"
        )
    return found


def _indexes(session: Session, name: str | None) -> list[Index]:
    asked = asked_stores(session, name)
    found = [one for store in asked if (one := open_index(session.configuration, store))]
    if not found:
        named = ", ".join(f"{store.name} ({store.address})" for store in asked)
        raise ConfigurationError(
            f"{named} has no operations bucket in the configuration, so there is nowhere to keep an"
            " index and none was built: deploy the stack with a newer release, or name the bucket"
            " as operations_bucket"
        )
    return found


def _describe(built: Index, outcome: Updated | BackupError) -> dict[str, Any]:
    updated = outcome if isinstance(outcome, Updated) else Updated((), (), ())
    return {
        "store": built.store.name,
        "address": built.where.address,
        "written": [str(each) for each in updated.written],
        "unchanged": [str(each) for each in updated.unchanged],
        "damaged": [str(each) for each in updated.damaged],
        "problem": str(outcome) if isinstance(outcome, BackupError) else None,
    }


def _say(built: Index, outcome: Updated | BackupError) -> None:
    if isinstance(outcome, BackupError):
        typer.echo(f"{built.store.name} ({built.where.address}): failed")
        return
    typer.echo(
        f"{built.store.name} ({built.where.address}): {len(outcome.written)} written,"
        f" {len(outcome.unchanged)} unchanged"
    )
    for verb, months in (("written", outcome.written), ("unchanged", outcome.unchanged)):
        if months:
            typer.echo(f"  {verb}: {', '.join(str(each) for each in months)}")


def _failures(outcome: Updated | BackupError) -> Sequence[BackupError]:
    match outcome:
        case BackupError():
            return [outcome]
        case Updated() if outcome.damaged:
            return [
                IntegrityError(f"{error}; its backup is in no index") for error in outcome.damaged
            ]
        case _:
            return []
