"""Which archive belongs to which database."""

from pathlib import Path

import pytest

from neonhub_backup.archiving.factory import open_archive
from neonhub_backup.domain.configuration import (
    Archiving,
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    GcsStore,
)
from neonhub_backup.errors import ConfigurationError

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


def here(archiving: Archiving | None) -> str:
    """The place of the archive of database `app`."""
    settings = Configuration(
        environment="test",
        databases=(Database(name="app", archiving=archiving),),
        stores=(
            DirectoryStore(name="disk", path=Path("/mnt/backup")),
            GcsStore(name="google", bucket="vault", operations_bucket="ops"),
        ),
        encryption=Encryption(public_keys=(KEY,)),
    )
    return open_archive(settings, settings.databases[0]).here


def test_an_archive_is_named_like_its_database_unless_it_has_a_name() -> None:
    assert here(Archiving(store="disk")) == "archive app (/mnt/backup/wal/app/)"
    assert here(Archiving(store="disk", archive="app-18")) == (
        "archive app-18 (/mnt/backup/wal/app-18/)"
    )


def test_an_archive_lies_in_the_operations_bucket() -> None:
    assert here(Archiving(store="google")) == ("archive app (gs://ops/wal/app/)")


def test_a_database_without_an_archive_says_so() -> None:
    with pytest.raises(ConfigurationError, match="database app has no section `archiving`"):
        here(None)
