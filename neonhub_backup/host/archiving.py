"""The server's settings for continuous archiving of its WAL, as `wal settings` writes them."""

from neonhub_backup.archiving.commands import Tool, server_settings
from neonhub_backup.archiving.factory import open_archive
from neonhub_backup.host.host import Host


def postgres_settings(host: Host) -> str:
    """A file for the server's conf.d; archiving is off where it is not configured."""
    database = host.archived
    if database is None:
        several = [each.name for each in host.databases if each.archiving is not None]
        why = (
            "# WAL is not archived: it belongs to a server, and which of"
            f" {', '.join(several)} are on\n"
            "# this one is unknown. Render for one of them with --database.\n"
            if several
            else "# WAL is not archived, so what was written since the last backup can be lost:"
            " add\n# archiving to the database's section of the configuration to change that.\n"
        )
        return f"{host.header}#\n{why}wal_level = replica\narchive_mode = off\n"
    tool = Tool(host.program, host.configuration_path, database.name)
    address = open_archive(host.configuration, database).address
    rpo = host.configuration.objectives.rpo
    return f"{host.header}#\n{server_settings(tool, address, rpo)}"
