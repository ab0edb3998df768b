"""`prune`: what directory stores need and buckets do by themselves."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import Json, OnlyShow
from neonhub_backup.cli.output import report
from neonhub_backup.cli.selecting import asked_stores
from neonhub_backup.cli.session import Session, open_session
from neonhub_backup.errors import ConfigurationError, UnconfirmedError
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.upkeep.indexing import keep_up
from neonhub_backup.upkeep.pruning import Held, Survey, carry_out, survey
from neonhub_backup.wording import size_text


@app.command()
def prune(
    context: typer.Context,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            help="Prune this directory store. By default every one of the configuration.",
            metavar="NAME",
        ),
    ] = None,
    dry_run: OnlyShow = None,
    as_json: Json = False,
) -> None:
    """Delete what has had its time from directory stores; buckets do it by themselves.

    Never deleted are the newest backup of each tier, the newest proven one, and whatever is
    younger than its lock. docs/pruning.md has the rules.
    """
    session = open_session(context.obj)
    now = datetime.now(UTC)
    retention, environment = session.configuration.retention, session.configuration.environment
    found = [
        (directory, survey(directory, retention, environment, now))
        for directory in _directories(session, store)
    ]
    results: list[dict[str, Any]] = []
    for directory, decided in found:
        if dry_run is False:
            carry_out(directory, decided, now)
            gone = [(directory, held.location.started) for held in decided.plan.expired]
            keep_up(session.configuration, gone, now)
        results.append(_result(directory, decided, deleted=dry_run is False))
    report(results, as_json=as_json)
    if not as_json:
        for result in results:
            _say(result)
    if dry_run is None:
        due = sum(len(decided.plan.expired) + len(decided.leftovers) for _, decided in found)
        raise UnconfirmedError(
            f"{due} things have had their time and none was deleted, because that was not"
            " confirmed: give --yes to delete them, or --dry-run only to see them"
        )


def _directories(session: Session, name: str | None) -> list[DirectoryStore]:
    asked = asked_stores(session, name)
    found = [store for store in asked if isinstance(store, DirectoryStore)]
    if not found:
        named = ", ".join(f"{store.name} ({store.address})" for store in asked)
        raise ConfigurationError(
            f"nothing was deleted: {named} expires backups by its own lifecycle, and nobody may"
            " delete anything in a bucket; --store takes a directory store of the configuration"
        )
    return found


def _result(store: DirectoryStore, decided: Survey, *, deleted: bool) -> dict[str, Any]:
    return {
        "store": store.name,
        "address": store.address,
        "deleted": deleted,
        "expired": [_backup(held) for held in decided.plan.expired],
        "kept": [_backup(kept.backup) | {"reason": kept.reason} for kept in decided.plan.kept],
        "leftovers": [
            {
                "name": leftover.name,
                "kind": leftover.kind,
                "bytes": leftover.bytes,
                "changed": leftover.changed.isoformat(),
            }
            for leftover in decided.leftovers
        ],
        "bytes": sum(held.manifest.bytes for held in decided.plan.expired if held.manifest)
        + sum(leftover.bytes for leftover in decided.leftovers),
    }


def _backup(held: Held) -> dict[str, Any]:
    manifest = held.manifest
    return {
        "name": held.location.name,
        "tier": str(held.location.tier),
        "database": manifest.database if manifest else None,
        "started": held.location.started.isoformat(),
        "bytes": manifest.bytes if manifest else None,
    }


def _say(result: dict[str, Any]) -> None:
    verb = "deleted" if result["deleted"] else "would delete"
    typer.echo(f"{result['store']} ({result['address']}):")
    for item in result["expired"]:
        typer.echo(f"  {verb} {item['tier']} backup {item['name']} of {item['database']}")
    for item in result["leftovers"]:
        typer.echo(f"  {verb} {item['name']}, {item['kind']}")
    for item in result["kept"]:
        typer.echo(f"  keeps {item['tier']} backup {item['name']}: {item['reason']}")
    typer.echo(
        f"  {verb} {len(result['expired'])} backups and {len(result['leftovers'])} leftovers,"
        f" {size_text(result['bytes'])}; keeps {len(result['kept'])} backups"
    )
