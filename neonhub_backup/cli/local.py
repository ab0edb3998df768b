"""`local`: one database into one file of SQL, and back. Needs no configuration."""

import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import Json
from neonhub_backup.cli.output import report
from neonhub_backup.cli.session import open_session, read_target, running_programs
from neonhub_backup.encryption import decryptor, encryptor
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.local import (
    Compression,
    Content,
    Wanted,
    check_target,
    destination,
    inspect,
)
from neonhub_backup.local import dump as dump_database
from neonhub_backup.local import restore as restore_dump
from neonhub_backup.wording import size_text

local = typer.Typer(
    help="Quick backups of one database into a file of SQL, and their restore.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(local, name="local")


@local.command()
def dump(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="The database to dump: the NAME of an environment variable that holds its"
            " connection string, or a connection string without a password.",
            metavar="DATABASE_URL",
        ),
    ] = "DATABASE_URL",
    output: Annotated[
        Path | None,
        typer.Option(
            help="The file to write, or the directory to write backup_<date>_<time>.sql into. By"
            " default the current one. Nothing is ever overwritten.",
            metavar="PATH",
        ),
    ] = None,
    compress: Annotated[
        Compression,
        typer.Option(help="gzip (.sql.gz), zstd (.sql.zst, many times faster) or none."),
    ] = Compression.NONE,
    schema_only: Annotated[
        bool, typer.Option("--schema-only", help="The definitions without any row.")
    ] = False,
    data_only: Annotated[
        bool, typer.Option("--data-only", help="The rows without any definition.")
    ] = False,
    table: Annotated[
        list[str] | None,
        typer.Option(
            "--table",
            "-t",
            help="This table alone, or those that a pattern of pg_dump matches. May be repeated.",
            metavar="NAME",
        ),
    ] = None,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean",
            help="Have the dump drop what it creates first, so that --into-existing can put it in"
            " the place of what is there.",
        ),
    ] = False,
    no_roles: Annotated[
        bool,
        typer.Option(
            "--no-roles",
            help="Leave owners and privileges out: everything belongs to whoever restores it.",
        ),
    ] = False,
    encrypt: Annotated[
        bool,
        typer.Option("--encrypt", help="Encrypt the file to the keys of the configuration."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Dump a database with pg_dump into one file of SQL."""
    target = read_target(source, "--from")
    wanted = Wanted(
        content=_content(schema_only=schema_only, data_only=data_only),
        tables=tuple(table or ()),
        clean=clean,
        compression=compress,
        roles=not no_roles,
    )
    # The time on the user's wall, as in the names that `date` made of it.
    path = destination(output, wanted, datetime.now().astimezone(), encrypted=encrypt)
    began = time.monotonic()
    with ExitStack() as stack:
        keys = None
        if encrypt:
            public = open_session(context.obj).configuration.encryption.public_keys
            keys = stack.enter_context(encryptor(public))
        programs = stack.enter_context(running_programs())
        dumped = dump_database(target, wanted, path, programs, keys)
    seconds = time.monotonic() - began
    result = {
        "file": str(dumped.path),
        "bytes": dumped.bytes,
        "content": wanted.content.name.lower(),
        "tables": list(wanted.tables),
        "source": str(target),
        "server_major": dumped.server_major,
        "seconds": round(seconds, 3),
    }
    report(result, as_json=as_json)
    if not as_json:
        typer.echo(f"dumped {target} into {path}: {size_text(dumped.bytes)} in {seconds:.1f} s")


@local.command()
def restore(
    file: Annotated[
        Path,
        typer.Argument(
            help="A dump of pg_dump as SQL; plain, or compressed by gzip or zstd, or encrypted.",
            metavar="FILE",
        ),
    ],
    into: Annotated[
        str,
        typer.Option(
            help="The empty database to restore into: the NAME of an environment variable that"
            " holds its connection string, or a connection string without a password.",
            metavar="DATABASE_URL",
        ),
    ],
    single_transaction: Annotated[
        bool,
        typer.Option(
            "--single-transaction", help="All of it or nothing: a failure leaves no trace."
        ),
    ] = False,
    into_existing: Annotated[
        bool,
        typer.Option(
            "--into-existing",
            help="Take a database that has tables, and add the dump to it in a single transaction.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Restore a dump with psql, once it is known to be complete."""
    target = read_target(into)
    check_target(target, into_existing=into_existing)
    at_once = single_transaction or into_existing
    began = time.monotonic()
    with ExitStack() as stack:
        programs = stack.enter_context(running_programs())
        dumped = inspect(file, programs, lambda: stack.enter_context(decryptor()))
        restore_dump(dumped, target, programs, single_transaction=at_once)
    seconds = time.monotonic() - began
    result = {
        "file": str(file),
        "target": str(target),
        "single_transaction": at_once,
        "seconds": round(seconds, 3),
    }
    report(result, as_json=as_json)
    if not as_json:
        typer.echo(f"restored {file} into {target} in {seconds:.1f} s")


def _content(*, schema_only: bool, data_only: bool) -> Content:
    if schema_only and data_only:
        raise ConfigurationError(
            "--schema-only and --data-only exclude each other, so nothing was dumped: leave both"
            " out for all of the database"
        )
    if schema_only:
        return Content.SCHEMA
    return Content.DATA if data_only else Content.ALL
