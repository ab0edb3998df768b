"""`pitr`: a self-hosted server as it was at any moment, in a new data directory."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from neonhub_backup.archiving.goal import Goal, Kind, goal_at
from neonhub_backup.archiving.recovering import Plan, Recovered, Wanted, plan_recovery, recover
from neonhub_backup.archiving.segments import parse_lsn
from neonhub_backup.cli.app import app
from neonhub_backup.cli.archives import chosen_archive, tool_for
from neonhub_backup.cli.host_files import absolute
from neonhub_backup.cli.options import DatabaseName, DryRun, Json
from neonhub_backup.cli.output import report
from neonhub_backup.cli.recording import record
from neonhub_backup.cli.session import running_programs
from neonhub_backup.domain.configuration import Database
from neonhub_backup.domain.recoveries import Scenario
from neonhub_backup.errors import ConfigurationError, DrillFailedError
from neonhub_backup.holdings.selection import parse_moment
from neonhub_backup.postgres.connection import parse_url


@app.command()
def pitr(
    context: typer.Context,
    data: Annotated[
        Path,
        typer.Argument(
            help="The new data directory: one that does not exist, or is empty.", metavar="DATADIR"
        ),
    ],
    at: Annotated[
        str | None,
        typer.Option(
            "--at", help="Recover to this time, such as 2026-01-05T02:00:00Z.", metavar="TIME"
        ),
    ] = None,
    xid: Annotated[
        int | None,
        typer.Option("--xid", help="Recover to this transaction's end.", min=3, metavar="NUMBER"),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            help="Recover to a restore point, which pg_create_restore_point gave this name.",
            metavar="NAME",
        ),
    ] = None,
    lsn: Annotated[
        str | None,
        typer.Option("--lsn", help="Recover to this position, such as 0/3000028.", metavar="LSN"),
    ] = None,
    latest: Annotated[
        bool, typer.Option("--latest", help="Recover everything that was archived.")
    ] = False,
    standby: Annotated[
        bool,
        typer.Option(
            "--standby",
            help="Recover everything, and leave a standby that follows the archive once started.",
        ),
    ] = False,
    before: Annotated[
        bool,
        typer.Option(
            "--before",
            help="Stop just before the target and not just after it: with --xid, without that"
            " transaction.",
        ),
    ] = False,
    base: Annotated[
        str | None,
        typer.Option(
            "--base",
            help="Begin with this base backup. By default with the newest before the target, and"
            " with --xid and --name with the oldest, since it is unknown when they were.",
            metavar="NAME",
        ),
    ] = None,
    timeline: Annotated[
        int | None,
        typer.Option(
            "--timeline",
            help="Recover on this timeline. By default on the newest, which the recovery before"
            " this one began.",
            min=1,
            metavar="NUMBER",
        ),
    ] = None,
    superuser: Annotated[
        str, typer.Option("--user", help="A superuser of the server.", metavar="NAME")
    ] = "postgres",
    database: DatabaseName = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Recover a self-hosted server to any moment, from a base backup and the WAL after it.

    A private server replays the WAL, is looked at, and is shut down again: the data directory is
    left ready to be started. Nothing that runs is touched.
    """
    began = datetime.now(UTC)
    goal = _goal(at=at, xid=xid, name=name, lsn=lsn, latest=latest, standby=standby, before=before)
    session, chosen, archive = chosen_archive(context.obj, database)
    wanted = Wanted(goal, base, timeline, _name_on_server(chosen), superuser, chosen.checks)
    plan = plan_recovery(archive, wanted)
    if dry_run:
        result = _planned(plan)
        report(result, as_json=as_json)
        if not as_json:
            typer.echo(
                f"would recover to {plan.goal} from base backup {plan.base.name}, complete since"
                f" {plan.base.ended.isoformat()}, on timeline {plan.timeline}"
            )
        return
    tool = tool_for(context.obj, chosen)
    with running_programs() as programs:
        recovered = recover(archive, plan, wanted, absolute(data), tool, programs)
    record(
        session,
        chosen.name,
        Scenario.PITR,
        command="pitr",
        source=plan.base.name,
        store=None,
        began=began,
    )
    result = _result(recovered, data)
    report(result, as_json=as_json)
    if not as_json:
        _say(recovered, data)
    if recovered.problems:
        raise DrillFailedError(
            f"{data} is recovered and is not as the configuration expects"
            f" ({'; '.join(recovered.problems)}): look into each, or recover to another moment into"
            " another directory"
        )


