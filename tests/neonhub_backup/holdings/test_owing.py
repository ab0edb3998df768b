"""What a store is owed is known from its listings, its manifests and its drills."""

from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
)
from neonhub_backup.domain.layout import MANIFEST
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import IntegrityError, NoBackupError
from neonhub_backup.holdings.owing import owed_copy
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.stores import directory
from tests.neonhub_backup.backups import back_up, damage, file_of
from tests.neonhub_backup.samples import at, location, proof

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"
CONFIGURATION = Configuration(
    environment="test",
    databases=(Database(name="app"), Database(name="billing")),
    stores=(DirectoryStore(name="disk", path=Path("/nowhere")),),
    encryption=Encryption(public_keys=(KEY,)),
)
NOW = at(20)


def owed(store: directory.DirectoryStore, database: str = "app") -> str | None:
    """Name of the backup that is owed a drill."""
    copy = owed_copy(store, database, CONFIGURATION, NOW)
    return None if copy is None else copy.location.name


def test_each_database_is_owed_its_own(disk: directory.DirectoryStore) -> None:
    app = back_up(disk, location(Tier.WEEKLY, day=4))
    billing = back_up(disk, location(Tier.WEEKLY, day=5), database="billing")
    Proofs(disk).add(proof(app.location, day=6))

    assert owed(disk) is None
    assert owed(disk, "billing") == billing.location.name


def test_each_store_is_owed_its_own(
    disk: directory.DirectoryStore, other: directory.DirectoryStore
) -> None:
    place = location(Tier.WEEKLY, day=4)
    for store in (disk, other):
        back_up(store, place)
    Proofs(disk).add(proof(place, day=6))

    assert owed(disk) is None
    assert owed(other) == place.name


def test_a_newer_backup_that_does_not_last_is_not_owed_while_there_is_a_young_proof(
    disk: directory.DirectoryStore,
) -> None:
    weekly = back_up(disk, location(Tier.WEEKLY, day=4))
    back_up(disk, location(Tier.HOURLY, day=19))
    assert owed(disk) == weekly.location.name
    Proofs(disk).add(proof(weekly.location, day=6))

    assert owed(disk) is None


def test_a_damaged_manifest_hides_nothing_that_may_be_owed(disk: directory.DirectoryStore) -> None:
    older = back_up(disk, location(Tier.WEEKLY, day=4))
    Proofs(disk).add(proof(older.location, day=6))
    newer = back_up(disk, location(Tier.WEEKLY, day=11))
    damage(file_of(disk, newer.location, MANIFEST), b"{}")

    with pytest.raises(IntegrityError, match=newer.location.name):
        owed(disk)


def test_a_store_without_a_backup_is_no_store_without_debts(
    disk: directory.DirectoryStore,
) -> None:
    back_up(disk, location(), database="billing")

    with pytest.raises(NoBackupError, match=r"store disk .* no complete backup of database app"):
        owed(disk)
