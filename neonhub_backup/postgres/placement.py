"""Databases as wholes: made beside the live one, and given its name when they are proven."""

import json
import logging
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import psycopg
from psycopg import sql

from neonhub_backup.domain.manifest import Manifest, Server
from neonhub_backup.errors import DatabaseError, TargetError
from neonhub_backup.postgres.connection import (
    Connection,
    Target,
    connect,
    query,
    server_major,
    value,
)
from neonhub_backup.postgres.naming import aside_name, beside_name

log = logging.getLogger(__name__)

_MAINTENANCE = ("postgres", "template1")
_LISTS = frozenset(
    {"search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries"}
)
"""Settings that are stored as lists of quoted names."""
_MARK = "Restored by neonhub-backup: "
"""Begins the comment on a database that was restored, proven, and has not taken a place yet."""
_DISCONNECT_SECONDS = 5


@dataclass(frozen=True)
class Mark:
    """What the comment on a finished copy says."""

    backup: str
    """Name of the backup that it holds."""
    database: str
    """Name of the database whose place it can take."""
    finished: datetime


@dataclass(frozen=True)
class Session:
    """A connection that keeps a database from being renamed."""

    pid: int
    database: str
    user: str
    application: str
    client: str
    state: str
    since: str
    """When it came into that state, ISO 8601."""

    def __str__(self) -> str:
        return (
            f"{self.user} of {self.application} from {self.client}, {self.state} since {self.since}"
        )


@dataclass(frozen=True)
class Occupancy:
    """What stands under the name that a restored database is to take."""

    exists: bool
    tables: int
    sessions: tuple[Session, ...]
    """Connections to it, which renaming does not bear."""


def maintenance(target: Target) -> Connection:
    """A connection to the same server from which the target itself can be renamed.

    Raises:
        DatabaseError: the server cannot be reached.
    """
    names = [name for name in _MAINTENANCE if name != target.database]
    failures: list[DatabaseError] = []
    for name in names:
        try:
            return connect(target.with_database(name))
        except DatabaseError as error:
            failures.append(error)
    raise failures[0]


def look(connection: Connection, target: Target) -> Occupancy:
    """See what the target holds now."""
    if not exists(connection, target):
        return Occupancy(exists=False, tables=0, sessions=())
    sessions = read_sessions(connection, [target.database])
    with connect(target) as inside:
        tables = value(
            inside,
            int,
            """
            SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't'
               AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
               AND NOT EXISTS (SELECT FROM pg_depend d
                                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                                  AND d.deptype = 'e')
            """,
        )
    return Occupancy(exists=True, tables=tables, sessions=sessions)


def exists(connection: Connection, target: Target) -> bool:
    """Whether a database has the target's name."""
    return bool(query(connection, "SELECT FROM pg_database WHERE datname = %s", target.database))


def free_aside(connection: Connection, target: Target, now: datetime) -> str:
    """What the target is called once another has its name.

    Dated a second later where that is taken, so that two swaps in one second keep their order.
    """
    while exists(connection, target.with_database(aside_name(target.database, now))):
        now += timedelta(seconds=1)
    return aside_name(target.database, now)


def read_sessions(connection: Connection, databases: Sequence[str]) -> tuple[Session, ...]:
    """Who is connected to these databases, but for vacuums, which give way."""
    rows = query(
        connection,
        """
        SELECT pid, datname::text, coalesce(usename::text, 'a process of the server'),
               coalesce(nullif(application_name, ''), 'an unnamed application'),
               coalesce(host(client_addr), 'a local socket'), coalesce(state, 'state unknown'),
               coalesce(to_char(coalesce(state_change, backend_start) AT TIME ZONE 'UTC',
                                'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'a time unknown')
          FROM pg_stat_activity
         -- Only vacuums work in a database without a user. That one is a vacuum is not told to
         -- whoever has no part in pg_read_all_stats.
         WHERE datname = ANY(%s) AND usesysid IS NOT NULL
         ORDER BY backend_start
        """,
        list(databases),
    )
    return tuple(Session(*cast("tuple[int, str, str, str, str, str, str]", row)) for row in rows)


def disconnect(connection: Connection, sessions: Iterable[Session], target: Target) -> None:
    """End connections, each after whatever it has not committed is undone.

    Raises:
        TargetError: the user may not end one of them.
    """
    for session in sessions:
        try:
            query(
                connection,
                "SELECT pg_terminate_backend(%s, %s)",
                session.pid,
                _DISCONNECT_SECONDS * 1000,
            )
        except psycopg.errors.InsufficientPrivilege as error:
            raise TargetError(
                f"user {connection.info.user} may not end the connection of {session}, so {target}"
                " keeps its name: stop that application, or GRANT pg_signal_backend"
            ) from error


def finish(connection: Connection, scratch: Target, name: str, mark: Mark) -> None:
    """Give a proven copy the name under which it is found, and say on it what it is."""
    text = {"backup": mark.backup, "database": mark.database, "finished": mark.finished.isoformat()}
    with connection.transaction():
        connection.execute(
            sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                sql.Identifier(scratch.database), _MARK + json.dumps(text, ensure_ascii=False)
            )
        )
        connection.execute(_renaming(scratch.database, name))


