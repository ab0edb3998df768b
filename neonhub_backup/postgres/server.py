"""A PostgreSQL server that exists for one drill: private, fast, and gone afterwards."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from neonhub_backup.errors import DatabaseError, ProgramError
from neonhub_backup.postgres.connection import Target, connect
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.postgres.user import ServerUserError, server_user_prefix
from neonhub_backup.temporary import remove_folder

START_SECONDS = 60.0
PORT = "5432"


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


@contextmanager
def throwaway_server(suite: Suite, superuser: str) -> Generator[Target]:
    """Start an empty server on a private socket; end and remove it when left.

    Raises:
        ProgramError: its programs fail.
        DatabaseError: it does not begin to answer in time.
    """
    home = Path(tempfile.mkdtemp(prefix="nhb-"))
    try:
        try:
            prefix, owner = server_user_prefix([suite.directory, home])
        except ServerUserError as error:
            raise ProgramError(str(error)) from error
        if owner is not None:
            os.chown(home, *owner)
        data, log = home / "data", home / "log"
        _initialise(suite, prefix, data, superuser)
        target = Target({"host": str(home), "port": PORT, "user": superuser, "dbname": "postgres"})
        process = _start(suite, prefix, data, home, log)
        try:
            _wait(process, target, log)
            yield target
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait()
    finally:
        remove_folder(home)


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


def _start(
    suite: Suite, prefix: list[str], data: Path, socket: Path, log: Path
) -> subprocess.Popen[bytes]:
    options = [f"--{name}={value}" for name, value in settings().items()]
    argv = [
        *ending_with_us(prefix, "QUIT"),
        suite.path("postgres"),
        "-D",
        str(data),
        "-k",
        str(socket),
        *options,
    ]
    with log.open("wb") as output:
        return subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=output, process_group=0, cwd="/"
        )


def ending_with_us(prefix: list[str], signal_name: str) -> list[str]:
    """A prefix of the command line by which a server gets this signal when we die."""
    option = f"--pdeathsig={signal_name}"
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
