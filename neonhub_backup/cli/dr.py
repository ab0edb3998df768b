"""`dr`: the disaster checklist, walked through step by step."""

import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from neonhub_backup.backup import origin
from neonhub_backup.cli.app import app
from neonhub_backup.cli.journals import JournalFile
from neonhub_backup.cli.looking import look
from neonhub_backup.cli.options import DatabaseName, Json
from neonhub_backup.cli.output import report, say_table
from neonhub_backup.cli.plans import span
from neonhub_backup.cli.recording import record
from neonhub_backup.cli.session import Session, open_session, read_target, running_programs
from neonhub_backup.domain.configuration import Database
from neonhub_backup.domain.recoveries import Scenario
from neonhub_backup.dr.checklist import CHECKLIST, KNOWN_GOOD, STAGE, Item
from neonhub_backup.dr.disaster import (
    PURPOSE,
    Disaster,
    is_settled,
    journal_path,
    next_item,
)
from neonhub_backup.dr.postmortem import GIVEN_UP, describe_outcome, outcome, postmortem
from neonhub_backup.errors import BackupError, ConfigurationError, UnconfirmedError
from neonhub_backup.files import already_there, new_file
from neonhub_backup.holdings.selection import Candidate, parse_moment
from neonhub_backup.journal import (
    HIDDEN,
    Event,
    Journal,
    Run,
    default_path,
    open_journal,
    peek_journal,
)
from neonhub_backup.postgres.connection import Target, parse_url
from neonhub_backup.wording import moment_text

