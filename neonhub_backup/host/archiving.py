"""The server's settings for continuous archiving of its WAL, as `wal settings` writes them."""

from neonhub_backup.archiving.commands import Tool, server_settings
from neonhub_backup.archiving.factory import open_archive
from neonhub_backup.host.host import Host


def postgres_settings(host: Host) -> str:
    """A file for the server's conf.d; archiving is off where it is not configured."""
    archived = [database for database in host.databases if database.archiving is not None]
    if not archived:
        return _off(
            host,
            "# WAL is not archived, so what was written since the last backup can be lost: add\n"
            "# archiving to the database's section of the configuration to change that.\n",
        )
    database, *others = archived
    if others:
        names = ", ".join(each.name for each in archived)
        return _off(
            host,
            f"# WAL is not archived: it belongs to a server, and which of {names} are on\n"
            "# this one is unknown. Render for one of them with --database.\n",
        )
    tool = Tool(host.program, host.configuration_path, database.name)
    address = open_archive(host.configuration, database).address
    rpo = host.configuration.objectives.rpo
    return f"{host.header}#\n{server_settings(tool, address, rpo)}"


def _off(host: Host, why: str) -> str:
    return f"{host.header}#\n{why}wal_level = replica\narchive_mode = off\n"
