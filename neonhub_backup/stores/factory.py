"""From a configuration to the stores it names."""

from neonhub_backup.domain import configuration
from neonhub_backup.stores.base import Store
from neonhub_backup.stores.directory import DirectoryStore


def open_stores(settings: configuration.Configuration) -> tuple[Store, ...]:
    """Its stores, in its order. None is contacted yet, so that one which fails, fails alone."""
    return tuple(open_store(store) for store in settings.stores)


def open_store(settings: configuration.Store) -> Store:
    """One store, not contacted yet."""
    match settings:
        case configuration.S3Store():
            from neonhub_backup.stores.s3 import (  # noqa: PLC0415 - a third of a second, which runs without such a store need not wait
                S3Store,
            )

            return S3Store(settings)
        case configuration.GcsStore():
            from neonhub_backup.stores.gcs import (  # noqa: PLC0415 - half a second, which runs without such a store need not wait
                GcsStore,
            )

            return GcsStore(settings)
        case configuration.DirectoryStore():
            return DirectoryStore(settings)
