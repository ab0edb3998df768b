"""Which stores have a backup is known without reading more than one manifest of it."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from neonhub_backup.domain.layout import MANIFEST, ROOT, tier_prefix
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import IntegrityError, NoBackupError, StoreError
from neonhub_backup.holdings.copies import find_copies, take_inventory
from neonhub_backup.stores.base import Listed, Lock, Upload
from neonhub_backup.stores.directory import DirectoryStore
from tests.neonhub_backup.backups import back_up, copied, damage, directory_store, file_of
from tests.neonhub_backup.samples import location


class Asked:
    """A store that notes what it is asked."""

    def __init__(self, store: DirectoryStore) -> None:
        self.store = store
        self.name, self.address = store.name, store.address
        self.listed: list[str] = []
        self.read: list[str] = []

    def upload(self, key: str, lock: Lock | None) -> AbstractContextManager[Upload]:
        return self.store.upload(key, lock)

    def download(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        self.read.append(key)
        return self.store.download(key)

    def list(self, prefix: str) -> Iterator[Listed]:
        self.listed.append(prefix)
        return self.store.list(prefix)

    def folders(self, prefix: str) -> Iterator[str]:
        self.listed.append(prefix)
        return self.store.folders(prefix)


@pytest.fixture
def gone(tmp_path: Path) -> DirectoryStore:
    store = directory_store(tmp_path, "gone")
    Path(store.address).rmdir()
    return store


class TestAnInventory:
    """Lists the backups of several stores."""

    def test_has_every_backup_once_newest_first(
        self, disk: DirectoryStore, other: DirectoryStore
    ) -> None:
        everywhere = back_up(disk, location(day=4))
        copied(everywhere, other)
        here, there = back_up(disk, location(day=5)), back_up(other, location(day=6))

        inventory = take_inventory([disk, other], ROOT)

        assert [(one.location, [*one.stores]) for one in inventory.kept] == [
            (there.location, [other]),
            (here.location, [disk]),
            (everywhere.location, [disk, other]),
        ]
        assert inventory.failures == []

    def test_reads_one_manifest_of_each(self, disk: DirectoryStore, other: DirectoryStore) -> None:
        copied(back_up(disk, location()), other)
        first, second = Asked(disk), Asked(other)

        take_inventory([first, second], ROOT)

        assert (len(first.read), len(second.read)) == (1, 0)

    def test_reads_manifests_side_by_side(self, disk: DirectoryStore) -> None:
        for day in range(1, 5):
            back_up(disk, location(day=day))

        class Meeting(Asked):
            """Hands nothing out until four have asked."""

            def download(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
                barrier.wait(timeout=10)
                return super().download(key)

        barrier = threading.Barrier(4)

        assert len(take_inventory([Meeting(disk)], ROOT).kept) == 4

    def test_can_be_of_one_tier(self, disk: DirectoryStore) -> None:
        back_up(disk, location(Tier.DAILY))
        weekly = back_up(disk, location(Tier.WEEKLY))

        (found,) = take_inventory([disk], tier_prefix(Tier.WEEKLY)).kept

        assert found.location == weekly.location

    def test_tells_which_copy_cannot_be_trusted_and_takes_another(
        self, disk: DirectoryStore, other: DirectoryStore
    ) -> None:
        backup = back_up(disk, location())
        copied(backup, other)
        damage(file_of(disk, backup.location, MANIFEST), b"{}")

        inventory = take_inventory([disk, other], ROOT)

        (kept,) = inventory.kept
        assert [store.name for store in kept.stores] == ["other"]
        assert [type(failure) for failure in inventory.failures] == [IntegrityError]

    def test_tells_which_store_did_not_answer(
        self, disk: DirectoryStore, gone: DirectoryStore
    ) -> None:
        back_up(disk, location())

        inventory = take_inventory([gone, disk], ROOT)

        assert len(inventory.kept) == 1
        assert [store.name for store in inventory.asked] == ["disk"]
        assert [type(failure) for failure in inventory.failures] == [StoreError]


class TestTheCopiesOfABackup:
    """Are looked for by its name alone."""

    def test_are_found_without_listing_anything_else(self, disk: DirectoryStore) -> None:
        backup = back_up(disk, location(Tier.WEEKLY))
        back_up(disk, location(Tier.WEEKLY))
        asked = Asked(disk)

        (found,) = find_copies([asked], backup.location.name).whole

        assert found.location == backup.location
        assert {prefix.split("/")[4] for prefix in asked.listed} == {backup.location.name}
        assert asked.read == [backup.location.prefix + MANIFEST]

    def test_are_told_apart_by_what_each_store_has(
        self,
        disk: DirectoryStore,
        other: DirectoryStore,
        gone: DirectoryStore,
        tmp_path: Path,
    ) -> None:
        backup = back_up(disk, location())
        copied(backup, other)
        damage(file_of(other, backup.location, MANIFEST), b"{}")
        empty = directory_store(tmp_path, "empty")

        copies = find_copies([disk, other, gone, empty], backup.location.name)

        assert [copy.store for copy in copies.whole] == [disk]
        assert [store.name for store in copies.missing] == ["empty"]
        kinds = {name: type(error) for name, error in copies.failed.items()}
        assert kinds == {"other": IntegrityError, "gone": StoreError}

    def test_that_are_all_damaged_are_said_to_be(self, disk: DirectoryStore) -> None:
        backup = back_up(disk, location())
        damage(file_of(disk, backup.location, MANIFEST), b"{}")

        with pytest.raises(IntegrityError, match="is not a manifest"):
            find_copies([disk], backup.location.name)

    @pytest.mark.parametrize("name", ["20260101T000000Z-00000000", "../../x", ""])
    def test_of_what_is_nowhere_are_none(self, name: str, disk: DirectoryStore) -> None:
        with pytest.raises(NoBackupError, match="list shows those there are"):
            find_copies([disk], name)
