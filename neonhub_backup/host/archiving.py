"""The server's settings for continuous archiving of its WAL."""

from datetime import timedelta

from neonhub_backup.domain.duration import format_duration
from neonhub_backup.domain.layout import WAL
from neonhub_backup.host.host import Host

_LONGEST_TIMEOUT = timedelta(hours=1)


def archive_command(directory: str) -> str:
    """Copy a segment so that it is there whole or not at all, even when the power goes.

    One that is there already is accepted if it is the same, since the server asks again when it
    does not know whether it was heard, and never overwritten.
    """
    final, partial = f"{directory}/%f", f"{directory}/.%f.partial"
    return (
        f'if test -f "{final}"; then cmp "%p" "{final}";'
        f' else cp "%p" "{partial}" && sync "{partial}"'
        f' && mv "{partial}" "{final}" && sync "{directory}"; fi'
    )


def archive_timeout(rpo: timedelta | None) -> timedelta:
    """Time after which a segment is archived though it is not full.

    A quarter of what may be lost, so that some attempts can fail.
    """
    return _LONGEST_TIMEOUT if rpo is None else min(rpo / 4, _LONGEST_TIMEOUT)


def server_settings(host: Host) -> str:
    """A file for the server's conf.d; archiving is off where there is no place for it."""
    rpo = host.configuration.objectives.rpo
    if not host.directory_stores:
        return _off(
            host,
            "# WAL is not archived: that takes a directory store, a disk or a mount of this"
            " machine,\n# among the stores of the configuration, and it has none.\n",
        )
    database, *others = host.databases
    if others:
        names = ", ".join(database.name for database in host.databases)
        return _off(
            host,
            f"# WAL is not archived: it belongs to a server, and which of {names} are on\n"
            "# this one is unknown. Render for one of them with --database.\n",
        )
    directory = str(host.directory_stores[0].path / WAL / database.name)
    promised = f"a quarter of the RPO of {format_duration(rpo)}" if rpo else "no RPO is set"
    return (
        f"{host.header}#\n"
        "# For the server's conf.d; archive_mode takes a restart. The user who runs the server"
        " must own\n"
        f"# {directory}. WAL continues a base backup of the same server\n"
        "# (pg_basebackup) and restores nothing alone. Nothing here removes old WAL: watch the"
        " space.\n"
        "wal_level = replica\n"
        "archive_mode = on\n"
        f"archive_timeout = {archive_timeout(rpo).total_seconds():.0f}s"
        f"  # {promised}, at most 1h\n"
        f"archive_command = '{archive_command(directory)}'\n"
    )


def _off(host: Host, why: str) -> str:
    return f"{host.header}#\n{why}wal_level = replica\narchive_mode = off\n"
