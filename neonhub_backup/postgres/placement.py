"""Databases as wholes: made beside the live one, and given its name when they are proven."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import psycopg
from psycopg import sql

from neonhub_backup.domain.manifest import Manifest, Server
from neonhub_backup.errors import DatabaseError, TargetError
from neonhub_backup.postgres.connection import Connection, Target, connect, query, value

_MAINTENANCE = ("postgres", "template1")
_NAME_BYTES = 63
_LISTS = frozenset(
    {"search_path", "temp_tablespaces", "local_preload_libraries", "session_preload_libraries"}
)
"""Settings that are stored as lists of quoted names."""


@dataclass(frozen=True)
class Occupancy:
    """What stands under the name that a restored database is to take."""

    exists: bool
    tables: int
    sessions: int
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
    if not query(connection, "SELECT FROM pg_database WHERE datname = %s", target.database):
        return Occupancy(exists=False, tables=0, sessions=0)
    sessions = value(
        connection, int, "SELECT count(*) FROM pg_stat_activity WHERE datname = %s", target.database
    )
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


def check_server(
    connection: Connection, target: Target, manifest: Manifest, *, roles: bool
) -> None:
    """Refuse a server that cannot take the backup.

    Raises:
        TargetError: too old, a role or an extension is missing, or no right to create databases.
    """
    major = connection.info.server_version // 10000
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
    except BaseException:
        drop(connection, beside.database)
        raise


def drop(connection: Connection, name: str) -> None:
    """Drop a database, ending whoever is connected to it."""
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def take_place(connection: Connection, beside: Target, target: Target, aside: str | None) -> None:
    """Give a restored database the target's name, in one step; the present one becomes `aside`.

    The restored one takes over the owner, the privileges and the settings of the present one.

    Raises:
        TargetError: someone is connected to the present one.
    """
    new, name = sql.Identifier(beside.database), sql.Identifier(target.database)
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    try:
        with connection.transaction():
            if aside is not None:
                for statement in _properties(connection, target.database, beside.database):
                    connection.execute(statement)
                connection.execute(rename.format(name, sql.Identifier(aside)))
            connection.execute(rename.format(new, name))
    except psycopg.errors.ObjectInUse as error:
        raise TargetError(
            f"{target} is in use, so it keeps its name and the restored copy was dropped: stop the"
            " applications that are connected to it and try again"
        ) from error


def beside_name(database: str, suffix: str) -> str:
    """A name of at most 63 bytes, PostgreSQL's limit, that tells what it stands beside."""
    room = _NAME_BYTES - len(suffix.encode()) - 1
    return f"{database.encode()[:room].decode(errors='ignore')}_{suffix}"


def aside_suffix(now: datetime) -> str:
    """The dated ending under which a replaced database is kept."""
    return f"before_{now:%Y%m%dT%H%M%SZ}"


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
    ((owner, explicit),) = query(
        connection,
        "SELECT pg_get_userbyid(datdba)::text, datacl IS NOT NULL"
        " FROM pg_database WHERE datname = %s",
        old,
    )
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
        yield sql.SQL("ALTER DATABASE {} SET {} TO {}").format(
            name,
            sql.Identifier(cast("str", setting)),
            sql.SQL(cast("str", text)) if setting in _LISTS else sql.Literal(text),  # pyright: ignore[reportArgumentType] - stored as SQL
        )
