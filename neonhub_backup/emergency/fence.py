"""A fence around a database: who connects can read, and by default no longer write.

It is a setting of the database, so that it outlasts this program, and the journal remembers it.
"""

from typing import cast

import psycopg
from psycopg import sql

from neonhub_backup.errors import TargetError
from neonhub_backup.postgres.connection import Connection, Target, query
from neonhub_backup.postgres.placement import disconnect, maintenance, read_sessions

_SETTING = "default_transaction_read_only"


def read_setting(connection: Connection, database: str) -> str | None:
    """What the database says of new transactions, on or off. None: nothing."""
    rows = query(
        connection,
        """
        SELECT substr(setting, strpos(setting, '=') + 1)
          FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase,
               unnest(s.setconfig) setting
         WHERE d.datname = %s AND s.setrole = 0 AND split_part(setting, '=', 1) = %s
        """,
        database,
        _SETTING,
    )
    return cast("str", rows[0][0]) if rows else None


def put_up(target: Target) -> int:
    """Let new connections only read, and end those that are open; how many these were.

    Raises:
        TargetError: the user may not change the database's settings, or end a connection.
    """
    with maintenance(target) as connection:
        _change(connection, target.database, "on")
        sessions = read_sessions(connection, [target.database])
        disconnect(connection, sessions, target)
    return len(sessions)


def take_down(target: Target, databases: tuple[str, ...], previous: str | None) -> None:
    """Give these databases of the target's server the setting back that there was before.

    Raises:
        TargetError: the user may not change the database's settings.
    """
    with maintenance(target) as connection:
        for name in databases:
            if query(connection, "SELECT FROM pg_database WHERE datname = %s", name):
                _change(connection, name, previous)


def _change(connection: Connection, database: str, setting: str | None) -> None:
    name = sql.Identifier(database)
    change = (
        sql.SQL("ALTER DATABASE {} RESET {}").format(name, sql.Identifier(_SETTING))
        if setting is None
        else sql.SQL("ALTER DATABASE {} SET {} TO {}").format(
            name, sql.Identifier(_SETTING), sql.Literal(setting)
        )
    )
    try:
        connection.execute(change)
    except psycopg.errors.InsufficientPrivilege as error:
        raise TargetError(
            f"user {connection.info.user} may not change the settings of database {database}, so"
            " it is as it was: connect as its owner, or stop the applications and leave --fence out"
        ) from error
