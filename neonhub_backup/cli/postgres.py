"""`postgres`: the programs of PostgreSQL that everything else needs. Needs no configuration."""

from typing import Annotated

import typer

from neonhub_backup.cli.app import app
from neonhub_backup.cli.options import Json
from neonhub_backup.cli.output import report
from neonhub_backup.postgres.installing import ensure as ensure_programs

postgres = typer.Typer(
    help="PostgreSQL's own programs, which every other command runs.",
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.add_typer(postgres, name="postgres")


@postgres.command()
def ensure(
    major: Annotated[
        int,
        typer.Option(
            help="The major version of the database's server, exactly.", min=1, metavar="N"
        ),
    ],
    server: Annotated[
        bool,
        typer.Option("--server", help="The programs of a server too, with pgvector, for drills."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Install what is missing of the programs, and of gpg and zstd.

    They are looked for where every command does: in NEONHUB_BACKUP_PG_BIN, in
    /usr/lib/postgresql/*/bin, on PATH. What is absent is installed with apt-get, as root or with
    sudo, from the PostgreSQL project's repository. No server is created or started.
    """
    found = ensure_programs(major, server=server)
    result = {
        "major": found.suite.major,
        "directory": str(found.suite.directory),
        "server": server,
        "pgvector": found.pgvector,
        "installed": list(found.packages),
    }
    report(result, as_json=as_json)
    if as_json:
        return
    if found.packages:
        typer.echo(f"installed {' '.join(found.packages)}")
    vector = f", with pgvector {found.pgvector}" if server else ""
    typer.echo(
        f"PostgreSQL {major} is in {found.suite.directory}{vector}; gpg and zstd are on PATH"
    )
