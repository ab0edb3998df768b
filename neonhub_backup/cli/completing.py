"""What may follow on a command line that is being typed."""

import os
from pathlib import Path

import typer

from neonhub_backup.cli.discovery import find_configuration
from neonhub_backup.domain.configuration import DirectoryStore, load_configuration
from neonhub_backup.errors import BackupError
from neonhub_backup.holdings.catalogue import LATEST, Catalogue
from neonhub_backup.stores.factory import open_store


def backup_names(context: typer.Context, incomplete: str) -> list[str]:
    """`latest` and the backups of the first directory store: whoever types waits for no network."""
    try:
        names = _names(context.find_root().params.get("config"))
    except BackupError:
        # Whatever is wrong, the command itself will say it; a message here would land in its line.
        names = []
    return [name for name in (LATEST, *names) if name.startswith(incomplete)]


def _names(config: Path | None) -> list[str]:
    configuration = load_configuration(config or find_configuration(Path.cwd(), os.environ))
    for store in configuration.stores:
        if isinstance(store, DirectoryStore):
            return [location.name for location in Catalogue(open_store(store)).locations()]
    return []
