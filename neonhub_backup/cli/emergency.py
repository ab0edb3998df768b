"""`emergency restore`: the way back, step by step, however often it is interrupted."""

import logging
import shlex
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.journals import (
    JournalFile,
    Reason,
    SkipStep,
    Yes,
    read_skips,
    recovery_journal,
)
from neonhub_backup.cli.options import BackupName, Confirm, DatabaseName, DryRun, Json, NoRoles
from neonhub_backup.cli.output import report
from neonhub_backup.cli.people import Terminal
from neonhub_backup.cli.plans import plan_lines, span
from neonhub_backup.cli.recording import record
from neonhub_backup.cli.selecting import At, FromStore, TierName, asked_stores, read_wanted
from neonhub_backup.cli.session import (
    Session,
    check_confirmation,
    open_session,
    running_programs,
)
from neonhub_backup.domain.configuration import Database
from neonhub_backup.domain.recoveries import Scenario
from neonhub_backup.emergency.choice import (
    choose_good,
    choose_proven,
    damaged_states,
    is_proven,
)
from neonhub_backup.emergency.plan import describe_plan, look_around
from neonhub_backup.emergency.restore import (
    BACK_UP,
    PURPOSE,
    RESTORE,
    SWAP,
    Emergency,
    fence_is_up,
    undo,
)
from neonhub_backup.encryption import Decryptor, decryptor
from neonhub_backup.errors import ConfigurationError, UnconfirmedError
from neonhub_backup.holdings.catalogue import LATEST
from neonhub_backup.holdings.selection import Candidate, Wanted, choose
from neonhub_backup.journal import (
    Event,
    Journal,
    Run,
    check_skips,
    default_path,
)
from neonhub_backup.postgres.connection import Target, parse_url
from neonhub_backup.wording import moment_text

log = logging.getLogger(__name__)

GOES_ON_FOR = timedelta(days=1)
"""How long the same command goes on with an unfinished run without being told to."""

