"""The indexes of months, kept up with backups that came or went.

An index saves reading manifests and proves nothing, so whatever keeps one from being written is
warned of, and never the failure of what changed the backups.
"""

import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from neonhub_backup.domain.configuration import Configuration
from neonhub_backup.domain.index import Month, month_of
from neonhub_backup.errors import BackupError
from neonhub_backup.holdings.index import Index
from neonhub_backup.stores.base import Store
from neonhub_backup.stores.factory import open_operations

log = logging.getLogger(__name__)


def open_index(configuration: Configuration, store: Store) -> Index | None:
    """The index of one of the configuration's stores. None: it has nowhere to keep one."""
    for settings in configuration.stores:
        if settings.name == store.name:
            where = open_operations(settings)
            return None if where is None else Index(store, where)
    return None


def keep_up(
    configuration: Configuration,
    changed: Iterable[tuple[Store, datetime]],
    now: datetime,
) -> None:
    """Refresh the months of backups that came or went, of every such store at once.

    `changed` are the stores, each with when such a backup was begun. A store that keeps no index
    has none, and one that cannot be read or written is warned of once.
    """
    months: dict[str, set[Month]] = {}
    stores: dict[str, Store] = {}
    for store, begun in changed:
        stores[store.name] = store
        months.setdefault(store.name, set()).add(month_of(begun))
    if not stores:
        return
    with ThreadPoolExecutor(len(stores), "indexes") as pool:
        refreshed = [
            pool.submit(_refresh, configuration, store, months[name], now)
            for name, store in stores.items()
        ]
        for each in refreshed:
            each.result()


def _refresh(configuration: Configuration, store: Store, months: set[Month], now: datetime) -> None:
    try:
        index = open_index(configuration, store)
        if index is not None:
            index.refresh(months, now)
    except BackupError as error:
        log.warning(
            "the index of store %s was not brought up to date, so that reading many backups there"
            " takes longer until the next backup or `index rebuild`: %s",
            *(store.name, error),
        )
