"""`keys`: whether they will do, and encrypting anew when they are replaced."""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.catalogue import wanted_copies
from neonhub_backup.cli.options import DatabaseName, Json, StoreName
from neonhub_backup.cli.output import report
from neonhub_backup.cli.selecting import FromStore, asked_stores, read_wanted
from neonhub_backup.cli.session import Session, open_session, running_programs
from neonhub_backup.domain.layout import Location
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.encryption import WARNED_BEFORE, Decryptor, decryptor, encryptor
from neonhub_backup.errors import BackupError, ConfigurationError, EncryptionError
from neonhub_backup.holdings.catalogue import LATEST
from neonhub_backup.holdings.selection import choose, first_that_works
from neonhub_backup.public_keys import Part
from neonhub_backup.stores.base import Store
from neonhub_backup.upkeep.indexing import keep_up
from neonhub_backup.upkeep.key_checks import Finding, PrivateKey, check_backup, check_recipients
from neonhub_backup.upkeep.rewrapping import PROCEDURE, Outcome, Rotated, Rotation, every_current

log = logging.getLogger(__name__)

keys = typer.Typer(
    help="Check the keys of the recipients, and encrypt backups anew for others.",
    no_args_is_help=True,
)
app.add_typer(keys, name="keys")

_SAID = {
    PrivateKey.OPENS: "a test message was encrypted to it, and the private key at hand opened it",
    PrivateKey.ABSENT: "a test message was encrypted to it; its private key is not at hand",
}


@keys.command()
def check(
    context: typer.Context,
    backup: Annotated[
        str | None,
        typer.Option(
            "--backup",
            help="Open this backup too, with the private key at hand: its name, or `latest` for the"
            " newest of each database.",
            metavar="BACKUP",
        ),
    ] = None,
    store: FromStore = None,
    database: DatabaseName = None,
    warn_days: Annotated[
        int,
        typer.Option(
            "--warn-days",
            help="Warn of a key that expires within so many days.",
            metavar="DAYS",
            min=0,
        ),
    ] = WARNED_BEFORE.days,
    as_json: Json = False,
) -> None:
    """Check every recipient's public key, and the private key if it is at hand."""
    session = open_session(context.obj)
    with ExitStack() as stack:
        decrypt, refusal = _private_keys(stack)
        findings = check_recipients(
            session.configuration.encryption.public_keys,
            decrypt,
            datetime.now(UTC),
            timedelta(days=warn_days),
        )
        opened = [] if backup is None else _open(session, backup, store, database, decrypt)
    result = {
        "recipients": [_describe(finding) for finding in findings],
        "private_key_problem": refusal,
        "backups": opened,
    }
    report(result, as_json=as_json)
    if not as_json:
        _say(findings, opened)
    problems = [
        *filter(None, (refusal, *(finding.problem for finding in findings))),
        *(one["problem"] for one in opened if one["problem"]),
    ]
    if problems:
        raise EncryptionError("; ".join(problems))


