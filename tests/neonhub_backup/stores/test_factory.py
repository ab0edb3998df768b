"""Which stores a configuration opens."""

from pathlib import Path

from neonhub_backup.domain import configuration
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.stores.factory import open_operations, open_stores, operations_of
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


def test_what_is_rewritten_goes_into_the_bucket_beside_that_of_the_backups() -> None:
    aws = configuration.S3Store(
        name="aws",
        bucket="b",
        region="eu-west-1",
        operations_bucket="ops",
        kms_key_arn="arn:aws:kms:eu-west-1:123456789012:key/backups",
    )

    store = open_operations(aws)

    assert isinstance(store, S3Store)
    assert (store.name, store.address) == ("aws", "s3://ops")
    assert operations_of(aws).model_dump()["kms_key_arn"] is None


def test_a_directory_keeps_it_itself_and_a_bucket_alone_nobody(tmp_path: Path) -> None:
    disk = open_operations(configuration.DirectoryStore(name="disk", path=tmp_path))

    assert disk is not None
    assert disk.address == str(tmp_path)
    assert open_operations(configuration.GcsStore(name="gcp", bucket="g")) is None
