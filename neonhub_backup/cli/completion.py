"""`completion`: what a shell needs to complete command lines, and what it asks for then."""

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import (
    get_completion_script,  # pyright: ignore[reportPrivateImportUsage] - it has no other door
)

from neonhub_backup.cli.app import COMPLETION_VARIABLE, PROGRAM, app


class Shell(StrEnum):
    """Shells that can be completed in."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command()
def completion(
    shell: Annotated[
        Shell, typer.Argument(help="The shell that you type into.", show_choices=True)
    ],
) -> None:
    """Write the script that lets a shell complete commands, options and names of backups.

    In ~/.bashrc: eval "$(neonhub-backup completion bash)"

    In ~/.zshrc, after compinit: eval "$(neonhub-backup completion zsh)"

    For fish: neonhub-backup completion fish > ~/.config/fish/completions/neonhub-backup.fish
    """
    script = get_completion_script(
        prog_name=PROGRAM, complete_var=COMPLETION_VARIABLE, shell=shell.value
    )
    typer.echo(script)