def finished_copies(connection: Connection, target: Target) -> list[tuple[str, Mark]]:
    """The finished copies that can take a database's place, the newest first."""
    rows = query(
        connection,
        """
        SELECT datname::text, shobj_description(oid, 'pg_database') FROM pg_database
         WHERE starts_with(shobj_description(oid, 'pg_database'), %s)
        """,
        _MARK,
    )
    found = [(cast("str", name), _read_mark(cast("str", text))) for name, text in rows]
    ours = [(name, mark) for name, mark in found if mark and mark.database == target.database]
    return sorted(ours, key=lambda item: item[1].finished, reverse=True)


def database_names(connection: Connection) -> list[str]:
    """Every database of the server."""
    rows = query(connection, "SELECT datname::text FROM pg_database")
    return [cast("str", name) for (name,) in rows]


def check_server(
    connection: Connection, target: Target, manifest: Manifest, *, roles: bool
) -> None:
    """Refuse a server that cannot take the backup.

    Raises:
        TargetError: too old, a role or an extension is missing, or no right to create databases.
    """
    major = server_major(connection)
    if major < manifest.server.major:
        raise TargetError(
            f"{target} runs PostgreSQL {major}, older than the backup's {manifest.server.major}, so"
            f" nothing was changed: restore into {manifest.server.major} or newer"
        )
    may = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
    if not value(connection, bool, may):
        user = connection.info.user
        raise TargetError(
            f"user {user} may not create databases, and a restore is made in a new one beside"
            f" {target.database}, so nothing was changed: ALTER ROLE {user} CREATEDB"
        )
    known = query(connection, "SELECT name::text FROM pg_available_extensions")
    absent = sorted(manifest.extensions.keys() - {name for (name,) in known})
    if absent:
        raise TargetError(
            f"the server of {target} has no extension {', '.join(absent)}, which the backup needs,"
            " so nothing was changed: install it on the server"
        )
    present = {name for (name,) in query(connection, "SELECT rolname::text FROM pg_roles")}
    missing = sorted(set(manifest.roles) - present)
    if missing and roles:
        raise TargetError(
            f"the server of {target} has no role {', '.join(missing)}, which owns or may use"
            " something in the backup, so nothing was changed: create it, or leave owners and"
            " privileges out with --no-roles"
        )


@contextmanager
def scratch_database(
    connection: Connection, target: Target, server: Server, suffix: str, *, any_locale: bool = False
) -> Generator[Target]:
    """A new database beside the target, dropped when left by a failure or an interrupt.

    `any_locale` falls back to the C locale where the server does not know the backup's.

    Raises:
        TargetError: the server does not know the locale.
    """
    beside = target.with_database(beside_name(target.database, suffix))
    try:
        connection.execute(_creation(beside.database, server))
    except (psycopg.errors.InvalidParameterValue, psycopg.errors.WrongObjectType) as error:
        if not any_locale:
            raise TargetError(
                f"the server of {target} cannot make a database with the backup's locale"
                f" ({' '.join(str(error).split())}), so nothing was changed: install the locale on"
                " the server"
            ) from error
        plain = {"locale_provider": "c", "collate": "C", "ctype": "C", "locale": None}
        connection.execute(_creation(beside.database, server.model_copy(update=plain)))
    try:
        yield beside
    except BaseException as failure:
        # After an interrupt it may be busy, and hold locks on the very databases.
        connection.close()
        try:
            with maintenance(target) as other:
                drop(other, beside.database)
        except (DatabaseError, psycopg.Error) as error:
            failure.add_note(
                f"database {beside.database} holds a part of a restore and cannot be dropped"
                f" ({' '.join(str(error).split())}): drop it"
            )
        raise


def drop(connection: Connection, name: str) -> None:
    """Drop a database, ending whoever is connected to it."""
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def take_place(connection: Connection, beside: Target, target: Target, aside: str | None) -> None:
    """Give a restored database the target's name, in one step; the present one becomes `aside`.

    The restored one takes over the owner, the privileges, the settings and the comment of the
    present one.

    Raises:
        TargetError: someone is connected to one of them, or the user may not rename them.
    """
    with _telling(target), connection.transaction():
        _unmark(connection, beside.database)
        if aside is not None:
            for statement in _properties(connection, target.database, beside.database):
                connection.execute(statement)
            _role_settings(connection, target.database, beside.database)
            connection.execute(_renaming(target.database, aside))
        connection.execute(_renaming(beside.database, target.database))


def take_back(connection: Connection, aside: str, target: Target, present: str | None) -> None:
    """Give a database that was set aside its name back; the one that has it becomes `present`.

    Raises:
        TargetError: someone is connected to one of them, or the user may not rename them.
    """
    with _telling(target), connection.transaction():
        if present is not None:
            connection.execute(_renaming(target.database, present))
        connection.execute(_renaming(aside, target.database))


