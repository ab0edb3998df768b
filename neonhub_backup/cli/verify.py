"""`verify`: is every copy of a backup what was written?"""

from contextlib import ExitStack
from typing import Annotated, Any

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.catalogue import InStore, wanted_copies
from neonhub_backup.cli.options import BackupName, DatabaseName, Json
from neonhub_backup.cli.output import report
from neonhub_backup.cli.selecting import asked_stores
from neonhub_backup.cli.session import open_session, running_programs
from neonhub_backup.encryption import decryptor
from neonhub_backup.errors import BackupError, IntegrityError, PartialBackupError, StoreError
from neonhub_backup.holdings.catalogue import LATEST
from neonhub_backup.holdings.copies import Copies
from neonhub_backup.upkeep.verifying import Verdict
from neonhub_backup.upkeep.verifying import verify as verify_copy
from neonhub_backup.wording import shown, size_text


@app.command()
def verify(
    context: typer.Context,
    backup: BackupName = LATEST,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep",
            help="Decrypt and open each object too, and count the rows. Needs the private key.",
        ),
    ] = False,
    store: InStore = None,
    database: DatabaseName = None,
    as_json: Json = False,
) -> None:
    """Read every object of a backup in every store, and compare each with the manifest."""
    session = open_session(context.obj)
    stores = asked_stores(session, store)
    copies = wanted_copies(session, stores, backup, database)
    name = copies.whole[0].location.name
    verdicts: dict[str, Verdict | BackupError] = dict(copies.failed)
    with ExitStack() as stack:
        programs = stack.enter_context(running_programs())
        decrypt = None
        if deep:
            decrypt = stack.enter_context(decryptor())
            decrypt.check(copies.whole[0].manifest.recipients, name)
        for copy in copies.whole:
            try:
                verdicts[copy.store.name] = verify_copy(copy, programs, decrypt)
            except StoreError as error:
                verdicts[copy.store.name] = error
    described = {
        **{store_name: _describe(verdict) for store_name, verdict in verdicts.items()},
        **{missing.name: _missing(missing.address) for missing in copies.missing},
    }
    ordered = {one.name: described[one.name] for one in stores}
    report({"name": name, "deep": deep, "stores": ordered}, as_json=as_json)
    if not as_json:
        for store_name, said in ordered.items():
            _say(store_name, said, deep=deep)
    _raise(name, verdicts, copies)


def _describe(verdict: Verdict | BackupError) -> dict[str, Any]:
    if isinstance(verdict, BackupError):
        state = "damaged" if isinstance(verdict, IntegrityError) else "unread"
        return _empty(state) | {"problems": [str(verdict)]}
    manifest = verdict.copy.manifest
    state = "whole" if verdict.is_whole else "damaged" if verdict.damage else "unread"
    return {
        "verdict": state,
        "objects": len(manifest.objects()) + 1,
        "bytes": manifest.bytes,
        "problems": [*verdict.damage, *verdict.unread],
        "unexpected": verdict.unexpected,
        "seconds": round(verdict.seconds, 3),
    }


def _missing(address: str) -> dict[str, Any]:
    return _empty("missing") | {"problems": [f"{address} has no complete copy of it"]}


def _empty(state: str) -> dict[str, Any]:
    return {
        "verdict": state,
        "objects": 0,
        "bytes": 0,
        "problems": [],
        "unexpected": [],
        "seconds": 0.0,
    }


def _say(store: str, said: dict[str, Any], *, deep: bool) -> None:
    if said["verdict"] == "whole":
        opened = ", decrypted and counted" if deep else ""
        typer.echo(
            f"{store}: whole, {said['objects']} objects, {size_text(said['bytes'])} read{opened}"
            f" in {said['seconds']:.1f} s"
        )
    else:
        typer.echo(f"{store}: {said['verdict']}")
        for problem in said["problems"]:
            typer.echo(f"  {problem}")
    for name in said["unexpected"]:
        typer.echo(f"  {name} is not in the manifest; no restore reads it")


def _raise(name: str, verdicts: dict[str, Verdict | BackupError], copies: Copies) -> None:
    """End with the code of the worst that was found."""
    damaged = [
        f"store {store} ({_shown(verdict)})"
        for store, verdict in verdicts.items()
        if isinstance(verdict, IntegrityError) or (isinstance(verdict, Verdict) and verdict.damage)
    ]
    if damaged:
        raise IntegrityError(
            f"backup {name} is damaged in {' and '.join(damaged)}: restore from another store or"
            " another backup, bring back the objects' earlier versions, and find out who or what"
            " changed them"
        )
    unread = [
        f"store {store} ({_shown(verdict)})"
        for store, verdict in verdicts.items()
        if not isinstance(verdict, Verdict) or verdict.unread
    ]
    if unread:
        raise StoreError(
            f"backup {name} could not be read to its end in {' and '.join(unread)}, so it is not"
            " known whether it is whole there: mend that and verify again"
        )
    if copies.missing:
        raise PartialBackupError(
            f"backup {name} is missing in store {', '.join(one.name for one in copies.missing)} and"
            f" whole in {', '.join(verdicts)}: bring it there with neonhub-backup copy"
        )


def _shown(verdict: Verdict | BackupError) -> str:
    if isinstance(verdict, BackupError):
        return str(verdict)
    return shown([*verdict.damage, *verdict.unread])