def _goal(
    *,
    at: str | None,
    xid: int | None,
    name: str | None,
    lsn: str | None,
    latest: bool,
    standby: bool,
    before: bool,
) -> Goal:
    """The one goal that the options name."""
    given = {
        "--at": at is not None,
        "--xid": xid is not None,
        "--name": name is not None,
        "--lsn": lsn is not None,
        "--latest": latest,
        "--standby": standby,
    }
    chosen = [option for option, there in given.items() if there]
    if len(chosen) != 1:
        said = " and ".join(chosen) or "none"
        raise ConfigurationError(
            f"exactly one of {', '.join(given)} says where a recovery stops, and {said} was given,"
            " so nothing was done: give one"
        )
    if before and chosen[0] not in {"--at", "--xid", "--lsn"}:
        raise ConfigurationError(
            f"--before goes with --at, --xid or --lsn and not with {chosen[0]}, so nothing was"
            " done: leave it out"
        )
    if at is not None:
        moment = parse_moment(at)
        if moment > datetime.now(UTC):
            raise ConfigurationError(
                f"--at {at} is in the future, so nothing could be recovered to it: give --latest"
                " for all that was archived"
            )
        return goal_at(moment, before=before)
    if xid is not None:
        return Goal(Kind.XID, str(xid), before)
    if name is not None:
        return Goal(Kind.NAME, name)
    if lsn is not None:
        try:
            parse_lsn(lsn)
        except ValueError as error:
            raise ConfigurationError(
                f"--lsn {lsn} is not a position, so nothing was done: write it as 0/3000028"
            ) from error
        return Goal(Kind.LSN, lsn, before)
    return Goal(Kind.LATEST if latest else Kind.STANDBY)


def _name_on_server(database: Database) -> str:
    """What the server calls a database: the connection string says so, when there is one."""
    url = os.environ.get(database.url_variable)
    return parse_url(url, database.url_variable).database if url else database.name


def _planned(plan: Plan) -> dict[str, Any]:
    return {
        "base": plan.base.name,
        "base_ended": plan.base.ended.isoformat(),
        "target": str(plan.goal),
        "timeline": plan.timeline,
        "newest_segment": plan.reached.newest,
        "missing_segment": plan.reached.missing,
    }


def _result(recovered: Recovered, data: Path) -> dict[str, Any]:
    last = recovered.last_transaction
    return _planned(recovered.plan) | {
        "directory": str(data),
        "last_transaction": None if last is None else last.astimezone(UTC).isoformat(),
        "position": recovered.position,
        "recovered_timeline": recovered.timeline,
        "tables": recovered.tables,
        "problems": list(recovered.problems),
        "seconds_to_restore": round(recovered.seconds_to_restore, 3),
        "seconds_to_data": round(recovered.seconds_to_data, 3),
    }


def _say(recovered: Recovered, data: Path) -> None:
    plan, last = recovered.plan, recovered.last_transaction
    until = "no transaction after it" if last is None else f"up to {last.astimezone(UTC)}"
    typer.echo(f"{data}: recovered to {plan.goal} from base backup {plan.base.name}, {until}")
    rows = sum(recovered.tables.values())
    typer.echo(
        f"  {rows:,} rows of {len(recovered.tables)} tables; base backup restored in"
        f" {recovered.seconds_to_restore:.1f} s, time to data {recovered.seconds_to_data:.1f} s"
    )
    if plan.goal.kind is Kind.STANDBY:
        typer.echo(f"  start it to follow the archive: pg_ctl start -D {data}")
        return
    typer.echo(
        f"  start it with pg_ctl start -D {data}; it continues on timeline {recovered.timeline}, so"
        " take a new base backup"
    )
