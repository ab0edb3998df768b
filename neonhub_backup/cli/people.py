"""Asking whoever runs a command, where there is somebody to ask."""

import logging
import sys
import time
from collections.abc import Sequence

import typer

from neonhub_backup.errors import UnconfirmedError
from neonhub_backup.postgres.placement import Session

log = logging.getLogger(__name__)

_LOOK_EVERY_SECONDS = 2.0


class Terminal:
    """Asks on a terminal; elsewhere `--yes` has to have answered beforehand."""

    def __init__(self, *, yes: bool, wait_minutes: float = 0) -> None:
        self._yes = yes
        self._asks = not yes and sys.stdin.isatty() and sys.stderr.isatty()
        self._until = time.monotonic() + wait_minutes * 60

    def confirm(self, statement: str) -> None:
        """Have somebody confirm a statement, or rely on `--yes`.

        Raises:
            UnconfirmedError: nobody can be asked.
            Abort: they do not confirm it.
        """
        if self._yes:
            log.info("confirmed by --yes: %s", statement)
        elif self._asks:
            typer.confirm(f"{statement}. Go on?", abort=True, err=True)
        else:
            raise UnconfirmedError(
                f"nobody can be asked here whether {statement}, so that step was not begun: see to"
                " it, and give --yes"
            )

    def wait(self, sessions: Sequence[Session]) -> None:
        """Show who is connected; return when it is time to look again.

        Raises:
            UnconfirmedError: nobody can be asked, and the time to wait is over.
        """
        who = "; ".join(str(session) for session in sessions)
        if self._asks:
            for session in sessions:
                typer.echo(f"  connected: {session}", err=True)
            typer.prompt(
                f"{len(sessions)} connections: stop them, then press Enter to look again",
                default="",
                show_default=False,
                err=True,
            )
        elif time.monotonic() < self._until:
            log.info("waiting for %d connections to end: %s", len(sessions), who)
            time.sleep(_LOOK_EVERY_SECONDS)
        else:
            raise UnconfirmedError(
                f"{len(sessions)} connections are open ({who}) and may write, so nothing was"
                " changed: stop them, wait for them with --wait-minutes, or end them with --fence"
            )
