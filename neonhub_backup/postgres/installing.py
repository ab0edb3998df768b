"""PostgreSQL's programs on a machine that lacks them, from the PostgreSQL project's repository."""

import logging
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from neonhub_backup.errors import ProgramError
from neonhub_backup.postgres.programs import (
    CLIENT,
    DIRECTORY_VARIABLE,
    SERVER,
    Suite,
    client_programs,
    installed,
    server_programs,
)

log = logging.getLogger(__name__)

APT = "apt-get"

_REPOSITORY_SCRIPT = Path("/usr/share/postgresql-common/pgdg/apt.postgresql.org.sh")
"""Adds the PostgreSQL project's repository, with the key that signs it, and reads its lists."""
_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/neonhub-backup.conf")
_OPTIONS = ("--quiet", "--yes", "--option=Acquire::Retries=3", "--option=DPkg::Lock::Timeout=120")
_WORDS = 60
"""How many of its last words are shown of a command that failed."""


@dataclass(frozen=True)
class Lack:
    """Something that is not on this machine."""

    what: str
    package: str
    """What brings it on Debian and Ubuntu."""
    formula: str
    """What brings it with Homebrew."""


@dataclass(frozen=True)
class Ensured:
    """What a run will use."""

    suite: Suite
    pgvector: str | None
    """Its version. None: no server was asked for."""
    packages: tuple[str, ...]
    """What had to be installed."""


class _InstallError(Exception):
    """Why nothing could be installed, as the end of a sentence about this machine."""


def ensure(major: int, *, server: bool) -> Ensured:
    """See to it that the programs of exactly this major version are there, and gpg and zstd.

    Raises:
        ProgramError: something is missing and cannot be installed.
    """
    lacks = missing(major, server=server)
    packages = tuple(lack.package for lack in lacks)
    if packages:
        try:
            _install(packages, server=server)
        except _InstallError as error:
            raise _refusal(lacks, str(error), _advice(lacks)) from error
        if lacks := missing(major, server=server):
            raise _refusal(
                lacks,
                f"even after {APT} has installed {' '.join(packages)}",
                f"see whether {DIRECTORY_VARIABLE} or PATH leads to programs from elsewhere first",
            )
    suite = server_programs(major) if server else client_programs(major)
    _tell_what_is_passed_over(suite)
    return Ensured(suite, pgvector_version(suite) if server else None, packages)


def missing(major: int, *, server: bool) -> list[Lack]:
    """What this machine lacks of what is asked for."""
    lacks: list[Lack] = []
    formula = f"postgresql@{major}"
    if installed(CLIENT, major) is None:
        what = f"psql, pg_dump and pg_restore of PostgreSQL {major}"
        lacks.append(Lack(what, f"postgresql-client-{major}", formula))
    if server:
        suite = installed(SERVER, major)
        if suite is None:
            what = f"postgres and initdb of PostgreSQL {major}"
            lacks.append(Lack(what, f"postgresql-{major}", formula))
        if suite is None or pgvector_version(suite) is None:
            what = f"pgvector for PostgreSQL {major}"
            lacks.append(Lack(what, f"postgresql-{major}-pgvector", "pgvector"))
    for program, package in (("gpg", "gnupg"), ("zstd", "zstd")):
        if shutil.which(program) is None:
            lacks.append(Lack(program, package, package))
    return lacks


def pgvector_version(suite: Suite) -> str | None:
    """The version of pgvector that a server of these programs would create; None without one."""
    for share in _shares(suite):
        control = share / "extension" / "vector.control"
        if control.is_file():
            match = re.search(r"default_version\s*=\s*'(.+)'", control.read_text())
            return match[1] if match else "of an unknown version"
    return None


def _shares(suite: Suite) -> list[Path]:
    beside = suite.directory.parent / "share"
    config = suite.path("pg_config")
    if not os.access(config, os.X_OK):
        return [beside, beside / "postgresql"]
    said = subprocess.run([config, "--sharedir"], capture_output=True, text=True, check=False)
    return [Path(said.stdout.strip())]


