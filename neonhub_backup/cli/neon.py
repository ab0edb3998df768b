"""`neon`: snapshots as branches, restores to any second of Neon's history, and promotions."""

import logging
import os
import shlex
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
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
from neonhub_backup.cli.options import Confirm, DatabaseName, DryRun, Json, OnlyShow
from neonhub_backup.cli.output import report, say_table
from neonhub_backup.cli.people import Terminal
from neonhub_backup.cli.recording import record
from neonhub_backup.cli.session import (
    Session,
    check_confirmation,
    open_session,
    running_programs,
)
from neonhub_backup.domain.configuration import Database, Neon
from neonhub_backup.domain.recoveries import Scenario
from neonhub_backup.domain.retention import RetentionPolicy
from neonhub_backup.errors import (
    ConfigurationError,
    DrillFailedError,
    NeonRefusedError,
    UnconfirmedError,
)
from neonhub_backup.holdings.selection import parse_moment
from neonhub_backup.journal import Journal, Run, check_skips, default_path
from neonhub_backup.neon import promoting, restoring, snapshots
from neonhub_backup.neon.api import Api, open_api
from neonhub_backup.neon.snapshots import Held, View
from neonhub_backup.wording import moment_text, shown

log = logging.getLogger(__name__)

neon = typer.Typer(
    help="Snapshots as branches of Neon, and restores to any second of its history.",
    no_args_is_help=True,
)
app.add_typer(neon, name="neon")
snapshot = typer.Typer(
    help="Branches that keep production as it was, by the retention tiers.", no_args_is_help=True
)
neon.add_typer(snapshot, name="snapshot")


@dataclass(frozen=True)
class _Project:
    """What every command here begins with."""

    database: Database
    settings: Neon
    environment: str
    retention: RetentionPolicy
    session: Session
    api: Api
    view: View
    now: datetime

    def described(self) -> dict[str, Any]:
        """The project and how far it goes back, as `--json` begins."""
        owner = self.view.project.owner
        return {
            "database": self.database.name,
            "project": self.settings.project,
            "production": self.view.production.name,
            "history_seconds": self.view.project.history_retention_seconds,
            "oldest": moment_text(self.view.oldest(self.now)),
            "branches": len(self.view.branches),
            "branches_limit": None if owner is None else owner.branches_limit,
            "plan": None if owner is None else owner.subscription_type,
        }


