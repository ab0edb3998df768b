"""What a server is told in its configuration: to archive its WAL, and to fetch it again."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from neonhub_backup.archiving.goal import render_settings
from neonhub_backup.domain.duration import format_duration
from neonhub_backup.errors import NoBackupError

_LONGEST_TIMEOUT = timedelta(hours=1)


@dataclass(frozen=True)
class Tool:
    """How a server's own user starts this program for one database."""

    program: Path
    configuration: Path
    database: str

    def command(self, words: Sequence[str], places: str) -> str:
        """A command line for a shell; `places` are what the server fills in, such as %p."""
        argv = [str(self.program), "--config", str(self.configuration), *words]
        line = shlex.join([*argv, "--database", self.database]).replace("%", "%%")
        return f"{line} {places}"

    @property
    def archive_command(self) -> str:
        """Archives one file."""
        return self.command(["wal", "push"], '"%p"')

    @property
    def fetch_command(self) -> str:
        """Fetches one file for a standby, which tries again whatever goes wrong."""
        return self.command(["wal", "fetch"], '%f "%p"')

    @property
    def recovery_command(self) -> str:
        """Fetches one file for a recovery.

        To PostgreSQL, a file that cannot be fetched is the end of the archive, and a recovery to
        the end would be done there, with everything after it lost. Above 125 it gives up instead.
        """
        absent = NoBackupError.exit_code
        return f"{self.fetch_command} || {{ test $? -eq {absent} && exit {absent}; exit 255; }}"


def archive_timeout(rpo: timedelta | None) -> timedelta:
    """Time after which a segment is archived though it is not full.

    A quarter of what may be lost, so that some attempts can fail.
    """
    return _LONGEST_TIMEOUT if rpo is None else min(rpo / 4, _LONGEST_TIMEOUT)


def server_settings(tool: Tool, address: str, rpo: timedelta | None) -> str:
    """Lines for a server's postgresql.conf."""
    seconds = f"{archive_timeout(rpo).total_seconds():.0f}s"
    promised = f"a quarter of the RPO of {format_duration(rpo)}" if rpo else "no RPO is set"
    settings = {
        "wal_level": "replica",
        "archive_mode": "on",
        "archive_command": tool.archive_command,
        "archive_timeout": seconds,
    }
    return (
        f"# Continuous archiving of database {tool.database} into\n# {address}\n"
        "# archive_mode takes a restart. The user who runs the server needs the credentials of the"
        " store.\n"
        f"# archive_timeout: {promised}, and at most an hour.\n" + render_settings(settings)
    )