group = typer.Typer(
    help="The way back from a lost or damaged database, step by step.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group, name="emergency")


@group.command(name="restore")
def restore_(
    context: typer.Context,
    backup: BackupName = LATEST,
    store: FromStore = None,
    database: DatabaseName = None,
    tier: TierName = None,
    at: At = None,
    proven: Annotated[
        bool, typer.Option("--proven", help="Take the newest backup that a drill has proven.")
    ] = False,
    fence: Annotated[
        bool,
        typer.Option(
            "--fence",
            help="End every connection and let new ones only read until the restore is over,"
            " instead of waiting until nobody is connected.",
        ),
    ] = False,
    wait_minutes: Annotated[
        int,
        typer.Option(
            help="With --yes, wait so long for connections to end.", min=0, metavar="MINUTES"
        ),
    ] = 0,
    no_roles: NoRoles = False,
    confirm: Confirm = None,
    yes: Yes = False,
    skip_step: SkipStep = None,
    reason: Reason = None,
    give_up: Annotated[
        bool,
        typer.Option(
            "--undo",
            help="Give up an unfinished run: take its fence down and drop its copy.",
        ),
    ] = False,
    journal: JournalFile = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Restore a database that is lost or damaged: stop, back up, restore, migrate, try, swap.

    Given again after an interruption, it goes on where it stopped.
    """
    session = open_session(context.obj)
    check_confirmation(session.configuration, confirm)
    chosen = session.database(database)
    asked = _Asked(
        session=session,
        database=chosen,
        target=parse_url(chosen.url(), chosen.url_variable),
        wanted=read_wanted(chosen.name, backup, tier, at),
        store=store,
        proven=proven,
        fence=fence,
        roles=not no_roles,
        people=Terminal(yes=yes, wait_minutes=wait_minutes),
    )
    skip = read_skips(skip_step, reason)
    path = journal or default_path(session.configuration.environment, chosen.name)
    with recovery_journal(path, None if dry_run else asked.target) as opened:
        unfinished = opened.unfinished(PURPOSE, chosen.name)
        if unfinished is not None:
            _refuse_another(unfinished, asked)
        if give_up:
            _undo(unfinished, asked, dry_run=dry_run, as_json=as_json)
            return
        with decryptor() as decrypt:
            emergency = _prepare(asked, opened, unfinished, decrypt)
            check_skips(emergency.steps(), skip)
            plan = describe_plan(
                emergency,
                look_around(emergency, skip),
                datetime.now(UTC),
                proven=is_proven(emergency.candidates),
            )
            lines = plan_lines(plan, session.configuration.objectives.rpo)
            if dry_run:
                _say_plan(plan, lines, as_json=as_json)
                return
            for line in lines:
                log.info("%s", line)
            if unfinished is None:
                opened.begin(emergency.run)
            else:
                log.info("going on with the run that %s began at %s", *_begun(unfinished))
            emergency.carry_out(skip)
            _record(session, emergency)
        _say_done(emergency, as_json=as_json)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What the command line asks for."""

    session: Session
    database: Database
    target: Target
    wanted: Wanted
    store: str | None
    proven: bool
    fence: bool
    roles: bool
    people: Terminal


def _refuse_another(unfinished: Run, asked: _Asked) -> None:
    """Refuse to go on with a run on another database or another backup than it was begun with."""
    before = unfinished.inputs["target"]
    if before != str(asked.target):
        raise ConfigurationError(
            f"an emergency restore of {before} is not finished, and {asked.database.url_variable}"
            f" now names {asked.target}, so nothing was done: set it back, or keep another journal"
            " with --journal"
        )


def _begun(run: Run) -> tuple[str, str]:
    """Who began a run, and when."""
    return run.opened.by, moment_text(run.opened.time)


def _prepare(
    asked: _Asked, journal: Journal, unfinished: Run | None, decrypt: Decryptor
) -> Emergency:
    """The run with the backup that it restores: that of the unfinished one, or the one chosen.

    Raises:
        BackupError: there is no such backup, or no key can read it.
    """
    candidates = _choose(asked, journal, unfinished)
    manifest = candidates[0].manifest
    decrypt.check(manifest.recipients, manifest.name)
    inputs = {"backup": manifest.name, "target": str(asked.target), "fence": asked.fence}
    return Emergency(
        configuration=asked.session.configuration,
        database=asked.database,
        stores=asked.session.stores,
        target=asked.target,
        candidates=candidates,
        decrypt=decrypt,
        run=unfinished or journal.draft(PURPOSE, asked.database.name, inputs),
        people=asked.people,
        programs=running_programs,
        fenced=asked.fence or (unfinished is not None and fence_is_up(unfinished)),
        roles=asked.roles,
    )


def _choose(asked: _Asked, journal: Journal, unfinished: Run | None) -> list[Candidate]:
    stores = asked_stores(asked.session, asked.store)
    name = asked.database.name
    if unfinished is None:
        if asked.proven:
            return choose_proven(stores, asked.wanted)
        return choose_good(stores, asked.wanted, damaged_states(journal))
    before = str(unfinished.inputs["backup"])
    if asked.proven or asked.wanted not in (
        Wanted(database=name),
        Wanted(database=name, name=before),
    ):
        raise ConfigurationError(
            f"an emergency restore from backup {before} is not finished, so no other one can be"
            " chosen and nothing was done: go on without choosing, or give it up with --undo first"
        )
    if asked.wanted.name == LATEST and datetime.now(UTC) - unfinished.opened.time > GOES_ON_FOR:
        by, at = _begun(unfinished)
        raise UnconfirmedError(
            f"the emergency restore that {by} began at {at} is not finished, and what it has"
            " prepared may be too old, so nothing was done: give it up with --undo, or go on by"
            f" naming its backup, {before}"
        )
    return choose(stores, Wanted(database=name, name=before))


def _undo(unfinished: Run | None, asked: _Asked, *, dry_run: bool, as_json: bool) -> None:
    if unfinished is None:
        raise ConfigurationError(
            f"no emergency restore of {asked.database.name} is unfinished, so there is nothing to"
            " undo"
        )
    if unfinished.state(SWAP) is Event.DONE:
        raise ConfigurationError(
            "the restored copy has the database's name already, so nothing was undone: bring the"
            f" former one back with {_revert(asked.database, unfinished)}"
        )
    if not dry_run:
        asked.people.confirm(f"the restore of {asked.target} that is not finished is given up")
    dropped = undo(unfinished, asked.target, dry_run=dry_run)
    undone = {"undone": unfinished.name, "dropped": dropped, "dry_run": dry_run}
    report(undone, as_json=as_json)
    if as_json:
        return
    if dry_run:
        by, at = _begun(unfinished)
        typer.echo(f"the restore of {asked.target} that {by} began at {at} would be given up")
    else:
        typer.echo(f"given up: {asked.target} is as it was and can be written to")
    if dropped is not None:
        typer.echo(f"  the copy {dropped} {'would be' if dry_run else 'was'} dropped")
    if dry_run:
        typer.echo("nothing was changed")


def _revert(database: Database, run: Run) -> str:
    aside = run.result(SWAP).get("aside")
    return f"neonhub-backup restore revert --into {database.url_variable}" + (
        f" --from {shlex.quote(str(aside))}" if aside else ""
    )


def _say_plan(plan: dict[str, Any], lines: list[str], *, as_json: bool) -> None:
    report(plan | {"dry_run": True}, as_json=as_json)
    if as_json:
        return
    typer.echo("\n".join(lines))
    typer.echo("nothing was changed")


def _record(session: Session, emergency: Emergency) -> None:
    run = emergency.run
    # None: an interrupted run had restored it before it could note from where.
    store = run.result(RESTORE).get("store")
    record(
        session,
        emergency.database.name,
        Scenario.STORE,
        command=PURPOSE,
        source=emergency.candidates[0].manifest.name,
        store=None if store is None else str(store),
        began=run.opened.time,
    )


def _say_done(emergency: Emergency, *, as_json: bool) -> None:
    run, first = emergency.run, emergency.candidates[0]
    took = datetime.now(UTC) - run.opened.time
    allowed = timedelta(minutes=emergency.configuration.objectives.rto_minutes)
    aside = run.result(SWAP).get("aside")
    saved = run.result(BACK_UP)
    restart = emergency.database.recovery.restart
    result = {
        "backup": first.manifest.name,
        "target": str(emergency.target),
        "set_aside": aside,
        "present_state": dict(saved),
        "seconds": round(took.total_seconds(), 1),
        "within_rto": took <= allowed,
        "revert": _revert(emergency.database, run) if aside else None,
        "restart": list(restart),
        "journal": str(run.journal.path),
    }
    report(result, as_json=as_json)
    if as_json:
        return
    slower = "within" if took <= allowed else "MORE than"
    typer.echo(
        f"restored: {emergency.target} holds backup {first.manifest.name}, after {span(took)},"
        f" {slower} the objective of {span(allowed)}"
    )
    if saved.get("backup"):
        typer.echo(f"  what was there before is backup {saved['backup']}")
    elif saved.get("directory"):
        typer.echo(f"  what could be read of what was there before is in {saved['directory']}")
    if aside:
        typer.echo(f"  and is kept whole as database {aside}; to bring it back:")
        typer.echo(f"    {_revert(emergency.database, run)}")
    for line in restart:
        typer.echo(f"  start again: {line}")
    typer.echo(f"  for the post-mortem: {run.journal.path}")
