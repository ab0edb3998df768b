"""What the commands of continuous archiving begin with."""

import os
from pathlib import Path

from neonhub_backup.archiving.archive import Archive
from neonhub_backup.archiving.commands import Tool
from neonhub_backup.archiving.factory import open_archive
from neonhub_backup.cli.discovery import find_configuration
from neonhub_backup.cli.host_files import absolute, console_script
from neonhub_backup.cli.session import Session, open_session
from neonhub_backup.domain.configuration import Database
from neonhub_backup.errors import ConfigurationError


def chosen_archive(path: Path | None, name: str | None) -> tuple[Session, Database, Archive]:
    """The database that is meant, and the archive of its server.

    Without a name it is the only one with an archive.

    Raises:
        ConfigurationError: there is none, or it is unclear which one is meant.
    """
    session = open_session(path)
    if name is not None:
        database = session.database(name)
        return session, database, open_archive(session.configuration, database)
    archived = [each for each in session.configuration.databases if each.archiving is not None]
    if len(archived) > 1:
        raise ConfigurationError(
            "--database is missing and several have an archive, so it is unclear which one is"
            f" meant: choose one of {', '.join(each.name for each in archived)}"
        )
    database = archived[0] if archived else session.databases(None)[0]
    return session, database, open_archive(session.configuration, database)


def tool_for(path: Path | None, database: Database) -> Tool:
    """How a server starts this program, whose paths must be the same wherever it does."""
    found = path or find_configuration(Path.cwd(), os.environ)
    return Tool(console_script(), absolute(found), database.name)
