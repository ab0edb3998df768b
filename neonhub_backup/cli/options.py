"""Options and arguments that several commands have in common."""

from typing import Annotated

import typer

from neonhub_backup.cli.completing import backup_names

Json = Annotated[bool, typer.Option("--json", help="Write the result as JSON to standard output.")]
StoreName = Annotated[
    str | None,
    typer.Option(
        "--store", help="Read from this store. By default from the first one.", metavar="NAME"
    ),
]
DatabaseName = Annotated[
    str | None,
    typer.Option("--database", help="One of the configuration's databases.", metavar="NAME"),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check everything, say what would be done, and stop.")
]
OnlyShow = Annotated[
    bool | None,
    typer.Option(
        "--dry-run/--yes",
        help="Only show what would be deleted, or delete it. One of the two must be given.",
        show_default=False,
    ),
]
NoRoles = Annotated[
    bool,
    typer.Option(
        "--no-roles",
        help="Leave owners and privileges out: everything belongs to the connecting user.",
    ),
]
Confirm = Annotated[
    str | None,
    typer.Option(
        "--confirm",
        help="Refuse unless this is the name of the configuration's environment, letter for"
        " letter.",
        metavar="TEXT",
    ),
]
BackupName = Annotated[
    str,
    typer.Argument(
        help="A backup's name as `list` shows it, or `latest`.",
        metavar="BACKUP",
        autocompletion=backup_names,
    ),
]
