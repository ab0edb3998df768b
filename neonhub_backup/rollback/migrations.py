"""Which migrations a database remembers, in the table that Prisma keeps."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from neonhub_backup.errors import ConfigurationError
from neonhub_backup.postgres.connection import Connection, query, value

TABLE = "_prisma_migrations"

_NAME = re.compile(r"\d+_[A-Za-z0-9][A-Za-z0-9_-]*")


class State(StrEnum):
    """What the table says of a migration."""

    APPLIED = "applied"
    FAILED = "failed"
    ROLLED_BACK = "rolled back"


@dataclass(frozen=True)
class Migration:
    """The newest line about a migration."""

    name: str
    state: State


def check_name(name: str) -> None:
    """Refuse what is no name of a migration; it will be a word of a command.

    Raises:
        ConfigurationError: with the form of one.
    """
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name!r} is no name of a migration, so nothing was done: give the name of its folder,"
            " such as 20251026_add_connector_kind_enum"
        )


def read_migrations(connection: Connection) -> list[Migration] | None:
    """Every migration that the database remembers. None: it has no such table."""
    if value(connection, bool, "SELECT to_regclass(%s) IS NULL", TABLE):
        return None
    rows = query(
        connection,
        """
        SELECT migration_name::text, finished_at IS NOT NULL, rolled_back_at IS NOT NULL
          FROM _prisma_migrations ORDER BY started_at
        """,
    )
    newest: dict[str, Migration] = {}
    for name, finished, rolled_back in cast("list[tuple[str, bool, bool]]", rows):
        state = State.APPLIED if finished else State.FAILED
        newest[name] = Migration(name, State.ROLLED_BACK if rolled_back else state)
    return list(newest.values())


def find_migration(migrations: Sequence[Migration], name: str) -> Migration:
    """A migration by its name.

    Raises:
        ConfigurationError: there is none; with those that may have been meant.
    """
    by_name = {migration.name: migration for migration in migrations}
    if name not in by_name:
        close = difflib.get_close_matches(name, by_name, n=3, cutoff=0.5)
        known = f"did you mean {' or '.join(close)}?" if close else f"see its table {TABLE}"
        raise ConfigurationError(
            f"the database remembers no migration {name}, so nothing was done: {known}"
        )
    return by_name[name]
