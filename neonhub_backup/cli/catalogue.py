"""What the stores hold: `list`, and `show` for one backup."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import BackupName, DatabaseName, Json
from neonhub_backup.cli.output import counted, describe, report, say_list, say_table
from neonhub_backup.cli.selecting import TierName, asked_stores, read_tier
from neonhub_backup.cli.session import Session, open_session
from neonhub_backup.domain import configuration
from neonhub_backup.domain.layout import ROOT, tier_prefix
from neonhub_backup.domain.manifest import Manifest, manifest_digest
from neonhub_backup.domain.proof import Proof
from neonhub_backup.errors import IntegrityError, NoBackupError, StoreError
from neonhub_backup.holdings.catalogue import LATEST
from neonhub_backup.holdings.copies import Copies, find_copies, take_inventory
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.holdings.selection import Wanted, choose, joined
from neonhub_backup.stores.base import Store
from neonhub_backup.wording import moment_text, size_text

log = logging.getLogger(__name__)

InStore = Annotated[
    str | None,
    typer.Option("--store", help="Look in this store alone. By default in all.", metavar="NAME"),
]


@app.command(name="list")
def list_(
    context: typer.Context,
    store: InStore = None,
    database: DatabaseName = None,
    tier: TierName = None,
    proven: Annotated[
        bool, typer.Option("--proven", help="Show only those whose newest drill proved them.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the complete backups, newest first."""
    session = open_session(context.obj)
    if database is not None:
        session.databases(database)
    asked_tier = read_tier(tier)
    prefix = ROOT if asked_tier is None else tier_prefix(asked_tier)
    inventory = take_inventory(asked_stores(session, store), prefix)
    kept = [one for one in inventory.kept if database in (None, one.manifest.database)]
    proofs = _proofs(inventory.asked, [one.location.name for one in kept])
    found: list[dict[str, Any]] = []
    for one in kept:
        holders = {holder.name for holder in one.stores}
        item = describe(one.location, one.manifest) | {
            "stores": {
                holder.name: f"{holder.address}/{one.location.prefix}" for holder in one.stores
            },
            "missing": [asked.name for asked in inventory.asked if asked.name not in holders],
            "proven": None if proofs is None else _is_proven(proofs[one.location.name]),
        }
        if item["proven"] or not proven:
            found.append(item)
    report(found, as_json=as_json)
    if not as_json:
        say_list(found)
    if inventory.failures:
        raise joined(inventory.failures)


@app.command()
def show(
    context: typer.Context,
    backup: BackupName = LATEST,
    store: InStore = None,
    database: DatabaseName = None,
    as_json: Json = False,
) -> None:
    """Show all that is known of a backup: who took it, where it is, its drills, its tables."""
    session = open_session(context.obj)
    copies = wanted_copies(session, asked_stores(session, store), backup, database)
    first = copies.whole[0]
    manifest, name = first.manifest, first.location.name
    proofs = _proofs([copy.store for copy in copies.whole], [name])
    drills = [] if proofs is None else proofs[name]
    result = describe(first.location, manifest) | {
        "origin": manifest.origin.model_dump(),
        "tool_version": manifest.tool_version,
        "pg_dump_major": manifest.archive_major,
        "extensions": manifest.extensions,
        "roles": list(manifest.roles),
        "recipients": list(manifest.recipients),
        "digest": manifest_digest(manifest),
        "rewrapped_from": manifest.rewrapped_from,
        "neon_snapshot": None
        if manifest.neon_snapshot is None
        else manifest.neon_snapshot.model_dump(mode="json"),
        "stores": _places(session, copies),
        "proven": None if proofs is None else _is_proven(drills),
        "drills": [_describe_drill(proof) for proof in drills],
        "archive_bytes": manifest.archive.bytes,
        "sizes": _sizes(manifest),
    }
    report(result, as_json=as_json)
    if not as_json:
        _say(result)


def wanted_copies(
    session: Session,
    stores: Sequence[Store],
    name: str,
    database: str | None,
    *,
    pass_over_damaged: bool = True,
) -> Copies:
    """Where the backup is that is meant; `latest` is the newest of its database.

    One whose every manifest is damaged is passed over, unless that is what is looked for.

    Raises:
        ConfigurationError: the database is not in the configuration, or not said.
        NoBackupError: there is no such backup, or it is one of another database.
        IntegrityError: the manifests of what could be it cannot be trusted.
    """
    if name == LATEST:
        wanted = Wanted(database=session.database(database).name)
        newest = choose(stores, wanted, pass_over_damaged=pass_over_damaged)[0]
        return find_copies(stores, newest.location.name)
    if database is not None:
        session.databases(database)
    copies = find_copies(stores, name)
    found = copies.whole[0].manifest.database
    if database not in (None, found):
        raise NoBackupError(
            f"backup {name} is one of database {found} and not of {database}, so nothing was done:"
            f" give --database {found}, or leave it out"
        )
    return copies


