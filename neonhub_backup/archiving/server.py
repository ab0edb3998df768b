"""A server on a recovered data directory: private, durable, and ended when left."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from neonhub_backup.errors import DatabaseError, ProgramError
from neonhub_backup.postgres.connection import Connection, Target, connect
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.server import PORT, log_of, private_place, reached, running_server

_POLL_SECONDS = 0.2
_TAIL_CHARACTERS = 2000
_ABSENT = re.compile(r'(role|database) ".*" does not exist|postgres on \S+ does not exist')
_NEEDED = {
    "max_connections": "max_connections",
    "max_worker_processes": "max_worker_processes",
    "max_wal_senders": "max_wal_senders",
    "max_prepared_xacts": "max_prepared_transactions",
    "max_locks_per_xact": "max_locks_per_transaction",
}
"""What a server that replays WAL must have no less of, as pg_controldata and settings call it."""


class RecoveryEndedError(DatabaseError):
    """The server ended by itself."""

    log: str
    """What it said."""


class RecoveringServer:
    """A running server, whose log says what becomes of its recovery."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, target: Target) -> None:
        """It may not answer yet."""
        self._process = process
        self._log = log
        self.target = target

    def connect(self) -> Connection:
        """A connection to the database that was recovered.

        Raises:
            DatabaseError: the server has no such database.
        """
        return connect(self.target)

    def watch(self) -> Connection:
        """A connection once the server answers, however long it replays until then.

        It is to the database that every server has: another may come into being meanwhile.

        Raises:
            RecoveryEndedError: it has ended.
            DatabaseError: it has no such superuser.
        """
        while True:
            try:
                return connect(self.target.with_database("postgres"))
            except DatabaseError as error:
                if _ABSENT.search(str(error)):
                    raise
                self.wait()

    def wait(self) -> None:
        """Let a moment pass.

        Raises:
            RecoveryEndedError: it has ended.
        """
        time.sleep(_POLL_SECONDS)
        if self._process.poll() is None:
            return
        text = self._log.read_text(errors="replace")
        said = " ".join(text[-_TAIL_CHARACTERS:].split())
        ended = RecoveryEndedError(
            f"the server ended before its recovery did ({said}), so nothing was recovered: correct"
            " what it says and try again"
        )
        ended.log = text
        raise ended


@contextmanager
def recovering_server(
    suite: Suite, data: Path, superuser: str, database: str, *, standby: bool
) -> Generator[RecoveringServer]:
    """Start a server on a data directory, on a private socket; shut it down when left.

    Nobody else reaches it, and it archives nothing; what it has to archive waits for a server with
    an archive_command.

    Raises:
        ProgramError: it cannot be started.
    """
    with private_place(suite.directory, data) as place:
        access = place.folder / "access"
        access.write_text("local all all trust\n")
        (place.folder / "postgresql.conf").touch()
        if place.owner is not None:
            _give(place.folder, place.owner)
            _give(data, place.owner)
        options = settings(place.folder, data, access, standby=standby) | needed_settings(
            _control_data(suite, data)
        )
        with running_server(suite, place, data, options, signal.SIGINT) as process:
            target = reached(place, superuser, database)
            yield RecoveringServer(process, log_of(place), target)


def settings(home: Path, data: Path, access: Path, *, standby: bool) -> dict[str, str]:
    """What differs from the server's own configuration while it recovers."""
    private = {
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_permissions": "0700",
        "hba_file": str(access),
        # The configuration may name the place of the server that is recovered.
        "data_directory": str(data),
        "external_pid_file": "",
        "ssl": "off",
        # On, it would wait for a larger max_connections if the original was given one meanwhile.
        "hot_standby": "on" if standby else "off",
        "primary_conninfo": "",
        # On without a command, WAL waits in pg_wal until the server archives it under its own.
        "archive_mode": "on",
        "archive_command": "",
        "archive_library": "",
        "logging_collector": "off",
        "log_destination": "stderr",
        "log_timezone": "UTC",
        "lc_messages": "C",
    }
    if (data / "postgresql.conf").exists():
        return private
    # As on Debian, whose configuration lies in /etc and is not part of a base backup.
    return {**private, "config_file": str(home / "postgresql.conf")}


def needed_settings(control: str) -> dict[str, str]:
    """The settings without which a server refuses to replay, by what pg_controldata says."""
    found = dict(re.findall(r"^(\w+) setting:\s+(\d+)$", control, re.MULTILINE))
    return {setting: found[name] for name, setting in _NEEDED.items() if name in found}


def _control_data(suite: Suite, data: Path) -> str:
    done = subprocess.run(
        [suite.path("pg_controldata"), str(data)],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ProgramError(
            f"pg_controldata cannot read {data} ({' '.join(done.stderr.split())}), so no server"
            " can be started on it: recover from another base backup with --base"
        )
    return done.stdout


def _give(top: Path, owner: tuple[int, int]) -> None:
    os.chown(top, *owner)
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            os.chown(Path(folder) / name, *owner, follow_symlinks=False)