@keys.command()
def rotate(
    context: typer.Context,
    backups: Annotated[
        list[str] | None,
        typer.Argument(
            help="Names of backups as `list` shows them, or `latest`. Without any, nothing is done"
            " but to say how a key is replaced.",
            metavar="BACKUP...",
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option("--all", help="Re-wrap every backup that has other recipients than today's."),
    ] = False,
    store: StoreName = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to", help="Write into this store. By default into that of --store.", metavar="NAME"
        ),
    ] = None,
    database: DatabaseName = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be re-wrapped, and write nothing.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Encrypt backups anew to the recipients of the present configuration, as backups of their own.

    Old backups stay until they expire. What an earlier run has re-wrapped is skipped.
    """
    if not backups and not every:
        if as_json:
            raise ConfigurationError(
                "no backup is named, so nothing was done: name some, or give --all"
            )
        typer.echo(PROCEDURE)
        return
    if backups and every:
        raise ConfigurationError(
            "backups are named and --all asks for every one, so it is unclear which are meant and"
            " nothing was done: leave one of the two out"
        )
    session = open_session(context.obj)
    reading = session.store(store)
    writing = reading if to is None else session.store(to, "--to")
    found, failures = (
        ([_find(session, reading, name, database) for name in backups], [])
        if backups
        else every_current(reading, {one.name for one in session.databases(database)})
    )
    for damaged in failures:
        log.error("%s", damaged)
    results: list[dict[str, Any]] = []
    begun: list[datetime] = []
    public_keys = session.configuration.encryption.public_keys
    with encryptor(public_keys) as encrypt, decryptor() as decrypt:
        rotation = Rotation(reading, writing, session.configuration.retention, encrypt, decrypt)
        for location, manifest in found:
            try:
                with running_programs() as programs:
                    done = rotation.one(location, manifest, programs, dry_run=dry_run)
            except BackupError as error:
                log.error("%s", error)  # noqa: TRY400 - the sentence says it all; the next one follows
                failures.append(error)
                continue
            results.append(_describe_rotated(done))
            if done.outcome is Outcome.REWRAPPED and done.copy:
                begun.append(done.copy.started)
            if not as_json:
                _say_rotated(done)
    keep_up(session.configuration, [(writing, each) for each in begun], datetime.now(UTC))
    report(results, as_json=as_json)
    if failures:
        first, *others = failures
        more = f"; and {len(others)} more could not be re-wrapped" if others else ""
        raise type(first)(f"{first}{more}")


def _private_keys(stack: ExitStack) -> tuple[Decryptor | None, str | None]:
    """What decrypts, or why nothing does."""
    try:
        return stack.enter_context(decryptor()), None
    except EncryptionError as error:
        return None, str(error)


def _open(
    session: Session,
    backup: str,
    store: str | None,
    database: str | None,
    decrypt: Decryptor | None,
) -> list[dict[str, Any]]:
    """Open a backup: of the database that is named, or of each."""
    results: list[dict[str, Any]] = []
    stores = asked_stores(session, store)
    chosen = session.databases(database) if backup == LATEST else (session.database(database),)
    for one in chosen:
        candidates = choose(stores, read_wanted(one.name, backup, None, None))
        manifest = candidates[0].manifest
        problem: str | None = None
        if decrypt is None:
            problem = f"backup {manifest.name} cannot be opened: no private key can be used"
        else:
            try:
                first_that_works(candidates, lambda copy: check_backup(copy.source(decrypt)))
            except EncryptionError as error:
                problem = str(error)
        results.append(
            {
                "backup": manifest.name,
                "database": one.name,
                "recipients": list(manifest.recipients),
                "problem": problem,
            }
        )
    return results


def _describe(finding: Finding) -> dict[str, Any]:
    key = finding.key
    return {
        "field": finding.field,
        "fingerprint": key and key.fingerprint,
        "user_id": key and key.user_id,
        "expires": _day(key.expires) if key else None,
        "primary": key and _describe_part(key.primary),
        "encrypting": _describe_part(key.encrypting) if key and key.encrypting else None,
        "private_key": str(finding.private_key),
        "problem": finding.problem,
        "warning": finding.warning,
    }


def _describe_part(part: Part) -> dict[str, Any]:
    return {
        "fingerprint": part.fingerprint,
        "algorithm": part.algorithm,
        "created": part.created.isoformat(),
        "expires": _day(part.expires),
    }


def _day(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def _say(findings: Sequence[Finding], opened: Sequence[dict[str, Any]]) -> None:
    for finding in findings:
        typer.echo(f"{finding.field}: {finding.key.user_id if finding.key else 'no key'}")
        if finding.key:
            typer.echo(f"  key {_part_text(finding.key.primary)}")
            if finding.key.encrypting:
                typer.echo(f"  encrypts to {_part_text(finding.key.encrypting)}")
        for line in (finding.warning, finding.problem or _SAID[finding.private_key]):
            if line:
                typer.echo(f"  {line}")
    for one in opened:
        said = one["problem"] or "an object of it was opened with the private key at hand"
        typer.echo(f"backup {one['backup']} of database {one['database']}: {said}")


def _part_text(part: Part) -> str:
    until = f"expires {part.expires:%Y-%m-%d}" if part.expires else "never expires"
    return f"{part.fingerprint}, {part.algorithm}, created {part.created:%Y-%m-%d}, {until}"


def _find(
    session: Session, store: Store, name: str, database: str | None
) -> tuple[Location, Manifest]:
    copy = wanted_copies(session, (store,), name, database).whole[0]
    return copy.location, copy.manifest


def _describe_rotated(done: Rotated) -> dict[str, Any]:
    return {
        "backup": done.original.name,
        "database": done.original.database,
        "tier": str(done.original.tier),
        "outcome": str(done.outcome),
        "copy": done.copy and done.copy.name,
    }


def _say_rotated(done: Rotated) -> None:
    copy = done.copy.name if done.copy else ""
    said = {
        Outcome.NEEDLESS: "is encrypted to the recipients of the configuration, and to no others",
        Outcome.ALREADY: f"was re-wrapped before, as {copy}",
        Outcome.OWED: "would be re-wrapped",
        Outcome.REWRAPPED: f"was re-wrapped as {copy}",
    }
    typer.echo(f"{done.original.tier} backup {done.original.name} {said[done.outcome]}")