def _proofs(stores: Sequence[Store], names: Sequence[str]) -> dict[str, list[Proof]] | None:
    """The drills of each backup, whichever copy they were of, newest first. None: unknown."""
    found: dict[str, list[Proof]] = {name: [] for name in names}
    try:
        for store in stores:
            for name, proofs in Proofs(store).by_backup(names).items():
                found[name] += proofs
    except (StoreError, IntegrityError) as error:
        log.warning("%s; so it is not known which backups are proven", error)
        return None
    for proofs in found.values():
        proofs.sort(key=lambda proof: proof.finished, reverse=True)
    return found


def _is_proven(proofs: Sequence[Proof]) -> bool:
    return bool(proofs) and proofs[0].proven


def _places(session: Session, copies: Copies) -> dict[str, dict[str, Any]]:
    """Each store: whether it has the backup, where, and how long it keeps it from being deleted."""
    manifest, location = copies.whole[0].manifest, copies.whole[0].location
    retention = session.configuration.retention
    until = (
        retention.locked_until(location.tier, location.started)
        if location.tier in retention.rules()
        else None
    )
    locks = {
        settings.name: not isinstance(settings, configuration.DirectoryStore)
        for settings in session.configuration.stores
    }
    states = {copy.store.name: "complete" for copy in copies.whole}
    states |= {store.name: "missing" for store in copies.missing}
    states |= {
        name: "damaged" if isinstance(error, IntegrityError) else "unreachable"
        for name, error in copies.failed.items()
    }
    return {
        store.name: {
            "state": states[store.name],
            "address": f"{store.address}/{location.prefix}",
            "bytes": manifest.bytes if states[store.name] == "complete" else None,
            "locked_until": until.isoformat()
            if until is not None and locks[store.name] and states[store.name] == "complete"
            else None,
        }
        for store in session.stores
        if store.name in states
    }


def _describe_drill(proof: Proof) -> dict[str, Any]:
    return {
        "finished": proof.finished.isoformat(),
        "proven": proof.proven,
        "store": proof.store,
        "by": proof.origin.model_dump(),
        "problems": [*proof.differences, *proof.defects],
    }


def _sizes(manifest: Manifest) -> list[dict[str, Any]]:
    """Each table, the largest first."""
    tables = sorted(manifest.tables, key=lambda table: table.bytes, reverse=True)
    return [
        {
            "schema": table.schema_name,
            "table": table.name,
            "form": table.form,
            "rows": table.rows,
            "disk_bytes": table.disk_bytes,
            "bytes": table.bytes,
            "ratio": round(table.disk_bytes / table.bytes, 2) if table.bytes else None,
            "objects": len(table.chunks),
        }
        for table in tables
    ]


def _say(result: dict[str, Any]) -> None:
    typer.echo(
        f"{result['tier']} backup {result['name']} of database {result['database']}"
        f" ({result['environment']})"
    )
    for title, text in _custody(result):
        typer.echo(f"  {title:<14} {text}")
    typer.echo("")
    say_table(
        ["table", "form", "#rows", "#on disk", "#stored", "#ratio", "#objects"],
        [
            (
                f"{size['schema']}.{size['table']}",
                size["form"],
                f"{size['rows']:,}",
                size_text(size["disk_bytes"]),
                size_text(size["bytes"]),
                f"{size['ratio']:.1f}" if size["ratio"] is not None else "-",
                str(size["objects"]),
            )
            for size in result["sizes"]
        ],
    )


def _custody(result: dict[str, Any]) -> list[tuple[str, str]]:
    """The chain of custody, a line each."""
    origin = result["origin"]
    run = f", in {origin['run']}" if origin["run"] else ""
    archive = f"{size_text(result['archive_bytes'])} of it definitions and large objects"
    seconds = _moment(result["finished"]) - _moment(result["started"])
    lines = [
        ("taken", f"{_shown(result['started'])}, in {seconds.total_seconds():.1f} s"),
        ("by", f"{origin['user']} on {origin['host']}{run}"),
        ("with", f"neonhub-backup {result['tool_version']}, pg_dump {result['pg_dump_major']}"),
        ("from", f"PostgreSQL {result['server']}"),
        ("holds", f"{counted(result)}, {archive}"),
        ("encrypted to", ", ".join(result["recipients"])),
        ("digest", result["digest"]),
    ]
    if result["neon_snapshot"]:
        branch, project = (result["neon_snapshot"][key] for key in ("branch", "project"))
        lines.append(("in Neon too", f"branch {branch} of project {project}"))
    if result["rewrapped_from"]:
        lines.append(("rewrapped from", result["rewrapped_from"]))
    for name, place in result["stores"].items():
        until = place["locked_until"]
        lock = f", locked until {_shown(until)} as its tier asks" if until else ""
        lines.append((f"store {name}", f"{place['state']}, {place['address']}{lock}"))
    for drill in result["drills"]:
        said = "proven" if drill["proven"] else f"not proven: {'; '.join(drill['problems'])}"
        by = f"{drill['by']['user']} on {drill['by']['host']}"
        lines.append(
            ("drill", f"{_shown(drill['finished'])} from store {drill['store']} by {by}: {said}")
        )
    if not result["drills"]:
        lines.append(("drill", "none known, so it is not proven"))
    return lines


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _shown(text: str) -> str:
    return moment_text(_moment(text))
