"""Which stores a configuration opens."""

from pathlib import Path

from neonhub_backup.domain import configuration
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.stores.factory import open_stores
from neonhub_backup.stores.gcs import GcsStore
from neonhub_backup.stores.s3 import S3Store

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


def test_every_store_is_opened_in_its_place_and_none_is_contacted() -> None:
    settings = configuration.Configuration(
        environment="test",
        databases=(configuration.Database(name="app"),),
        stores=(
            configuration.DirectoryStore(name="disk", path=Path("/no/such/mount")),
            configuration.S3Store(
                name="offsite", bucket="b", region="eu-west-1", endpoint_url="http://127.0.0.1:1"
            ),
            configuration.GcsStore(name="elsewhere", bucket="g"),
        ),
        encryption=configuration.Encryption(public_keys=(KEY,)),
    )

    stores = open_stores(settings)

    assert [type(store) for store in stores] == [DirectoryStore, S3Store, GcsStore]
    assert [store.name for store in stores] == ["disk", "offsite", "elsewhere"]
    assert [store.address for store in stores] == ["/no/such/mount", "s3://b", "gs://g"]
