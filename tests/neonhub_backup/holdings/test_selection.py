"""One backup is chosen over all stores, and what is passed over is said."""

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.domain.layout import MANIFEST, Location
from neonhub_backup.domain.manifest import dump_manifest
from neonhub_backup.domain.retention import Tier
from neonhub_backup.encryption import Decryptor
from neonhub_backup.errors import (
    BackupError,
    ConfigurationError,
    DifferenceError,
    EncryptionError,
    IntegrityError,
    MissingObjectError,
    NoBackupError,
    StoreError,
)
from neonhub_backup.holdings.selection import (
    Candidate,
    Wanted,
    choose,
    first_that_works,
    parse_moment,
)
from neonhub_backup.stores.base import Listed, Store
from neonhub_backup.stores.directory import DirectoryStore
from tests.neonhub_backup.samples import at, location, manifest


class Unreachable(DirectoryStore):
    """A store whose disk is not mounted."""

    def list(self, prefix: str) -> Iterator[Listed]:
        raise StoreError(f"store {self.name} cannot list {prefix}: mount it")

    def folders(self, prefix: str) -> Iterator[str]:
        raise StoreError(f"store {self.name} cannot list {prefix}: mount it")


class Unreadable(DirectoryStore):
    """A store that lists and then gives nothing."""

    @contextmanager
    def download(self, key: str) -> Generator[Iterator[bytes]]:
        raise StoreError(f"store {self.name} cannot read {key}: slow down")
        yield iter(())  # unreachable, but makes this a generator, as in the class above


@pytest.fixture
def disk(tmp_path: Path) -> DirectoryStore:
    return _store(DirectoryStore, tmp_path, "disk")


@pytest.fixture
def cloud(tmp_path: Path) -> DirectoryStore:
    return _store(DirectoryStore, tmp_path, "cloud")


def _store(kind: type[DirectoryStore], home: Path, name: str) -> DirectoryStore:
    path = home / name
    path.mkdir(exist_ok=True)
    return kind(configuration.DirectoryStore(name=name, path=path))


def _put(store: Store, place: Location, database: str = "app", content: bytes = b"") -> Location:
    with store.upload(place.prefix + MANIFEST, None) as upload:
        upload.write(content or dump_manifest(manifest(place, database)))
        upload.commit()
    return place


def _chosen(stores: list[DirectoryStore], wanted: Wanted) -> tuple[Location, list[str]]:
    candidates = choose(stores, wanted)
    (place,) = {candidate.location for candidate in candidates}
    return place, [candidate.store.name for candidate in candidates]


class TestTheChoice:
    """Is of one backup, with every copy of it."""

    def test_is_the_newest_of_all_stores(self, disk: DirectoryStore, cloud: DirectoryStore) -> None:
        _put(disk, location(day=5))
        newest = _put(cloud, location(day=6))

        assert _chosen([disk, cloud], Wanted(database="app")) == (newest, ["cloud"])

    def test_names_every_copy_in_the_order_of_the_stores(
        self, disk: DirectoryStore, cloud: DirectoryStore
    ) -> None:
        place = _put(disk, location())
        _put(cloud, place)

        assert _chosen([cloud, disk], Wanted(database="app")) == (place, ["cloud", "disk"])

    def test_is_of_its_database(self, disk: DirectoryStore) -> None:
        ours = _put(disk, location(day=4))
        _put(disk, location(day=5), "billing")

        assert _chosen([disk], Wanted(database="app"))[0] == ours

    def test_can_be_by_name(self, disk: DirectoryStore) -> None:
        older = _put(disk, location(day=4))
        _put(disk, location(day=5))

        assert _chosen([disk], Wanted(database="app", name=older.name))[0] == older

    def test_can_be_by_tier(self, disk: DirectoryStore) -> None:
        weekly = _put(disk, location(Tier.WEEKLY, 4))
        _put(disk, location(Tier.DAILY, 5))

        assert _chosen([disk], Wanted(database="app", tier=Tier.WEEKLY))[0] == weekly

    @pytest.mark.parametrize(
        ("moment", "day"),
        [
            (at(5), 5),
            (at(5) - timedelta(seconds=1), 4),
            (at(5) + timedelta(hours=30), 6),
            (datetime(2100, 1, 1, tzinfo=UTC), 6),
        ],
    )
    def test_can_be_by_time_begun_then_or_before(
        self, moment: datetime, day: int, disk: DirectoryStore
    ) -> None:
        for begun in (4, 5, 6):
            _put(disk, location(day=begun))

        assert _chosen([disk], Wanted(database="app", at=moment))[0].started == at(day)

    def test_can_be_by_tier_and_time_together(self, disk: DirectoryStore) -> None:
        wanted = _put(disk, location(Tier.WEEKLY, 4))
        _put(disk, location(Tier.DAILY, 5))
        _put(disk, location(Tier.WEEKLY, 6))

        found, _ = _chosen([disk], Wanted(database="app", tier=Tier.WEEKLY, at=at(5)))

        assert found == wanted


