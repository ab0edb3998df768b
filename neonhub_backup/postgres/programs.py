"""PostgreSQL's own programs, of a version that understands the server."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from neonhub_backup.errors import ProgramError

DIRECTORY_VARIABLE = "NEONHUB_BACKUP_PG_BIN"
"""Environment variable that names the directory to look in first."""

CLIENT = ("pg_dump", "pg_restore", "psql")
SERVER = ("postgres", "initdb", *CLIENT)

_DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True)
class Suite:
    """A directory with programs of one version."""

    directory: Path
    major: int

    def path(self, program: str) -> str:
        """One of its programs."""
        return str(self.directory / program)


def client_programs(server_major: int) -> Suite:
    """psql, pg_dump and pg_restore for a server: of its own major version, or the next newer.

    Raises:
        ProgramError: all that are installed are older, or none are.
    """
    return _choose(CLIENT, server_major, "postgresql-client")


def server_programs(server_major: int) -> Suite:
    """initdb and postgres that can take a dump of a server of this major version.

    Raises:
        ProgramError: all that are installed are older, or none are.
    """
    return _choose(SERVER, server_major, "postgresql")


def exact_programs(needed: tuple[str, ...], major: int) -> Suite:
    """Programs of exactly this major version, for what no other version reads.

    Raises:
        ProgramError: there are none.
    """
    found = installed(needed, major)
    if found is None:
        raise ProgramError(
            f"{needed[0]} of exactly PostgreSQL {major} is needed for a server's own files and is"
            f" not found, so nothing was done: install postgresql-{major}, or name the directory of"
            f" its programs in {DIRECTORY_VARIABLE}"
        )
    return found


def installed(needed: tuple[str, ...], major: int) -> Suite | None:
    """The programs of exactly this major version that a run would take; None when there are none.

    A program that does not tell its version is passed over, since installing may mend it.
    """
    for directory in _directories():
        with suppress(ProgramError):
            if _has(directory, needed) and _major(directory / needed[0]) == major:
                return Suite(directory, major)
    return None


def _choose(needed: tuple[str, ...], server_major: int, package: str) -> Suite:
    found = [suite for suite in _suites(needed) if suite.major >= server_major]
    if found:
        return min(found, key=lambda suite: suite.major)
    old = ", ".join(sorted({str(suite.major) for suite in _suites(needed)})) or "none at all"
    raise ProgramError(
        f"{needed[0]} of PostgreSQL {server_major} or newer is needed for this server and the"
        f" versions found are {old}, so nothing was done: install {package}-{server_major}, or"
        f" name the directory of its programs in {DIRECTORY_VARIABLE}"
    )


def _suites(needed: tuple[str, ...]) -> Iterator[Suite]:
    for directory in _directories():
        if _has(directory, needed):
            yield Suite(directory, _major(directory / needed[0]))


def _has(directory: Path, needed: tuple[str, ...]) -> bool:
    return all(os.access(directory / program, os.X_OK) for program in needed)


def _directories() -> Iterator[Path]:
    named = os.environ.get(DIRECTORY_VARIABLE)
    if named:
        yield Path(named)
    yield from sorted(_DEBIAN.glob("*/bin"))
    for entry in os.environ.get("PATH", "").split(os.pathsep):
        if entry:
            yield Path(entry)


@cache
def _major(program: Path) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
    if match is None:
        raise ProgramError(
            f"{program} does not tell its version ({said.stderr.strip()}), so it cannot be trusted"
            " with a backup: reinstall it or take its directory off PATH"
        )
    return int(match[1])
