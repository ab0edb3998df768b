"""Reaching a server, and saying in one sentence why it cannot be reached."""

import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from typing import LiteralString, TypeVar

import psycopg
from psycopg import conninfo, pq, sql

from neonhub_backup.errors import ConfigurationError, DatabaseError

T = TypeVar("T")
Connection = psycopg.Connection[tuple[object, ...]]

_CONNECT_SECONDS = 15
_ENCODING = "UTF8"
"""What backups are written in, whatever a connection string asks for."""
_UNSENT = re.compile(r"keepalives.*|tcp_user_timeout|fallback_application_name")
"""Parameters that only tune a connection: psql and pg_dump do without them."""
_MISREAD = re.compile(r"postgres(ql)?://([^/@]*@|[^@]*/).*@")
"""URLs in which libpq ends the password at its first @, or sees none before a /."""
_REFUSED = re.compile(
    r"password authentication failed|no password supplied|role .* does not exist|pg_hba.conf"
)


@dataclass(frozen=True)
class Target:
    """A database's address. Its password shows in no message and no argument list."""

    parameters: Mapping[str, str]

    @property
    def database(self) -> str:
        """Name of the database."""
        return self.parameters.get("dbname") or self.parameters.get("user") or "postgres"

    @property
    def host(self) -> str:
        """Host name, address or socket directory."""
        return self.parameters.get("host") or self.parameters.get("hostaddr") or "local socket"

    @property
    def is_local(self) -> bool:
        """Whether the server runs on this machine."""
        return self.host.startswith("/") or self.host in {"local socket", "localhost", "127.0.0.1"}

    def __str__(self) -> str:
        return f"{self.database} on {self.host}:{self.parameters.get('port', '5432')}"

    def __repr__(self) -> str:
        return f"Target({self})"

    def with_database(self, name: str) -> "Target":
        """Another database of the same server."""
        return Target({**self.parameters, "dbname": name})

    def environment(self) -> dict[str, str]:
        """The variables by which psql, pg_dump and pg_restore reach it."""
        variables = {
            option.keyword.decode(): option.envvar.decode()
            for option in pq.Conninfo.get_defaults()
            if option.envvar is not None
        }
        named = {**self.parameters, "dbname": self.database}
        environment = {"PGCONNECT_TIMEOUT": str(_CONNECT_SECONDS)}
        for name, value in named.items():
            if name in variables:
                environment[variables[name]] = value
            elif not _UNSENT.fullmatch(name):
                raise ConfigurationError(
                    f"the connection string sets {name}, which psql and pg_dump take only on their"
                    " command line, where others could read it: leave it out"
                )
        return environment | {"PGCLIENTENCODING": _ENCODING}


def parse_url(url: str, source: str) -> Target:
    """Read a connection string; `source` names where it stands, e.g. DATABASE_URL.

    Raises:
        ConfigurationError: it is malformed, or names Neon's pooled host.
    """
    try:
        parameters = conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        raise ConfigurationError(
            f"{source} is not a connection string, so there is no database to reach:"
            " write postgresql://user:password@host/database, with special characters as %XX"
        ) from error
    if _MISREAD.match(url):
        raise ConfigurationError(
            f"{source} has an @ after its host begins, so a part of the password would be taken"
            " for a host's name: write an @ in the password as %40 and a / as %2F"
        )
    target = Target({key: str(value) for key, value in parameters.items() if value is not None})
    label, dot, rest = target.host.partition(".")
    if label.endswith("-pooler"):
        direct = label.removesuffix("-pooler") + dot + rest
        raise ConfigurationError(
            f"{source} names Neon's pooled host {target.host}, which cannot export a snapshot, so"
            f" nothing was read: use the direct host {direct}"
        )
    return target


def connect(target: Target, *, autocommit: bool = True) -> Connection:
    """Open a connection.

    Raises:
        DatabaseError: with the reason and what to do about it.
    """
    parameters: dict[str, str] = {
        "connect_timeout": str(_CONNECT_SECONDS),
        "application_name": "neonhub-backup",
        **target.parameters,
        "client_encoding": _ENCODING,
    }
    try:
        return psycopg.connect(conninfo.make_conninfo(**parameters), autocommit=autocommit)
    except psycopg.OperationalError as error:
        raise DatabaseError(_explain(target, str(error))) from error
    except BaseException as stop:
        # What is left of a connection that was interrupted while it was made lives on in the frames
        # of the exception, and the server waits for its other half: DROP DATABASE would, too.
        traceback.clear_frames(stop.__traceback__)
        raise


def server_major(connection: Connection) -> int:
    """Major version of the server, e.g. 18."""
    return connection.info.server_version // 10000


def query(
    connection: Connection, text: LiteralString | sql.SQL | sql.Composed, *values: object
) -> list[tuple[object, ...]]:
    """Run one statement and return its rows."""
    return connection.execute(text, values or None).fetchall()


def value(connection: Connection, kind: type[T], text: LiteralString, *values: object) -> T:
    """The single value that a query returns."""
    (row,) = query(connection, text, *values)
    found = row[0]
    if not isinstance(found, kind):
        raise TypeError(f"{text} returned {found!r}, not {kind.__name__}")
    return found


def quoted(*names: str) -> str:
    """A qualified name as SQL."""
    return sql.Identifier(*names).as_string(None)


def _explain(target: Target, error: str) -> str:
    reason = " ".join(error.split())
    if _REFUSED.search(reason):
        return (
            f"{target} refused user {target.parameters.get('user', '')!s} or its password, so"
            f" nothing was done: correct them in the connection string ({reason})"
        )
    if re.search(r'database ".*" does not exist', reason):
        return (
            f"{target} does not exist, so nothing was done: correct the database's name in the"
            " connection string"
        )
    return (
        f"{target} cannot be reached, so nothing was done: check that the server runs and that its"
        f" host, port and firewall let this machine in ({reason})"
    )
