"""The commands that a configuration names for recoveries: run on one database, never by a shell."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlencode

from neonhub_backup.domain.configuration import Database
from neonhub_backup.encryption import (
    PASSPHRASE_FILE_VARIABLE,
    PASSPHRASE_VARIABLE,
    PRIVATE_KEY_FILE_VARIABLE,
    PRIVATE_KEY_VARIABLE,
)
from neonhub_backup.errors import ConfigurationError, ProgramError, RecoveryCommandError
from neonhub_backup.journal import Facts
from neonhub_backup.neon.sending import KEY_VARIABLE
from neonhub_backup.postgres.connection import Target
from neonhub_backup.postgres.programs import Suite
from neonhub_backup.processes import Command, Programs

_KILL_AFTER_SECONDS = 5.0
_KEYS = (
    *(PRIVATE_KEY_VARIABLE, PRIVATE_KEY_FILE_VARIABLE),
    *(PASSPHRASE_VARIABLE, PASSPHRASE_FILE_VARIABLE, KEY_VARIABLE),
)
"""What no command of the configuration needs to know."""


def connection_url(target: Target) -> str:
    """The address as a URL, which is what most programs but PostgreSQL's own ask for."""
    parameters = dict(target.parameters)
    user, password = parameters.pop("user", None), parameters.pop("password", None)
    database = parameters.pop("dbname", target.database)
    where = ""
    # Several hosts, and a socket's directory, have no place before the database's name.
    if "host" in parameters and not set(parameters["host"]) & {"/", ","}:
        host = parameters.pop("host")
        where = f"[{host}]" if ":" in host else host
        where += f":{parameters.pop('port')}" if "port" in parameters else ""
    who = "" if user is None else quote(user, "")
    who += "" if password is None else f":{quote(password, '')}"
    rest = f"?{urlencode(parameters, quote_via=quote)}" if parameters else ""
    return f"postgresql://{who}{'@' if who else ''}{where}/{quote(database, '')}{rest}"


def command_environment(database: Database, target: Target, suite: Suite) -> dict[str, str]:
    """What a command finds in its environment beside everything else: its database, and no key."""
    url = connection_url(target)
    return {
        **target.environment(),
        **dict.fromkeys((database.url_variable, *database.recovery.url_variables), url),
        # Only where no other psql is found.
        "PATH": os.pathsep.join([os.environ.get("PATH", os.defpath), str(suite.directory)]),
        **dict.fromkeys(_KEYS, ""),
    }


def check_command(words: Sequence[str], field: str, database: Database, suite: Suite) -> None:
    """See before anything is changed that a command could be started.

    Raises:
        ConfigurationError: its folder or its program is missing.
    """
    where = f"databases.{database.name}.recovery"
    folder = database.recovery.directory or Path()
    if not folder.is_dir():
        raise ConfigurationError(
            f"{where}.directory is {folder}, which is no directory here, so {field} could not run"
            " and nothing was done: check the application's code out there, or correct the path"
        )
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), str(suite.directory)])
    # A path with a slash is found from where the command runs.
    program = str(folder / words[0]) if "/" in words[0] else words[0]
    if shutil.which(program, path=path) is None:
        raise ConfigurationError(
            f"{where}.{field} begins with {words[0]}, which is not installed here, so it could not"
            " run and nothing was done: install it, or leave the step out with --skip-step and"
            " --reason"
        )


def run_command(
    words: Sequence[str],
    database: Database,
    target: Target,
    suite: Suite,
    programs: Programs,
    consequence: str,
) -> Facts:
    """Run a command on a database; what it says goes to standard error as it comes.

    Returns its exit code, 0, and how long it took. `consequence` ends the sentence "it failed, so".

    Raises:
        RecoveryCommandError: it cannot be started, fails, or takes too long.
    """
    limit = database.recovery.timeout_minutes
    said = f"`{' '.join(words)}` on {target}"
    rest = "read what it said, correct that, and give the same command again"
    began = time.monotonic()
    sys.stderr.flush()
    try:
        process = programs.start(
            Command(words, command_environment(database, target, suite)),
            stdin=subprocess.DEVNULL,
            stdout=2,  # standard output is for results
            cwd=database.recovery.directory,
        )
    except ProgramError as error:
        raise RecoveryCommandError(
            f"{said} could not be started ({error}), so {consequence}: correct that, and give the"
            " same command again"
        ) from error
    try:
        code = process.wait(limit * 60)
    except subprocess.TimeoutExpired:
        raise RecoveryCommandError(
            f"{said} was ended after {limit} minutes, the most that recovery.timeout_minutes"
            f" allows, so {consequence}: {rest}"
        ) from None
    finally:
        _end(process)
        programs.ended(process)
    if code != 0:
        how = f"exit code {code}" if code > 0 else f"signal {signal.Signals(-code).name}"
        raise RecoveryCommandError(f"{said} failed with {how}, so {consequence}: {rest}")
    return {"exit_code": code, "seconds": round(time.monotonic() - began, 1)}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with everything that it started, if it has not ended."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_KILL_AFTER_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
