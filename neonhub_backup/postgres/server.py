"""A PostgreSQL server that exists for one drill: private, fast, and gone afterwards."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neonhub_backup.errors import ConfigurationError, DatabaseError, ProgramError
from neonhub_backup.postgres.connection import Target, connect
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.user import ServerUserError, server_user_prefix
from neonhub_backup.temporary import remove_folder

START_SECONDS = 60.0
PORT = "5432"

_SOCKET = f"/.s.PGSQL.{PORT}"
_LONGEST_SOCKET = 107
"""Bytes of a socket's path that Linux takes."""


def memory_bytes() -> int:
    """Physical memory of this machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def settings() -> dict[str, str]:
    """Settings of a server whose data nobody needs after a crash, sized for this machine."""
    megabytes = memory_bytes() >> 20
    return {
        # Reachable by this machine's own user only.
        "listen_addresses": "",
        # Or PGPORT in the environment would choose it.
        "port": PORT,
        "unix_socket_permissions": "0700",
        # Nothing has to survive.
        "fsync": "off",
        "full_page_writes": "off",
        "synchronous_commit": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "16GB",
        "autovacuum": "off",
        "shared_buffers": f"{min(megabytes // 8, 4096)}MB",
        # Containers often have a /dev/shm too small for the shared memory of a parallel build.
        "dynamic_shared_memory_type": _shared_memory(),
    }


def _shared_memory() -> str:
    place = Path("/dev/shm")  # noqa: S108 - where PostgreSQL's own kind of it lies
    roomy = place.is_dir() and shutil.disk_usage(place).free > memory_bytes() // 4
    return "posix" if roomy else "mmap"


@dataclass(frozen=True)
class Place:
    """A temporary folder for a server, and how programs run as the user who runs it."""

    folder: Path
    prefix: list[str]
    """What the command line of such a program begins with."""
    owner: tuple[int, int] | None
    """That user and group. None: it is us."""


@contextmanager
def private_place(*used: Path) -> Generator[Place]:
    """Make a folder that belongs to the server's user, who can reach `used` too; remove it after.

    Raises:
        ProgramError: there is no such user.
        ConfigurationError: temporary folders have paths too long for a socket.
    """
    folder = Path(tempfile.mkdtemp(prefix="nhb-"))
    try:
        if len(os.fsencode(folder)) + len(_SOCKET) > _LONGEST_SOCKET:
            raise ConfigurationError(
                f"TMPDIR is {folder.parent}, too long for the path of a socket ({_LONGEST_SOCKET}"
                " bytes), so no server was started and nothing was restored: set it to a shorter"
                " one, such as /tmp"
            )
        try:
            prefix, owner = server_user_prefix([*used, folder])
        except ServerUserError as error:
            raise ProgramError(str(error)) from error
        if owner is not None:
            os.chown(folder, *owner)
        yield Place(folder, prefix, owner)
    finally:
        remove_folder(folder)


@contextmanager
def running_server(
    suite: Suite, place: Place, data: Path, options: Mapping[str, str], ends: signal.Signals
) -> Generator[subprocess.Popen[bytes]]:
    """Start a server whose socket and log are in a place.

    It gets this signal when it is left, and when we die.
    """
    given = {"unix_socket_directories": str(place.folder), **options}
    argv = [
        *_ending_with_us(place.prefix, ends),
        suite.path("postgres"),
        "-D",
        str(data),
        *(f"--{name}={text}" for name, text in given.items()),
    ]
    with log_of(place).open("wb") as output:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0, cwd="/"
        )
    try:
        yield process
    finally:
        process.send_signal(ends)
        process.wait()


def log_of(place: Place) -> Path:
    """What its server says."""
    return place.folder / "log"


def reached(place: Place, superuser: str, database: str = "postgres") -> Target:
    """How its server is reached."""
    return Target({"host": str(place.folder), "port": PORT, "user": superuser, "dbname": database})


@contextmanager
def throwaway_server(suite: Suite, superuser: str) -> Generator[Target]:
    """Start an empty server on a private socket; end and remove it when left.

    Raises:
        ProgramError: its programs fail.
        DatabaseError: it does not begin to answer in time.
    """
    with private_place(suite.directory) as place:
        data = place.folder / "data"
        _initialise(suite, place.prefix, data, superuser)
        target = reached(place, superuser)
        with running_server(suite, place, data, settings(), signal.SIGQUIT) as process:
            _wait(process, target, log_of(place))
            yield target


def _initialise(suite: Suite, prefix: list[str], data: Path, superuser: str) -> None:
    argv = [
        *prefix,
        suite.path("initdb"),
        "--pgdata",
        str(data),
        "--username",
        superuser,
        "--auth",
        "trust",
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--no-sync",
        "--no-instructions",
    ]
    made = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/")
    if made.returncode != 0:
        raise ProgramError(
            f"initdb failed ({' '.join(made.stderr.split())}), so there is no server to restore"
            " into: correct that and try again"
        )


def _ending_with_us(prefix: list[str], ends: signal.Signals) -> list[str]:
    """A prefix of the command line by which a server gets this signal when we die."""
    option = f"--pdeathsig={ends.name.removeprefix('SIG')}"
    if prefix:
        return [prefix[0], option, *prefix[1:]]
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, option]


def _wait(process: subprocess.Popen[bytes], target: Target, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connect(target).close()
        except DatabaseError:
            if process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.05)
                continue
            tail = " ".join(log.read_text(errors="replace").split()[-60:])
            raise DatabaseError(
                f"the throwaway server did not start ({tail}), so nothing could be restored:"
                " free memory or disk space and try again"
            ) from None
        return
