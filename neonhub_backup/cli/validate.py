"""`validate`: is a backup complete in every store, and does it hold what it must?"""

from collections.abc import Iterable, Sequence
from typing import Any

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.catalogue import InStore, wanted_copies
from neonhub_backup.cli.failures import raise_first
from neonhub_backup.cli.options import BackupName, DatabaseName, Json
from neonhub_backup.cli.output import describe, report
from neonhub_backup.cli.selecting import asked_stores
from neonhub_backup.cli.session import Session, open_session
from neonhub_backup.domain.manifest import manifest_digest
from neonhub_backup.errors import (
    BackupError,
    ContentsError,
    IntegrityError,
    PartialBackupError,
    StoreError,
)
from neonhub_backup.holdings.catalogue import LATEST
from neonhub_backup.holdings.copies import Copies
from neonhub_backup.holdings.selection import Candidate
from neonhub_backup.stores.base import Store
from neonhub_backup.upkeep.validating import absent, incomplete
from neonhub_backup.wording import shown, size_text

COMPLETE = "complete"


@app.command()
def validate(
    context: typer.Context,
    backup: BackupName = LATEST,
    store: InStore = None,
    database: DatabaseName = None,
    as_json: Json = False,
) -> None:
    """Check without any key that a backup is complete in every store, with all that it must hold.

    By default the newest backup of each database. Lists objects and reads manifests, no more.
    """
    session = open_session(context.obj)
    stores = asked_stores(session, store)
    wanted: Sequence[str | None] = [database]
    if backup == LATEST:
        wanted = [one.name for one in session.databases(database)]
    results: list[dict[str, Any]] = []
    failures: list[BackupError] = []
    for name in wanted:
        try:
            copies = wanted_copies(session, stores, backup, name, pass_over_damaged=False)
        except BackupError as error:
            failures.append(error)
            continue
        result = _validated(session, stores, copies)
        failures += _problems(result)
        results.append(result)
        if not as_json:
            _say(result)
    report(results, as_json=as_json)
    raise_first(failures)


def _validated(session: Session, stores: Iterable[Store], copies: Copies) -> dict[str, Any]:
    first = copies.whole[0]
    manifest = first.manifest
    required = [
        one
        for settings in session.configuration.databases
        if settings.name == manifest.database
        for one in settings.required
    ]
    lacking = absent(manifest, required)
    states = {
        **{one.name: _state("missing") for one in copies.missing},
        **{name: _unseen(error) for name, error in copies.failed.items()},
        **{copy.store.name: _looked_at(copy, first) for copy in copies.whole},
    }
    return describe(first.location, manifest) | {
        "digest": manifest_digest(manifest),
        "valid": not lacking and all(found["state"] == COMPLETE for found in states.values()),
        "required": required,
        "absent": lacking,
        "schema_objects": len(manifest.schema_.objects),
        "stores": {one.name: states[one.name] for one in stores},
    }


def _looked_at(copy: Candidate, first: Candidate) -> dict[str, Any]:
    if manifest_digest(copy.manifest) != manifest_digest(first.manifest):
        return _state("damaged", f"its manifest is not the one in store {first.store.name}")
    try:
        problems = incomplete(copy)
    except StoreError as error:
        return _unseen(error)
    return _state("damaged" if problems else COMPLETE, *problems)


def _unseen(error: BackupError) -> dict[str, Any]:
    return _state("damaged" if isinstance(error, IntegrityError) else "unread", str(error))


def _state(state: str, *problems: str) -> dict[str, Any]:
    return {"state": state, "problems": list(problems)}


def _say(result: dict[str, Any]) -> None:
    if result["valid"]:
        others = result["schema_objects"] - len(result["required"])
        held = ", ".join(result["required"])
        rest = f"{held} and {others:,} more" if held else f"{others:,}"
        typer.echo(
            f"valid: {result['name']} in {', '.join(result['stores'])}: {result['objects']:,}"
            f" objects, {size_text(result['bytes'])}; {rest} objects of the schema"
        )
        return
    typer.echo(f"not valid: {result['name']}")
    for store, found in result["stores"].items():
        typer.echo(f"  {store}: {found['state']}")
        for problem in found["problems"]:
            typer.echo(f"    {problem}")
    for one in result["absent"]:
        typer.echo(f"  it holds no {one}")


def _problems(result: dict[str, Any]) -> list[BackupError]:
    """What is wrong with a backup, the worst first."""
    name = result["name"]
    found: list[BackupError] = []
    if damaged := _stores(result, "damaged"):
        found.append(
            IntegrityError(
                f"backup {name} is not what was written in {' and '.join(damaged)}: restore from"
                " another store or another backup, bring back the objects' earlier versions, and"
                " find out who or what changed them"
            )
        )
    if result["absent"]:
        found.append(
            ContentsError(
                f"backup {name} of database {result['database']} holds no"
                f" {', no '.join(result['absent'])}, which the configuration requires of every"
                " backup, so a restore of it would lack that: find out whether a migration dropped"
                " or renamed it, and restore an older backup, or correct `required`"
            )
        )
    if unread := _stores(result, "unread"):
        found.append(
            StoreError(
                f"backup {name} could not be looked at in {' and '.join(unread)}, so it is not"
                " known whether it is complete there: mend that and validate again"
            )
        )
    if missing := _stores(result, "missing"):
        found.append(
            PartialBackupError(
                f"backup {name} is missing in {' and '.join(missing)}: bring it there with"
                " neonhub-backup copy"
            )
        )
    return found


def _stores(result: dict[str, Any], state: str) -> list[str]:
    """The stores whose copy is in this state, and why."""
    return [
        f"store {store}" + (f" ({shown(found['problems'])})" if found["problems"] else "")
        for store, found in result["stores"].items()
        if found["state"] == state
    ]
