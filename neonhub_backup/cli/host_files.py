"""`host-files`: what a machine needs that backs up by itself."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from neonhub_backup.cli.app import PROGRAM, app
from neonhub_backup.cli.discovery import find_configuration
from neonhub_backup.cli.options import DatabaseName, Json
from neonhub_backup.cli.output import report
from neonhub_backup.cli.session import open_session
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.host import files
from neonhub_backup.host.host import Host


@app.command()
def host_files(
    context: typer.Context,
    directory: Annotated[
        Path,
        typer.Argument(
            help="Where to write them, and where they stay: such as /etc/neonhub-backup.",
            metavar="DIR",
        ),
    ],
    database: DatabaseName = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace files that are there and differ."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the script, units, crontab and settings for a machine that backs up by itself.

    Run it on that machine: the files name the configuration, the program and DIR by their paths
    there. docs/host.md says where each file belongs.
    """
    path = context.obj or find_configuration(Path.cwd(), os.environ)
    session = open_session(path)
    session.databases(database)  # or it says which there are
    host = Host(
        configuration=session.configuration,
        configuration_path=absolute(path),
        directory=absolute(directory),
        program=console_script(),
        database=database,
    )
    became = files.write_files(files.host_files(host), overwrite=overwrite)
    result = [{"file": str(file), "became": str(what)} for file, what in became.items()]
    report(result, as_json=as_json)
    if not as_json:
        for item in result:
            typer.echo(f"{item['became']}: {item['file']}")


def absolute(path: Path) -> Path:
    """A path that holds wherever a program is started."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve would follow links to one version


def console_script() -> Path:
    """The console script that runs this, or would."""
    beside = Path(sys.executable).with_name(PROGRAM)
    found = str(beside) if beside.is_file() else shutil.which(PROGRAM)
    if found is None:
        raise ConfigurationError(
            f"the console script {PROGRAM} is neither beside {sys.executable} nor on PATH, so no"
            " machine could start it and nothing was written: install the tool with pip"
        )
    return absolute(Path(found))