@contextmanager
def _telling(target: Target) -> Generator[None]:
    try:
        yield
    except psycopg.errors.ObjectInUse as error:
        raise TargetError(
            f"{target} is in use ({error.diag.message_detail}), so every database keeps its name:"
            " stop the applications that are connected to it and try again"
        ) from error
    except psycopg.errors.DuplicateDatabase as error:
        raise TargetError(
            f"{error.diag.message_primary}, so every database keeps its name: try again"
        ) from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise TargetError(
            f"{target} cannot be renamed by this user ({error.diag.message_primary}), so every"
            " database keeps its name: connect as the owner of both, who may create databases"
        ) from error


def _renaming(name: str, new: str) -> sql.Composed:
    return sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
        sql.Identifier(name), sql.Identifier(new)
    )


def _read_mark(text: str) -> Mark | None:
    try:
        content = json.loads(text.removeprefix(_MARK))
        finished = datetime.fromisoformat(content["finished"])
        return Mark(str(content["backup"]), str(content["database"]), finished)
    except (ValueError, LookupError, TypeError):
        return None  # the comment is someone else's


def _unmark(connection: Connection, name: str) -> None:
    connection.execute(sql.SQL("COMMENT ON DATABASE {} IS NULL").format(sql.Identifier(name)))


def _creation(name: str, server: Server) -> sql.Composed:
    providers = {"c": "libc", "i": "icu", "b": "builtin"}
    locales = {"i": "ICU_LOCALE", "b": "BUILTIN_LOCALE"}
    options = [
        sql.SQL("TEMPLATE template0 ENCODING {}").format(server.encoding),
        sql.SQL("LOCALE_PROVIDER {}").format(sql.Identifier(providers[server.locale_provider])),
        sql.SQL("LC_COLLATE {}").format(server.collate),
        sql.SQL("LC_CTYPE {}").format(server.ctype),
    ]
    if server.locale_provider in locales and server.locale is not None:
        keyword = sql.SQL(locales[server.locale_provider])  # pyright: ignore[reportArgumentType] - one of two keywords above
        options.append(sql.SQL("{} {}").format(keyword, server.locale))
    return sql.SQL("CREATE DATABASE {} ").format(sql.Identifier(name)) + sql.SQL(" ").join(options)


def _properties(connection: Connection, old: str, new: str) -> Iterable[sql.Composed]:
    name = sql.Identifier(new)
    ((owner, explicit, limit, comment),) = query(
        connection,
        "SELECT pg_get_userbyid(datdba)::text, datacl IS NOT NULL, datconnlimit,"
        " shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
        old,
    )
    yield sql.SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(name, sql.Literal(limit))
    yield sql.SQL("COMMENT ON DATABASE {} IS {}").format(name, sql.Literal(comment))
    yield sql.SQL("ALTER DATABASE {} OWNER TO {}").format(name, sql.Identifier(cast("str", owner)))
    if explicit:
        yield sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(name)
    grants = query(
        connection,
        """
        SELECT a.privilege_type, a.is_grantable,
               CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
          FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = %s
        """,
        old,
    )
    for privilege, grantable, grantee in grants:
        yield sql.SQL("GRANT {} ON DATABASE {} TO {}{}").format(
            sql.SQL(cast("str", privilege)),  # pyright: ignore[reportArgumentType] - PostgreSQL's own word
            name,
            sql.SQL(cast("str", grantee)),  # pyright: ignore[reportArgumentType] - quoted by regrole
            sql.SQL(" WITH GRANT OPTION" if grantable else ""),
        )
    settings = query(
        connection,
        """
        SELECT split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
          FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase,
               unnest(s.setconfig) setting
         WHERE d.datname = %s AND s.setrole = 0
        """,
        old,
    )
    for setting, text in settings:
        yield sql.SQL("ALTER DATABASE {} SET ").format(name) + _setting(setting, text)


def _role_settings(connection: Connection, old: str, new: str) -> None:
    rows = query(
        connection,
        """
        SELECT s.setrole::regrole::text,
               split_part(setting, '=', 1), substr(setting, strpos(setting, '=') + 1)
          FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase,
               unnest(s.setconfig) setting
         WHERE d.datname = %s AND s.setrole <> 0
        """,
        old,
    )
    for role, setting, text in rows:
        statement = sql.SQL("ALTER ROLE {} IN DATABASE {} SET ").format(
            sql.SQL(cast("str", role)),  # pyright: ignore[reportArgumentType] - quoted by regrole
            sql.Identifier(new),
        )
        try:
            with connection.transaction():
                connection.execute(statement + _setting(setting, text))
        except psycopg.errors.InsufficientPrivilege:
            log.warning(
                "the setting %s of role %s in database %s is not taken over, because user %s may"
                " not set it: run ALTER ROLE … IN DATABASE … SET as a superuser",
                setting,
                role,
                old,
                connection.info.user,
            )


def _setting(name: object, text: object) -> sql.Composed:
    return sql.SQL("{} TO {}").format(
        sql.Identifier(cast("str", name)),
        sql.SQL(cast("str", text)) if name in _LISTS else sql.Literal(text),  # pyright: ignore[reportArgumentType] - stored as SQL
    )
