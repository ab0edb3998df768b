"""`rollback migration`: what it touches kept, its SQL undone, and marked as undone."""

import logging
import shlex
from pathlib import Path
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
from neonhub_backup.cli.options import DatabaseName, Json
from neonhub_backup.cli.output import report
from neonhub_backup.cli.people import Terminal
from neonhub_backup.cli.session import open_session, running_programs
from neonhub_backup.domain.configuration import MIGRATION, Database
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.journal import Event, Run, check_skips, default_path
from neonhub_backup.postgres.connection import connect, parse_url, server_major
from neonhub_backup.postgres.programs import client_programs
from neonhub_backup.postgres.statements import refuse_unfit
from neonhub_backup.recovery import check_command
from neonhub_backup.rollback.migrations import (
    TABLE,
    Migration,
    State,
    check_name,
    find_migration,
    read_migrations,
)
from neonhub_backup.rollback.rehearsal import Script
from neonhub_backup.rollback.steps import (
    APPLY,
    COMPARE,
    DIFFERENCE,
    MARK,
    PURPOSE,
    ROWS,
    Preview,
    Rollback,
)
from neonhub_backup.wording import size_text

log = logging.getLogger(__name__)

group = typer.Typer(
    help="Undo a change of the schema, with what it touches kept aside.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group, name="rollback")


@group.command()
def migration(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            help="The migration's name, such as 20251026_add_connector_kind_enum.", metavar="NAME"
        ),
    ],
    sql: Annotated[
        Path,
        typer.Option("--sql", help="The SQL that undoes what it has done.", metavar="FILE"),
    ],
    database: DatabaseName = None,
    directory: Annotated[
        Path | None,
        typer.Option(
            help="Where the touched tables and the schema as they were are kept. By default beside"
            " the journal.",
            metavar="DIR",
        ),
    ] = None,
    to_stores: Annotated[
        bool,
        typer.Option("--to-stores", help="Take a whole backup to every store first, too."),
    ] = False,
    lock_timeout_seconds: Annotated[
        int,
        typer.Option(
            help="Give up when a table stays in use by others for so long.",
            min=1,
            metavar="SECONDS",
        ),
    ] = 10,
    yes: Yes = False,
    skip_step: SkipStep = None,
    reason: Reason = None,
    journal: JournalFile = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Run the SQL in a transaction that is undone, say what it touches and changes,"
            " and stop.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Roll a migration back by SQL, in one transaction.

    The tables that the SQL touches are kept aside first. Given again after an interruption, it goes
    on where it stopped.
    """
    check_name(name)
    script = _read(sql)
    session = open_session(context.obj)
    chosen = session.database(database)
    target = parse_url(chosen.url(), chosen.url_variable)
    skip = read_skips(skip_step, reason)
    path = journal or default_path(session.configuration.environment, chosen.name)
    with connect(target) as connection:
        suite = client_programs(server_major(connection))
        known = read_migrations(connection)
    work = Rollback(
        configuration=session.configuration,
        database=chosen,
        stores=session.stores,
        target=target,
        suite=suite,
        migration=name,
        script=script,
        directory=directory or path.parent / f"{chosen.name}-rollback-{name}",
        lock_seconds=lock_timeout_seconds,
        to_stores=to_stores,
        people=Terminal(yes=yes),
        show=_log_preview,
        programs=running_programs,
    )
    if chosen.recovery.mark_rolled_back is not None and MARK not in skip:
        check_command(chosen.recovery.mark_rolled_back, "mark_rolled_back", chosen, suite)
    subject = f"{chosen.name} {name}"
    with recovery_journal(path, None if dry_run else target) as opened:
        run = opened.unfinished(PURPOSE, subject)
        draft = run or opened.draft(PURPOSE, subject, {"target": str(target), "file": str(sql)})
        _refuse_another(draft, work)
        steps = work.steps(draft)
        check_skips(steps, skip)
        # The SQL itself may make the database forget it.
        begun = draft.state(APPLY) is not None
        found = None if known is None or begun else find_migration(known, name)
        if dry_run:
            _say_preview(work, draft, found, as_json=as_json)
            return
        if not begun:
            _warn(found, name, chosen)
        if run is None:
            opened.begin(draft)
        draft.carry_out(steps, skip)
        draft.close("rolled back")
    _say_done(work, draft, as_json=as_json)


def _read(path: Path) -> Script:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigurationError(
            f"--sql {path} cannot be read ({reason}), so nothing was done: give the file with the"
            " SQL that undoes the migration"
        ) from error
    refuse_unfit(text, str(path))
    return Script(str(path), text)


def _refuse_another(run: Run, work: Rollback) -> None:
    """Refuse to go on with a run on another database or with another SQL than it has run."""
    before = run.inputs["target"]
    if before != str(work.target):
        raise ConfigurationError(
            f"a rollback of {work.migration} on {before} is not finished, and"
            f" {work.database.url_variable} now names {work.target}, so nothing was done: set it"
            " back, or keep another journal with --journal"
        )
    digest = run.result(APPLY).get("sha256", work.sha256)
    if digest != work.sha256:
        raise ConfigurationError(
            f"an earlier attempt has run another SQL than {work.script.name} holds now, so nothing"
            " more was done: give the file as it was, to go on after it"
        )


def _warn(found: Migration | None, name: str, database: Database) -> None:
    """Say beforehand what the marking will meet."""
    if found is None:
        log.warning("the database has no table %s, so nothing tells whether %s ran", TABLE, name)
    elif found.state is State.APPLIED and database.recovery.mark_rolled_back is not None:
        log.warning(
            "%s is recorded as applied, and Prisma marks only failed migrations as rolled back"
            " (P3012): unless the SQL sets rolled_back_at in %s itself, marking may fail after the"
            " SQL has taken effect",
            *(name, TABLE),
        )


def _preview_lines(preview: Preview) -> list[str]:
    lines = [
        f"  touches {relation}, about {relation.rows:,} rows, {size_text(relation.bytes)}"
        for relation in preview.touched
    ] or ["  touches no table"]
    if preview.difference is not None:
        lines += preview.difference.splitlines() or ["  leaves the schema as it is"]
    return lines


def _log_preview(preview: Preview) -> None:
    for line in _preview_lines(preview):
        log.info("%s", line)


def _say_preview(work: Rollback, run: Run, found: Migration | None, *, as_json: bool) -> None:
    applied = run.state(APPLY) is Event.DONE
    preview = Preview((), "") if applied else work.preview()
    command = work.database.recovery.mark_rolled_back
    result: dict[str, Any] = {
        "migration": work.migration,
        "state": None if found is None else str(found.state),
        "target": str(work.target),
        "applied_already": applied,
        "tables": [str(relation) for relation in preview.touched],
        "difference": preview.difference,
        "directory": str(work.directory),
        "journal": str(run.journal.path),
        "dry_run": True,
    }
    report(result, as_json=as_json)
    if as_json:
        return
    state = "not recorded" if found is None else f"recorded as {found.state}"
    typer.echo(f"rollback of {work.migration} ({state}) on {work.target}")
    if applied:
        typer.echo("  the SQL has been run already")
    else:
        typer.echo("\n".join(_preview_lines(preview)))
        typer.echo(f"  what it touches would be kept in {work.directory}")
    marked = " ".join(command).replace(MIGRATION, work.migration) if command else "by hand"
    typer.echo(f"  then it would be marked: {marked}")
    typer.echo("nothing was changed")


def _say_done(work: Rollback, run: Run, *, as_json: bool) -> None:
    applied = run.result(APPLY)
    directory = Path(str(applied["directory"]))
    difference = (directory / DIFFERENCE).read_text(encoding="utf-8")
    tables = applied["tables"]
    result = {
        "migration": work.migration,
        "target": str(work.target),
        "tables": tables,
        "directory": str(directory),
        "difference": difference,
        "marked": run.state(MARK) is Event.DONE,
        "journal": str(run.journal.path),
    }
    report(result, as_json=as_json)
    if as_json:
        return
    typer.echo(difference or "the schema is as it was\n", nl=False)
    typer.echo(f"rolled back: {work.migration} on {work.target}")
    typer.echo(f"  {len(tables) if isinstance(tables, tuple) else 0} tables as they were:")
    rows = shlex.quote(str(directory / ROWS))
    typer.echo(f"    createdb before && gpg -d {rows} | zstd -d | psql before")
    typer.echo("  now revert the migration in the application too, or its next deployment applies")
    typer.echo(
        f"  it again: its folder {work.migration}, and the schema that clients are made from"
    )
    if not run.result(COMPARE).get("changed"):
        typer.echo("  the SQL has left the schema as it was: was it the right one?")
