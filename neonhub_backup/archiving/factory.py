"""From a configuration to the archive of one of its databases."""

from neonhub_backup.archiving.archive import Archive
from neonhub_backup.archiving.buckets import BucketArchive
from neonhub_backup.archiving.directory import DirectoryArchive
from neonhub_backup.domain import configuration
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.stores.factory import open_store, operations_of


def open_archive(
    settings: configuration.Configuration, database: configuration.Database
) -> Archive:
    """The archive of the server that a database is on, not contacted yet.

    Raises:
        ConfigurationError: it has none.
    """
    archiving = database.archiving
    if archiving is None:
        raise ConfigurationError(
            f"database {database.name} has no section `archiving`, so its server archives nothing:"
            " name the store there that takes its WAL"
        )
    name = archiving.archive or database.name
    store = next(store for store in settings.stores if store.name == archiving.store)
    if isinstance(store, configuration.DirectoryStore):
        return DirectoryArchive(DirectoryStore(store), name)
    bucket = operations_of(store)
    return BucketArchive(open_store(bucket), bucket, name, archiving.compression, archiving.jobs)