@snapshot.command()
def create(
    context: typer.Context,
    tier: Annotated[
        str, typer.Option(help="auto (the highest that is owed), or one of the retention tiers.")
    ] = "auto",
    database: DatabaseName = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a branch of production as it is now: at once, whatever its size.

    One that is kept for up to 30 days expires by itself; another is protected from being deleted,
    if Neon's plan has room for it.
    """
    with _project(context.obj, database) as project:
        rules = project.retention.rules()
        chosen = (
            project.session.tier(tier)
            or snapshots.owed(project.retention, project.view, project.now)
            or next(iter(rules))
        )
        if chosen not in rules:
            raise ConfigurationError(
                f"--tier {tier} is not among the tiers of `neon.keep`, so no snapshot was made:"
                f" choose auto or one of {', '.join(rules)}"
            )
        result = project.described() | {"tier": str(chosen), "dry_run": dry_run}
        if dry_run:
            name = snapshots.free_name(chosen, project.view.branches, project.now)
            result |= {"name": name}
        else:
            taken = snapshots.take(
                project.api,
                project.view,
                project.environment,
                chosen,
                rules[chosen].keep,
                project.now,
            )
            result |= _snapshot(taken.held) | {"unprotected_because": taken.unprotected}
    report(result, as_json=as_json)
    if not as_json:
        verb = "would make" if dry_run else "made"
        typer.echo(
            f"{verb} {chosen} snapshot {result['name']} of branch {result['production']}"
            + ("" if dry_run else f": {_fate(result)}")
        )


@snapshot.command(name="list")
def list_snapshots(
    context: typer.Context, database: DatabaseName = None, as_json: Json = False
) -> None:
    """Show the snapshots, newest first, how far back Neon goes, and how full the plan is.

    Neon's own snapshots, which no tier concerns, are shown beside.
    """
    with _project(context.obj, database) as project:
        result = project.described() | {
            "snapshots": [_snapshot(held) for held in reversed(project.view.snapshots)],
            **_own_snapshots(project),
        }
    report(result, as_json=as_json)
    if not as_json:
        _say_list(result)


@snapshot.command()
def prune(
    context: typer.Context,
    database: DatabaseName = None,
    dry_run: OnlyShow = None,
    as_json: Json = False,
) -> None:
    """Delete the snapshots that have had their time, by the retention tiers.

    Only branches that `neon snapshot create` made for this environment are looked at, and the
    newest of each tier stays. docs/neon.md has the rules.
    """
    with _project(context.obj, database) as project:
        plan = snapshots.plan(project.retention, project.view, project.now)
        if dry_run is False:
            snapshots.delete(project.api, plan.expired)
        result: dict[str, Any] = project.described() | {
            "deleted": dry_run is False,
            "expired": [_snapshot(held) for held in plan.expired],
            "kept": [_snapshot(kept.held) | {"reason": kept.reason} for kept in plan.kept],
        }
    report(result, as_json=as_json)
    if not as_json:
        verb = "deleted" if dry_run is False else "would delete"
        for item in result["expired"]:
            typer.echo(f"{verb} {item['tier']} snapshot {item['name']}")
        for item in result["kept"]:
            typer.echo(f"keeps {item['tier']} snapshot {item['name']}: {item['reason']}")
        typer.echo(f"{verb} {len(plan.expired)} snapshots; keeps {len(plan.kept)}")
    if dry_run is None:
        raise UnconfirmedError(
            f"{len(plan.expired)} snapshots have had their time and none was deleted, because that"
            " was not confirmed: give --yes to delete them, or --dry-run only to see them"
        )


@neon.command()
def restore(
    context: typer.Context,
    at: Annotated[
        str,
        typer.Option(
            "--at",
            help="The time to go back to, e.g. 2026-01-05T02:00:00Z.",
            metavar="TIMESTAMP",
        ),
    ],
    branch: Annotated[
        str | None,
        typer.Option(
            "--branch",
            help="Name of the new branch. By default restore- and the time.",
            metavar="NAME",
        ),
    ] = None,
    show_url: Annotated[
        bool,
        typer.Option(
            "--show-url",
            help="Show its connection string, with the password: on a terminal, never in GitHub"
            " Actions.",
        ),
    ] = False,
    database: DatabaseName = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make a branch of production as it was at a time, and prove it; production is not touched.

    It has a compute of its own. The configuration's checks are asked and the rows of every table
    are counted there.
    """
    restore_at(
        context.obj,
        database,
        parse_moment(at),
        branch=branch,
        show_url=show_url,
        dry_run=dry_run,
        as_json=as_json,
    )


def restore_at(
    configuration: Path | None,
    database: str | None,
    moment: datetime,
    *,
    branch: str | None = None,
    show_url: bool = False,
    dry_run: bool,
    as_json: bool,
    beside: Mapping[str, object] = MappingProxyType({}),
) -> None:
    """Make a branch of production as it was; `beside` is what the result tells besides.

    Raises:
        DrillFailedError: the branch does not answer the checks.
        NeonError, NoBackupError, ConfigurationError: there is no new branch.
    """
    if show_url:
        _refuse_to_show(os.environ)
    with _project(configuration, database) as project:
        name = restoring.decide(project.view, moment, branch, project.now)
        promote = ["neonhub-backup", "neon", "promote", name, "--database", project.database.name]
        result = {**project.described(), **beside} | {
            "branch": name,
            "promote": shlex.join(promote),
            "at": moment_text(moment),
            "dry_run": dry_run,
        }
        if dry_run:
            report(result, as_json=as_json)
            if not as_json:
                typer.echo(
                    f"would make branch {name} of {project.view.production.name} as it was at"
                    f" {moment_text(moment)}"
                )
            return
        made = restoring.restore(
            project.api, project.settings, project.environment, project.view, moment, name
        )
    record(
        project.session,
        project.database.name,
        Scenario.BRANCH,
        command="neon restore",
        source=name,
        store=None,
        began=project.now,
    )
    target = restoring.target_of(made.uri)
    found = restoring.inspect(target, project.database.checks)
    result |= {
        "branch_id": made.branch.id,
        "host": target.host,
        "seconds_to_data": round(made.seconds_to_data, 3),
        "checks": len(project.database.checks),
        "problems": list(found.problems),
        "tables": [{"name": name, "rows": rows} for name, rows in found.rows.items()],
        "url": made.uri if show_url else None,
    }
    report(result, as_json=as_json)
    if not as_json:
        _say_restored(result)
    if found.problems:
        raise DrillFailedError(
            f"branch {name} is as {result['production']} was at {result['at']}, and does"
            f" not answer the configuration's checks: {shown(found.problems)}; it was kept: look"
            " into it, or restore to an earlier time"
        )


@neon.command()
def promote(
    context: typer.Context,
    branch: Annotated[
        str,
        typer.Argument(
            help="The branch that production is to be like, such as one of `neon restore` or a"
            " snapshot.",
            metavar="BRANCH",
        ),
    ],
    undo: Annotated[
        bool,
        typer.Option(
            "--undo",
            help="Bring back what was in production before BRANCH was promoted, by the journal.",
        ),
    ] = False,
    confirm: Confirm = None,
    yes: Yes = False,
    skip_step: SkipStep = None,
    reason: Reason = None,
    journal: JournalFile = None,
    database: DatabaseName = None,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Make production like another branch, once that is checked, and keep what it held.

    Production keeps its name and its address. Given again after an interruption, it goes on where
    it stopped.
    """
    skip = read_skips(skip_step, reason)
    with _project(context.obj, database, confirm) as project:
        environment, name = project.environment, project.database.name
        # Looking must not give production a compute.
        target = None
        if not dry_run:
            target = promoting.reach(project.api, project.settings, project.view.production)
        path = journal or default_path(environment, name)
        kept, names = None, list[str]()
        with recovery_journal(path, target) as opened:
            asked = _before(project, opened, branch, dry_run=dry_run) if undo else branch
            run = opened.unfinished(promoting.PURPOSE, name)
            if asked is not None:
                work = _promotion(project, opened, run, asked, Terminal(yes=yes))
                steps = work.steps()
                check_skips(steps, skip)
                if not dry_run:
                    if run is None:
                        opened.begin(work.run)
                    work.run.carry_out(steps, skip)
                    work.run.close(f"production is like branch {asked}")
                kept = work.run.result(promoting.SWITCH).get("kept_as")
                names = [step.name for step in steps]
    result = project.described() | {
        "branch": asked,
        "kept_as": kept,
        "left_out": sorted(skip),
        "steps": names,
        "journal": str(path),
        "dry_run": dry_run,
    }
    report(result, as_json=as_json)
    if not as_json:
        _say_promoted(result)


def _before(project: _Project, opened: Journal, branch: str, *, dry_run: bool) -> str | None:
    """The branch that holds what was in production before another was promoted.

    None: it never took effect, and is given up.
    """
    last = opened.latest(promoting.PURPOSE, project.database.name)
    promoted = None if last is None else last.inputs["branch"]
    if last is None or promoted != branch:
        raise ConfigurationError(
            f"the journal {opened.path} knows of no promotion of {branch}, or of another after it,"
            " so nothing was done: "
            + (f"the last was that of {promoted}" if promoted else "name it with --journal")
        )
    kept = promoting.kept_branch(project.api, last.noted(promoting.SWITCH))
    if last.closed and kept is None:
        raise ConfigurationError(
            f"the promotion of {branch} took no effect, or what was there before is not there any"
            " more, so nothing was done: see `neon snapshot list` for other branches"
        )
    if not last.closed and not dry_run:
        last.close("given up")
    return None if kept is None else kept.name


def _promotion(
    project: _Project, opened: Journal, run: Run | None, name: str, people: Terminal
) -> promoting.Promotion:
    """The promotion of a branch: the one that is not finished, or a new one."""
    if run is not None and run.inputs["branch"] != name:
        raise ConfigurationError(
            f"the promotion of {run.inputs['branch']} is not finished, so that of {name} was not"
            f" begun: finish that with the same command as before, or give it up with --undo"
        )
    branch = project.view.branches.get(name)
    if branch is None or branch.id == project.view.production.id:
        why = "is production itself" if branch else "is not there"
        raise ConfigurationError(
            f"branch {name} {why}, so nothing was done: choose another one of"
            f" {', '.join(project.view.branches)}"
        )
    inputs = {"branch": name, "production": project.view.production.name}
    return promoting.Promotion(
        api=project.api,
        settings=project.settings,
        database=project.database,
        production=project.view.production,
        branch=branch,
        run=run or opened.draft(promoting.PURPOSE, project.database.name, inputs),
        people=people,
        programs=running_programs,
        url=os.environ.get(project.database.url_variable) or None,
        now=project.now,
    )


@contextmanager
def _project(
    configuration_path: Path | None, name: str | None, confirm: str | None = None
) -> Generator[_Project]:
    session = open_session(configuration_path)
    check_confirmation(session.configuration, confirm)
    database = session.database(name)
    settings = database.neon
    if settings is None:
        raise ConfigurationError(
            f"database {database.name} has no `neon` in the configuration, so Neon was not asked"
            " and nothing was done: give its project, database and role there, or use `backup` and"
            " `restore` for a server of your own"
        )
    configuration = session.configuration
    with open_api(settings) as api:
        yield _Project(
            database,
            settings,
            configuration.environment,
            settings.retention(configuration.retention),
            session,
            api,
            snapshots.look(api, settings, configuration.environment),
            datetime.now(UTC),
        )


def _refuse_to_show(environment: Mapping[str, str]) -> None:
    if environment.get("GITHUB_ACTIONS") or not sys.stdout.isatty():
        raise ConfigurationError(
            "--show-url would write a password where others may read it, so nothing was done: give"
            " it on a terminal, or look the connection string up in the Neon Console"
        )


def _snapshot(held: Held) -> dict[str, Any]:
    branch = held.branch
    return {
        "name": branch.name,
        "branch_id": branch.id,
        "tier": str(held.tier),
        "created": moment_text(branch.created_at),
        "expires": None if branch.expires_at is None else moment_text(branch.expires_at),
        "protected": branch.protected,
    }


def _own_snapshots(project: _Project) -> dict[str, Any]:
    """Neon's own snapshots and their schedule. None: this project has no such thing yet."""
    try:
        found = project.api.snapshots()
        schedule = project.api.schedule(project.view.production)
    except NeonRefusedError as error:
        log.warning("Neon's own snapshots are not shown: %s", error)
        return {"neon_snapshots": None, "neon_schedule": None}
    return {
        "neon_snapshots": [
            {
                "name": one.name,
                "created": moment_text(one.created_at),
                "expires": None if one.expires_at is None else moment_text(one.expires_at),
                "manual": one.manual,
            }
            for one in found
            if one.source_branch_id in (None, project.view.production.id)
        ],
        "neon_schedule": [item.model_dump(exclude_none=True) for item in schedule],
    }


def _say_list(result: dict[str, Any]) -> None:
    limit = result["branches_limit"]
    typer.echo(
        f"branch {result['production']} of project {result['project']} goes back to"
        f" {result['oldest']}; {result['branches']} branches"
        + ("" if limit is None else f" of the {limit} that the plan includes")
    )
    say_table(
        ["snapshot", "tier", "taken", "kept"],
        [
            (item["name"], item["tier"], item["created"], _fate(item))
            for item in result["snapshots"]
        ],
    )
    own = result["neon_snapshots"]
    if own:
        say_table(
            ["Neon's own snapshot", "taken", "expires"],
            [(item["name"], item["created"], item["expires"] or "never") for item in own],
        )


def _fate(item: dict[str, Any]) -> str:
    if item["expires"] is not None:
        return f"expires {item['expires']}"
    return "protected" if item["protected"] else "not protected"


def _say_promoted(result: dict[str, Any]) -> None:
    branch, production = result["branch"], result["production"]
    if branch is None:
        typer.echo(f"the promotion was given up; branch {production} had not been changed")
    elif result["dry_run"]:
        typer.echo(f"branch {production} would be made like {branch}: {', '.join(result['steps'])}")
    else:
        kept = result["kept_as"]
        typer.echo(f"branch {production} is like {branch}; what it held before is branch {kept}")


def _say_restored(result: dict[str, Any]) -> None:
    tables = result["tables"]
    typer.echo(
        f"branch {result['branch']} is as {result['production']} was at {result['at']}, on"
        f" {result['host']}: {sum(each['rows'] for each in tables):,} rows of {len(tables)} tables,"
        f" {result['checks'] - len(result['problems'])} of {result['checks']} checks hold"
    )
    typer.echo(f"  time to data {result['seconds_to_data']:.1f} s")
    say_table(["table", "#rows"], [(each["name"], f"{each['rows']:,}") for each in tables])
    typer.echo(f"  to put it in production's place: {result['promote']}")
    if result["url"] is not None:
        typer.echo(result["url"])