def _tell_what_is_passed_over(suite: Suite) -> None:
    named = os.environ.get(DIRECTORY_VARIABLE)
    if named and Path(named) != suite.directory:
        log.warning(
            "%s names %s, which lacks programs of PostgreSQL %d, so those of %s are used: name"
            " that directory, or unset the variable",
            DIRECTORY_VARIABLE,
            named,
            suite.major,
            suite.directory,
        )


def _install(packages: Sequence[str], *, server: bool) -> None:
    if shutil.which(APT) is None:
        raise _InstallError(f"and has no {APT} to install that with")
    root = _root()
    if _needs_repository([package for package in packages if package.startswith("postgresql")]):
        _add_repository(root)
    else:
        _apt(root, "update")
    log.info("installing %s", " ".join(packages))
    with _no_cluster(root) if server else nullcontext():
        _apt(root, "install", *packages)


def _root() -> list[str]:
    """What to put before a command that only root may give."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        raise _InstallError("and only root may install that, and there is no sudo")
    return ["sudo", "--non-interactive"]


def _needs_repository(packages: Sequence[str]) -> bool:
    """Whether the repositories that apt knows are not enough.

    The pgvector of a distribution is as old as that; a drill would find that the extension is of
    another version than it was.
    """
    if not packages:
        return False
    said = subprocess.run(
        ["apt-cache", "policy", *packages],
        env={**os.environ, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=False,
    )
    candidates = dict(
        re.findall(r"^(\S+):\n +Installed: .+\n +Candidate: (.*\d.*)$", said.stdout, re.MULTILINE)
    )
    return any(
        package not in candidates
        or (package.endswith("-pgvector") and "pgdg" not in candidates[package])
        for package in packages
    )


def _add_repository(root: Sequence[str]) -> None:
    log.info("adding the PostgreSQL project's repository")
    needed = {"postgresql-common": _REPOSITORY_SCRIPT, "ca-certificates": _CERTIFICATES}
    if absent := [package for package, file in needed.items() if not file.is_file()]:
        _apt(root, "update")
        _apt(root, "install", *absent)
    _run([*root, str(_REPOSITORY_SCRIPT), "-y"], _REPOSITORY_SCRIPT.name)


@contextmanager
def _no_cluster(root: Sequence[str]) -> Generator[None]:
    """Let a server's package install programs only, and create no server that listens."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("create_main_cluster = false\n")
        file.flush()
        _run([*root, "install", "-D", "--mode=644", file.name, str(_NO_CLUSTER)], "install")
    try:
        yield
    finally:
        _run([*root, "rm", "--force", str(_NO_CLUSTER)], "rm")


def _apt(root: Sequence[str], action: str, *packages: str) -> None:
    only = ["--no-install-recommends"] if action == "install" else []
    quiet = ["env", "DEBIAN_FRONTEND=noninteractive"]  # sudo would not hand it on
    _run(
        [*root, *quiet, APT, *_OPTIONS, action, *only, *packages],
        " ".join((APT, action, *packages)),
    )


def _run(argv: Sequence[str], name: str) -> None:
    """Run a command to its end, even when this program is to end: packages are never left half."""
    with tempfile.TemporaryFile("w+", errors="replace") as output:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            process.wait()
        finally:
            process.wait()
        if process.returncode != 0:
            output.seek(0)
            said = " ".join(output.read().split()[-_WORDS:])
            raise _InstallError(f"and `{name}` failed with exit code {process.returncode} ({said})")


def _refusal(lacks: Sequence[Lack], why: str, advice: str) -> ProgramError:
    *most, last = [lack.what for lack in lacks]
    listed = f"{', '.join(most)} and {last}" if most else last
    return ProgramError(
        f"this machine lacks {listed}, {why}, so nothing can be backed up, restored or proven on"
        f" it: {advice}"
    )


def _advice(lacks: Sequence[Lack]) -> str:
    packages = " ".join(lack.package for lack in lacks)
    formulas = " ".join(dict.fromkeys(lack.formula for lack in lacks))
    return (
        f"install it with `{APT} install {packages}` from https://wiki.postgresql.org/wiki/Apt,"
        f" with `brew install {formulas}`, or in another way, and name the directory of"
        f" PostgreSQL's programs in {DIRECTORY_VARIABLE} unless it is on PATH"
    )
