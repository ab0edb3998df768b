"""`status` and `watch`: do the backups keep their promises?"""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.failures import raise_first
from neonhub_backup.cli.looking import look
from neonhub_backup.cli.options import DatabaseName, Json
from neonhub_backup.cli.output import report, say_table
from neonhub_backup.cli.session import open_session
from neonhub_backup.errors import BackupError
from neonhub_backup.heartbeat import beat
from neonhub_backup.watch.findings import Verdict, VerdictError
from neonhub_backup.watch.freshness import age_text
from neonhub_backup.watch.objectives import Measured
from neonhub_backup.watch.status import Status, StoreStatus, describe_status
from neonhub_backup.watch.telling import headline, tell_chat, tell_sns
from neonhub_backup.wording import size_text


class FailOn(StrEnum):
    """The least that makes the exit code differ from 0."""

    WARNING = "warning"
    BREACH = "breach"

    @property
    def verdict(self) -> Verdict:
        """The same as a verdict."""
        return Verdict[self.name]


PrometheusFile = Annotated[
    Path | None,
    typer.Option(
        help="Write the numbers into this file, for node-exporter's textfile collector.",
        metavar="FILE",
    ),
]
WalToo = Annotated[
    bool,
    typer.Option(
        "--wal",
        help="Look at base backups and archived WAL too, as whoever may read them.",
    ),
]
Least = Annotated[
    FailOn, typer.Option(help="End with 1 or 2 only if it is at least this that was found.")
]


@app.command()
def status(
    context: typer.Context,
    database: DatabaseName = None,
    wal: WalToo = False,
    prometheus: PrometheusFile = None,
    fail_on: Least = FailOn.WARNING,
    as_json: Json = False,
) -> None:
    """Show how old, how well proven and how large the backups are, and what is wrong with them.

    Reads every store, tells nobody. Exit code 0: well; 1: a warning; 2: a promise does not hold.
    """
    session = open_session(context.obj)
    found = look(session, database, wal=wal).status
    _show(found, fail_on, as_json=as_json)
    if prometheus is not None:
        _write(found, prometheus)
    _judge(found, fail_on)


@app.command()
def watch(
    context: typer.Context,
    database: DatabaseName = None,
    wal: WalToo = False,
    prometheus: PrometheusFile = None,
    pushgateway: Annotated[
        str | None,
        typer.Option(help="Push the numbers to this gateway of Prometheus.", metavar="URL"),
    ] = None,
    cloudwatch: Annotated[
        str | None,
        typer.Option(
            help="Publish in CloudWatch of this region what the stack's alarms watch.",
            metavar="REGION",
        ),
    ] = None,
    sns: Annotated[
        str | None,
        typer.Option(help="Tell this topic of a promise that does not hold.", metavar="ARN"),
    ] = None,
    chat: Annotated[
        bool,
        typer.Option(
            "--chat",
            help="Tell the chat in NEONHUB_BACKUP_CHAT_URL of a promise that does not hold.",
        ),
    ] = False,
    workflows: Annotated[
        bool,
        typer.Option(
            "--workflows",
            help="Ask GitHub whether it still starts the workflows of the configuration, and have"
            " it start again those that it does not.",
        ),
    ] = False,
    heartbeat: Annotated[
        bool,
        typer.Option(
            "--heartbeat",
            help="Tell the dead man's switch in NEONHUB_BACKUP_HEARTBEAT_URL, if all promises"
            " hold.",
        ),
    ] = False,
    fail_on: Least = FailOn.WARNING,
    as_json: Json = False,
) -> None:
    """Look at everything that `status` shows, and tell whoever should know.

    Everybody is tried, whoever cannot be reached. Exit code 0: well; 1: a warning; 2: a promise
    does not hold.
    """
    session = open_session(context.obj)
    found = look(session, database, wal=wal, workflows=workflows).status
    _show(found, fail_on, as_json=as_json)
    failures: list[BackupError] = []
    for tell in _tells(found, prometheus, pushgateway, cloudwatch, sns, chat=chat):
        try:
            tell()
        except BackupError as error:
            failures.append(error)
    raise_first(failures)
    # Last: it is what says that the watch itself works.
    if heartbeat and found.verdict is not Verdict.BREACH:
        beat(os.environ)
    _judge(found, fail_on)


def _tells(
    found: Status,
    prometheus: Path | None,
    pushgateway: str | None,
    cloudwatch: str | None,
    sns: str | None,
    *,
    chat: bool,
) -> Iterator[Callable[[], None]]:
    from neonhub_backup.watch import measurements  # noqa: PLC0415 - only who tells needs it

    if prometheus is not None:
        yield lambda: measurements.write_prometheus(found, prometheus)
    if pushgateway is not None:
        yield lambda: measurements.push(found, pushgateway)
    if cloudwatch is not None:
        yield lambda: measurements.publish(found, cloudwatch)
    if found.verdict is Verdict.BREACH:
        if sns is not None:
            yield lambda: tell_sns(found, sns)
        if chat:
            yield lambda: tell_chat(found, os.environ)


def _write(found: Status, path: Path) -> None:
    from neonhub_backup.watch.measurements import (  # noqa: PLC0415 - as above
        write_prometheus,
    )

    write_prometheus(found, path)


def _show(found: Status, fail_on: FailOn, *, as_json: bool) -> None:
    report(describe_status(found), as_json=as_json)
    if as_json:
        return
    say_table(
        ["database", "store", "newest", "tier", "#age", "#size", "#week", "#proven", "#recovery"],
        [_row(database.name, store) for database in found.databases for store in database.stores],
    )
    say_table(
        ["objective", "#promised", "#last", "#median", "#worst", "#measured"],
        [
            _objective("what may be lost", found.exposures),
            *(_objective(way.words, measured) for way, measured in found.recoveries.items()),
        ],
    )
    promised = f"at most {age_text(found.rpo)} may be lost" if found.rpo else "no rpo is promised"
    typer.echo(f"{found.environment}: {found.verdict}; {promised}")
    if found.verdict < fail_on.verdict:
        # Else they are the failure's notes.
        for finding in found.findings:
            typer.echo(f"  {finding.verdict}: {finding.text}")


def _row(database: str, store: StoreStatus) -> list[str]:
    newest, last = store.newest, store.recoveries.last
    change = store.size_change_percent
    return [
        database,
        store.store,
        newest.name if newest else ("none" if store.reachable else "not reached"),
        newest.tier.value if newest else "",
        age_text(store.age) if store.age is not None else "",
        size_text(newest.bytes) if newest else "",
        "" if change is None else f"{change:+.0f} %",
        "never" if store.proof_age is None else age_text(store.proof_age),
        "" if last is None else f"{last:.1f} s",
    ]


def _objective(title: str, measured: Measured) -> list[str]:
    numbers = (measured.target, measured.last, measured.median, measured.worst)
    return [title, *map(_seconds_text, numbers), str(len(measured.seconds))]


def _seconds_text(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 120 else age_text(timedelta(seconds=seconds))


def _judge(found: Status, fail_on: FailOn) -> None:
    if found.verdict >= fail_on.verdict:
        raise VerdictError(headline(found), found.findings)
