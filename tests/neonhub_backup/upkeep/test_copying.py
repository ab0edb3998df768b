"""A backup that is moved arrives whole or without a manifest, and goes on where it stopped."""

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from neonhub_backup.domain.layout import MANIFEST, Location, chunk_name
from neonhub_backup.domain.retention import LockMode, RetentionPolicy, Tier
from neonhub_backup.errors import ConfigurationError, IntegrityError, StoreError
from neonhub_backup.holdings.selection import Candidate
from neonhub_backup.processes import Programs, StoppedError
from neonhub_backup.stores.base import Listed, Lock, Upload, write_whole
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.upkeep.copying import Moved, copy_to, fetch, lock_for
from tests.neonhub_backup.backups import back_up, copied, damage, file_of
from tests.neonhub_backup.samples import at, location

POLICY = RetentionPolicy()
ROWS = chunk_name(0, 0, "text")


@pytest.fixture
def backup(disk: DirectoryStore) -> Candidate:
    return back_up(disk, location())


class Watched:
    """A store that notes what is uploaded and read, and can fail."""

    def __init__(self, store: DirectoryStore) -> None:
        self.store = store
        self.uploaded: list[tuple[str, Lock | None]] = []
        self.read: list[str] = []
        self.refuses = ""

    @property
    def name(self) -> str:
        return self.store.name

    @property
    def address(self) -> str:
        return self.store.address

    @contextmanager
    def upload(self, key: str, lock: Lock | None) -> Generator[Upload]:
        if self.refuses and key.endswith(self.refuses):
            raise StoreError("it is full")
        with self.store.upload(key, lock) as upload:
            yield upload
        self.uploaded.append((key, lock))

    def download(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        self.read.append(key)
        return self.store.download(key)

    def list(self, prefix: str) -> Iterator[Listed]:
        return self.store.list(prefix)

    def folders(self, prefix: str) -> Iterator[str]:
        return self.store.folders(prefix)


def files(folder: Path) -> dict[str, bytes]:
    """Everything below a folder, by its path."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


class TestAFetch:
    """Brings a backup's folder over."""

    def test_gives_the_folder_that_the_archive_format_describes(
        self, backup: Candidate, disk: DirectoryStore, tmp_path: Path
    ) -> None:
        moved = fetch(backup, tmp_path, Programs())

        folder = tmp_path / backup.location.name
        assert moved == Moved(str(folder), 2, 0)
        assert files(folder) == files(Path(disk.address) / backup.location.prefix)

    def test_goes_on_where_it_stopped(
        self, backup: Candidate, disk: DirectoryStore, tmp_path: Path
    ) -> None:
        fetch(backup, tmp_path, Programs())
        folder = tmp_path / backup.location.name
        (folder / MANIFEST).unlink()
        (folder / ROWS).unlink()
        watched = Watched(disk)

        again = fetch(Candidate(watched, backup.location, backup.manifest), tmp_path, Programs())

        assert (again.moved, again.kept) == (1, 1)
        assert watched.read == [backup.location.prefix + name for name in (MANIFEST, ROWS)]
        assert (folder / MANIFEST).exists()

    def test_of_what_is_there_already_reads_only_the_manifest(
        self, backup: Candidate, tmp_path: Path
    ) -> None:
        fetch(backup, tmp_path, Programs())

        assert fetch(backup, tmp_path, Programs()).kept == 2

    def test_of_a_damaged_object_leaves_it_and_the_manifest_out(
        self, backup: Candidate, disk: DirectoryStore, tmp_path: Path
    ) -> None:
        damage(file_of(disk, backup.location, ROWS), b"rowz")

        with pytest.raises(IntegrityError, match=f"{ROWS} is not what the backup wrote"):
            fetch(backup, tmp_path, Programs())

        assert files(tmp_path / backup.location.name).keys() <= {backup.manifest.archive.name}

    @pytest.mark.parametrize("name", [ROWS, MANIFEST])
    def test_never_overwrites_a_file(self, name: str, backup: Candidate, tmp_path: Path) -> None:
        path = tmp_path / backup.location.name / name
        path.parent.mkdir(parents=True)
        path.write_text("mine")

        with pytest.raises(IntegrityError, match="move it away and fetch again"):
            fetch(backup, tmp_path, Programs())

        assert path.read_text() == "mine"
        assert len(files(tmp_path / backup.location.name)) == 1

    def test_stays_in_its_folder_whatever_a_manifest_says(
        self, backup: Candidate, tmp_path: Path
    ) -> None:
        archive = backup.manifest.archive.model_copy(update={"name": "../../x"})
        manifest = backup.manifest.model_copy(update={"archive": archive})

        with pytest.raises(IntegrityError, match="leads out of"):
            fetch(Candidate(backup.store, backup.location, manifest), tmp_path, Programs())

    def test_that_is_stopped_leaves_only_whole_files(
        self, backup: Candidate, tmp_path: Path
    ) -> None:
        programs = Programs()
        programs.stop()

        with pytest.raises(StoppedError):
            fetch(backup, tmp_path, programs)

        assert files(tmp_path / backup.location.name) == {}

    def test_needs_a_directory(self, backup: Candidate, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="is not a directory"):
            fetch(backup, tmp_path / "nowhere", Programs())

    def test_that_does_not_fit_is_not_begun(
        self, backup: Candidate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Full:
            free = 3

        monkeypatch.setattr("shutil.disk_usage", lambda _path: Full)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType] - as the function takes it

        with pytest.raises(StoreError, match="room for 3 bytes and the backup takes 11 more"):
            fetch(backup, tmp_path, Programs())


class TestACopy:
    """Is the same backup in another store."""

    def test_has_every_byte_and_its_manifest_last(
        self, backup: Candidate, disk: DirectoryStore, other: DirectoryStore
    ) -> None:
        watched = Watched(other)

        moved = copy_to(backup, watched, POLICY, at(6), Programs())

        assert (moved.moved, moved.kept) == (2, 0)
        assert files(Path(other.address)) == files(Path(disk.address))
        assert watched.uploaded[-1][0] == backup.location.prefix + MANIFEST

    def test_is_locked_as_the_backup_was(self, backup: Candidate, other: DirectoryStore) -> None:
        watched = Watched(other)

        copy_to(backup, watched, POLICY, at(6), Programs())

        lock = Lock(LockMode.GOVERNANCE, backup.location.started + timedelta(days=30))
        assert [one for _, one in watched.uploaded] == [lock] * 3

    def test_goes_on_where_it_stopped(
        self, backup: Candidate, disk: DirectoryStore, other: DirectoryStore
    ) -> None:
        full = Watched(other)
        full.refuses = ROWS
        with pytest.raises(StoreError, match="full"):
            copy_to(backup, full, POLICY, at(6), Programs())
        assert not file_of(other, backup.location, MANIFEST).exists()
        if not file_of(other, backup.location, backup.manifest.archive.name).exists():
            write_whole(other, backup.location.prefix + backup.manifest.archive.name, b"archive")
        watched = Watched(disk)

        moved = copy_to(
            Candidate(watched, backup.location, backup.manifest), other, POLICY, at(6), Programs()
        )

        assert (moved.moved, moved.kept) == (1, 1)
        assert backup.location.prefix + backup.manifest.archive.name not in watched.read
        assert files(Path(other.address)) == files(Path(disk.address))

    def test_of_a_damaged_object_never_exists(
        self, backup: Candidate, disk: DirectoryStore, other: DirectoryStore
    ) -> None:
        damage(file_of(disk, backup.location, ROWS), b"rowz")

        with pytest.raises(IntegrityError, match=f"{ROWS} is not what the backup wrote"):
            copy_to(backup, other, POLICY, at(6), Programs())

        assert not file_of(other, backup.location, ROWS).exists()
        assert not file_of(other, backup.location, MANIFEST).exists()

    def test_over_something_else_is_refused(self, backup: Candidate, other: DirectoryStore) -> None:
        write_whole(other, backup.location.prefix + ROWS, b"rowz")

        with pytest.raises(IntegrityError, match=f"{other.address}/.*{ROWS} is not what"):
            copy_to(backup, other, POLICY, at(6), Programs())

        assert not file_of(other, backup.location, MANIFEST).exists()

    def test_of_what_is_there_already_is_refused(
        self, backup: Candidate, other: DirectoryStore
    ) -> None:
        copied(backup, other)

        with pytest.raises(ConfigurationError, match="already, so nothing was copied"):
            copy_to(backup, other, POLICY, at(6), Programs())


class TestTheLockOfACopy:
    """Ends when the backup's own does."""

    @pytest.mark.parametrize(
        ("policy", "place", "now"),
        [
            (POLICY, location(Tier.HOURLY), at(7)),
            (RetentionPolicy(lock_mode=None), location(), at(6)),
            (RetentionPolicy(daily=None), location(), at(6)),
        ],
    )
    def test_is_none_where_it_has_none_any_more(
        self, policy: RetentionPolicy, place: Location, now: datetime
    ) -> None:
        assert lock_for(place, policy, now) is None

    def test_lasts_for_what_is_left(self) -> None:
        lock = lock_for(location(Tier.DAILY, 5), POLICY, at(20))

        assert lock == Lock(LockMode.GOVERNANCE, datetime(2026, 2, 4, 2, tzinfo=UTC))
