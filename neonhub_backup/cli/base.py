"""`base`: the copies of a whole server that its archived WAL continues."""

from datetime import UTC, datetime
from typing import Any

import typer

from neonhub_backup.archiving.archive import describe_base
from neonhub_backup.archiving.directory import DirectoryArchive
from neonhub_backup.archiving.pruning import Survey, carry_out, survey
from neonhub_backup.cli.app import app
from neonhub_backup.cli.archives import chosen_archive
from neonhub_backup.cli.options import DatabaseName, Json, OnlyShow
from neonhub_backup.cli.output import report, say_table
from neonhub_backup.cli.session import running_programs
from neonhub_backup.errors import ConfigurationError, UnconfirmedError
from neonhub_backup.postgres.connection import parse_url
from neonhub_backup.wording import size_text

base = typer.Typer(
    help="Base backups of a self-hosted server, which its archived WAL continues.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(base, name="base")


@base.command()
def create(context: typer.Context, database: DatabaseName = None, as_json: Json = False) -> None:
    """Take a base backup of a running server into its archive.

    Into a bucket, it is run on the server's machine as a user who may read the server's files. A
    directory takes it from anywhere, over the network, and has it verified.
    """
    _, chosen, archive = chosen_archive(context.obj, database)
    target = parse_url(chosen.url(), chosen.url_variable)
    with running_programs() as programs:
        name = archive.create_base(target, programs)
    result = {"name": name, "database": chosen.name, "archive": archive.address}
    report(result, as_json=as_json)
    if not as_json:
        typer.echo(f"base backup {name} of the server of {chosen.name} is in {archive.address}")


@base.command(name="list")
def list_(context: typer.Context, database: DatabaseName = None, as_json: Json = False) -> None:
    """Show the complete base backups, newest first."""
    _, _, archive = chosen_archive(context.obj, database)
    found = [dict(describe_base(each)) for each in reversed(archive.bases())]
    report(found, as_json=as_json)
    if not as_json:
        say_table(
            ["base backup", "complete since", "#timeline", "#version", "#size"],
            [
                (
                    str(item["name"]),
                    str(item["ended"]),
                    str(item["timeline"]),
                    str(item["major"]),
                    size_text(int(str(item["bytes"]))) if item["bytes"] is not None else "-",
                )
                for item in found
            ],
        )


@base.command()
def prune(
    context: typer.Context,
    database: DatabaseName = None,
    dry_run: OnlyShow = None,
    as_json: Json = False,
) -> None:
    """Delete base backups and WAL of a directory that no recovery of the daily tier's time needs.

    The newest base backup and all WAL after it are never deleted. Buckets expire theirs by
    themselves.
    """
    session, _, archive = chosen_archive(context.obj, database)
    if not isinstance(archive, DirectoryArchive):
        raise ConfigurationError(
            f"nothing was deleted: {archive.here} expires by the bucket's own lifecycle, and nobody"
            " may delete anything in a bucket; only the archive of a directory store is pruned"
        )
    found = survey(archive, session.configuration.retention, datetime.now(UTC))
    if dry_run is False:
        carry_out(archive, found)
    result = _result(archive, found, deleted=dry_run is False)
    report(result, as_json=as_json)
    if not as_json:
        _say(result)
    if dry_run is None:
        raise UnconfirmedError(
            f"{len(found.expired)} base backups and {len(found.files)} WAL files have had their"
            " time and none was deleted, because that was not confirmed: give --yes to delete"
            " them, or --dry-run only to see them"
        )


def _result(archive: DirectoryArchive, found: Survey, *, deleted: bool) -> dict[str, Any]:
    return {
        "archive": archive.address,
        "deleted": deleted,
        "since": found.since.isoformat(),
        "expired": [each.name for each in found.expired],
        "kept": [each.name for each in found.kept],
        "files": list(found.files),
        "leftovers": list(found.leftovers),
    }


def _say(result: dict[str, Any]) -> None:
    verb = "deleted" if result["deleted"] else "would delete"
    typer.echo(f"{result['archive']}: recoveries are possible since {result['since']}")
    for name in result["expired"]:
        typer.echo(f"  {verb} base backup {name}")
    for name in result["leftovers"]:
        typer.echo(f"  {verb} {name}, a base backup that was never complete")
    typer.echo(
        f"  {verb} {len(result['expired'])} base backups and {len(result['files'])} WAL files;"
        f" keeps {len(result['kept'])} base backups"
    )
