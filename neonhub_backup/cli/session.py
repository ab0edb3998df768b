"""What every command begins with: the configuration, its stores, and what the options name."""

import logging
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from neonhub_backup.cli.discovery import find_configuration
from neonhub_backup.cli.progress import listener
from neonhub_backup.domain.configuration import Configuration, Database, load_configuration
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import ConfigurationError, UnconfirmedError
from neonhub_backup.postgres.connection import Target, parse_url
from neonhub_backup.processes import Programs
from neonhub_backup.stores.base import Store
from neonhub_backup.stores.factory import open_operations, open_replica, open_stores

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Session:
    """What every command works with."""

    configuration: Configuration
    stores: tuple[Store, ...]

    @cached_property
    def operations(self) -> tuple[Store, ...]:
        """The operations buckets of those stores that have one, not contacted yet."""
        opened = (open_operations(store) for store in self.configuration.stores)
        return tuple(each for each in opened if each is not None)

    @cached_property
    def replicas(self) -> dict[str, Store]:
        """The copies that S3 makes of stores, not contacted yet, by the names of their stores."""
        opened = {store.name: open_replica(store) for store in self.configuration.stores}
        return {name: each for name, each in opened.items() if each is not None}

    def store(self, name: str | None, option: str = "--store") -> Store:
        """A store by its name, which an option gave, or the first."""
        for store in self.stores:
            if name in (None, store.name):
                return store
        known = ", ".join(store.name for store in self.stores)
        raise ConfigurationError(
            f"{option} {name} is not in the configuration, so nothing was done: its stores are"
            f" {known}"
        )

    def tier(self, name: str) -> Tier | None:
        """A tier by its name; None for `auto`, which leaves the choice to the stores."""
        if name == "auto":
            return None
        rules = self.configuration.retention.rules()
        if name not in list(rules):
            raise ConfigurationError(
                f"--tier {name} is not a tier of this environment, so nothing was done: choose auto"
                f" or one of {', '.join(rules)}"
            )
        return Tier(name)

    def database(self, name: str | None) -> Database:
        """A database by its name, or the only one."""
        first, *others = self.databases(name)
        if others:
            known = ", ".join(database.name for database in self.configuration.databases)
            raise ConfigurationError(
                "--database is missing and the configuration has several, so it is unclear which"
                f" one is meant: choose one of {known}"
            )
        return first

    def databases(self, name: str | None) -> tuple[Database, ...]:
        """A database by its name, or all."""
        every = self.configuration.databases
        chosen = tuple(database for database in every if name in (None, database.name))
        if not chosen:
            known = ", ".join(database.name for database in every)
            raise ConfigurationError(
                f"--database {name} is not in the configuration, so nothing was done: choose one of"
                f" {known}"
            )
        return chosen


def read_configuration(path: Path | None) -> Configuration:
    """The configuration, from its usual place if no path is given."""
    found = path or find_configuration(Path.cwd(), os.environ)
    log.debug("reading the configuration %s", found)
    return load_configuration(found)


def open_session(path: Path | None) -> Session:
    """Read the configuration, from its usual place if no path is given; contact no store yet."""
    configuration = read_configuration(path)
    return Session(configuration, open_stores(configuration))


def check_confirmation(configuration: Configuration, text: str | None) -> None:
    """Refuse what --confirm, if it is given, does not confirm, without telling what would.

    Raises:
        UnconfirmedError: the text is not the environment's name.
    """
    if text is not None and text != configuration.environment:
        raise UnconfirmedError(
            "--confirm is not the name of the environment that is to be restored, so nothing was"
            " contacted and nothing was changed: give the environment's name as it is in the"
            " configuration, letter for letter"
        )


def read_target(given: str, option: str = "--into") -> Target:
    """The database that an option names: by an environment variable, or without a password."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", given):
        url = os.environ.get(given)
        if not url:
            raise ConfigurationError(
                f"environment variable {given}, named by {option}, is not set, so it is unknown"
                " which database is meant and nothing was done: set it to"
                " postgresql://user:password@host/database"
            )
        return parse_url(url, given)
    target = parse_url(given, option)
    if "password" in target.parameters:
        raise ConfigurationError(
            f"{option} holds a password, which every user of this machine can read in the list of"
            " processes, so nothing was done: put the connection string into an environment"
            " variable and give the variable's name"
        )
    return target


@contextmanager
def running_programs() -> Generator[Programs]:
    """All programs of one command, ended when it fails or is interrupted."""
    progress = listener()
    programs = Programs(progress)
    try:
        yield programs
    except BaseException:
        programs.stop()
        raise
    finally:
        progress.end()
