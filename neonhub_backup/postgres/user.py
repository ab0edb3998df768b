"""Which system user may run a PostgreSQL server: it refuses to run as root.

A server that this project starts runs as whoever started it, except under root, where it
runs as the system's own `postgres` user, or `nobody` on machines that have none.
"""

import os
import pwd
import shutil
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

ACCOUNTS = ("postgres", "nobody")
"""The accounts a server may run as under root, the preferred one first."""

CAPABILITIES = {"dac_read_search": 2, "dac_override": 1}
"""What lets a user pass directories closed to it, the weaker one first, with its kernel bit."""


class ServerUserError(RuntimeError):
    """No user of this machine can run a PostgreSQL server; says what would change that."""


def server_user_prefix(paths: Sequence[Path]) -> tuple[list[str], tuple[int, int] | None]:
    """What to put before the command line of `initdb` and `postgres`.

    `paths` are all the places the server must reach: its programs, its data directory. The second
    value is the uid and gid that must own the data directory; None says that the server runs as
    the user we are, who owns it already. Raises ServerUserError where no such user can be had.
    """
    if os.geteuid() != 0:
        return [], None
    account = _account()
    if shutil.which("setpriv") is None:
        raise ServerUserError(
            "PostgreSQL does not run as root and this machine has no `setpriv` to change user with:"
            " install util-linux, or start this command as an ordinary user"
        )
    owner = (account.pw_uid, account.pw_gid)
    closed = first_closed_directory(paths, *owner)
    capability = None if closed is None else _capability(closed, account.pw_name)
    return prefix(*owner, capability), owner


def prefix(uid: int, gid: int, capability: str | None) -> list[str]:
    """The command prefix that becomes this user, keeping at most one capability."""
    command = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
    if capability is not None:
        # initdb asks access(2) whether its programs can be run, which forgets the capabilities of
        # an ordinary user unless this bit is set.
        command += ["--securebits=+no_setuid_fixup"]
        command += [f"--inh-caps=-all,+{capability}", f"--ambient-caps=+{capability}"]
    return command


def first_closed_directory(paths: Iterable[Path], uid: int, gid: int) -> Path | None:
    """The first directory on the way to one of the paths that this user cannot pass."""
    for path in paths:
        real = path.resolve()
        for directory in (*reversed(real.parents), real):
            if directory.is_dir() and not _passable(directory.stat(), uid, gid):
                return directory
    return None


def _passable(status: os.stat_result, uid: int, gid: int) -> bool:
    if status.st_uid == uid:
        bit = stat.S_IXUSR
    elif status.st_gid == gid:
        bit = stat.S_IXGRP
    else:
        bit = stat.S_IXOTH
    return bool(status.st_mode & bit)


def _account() -> pwd.struct_passwd:
    by_name = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ACCOUNTS:
        if name in by_name:
            return by_name[name]
    raise ServerUserError(
        "PostgreSQL does not run as root and this machine has neither a `postgres` nor a `nobody`"
        " user to run it as: create one (`useradd --system postgres`)"
    )


def _capability(closed: Path, user: str) -> str:
    lines = Path("/proc/self/status").read_text().splitlines()
    bounding = next(int(line.split()[1], 16) for line in lines if line.startswith("CapBnd:"))
    for name, bit in CAPABILITIES.items():
        if bounding >> bit & 1:
            return name
    raise ServerUserError(
        f"PostgreSQL does not run as root, and the user `{user}` that would run it cannot enter"
        f" {closed}: open the directory to it (`chmod o+x {closed}`), or use another place"
    )