class TestWhatCannotBeMeant:
    """Is refused before a store is asked."""

    @pytest.mark.parametrize(("tier", "moment"), [(Tier.DAILY, None), (None, at(5))])
    def test_a_name_and_something_besides(self, tier: Tier | None, moment: datetime | None) -> None:
        with pytest.raises(ConfigurationError, match="leave one of the two out"):
            Wanted(database="app", name=location().name, tier=tier, at=moment)

    @pytest.mark.parametrize("text", ["yesterday", "05.01.2026", "2026-13-01T00:00:00Z", ""])
    def test_a_time_that_is_none(self, text: str) -> None:
        with pytest.raises(ConfigurationError, match=r"is not a time.* 2026-01-05T02:00:00Z"):
            parse_moment(text)

    @pytest.mark.parametrize("text", ["2026-01-05T02:00:00", "2026-01-05 02:00"])
    def test_a_time_without_its_zone_which_is_told_how_to_write_it(self, text: str) -> None:
        with pytest.raises(ConfigurationError, match="write 2026-01-05T02:00:00Z for UTC"):
            parse_moment(text)

    @pytest.mark.parametrize("text", ["2026-01-05T02:00:00Z", "2026-01-05 04:00+02:00"])
    def test_but_a_time_in_any_zone_is_taken(self, text: str) -> None:
        assert parse_moment(text) == at(5)


