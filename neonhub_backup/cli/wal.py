"""`wal`: what a server runs to archive its WAL and to read it back, and whether all of it is there.

PostgreSQL runs `push` and `fetch` for every file, and takes any failure as: not yet.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from neonhub_backup.archiving.archive import Archive
from neonhub_backup.archiving.commands import server_settings
from neonhub_backup.archiving.segments import reach
from neonhub_backup.archiving.watching import Archiver, problems, read_archiver
from neonhub_backup.cli.app import app
from neonhub_backup.cli.archives import chosen_archive, tool_for
from neonhub_backup.cli.options import DatabaseName, Json
from neonhub_backup.cli.output import report
from neonhub_backup.errors import IntegrityError, NoBackupError, ObjectiveError
from neonhub_backup.postgres.connection import connect, parse_url

wal = typer.Typer(
    help="Archive a self-hosted server's WAL, and see whether all of it is there.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(wal, name="wal")


@wal.command()
def push(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="The file: %p in archive_command.", metavar="PATH")],
    database: DatabaseName = None,
) -> None:
    """Archive one file of a server's pg_wal. This is its archive_command.

    Done only once the file is stored. An archive belongs to one server; any other is refused.
    """
    _, _, archive = chosen_archive(context.obj, database)
    archive.push(path)


@wal.command()
def fetch(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The file's name: %f in restore_command.")],
    path: Annotated[
        Path, typer.Argument(help="Where to put it: %p in restore_command.", metavar="PATH")
    ],
    database: DatabaseName = None,
) -> None:
    """Bring back one file for a recovery. This is a server's restore_command.

    Exit code 7 says that the archive does not have it, any other that this is not known.
    """
    _, _, archive = chosen_archive(context.obj, database)
    archive.fetch(name, path)


@wal.command()
def settings(context: typer.Context, database: DatabaseName = None, as_json: Json = False) -> None:
    """Write the lines of postgresql.conf with which a server archives its WAL.

    Run it on the server's machine: they name the program and the configuration by their paths.
    """
    session, chosen, archive = chosen_archive(context.obj, database)
    tool = tool_for(context.obj, chosen)
    text = server_settings(tool, archive.address, session.configuration.objectives.rpo)
    report({"database": chosen.name, "settings": text}, as_json=as_json)
    if not as_json:
        typer.echo(text, nl=False)


@wal.command()
def check(
    context: typer.Context,
    database: DatabaseName = None,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Look at the archive alone, and not at the server."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Follow the WAL from every base backup on, and name the first segment that is missing.

    The server is asked whose archive it should be, whether archiving works, and how much could be
    lost.
    """
    session, chosen, archive = chosen_archive(context.obj, database)
    archiver = None
    if not offline:
        with connect(parse_url(chosen.url(), chosen.url_variable)) as connection:
            archiver = read_archiver(connection)
        archive.check_system(archiver.system)
    files = archive.files()
    bases = _follow(archive, files)
    result = {
        "database": chosen.name,
        "archive": archive.address,
        "systems": archive.systems(),
        "files": len(files),
        "bases": bases,
        "server": None if archiver is None else _server(archiver),
    }
    report(result, as_json=as_json)
    if not as_json:
        _say(result)
    _judge(archive, bases, archiver, session.configuration.objectives.rpo)


def _follow(archive: Archive, files: set[str]) -> list[dict[str, Any]]:
    way = archive.way(files)
    found: list[dict[str, Any]] = []
    for base in archive.bases_on(way):
        reached = reach(way, base.begin, files, base.segment_bytes)
        found.append(
            {
                "name": base.name,
                "ended": base.ended.isoformat(),
                "segments": reached.segments,
                "newest": reached.newest,
                "missing": reached.missing,
            }
        )
    return found


def _server(archiver: Archiver) -> dict[str, Any]:
    time = archiver.last_archived_time
    return {
        "system": archiver.system,
        "archive_mode": archiver.mode,
        "archive_timeout_seconds": archiver.timeout.total_seconds(),
        "waiting": archiver.waiting,
        "waiting_for_seconds": archiver.waiting_for.total_seconds(),
        "failing": archiver.failing,
        "last_archived": archiver.last_archived,
        "last_archived_time": None if time is None else time.isoformat(),
    }


def _say(result: dict[str, Any]) -> None:
    typer.echo(f"{result['archive']}: {result['files']} files")
    for base in result["bases"]:
        end = f"up to {base['newest']}" if base["newest"] else "and no WAL after it yet"
        gap = f", WITHOUT {base['missing']}" if base["missing"] else ""
        typer.echo(f"  base backup {base['name']}: {base['segments']} segments {end}{gap}")
    server = result["server"]
    if server is not None:
        typer.echo(
            f"  the server archived {server['last_archived'] or 'nothing yet'} last;"
            f" {server['waiting']} files wait"
        )


def _judge(
    archive: Archive, bases: list[dict[str, Any]], archiver: Archiver | None, rpo: timedelta | None
) -> None:
    broken = [base for base in bases if base["missing"]]
    if broken:
        first = broken[0]
        raise IntegrityError(
            f"WAL segment {first['missing']} is missing in {archive.here}, so that base backup"
            f" {first['name']} leads no further: bring it back from the server's pg_wal or an"
            " earlier version of the bucket, or take a new base backup now"
        )
    said = () if archiver is None else problems(archiver, rpo)
    if said:
        raise ObjectiveError(
            f"{'; '.join(said)}: correct the server's settings or what its log says of"
            " archive_command; `wal settings` writes those that fit"
        )
    if not bases:
        raise NoBackupError(
            f"{archive.here} has no complete base backup, and WAL restores nothing alone: take one"
            " with `base create`"
        )
