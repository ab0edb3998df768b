"""From a configuration to the stores it names."""

from neonhub_backup.domain import configuration
from neonhub_backup.stores.base import Store
from neonhub_backup.stores.directory import DirectoryStore

BucketSettings = configuration.S3Store | configuration.GcsStore


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


def open_operations(settings: configuration.Store) -> Store | None:
    """What keeps the index and the status of a store, not contacted yet. None: nothing does.

    A directory keeps them itself, beside its backups.
    """
    match settings:
        case configuration.DirectoryStore():
            return DirectoryStore(settings)
        case _ if settings.operations_bucket is None:
            return None
        case _:
            return open_store(operations_of(settings))


def open_replica(settings: configuration.Store) -> Store | None:
    """The bucket into which S3 copies what a store takes, not contacted yet. None: there is none.

    It is named after its store.
    """
    if not isinstance(settings, configuration.S3Store) or settings.replica is None:
        return None
    own = {
        "name": f"{settings.name} replica",
        "bucket": settings.replica.bucket,
        "region": settings.replica.region,
        "kms_key_arn": None,
        "operations_bucket": None,
        "replica": None,
    }
    return open_store(settings.model_copy(update=own))


def operations_of(settings: BucketSettings) -> BucketSettings:
    """The operations bucket beside a store that is one, as a store of the same name.

    Raises:
        ValueError: there is none.
    """
    bucket = settings.operations_bucket
    if bucket is None:
        raise ValueError(f"store {settings.name} has no operations bucket")
    # Its objects are encrypted by the bucket's own default.
    own = {"kms_key_arn": None} if isinstance(settings, configuration.S3Store) else {}
    return settings.model_copy(update={"bucket": bucket, "operations_bucket": None, **own})