class TestAFailingStore:
    """Is passed over as long as another one can answer."""

    def test_that_cannot_be_asked(
        self, disk: DirectoryStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        place = _put(disk, location())
        gone = _store(Unreachable, tmp_path, "gone")

        with caplog.at_level(logging.WARNING):
            assert _chosen([gone, disk], Wanted(database="app")) == (place, ["disk"])

        assert "store gone cannot list db/: mount it (passed over)" in caplog.text

    def test_that_cannot_be_read(
        self, disk: DirectoryStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        slow = _store(Unreadable, tmp_path, "slow")
        place = _put(slow, location())
        _put(disk, place)

        with caplog.at_level(logging.WARNING):
            assert _chosen([slow, disk], Wanted(database="app")) == (place, ["disk"])

        assert "slow down (passed over)" in caplog.text

    def test_is_the_error_when_there_is_no_other(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        gone = _store(Unreachable, tmp_path, "gone")

        with caplog.at_level(logging.WARNING), pytest.raises(StoreError, match=r"mount it$"):
            choose([gone], Wanted(database="app"))

        assert caplog.text == ""

    def test_and_one_without_the_backup_are_both_named(
        self, disk: DirectoryStore, tmp_path: Path
    ) -> None:
        gone = _store(Unreachable, tmp_path, "gone")

        with pytest.raises(StoreError, match=r"mount it; stores gone .*, disk .* have no other"):
            choose([gone, disk], Wanted(database="app"))


class TestADamagedManifest:
    """Hides no other copy and no older backup, and is never passed over in silence."""

    def test_of_one_copy_leaves_the_other(
        self, disk: DirectoryStore, cloud: DirectoryStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        place = _put(disk, location(), content=b"{}")
        _put(cloud, place)

        with caplog.at_level(logging.WARNING):
            assert _chosen([disk, cloud], Wanted(database="app")) == (place, ["cloud"])

        assert f"{place.prefix}{MANIFEST} is not a manifest" in caplog.text

    def test_of_the_newest_leaves_the_next_and_says_which_is_passed_over(
        self, disk: DirectoryStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        older = _put(disk, location(day=4))
        damaged = _put(disk, location(day=5), content=b"{}")

        with caplog.at_level(logging.WARNING):
            assert _chosen([disk], Wanted(database="app"))[0] == older

        assert (
            f"{older.name}, begun at 2026-01-04T02:00:00Z, is chosen although {damaged.name} would"
            " come first" in caplog.text
        )

    def test_ends_the_search_for_whoever_asks_for_that(self, disk: DirectoryStore) -> None:
        _put(disk, location(day=4))
        damaged = _put(disk, location(day=5), content=b"{}")

        with pytest.raises(IntegrityError, match=damaged.name):
            choose([disk], Wanted(database="app"), pass_over_damaged=False)

    def test_of_the_only_one_is_the_error(self, disk: DirectoryStore) -> None:
        damaged = _put(disk, location(), content=b"{}")

        with pytest.raises(IntegrityError, match=f"{damaged.name}.*has no other complete backup"):
            choose([disk], Wanted(database="app"))

    def test_of_the_one_that_was_named_leaves_no_choice(self, disk: DirectoryStore) -> None:
        _put(disk, location(day=4))
        damaged = _put(disk, location(day=5), content=b"{}")

        with pytest.raises(IntegrityError, match=damaged.name):
            choose([disk], Wanted(database="app", name=damaged.name))


class TestNoBackup:
    """Is said with what was asked for."""

    def test_at_all(self, disk: DirectoryStore) -> None:
        with pytest.raises(NoBackupError, match=r"store disk .* of database app, .*take one with"):
            choose([disk], Wanted(database="app"))

    def test_of_that_name(self, disk: DirectoryStore, cloud: DirectoryStore) -> None:
        with pytest.raises(NoBackupError, match=r"stores disk .*, cloud .* no complete backup X"):
            choose([disk, cloud], Wanted(database="app", name="X"))

    def test_of_that_tier_and_time(self, disk: DirectoryStore) -> None:
        _put(disk, location(Tier.WEEKLY, 6))

        with pytest.raises(
            NoBackupError,
            match="no complete weekly backup of database app begun at 2026-01-05T02:00:00Z or",
        ):
            choose([disk], Wanted(database="app", tier=Tier.WEEKLY, at=at(5)))

    def test_of_that_database_but_of_another(self, disk: DirectoryStore) -> None:
        place = _put(disk, location(), "billing")

        with pytest.raises(NoBackupError, match="give --database billing"):
            choose([disk], Wanted(database="app", name=place.name))


class TestTheNextCopy:
    """Is tried when one cannot be read."""

    @pytest.fixture
    def candidates(self, disk: DirectoryStore, cloud: DirectoryStore) -> list[Candidate]:
        place = location()
        return [Candidate(store, place, manifest(place)) for store in (disk, cloud)]

    @pytest.mark.parametrize("kind", [StoreError, IntegrityError, MissingObjectError])
    def test_after_a_failure_of_the_copy(
        self,
        kind: type[BackupError],
        candidates: list[Candidate],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def act(candidate: Candidate) -> str:
            if candidate.store.name == "disk":
                raise kind("a sentence")
            return candidate.store.name

        with caplog.at_level(logging.WARNING):
            assert first_that_works(candidates, act) == "cloud"

        assert "a sentence; trying store cloud instead" in caplog.text

    @pytest.mark.parametrize("kind", [EncryptionError, DifferenceError, ValueError])
    def test_but_not_after_another_failure(
        self, kind: type[Exception], candidates: list[Candidate]
    ) -> None:
        tried: list[str] = []

        def act(candidate: Candidate) -> None:
            tried.append(candidate.store.name)
            raise kind("a sentence")

        with pytest.raises(kind, match="a sentence"):
            first_that_works(candidates, act)

        assert tried == ["disk"]

    def test_and_when_all_fail_every_reason_is_given(self, candidates: list[Candidate]) -> None:
        def act(candidate: Candidate) -> None:
            raise (StoreError if candidate.store.name == "disk" else IntegrityError)(
                f"{candidate.store.name} failed"
            )

        with pytest.raises(IntegrityError, match="disk failed; cloud failed"):
            first_that_works(candidates, act)

    def test_of_another_key_is_refused_before_it_is_read(self, candidates: list[Candidate]) -> None:
        with pytest.raises(EncryptionError, match="no such private key"):
            candidates[0].source(Decryptor(frozenset(), None))
