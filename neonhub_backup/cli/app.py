"""The application: its commands, each imported when it is asked for, and what precedes them all."""

import logging
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_group

from neonhub_backup import __version__
from neonhub_backup.cli import reporting
from neonhub_backup.cli.versions import say_programs

log = logging.getLogger("neonhub_backup")

PROGRAM = "neonhub-backup"
COMPLETION_VARIABLE = "_NEONHUB_BACKUP_COMPLETE"
"""Environment variable by which a shell asks what may follow on a command line."""


class Listing(NamedTuple):
    """A command, or a group of commands, as the main `--help` shows it."""

    module: str
    """The module of this package that registers it with `app` when imported."""
    help: str
    """The first sentence of its own help."""


COMMANDS = {
    "backup": Listing(
        "backup", "Back up every database of the configuration to all of its stores."
    ),
    "list": Listing("catalogue", "Show the complete backups, newest first."),
    "show": Listing(
        "catalogue",
        "Show all that is known of a backup: who took it, where it is, its drills, its tables.",
    ),
    "verify": Listing(
        "verify",
        "Read every object of a backup in every store, and compare each with the manifest.",
    ),
    "validate": Listing(
        "validate",
        "Check without any key that a backup is complete in every store, with all that it must"
        " hold.",
    ),
    "fetch": Listing(
        "transfer",
        "Download a backup as it is stored. Run again, it goes on where it stopped.",
    ),
    "copy": Listing(
        "transfer",
        "Copy a backup into another store, as it is. Run again, it goes on where it stopped.",
    ),
    "restore": Listing(
        "restore",
        "Restore a backup into a new database, which takes the target's name once it is proven.",
    ),
    "drill": Listing(
        "drill",
        "Prove a backup: restore it into an empty server of its own and compare everything.",
    ),
    "status": Listing(
        "watch",
        "Show how old, how well proven and how large the backups are, and what is wrong with them.",
    ),
    "watch": Listing(
        "watch", "Look at everything that `status` shows, and tell whoever should know."
    ),
    "report": Listing(
        "report", "Write a page that shows how the backups stand and have stood for a year."
    ),
    "prune": Listing(
        "prune",
        "Delete what has had its time from directory stores; buckets do it by themselves.",
    ),
    "index": Listing(
        "index", "The index of each month, which saves reading the manifests of its backups."
    ),
    "wal": Listing(
        "wal", "Archive a self-hosted server's WAL, and see whether all of it is there."
    ),
    "base": Listing(
        "base", "Base backups of a self-hosted server, which its archived WAL continues."
    ),
    "pitr": Listing(
        "pitr",
        "Recover a self-hosted server to any moment, from a base backup and the WAL after it.",
    ),
    "emergency": Listing(
        "emergency", "The way back from a lost or damaged database, step by step."
    ),
    "dr": Listing(
        "dr", "The disaster checklist as a journal: what to do next, and what was done when."
    ),
    "runbook": Listing(
        "runbook", "Print the runbook: which restore when, with the names of this environment."
    ),
    "keys": Listing(
        "keys", "Check the keys of the recipients, and encrypt backups anew for others."
    ),
    "rollback": Listing(
        "rollback", "Undo a change of the schema, with what it touches kept aside."
    ),
    "neon": Listing(
        "neon", "Snapshots as branches of Neon, and restores to any second of its history."
    ),
    "local": Listing(
        "local", "Quick backups of one database into a file of SQL, and their restore."
    ),
    "heartbeat": Listing(
        "heartbeat", "Tell a dead man's switch that all is well, once everything has succeeded."
    ),
    "alert": Listing(
        "alert",
        "Tell people that a workflow has failed: an issue in GitHub, and a message to a chat.",
    ),
    "postgres": Listing("postgres", "PostgreSQL's own programs, which every other command runs."),
    "host-files": Listing(
        "host_files",
        "Write the script, units, crontab and settings for a machine that backs up by itself.",
    ),
    "completion": Listing(
        "completion",
        "Write the script that lets a shell complete commands, options and names of backups.",
    ),
}
"""Every command by its name, in the order of `--help`. A new one needs only its line here."""


class Commands(TyperGroup):
    """Imports only the module of the command that is asked for, which may bring much along."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the name is Typer's
        """The names, for which nothing is imported."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as above
        """A command by its name. Looking for one that does not exist imports all."""
        wanted = [COMMANDS[cmd_name]] if cmd_name in COMMANDS else COMMANDS.values()
        for listing in wanted:
            import_module(f"{__package__}.{listing.module}")
        # Of these, Typer suggests the one that may have been meant.
        self.commands = get_group(app).commands
        return self.commands.get(cmd_name)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the words after the options name; a summary begins with its name."""
        name, command, rest = super().resolve_command(ctx, args)
        inner = getattr(command, "commands", ())
        reporting.name_command(
            " ".join((name or "", *(word for word in rest[:1] if word in inner)))
        )
        return name, command, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - as above
        """The names and what each does."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, listing.help) for name, listing in COMMANDS.items()])


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    # Plain text: the same on every terminal, in a pipe and in docs/commands.md.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"{PROGRAM} {__version__}")
        say_programs()
        raise typer.Exit


@app.callback()
def main(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option(
            help="The configuration file that the deployment committed. By default it is looked"
            " for in the usual places.",
            metavar="FILE",
            envvar="NEONHUB_BACKUP_CONFIG",
        ),
    ] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", help="Say which configuration is read, and name every object."),
    ] = False,
    github: Annotated[  # noqa: ARG001 - looked for before the command line is read
        bool,
        typer.Option(
            reporting.GITHUB,
            help="In GitHub Actions: add the result to the job's summary, its outputs and its"
            " annotations.",
        ),
    ] = False,
    version: Annotated[  # noqa: ARG001 - its callback has answered
        bool,
        typer.Option(
            "--version",
            help="Show the version, and those of the programs that are found.",
            is_eager=True,
            callback=_say_version,
        ),
    ] = False,
) -> None:
    """Back up PostgreSQL, restore it, and prove that it can be restored."""
    context.obj = config
    log.setLevel(logging.DEBUG if verbose else logging.INFO)
