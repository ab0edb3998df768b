"""What commands that keep a journal have in common: their options, and opening it."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from neonhub_backup.backup import origin
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.journal import Journal, open_journal, peek_journal
from neonhub_backup.postgres.connection import Target

JournalFile = Annotated[
    Path | None,
    typer.Option(
        "--journal",
        help="The file that remembers every step. By default one for each environment and database,"
        " below $XDG_STATE_HOME/neonhub-backup.",
        metavar="FILE",
    ),
]
Yes = Annotated[
    bool, typer.Option("--yes", help="Confirm every step beforehand, for runs that nobody watches.")
]
SkipStep = Annotated[
    list[str] | None,
    typer.Option(
        "--skip-step", help="Leave this step out. May be repeated; needs --reason.", metavar="NAME"
    ),
]
Reason = Annotated[
    str | None,
    typer.Option("--reason", help="Why a step is left out; the journal keeps it.", metavar="TEXT"),
]


@contextmanager
def recovery_journal(path: Path, target: Target | None) -> Generator[Journal]:
    """A journal to write to, which the target's password is kept out of.

    Without a target it is one to look into alone.

    Raises:
        UnconfirmedError: another run has it open.
        ConfigurationError: it cannot be read or written, or is not a journal.
    """
    if target is None:
        yield peek_journal(path)
        return
    who = origin()
    password = target.parameters.get("password", "")
    with open_journal(path, f"{who.user}@{who.host}", hide=[password]) as journal:
        yield journal


def read_skips(steps: Sequence[str] | None, reason: str | None) -> dict[str, str]:
    """The reason for each step that is to be left out.

    Raises:
        ConfigurationError: there is a step without a reason, or a reason without a step.
    """
    if steps and not (reason and reason.strip()):
        raise ConfigurationError(
            "--skip-step needs --reason, which the journal keeps for whoever asks later, so nothing"
            " was done: say why"
        )
    if reason and not steps:
        raise ConfigurationError(
            "--reason is given and no --skip-step that it would be for, so nothing was done: name"
            " the step, or leave it out"
        )
    return dict.fromkeys(steps or (), reason or "")