group = typer.Typer(
    help="The disaster checklist as a journal: what to do next, and what was done when.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(group, name="dr")


@group.command()
def start(
    context: typer.Context,
    what: Annotated[
        str | None,
        typer.Option("--what", help="What was reported, in a sentence.", metavar="TEXT"),
    ] = None,
    database: DatabaseName = None,
    journal: JournalFile = None,
    as_json: Json = False,
) -> None:
    """Begin a disaster's journal; from now on its time counts."""
    case = _case(context.obj, database, journal)
    with case.written() as opened:
        unfinished = opened.unfinished(PURPOSE, case.database.name)
        if unfinished is not None:
            raise ConfigurationError(
                f"the disaster that {unfinished.opened.by} began at"
                f" {moment_text(unfinished.opened.time)} is not finished, so no other was begun: go"
                " on with `dr next`, or end it with `dr finish`, if need be with --abandon"
            )
        said = case.hidden(what) if what else None
        run = opened.begin(opened.draft(PURPOSE, case.database.name, {"what": said}))
        _say_run(case, run, as_json=as_json)


@group.command(name="next")
def next_(
    context: typer.Context,
    answer: Annotated[
        str | None,
        typer.Option(
            "--answer", help="What the step asks, for runs that nobody watches.", metavar="TEXT"
        ),
    ] = None,
    skip: Annotated[
        str | None,
        typer.Option(
            "--skip", help="Leave the step out; the journal keeps the reason.", metavar="REASON"
        ),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            "--into",
            help="For restore-to-staging: the NAME of an environment variable that holds the"
            " connection string of a database of staging. One with tables is set aside.",
            metavar="STAGING_URL",
        ),
    ] = None,
    well_at: Annotated[
        str | None,
        typer.Option(
            "--at",
            help="For known-good: the last time at which all was well, such as"
            " 2026-01-05T02:00:00Z. By default when the disaster's journal was begun.",
            metavar="TIMESTAMP",
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Go on to the last step instead of doing one.")
    ] = False,
    step: Annotated[
        str | None,
        typer.Option(
            "--step",
            help="Do this step, once more if need be, instead of the next.",
            metavar="NAME",
        ),
    ] = None,
    database: DatabaseName = None,
    journal: JournalFile = None,
    as_json: Json = False,
) -> None:
    """Do the next step: run what can be run, ask for the rest, and write both down.

    Given again after a failure or an interruption, it goes on at the same step.
    """
    _check({"--answer": answer, "--skip": skip, "--step": step}, everything=everything)
    named = None if step is None else _item(step)
    moment = None if well_at is None else parse_moment(well_at)
    case = _case(context.obj, database, journal)
    done: list[dict[str, Any]] = []
    with case.written() as opened:
        run = case.unfinished(opened)
        disaster = case.disaster(run, into, moment, _Terminal(answer, case))
        while (item := named or next_item(run)) is not None:
            if not everything:
                _refuse_useless(item, into=into, well_at=well_at)
            _announce(item)
            disaster.carry_out(item, skip)
            done.append(_describe_item(run, item))
            if not everything:
                break
        if not done:
            raise ConfigurationError(
                "every step is done or was left out, so nothing more was done: write the draft of"
                " the post-mortem with `dr finish`"
            )
        left = next_item(run)
    report({"steps": done, "next": None if left is None else left.name}, as_json=as_json)
    if as_json:
        return
    for one in done:
        typer.echo(f"{one['name']}: {one['state']}")
    typer.echo("next: `dr finish`" if left is None else f"next: {left.name}: {left.title}")


@group.command()
def status(
    context: typer.Context,
    database: DatabaseName = None,
    journal: JournalFile = None,
    as_json: Json = False,
) -> None:
    """Show which steps are done, by whom, and how much of the promised time has passed."""
    case = _case(context.obj, database, journal)
    opened = peek_journal(case.path)
    run = opened.latest(PURPOSE, case.database.name)
    if run is None:
        raise case.none_begun()
    _say_run(case, run, as_json=as_json)


@group.command()
def finish(
    context: typer.Context,
    abandon: Annotated[
        str | None,
        typer.Option(
            "--abandon",
            help="End it although steps are open; the journal keeps the reason.",
            metavar="REASON",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="The post-mortem's file. By default"
            " postmortem-<environment>-<database>-<time>.md in the current directory.",
            metavar="FILE",
        ),
    ] = None,
    database: DatabaseName = None,
    journal: JournalFile = None,
    as_json: Json = False,
) -> None:
    """End the disaster, and write the draft of its post-mortem.

    Given again, it writes the draft of the one that was ended last once more, into another file.
    """
    case = _case(context.obj, database, journal)
    with case.written() as opened:
        run = opened.latest(PURPOSE, case.database.name)
        if run is None:
            raise case.none_begun()
        left = [item.name for item in CHECKLIST if not is_settled(run, item)]
        if left and not run.closed and not (abandon and abandon.strip()):
            raise UnconfirmedError(
                f"{', '.join(left)} {'is' if len(left) == 1 else 'are'} open, so the disaster was"
                " not ended: go on with `dr next`, leave a step out with `dr next --skip REASON`,"
                " or end it all the same with --abandon REASON"
            )
        file = output or Path(
            f"postmortem-{case.session.configuration.environment}-{case.database.name}"
            f"-{run.opened.time:%Y%m%dT%H%M%SZ}.md"
        )
        if file.exists():
            raise already_there(file)
        if not run.closed:
            run.close(f"{GIVEN_UP}{case.hidden(abandon)}" if left and abandon else "finished")
        found = outcome(case.session.configuration, run, datetime.now(UTC))
        text = postmortem(
            case.session.configuration,
            case.database,
            run,
            peek_journal(case.recoveries_path),
            found,
        )
        with new_file(file) as written:
            written.write(text.encode())
            written.commit()
    result = {"postmortem": str(file), "open": left, **describe_outcome(found)}
    report(result, as_json=as_json)
    if as_json:
        return
    down = "traffic was not resumed" if found.down is None else f"down for {span(found.down)}"
    typer.echo(f"the draft of the post-mortem is {file}: {down}, promised {span(found.rto)}")


@dataclass(frozen=True, kw_only=True)
class _Case:
    """What every command of the group works with."""

    session: Session
    database: Database
    path: Path
    secrets: Sequence[str]

    @contextmanager
    def written(self) -> Generator[Journal]:
        """The journal, to write to."""
        who = origin()
        with open_journal(self.path, f"{who.user}@{who.host}", hide=self.secrets) as journal:
            yield journal

    @contextmanager
    def recoveries(self) -> Generator[Journal]:
        """The journal of emergency restores, to write to."""
        who = origin()
        with open_journal(
            self.recoveries_path, f"{who.user}@{who.host}", hide=self.secrets
        ) as journal:
            yield journal

    @property
    def recoveries_path(self) -> Path:
        """Where that is."""
        return default_path(self.session.configuration.environment, self.database.name)

    def hidden(self, text: str) -> str:
        """What somebody wrote, without a password that is known here."""
        for secret in self.secrets:
            text = text.replace(secret, HIDDEN)
        return text

    def unfinished(self, journal: Journal) -> Run:
        """The disaster that is going on."""
        run = journal.unfinished(PURPOSE, self.database.name)
        if run is None:
            raise self.none_begun()
        return run

    def none_begun(self) -> ConfigurationError:
        """The refusal to go on with nothing."""
        return ConfigurationError(
            f"no disaster of {self.database.name} is under way in the journal {self.path}, so"
            " nothing was done: begin one with `dr start`, or name its file with --journal"
        )

    def disaster(
        self, run: Run, into: str | None, well_at: datetime | None, people: "_Terminal"
    ) -> Disaster:
        """What carries out its steps."""

        def keep(candidate: Candidate, began: datetime) -> None:
            record(
                self.session,
                self.database.name,
                Scenario.STORE,
                command="dr next",
                source=candidate.manifest.name,
                store=candidate.store.name,
                began=began,
            )

        return Disaster(
            configuration=self.session.configuration,
            database=self.database,
            stores=self.session.stores,
            run=run,
            recoveries=self.recoveries,
            peek=lambda: peek_journal(self.recoveries_path),
            look=lambda: look(self.session, self.database.name).status,
            live=lambda: parse_url(self.database.url(), self.database.url_variable),
            staging=read_target,
            into=into,
            well_at=well_at,
            people=people,
            programs=running_programs,
            record=keep,
        )


class _Terminal:
    """Asks on a terminal; elsewhere `--answer` has to have answered beforehand."""

    def __init__(self, given: str | None, case: _Case) -> None:
        self._given = given
        self._case = case

    def answer(self, question: str) -> str:
        """What somebody says, which is never nothing."""
        if self._given is not None:
            return self._case.hidden(self._given)
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UnconfirmedError(
                f"nobody can be asked here ({question}), so the step is not done: give what they"
                " would say with --answer, or leave the step out with --skip"
            )
        said = ""
        while not said:
            said = str(typer.prompt(question, err=True, prompt_suffix="\n> ")).strip()
        return self._case.hidden(said)

    def volunteered(self) -> str | None:
        """What `--answer` gave to a step that asks nothing."""
        return None if self._given is None else self._case.hidden(self._given)


def _check(given: Mapping[str, str | None], *, everything: bool) -> None:
    for option, text in given.items():
        if text is not None and not text.strip():
            raise ConfigurationError(
                f"{option} is empty, so whoever reads the journal would learn nothing and nothing"
                " was done: say it in a few words"
            )
    named = [option for option, text in given.items() if text is not None]
    if {"--answer", "--skip"} <= {*named} or (everything and named):
        raise ConfigurationError(
            f"{' and '.join([*named, *(['--all'] if everything else [])])} do not go together, so"
            " nothing was done: --answer and --skip exclude each other, and all three are for one"
            " step"
        )


def _item(name: str) -> Item:
    for item in CHECKLIST:
        if item.name == name:
            return item
    raise ConfigurationError(
        f"--step {name} is not a step, so nothing was done: choose one of"
        f" {', '.join(item.name for item in CHECKLIST)}"
    )


def _refuse_useless(item: Item, *, into: str | None, well_at: str | None) -> None:
    """Refuse an option that the step does not read: somebody takes it for another one."""
    for option, given, step in (("--into", into, STAGE), ("--at", well_at, KNOWN_GOOD)):
        if given is not None and item.name != step:
            raise ConfigurationError(
                f"{option} is for the step {step} and this one is {item.name}, so nothing was done:"
                f" leave it out, or name the step with --step {step}"
            )


def _case(path: Path | None, database: str | None, journal: Path | None) -> _Case:
    session = open_session(path)
    chosen = session.database(database)
    return _Case(
        session=session,
        database=chosen,
        path=journal or journal_path(session.configuration.environment, chosen.name),
        secrets=[*_passwords(session.configuration.databases)],
    )


def _passwords(databases: Iterable[Database]) -> Iterable[str]:
    """Those of the connection strings at hand: a database that is lost may have none."""
    for database in databases:
        try:
            target: Target = parse_url(database.url(), database.url_variable)
        except BackupError:
            continue  # the step that needs it says so
        if password := target.parameters.get("password"):
            yield password


def _announce(item: Item) -> None:
    number = CHECKLIST.index(item) + 1
    typer.echo(f"{number} of {len(CHECKLIST)}: {item.title}", err=True)


def _describe_item(run: Run, item: Item) -> dict[str, Any]:
    lines = [each for each in run.journal.entries if (each.run, each.step) == (run.name, item.name)]
    state = run.state(item.name)
    last = lines[-1] if lines else None
    return {
        "name": item.name,
        "title": item.title,
        "state": "open" if state is None else str(state),
        "time": None if last is None else last.time.isoformat(),
        "by": None if last is None else last.by,
        "text": None if last is None else last.text,
        "facts": {**run.result(item.name)},
    }


def _say_run(case: _Case, run: Run, *, as_json: bool) -> None:
    now = datetime.now(UTC)
    found = outcome(case.session.configuration, run, now)
    left = None if run.closed else next_item(run)
    steps = [_describe_item(run, item) for item in CHECKLIST]
    result: dict[str, Any] = {
        "run": run.name,
        "database": case.database.name,
        "what": run.inputs.get("what"),
        "by": run.opened.by,
        "closed": run.closed,
        "journal": str(run.journal.path),
        "rto_seconds": found.rto.total_seconds(),
        **describe_outcome(found),
        "next": None if left is None else left.name,
        "steps": steps,
    }
    if not run.closed:
        result["ended"] = None
    report(result, as_json=as_json)
    if as_json:
        return
    say_table(
        ["#step", "name", "state", "when", "by"],
        [
            [str(number), one["name"], one["state"], one["time"] or "", one["by"] or ""]
            for number, one in enumerate(steps, 1)
        ],
    )
    passed = span(found.down or found.ended - found.began)
    typer.echo(
        f"{case.database.name}: began at {moment_text(found.began)}, {passed}"
        f" {'until traffic was resumed' if found.down is not None else 'so far'}, promised"
        f" {span(found.rto)}"
    )
    if left is not None:
        typer.echo(f"next: {left.name}: {left.title}")
    failed = [one for one in steps if one["state"] == str(Event.FAILED)]
    for one in failed:
        typer.echo(f"  {one['name']} failed: {one['text']}")
