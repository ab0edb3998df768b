"""A re-wrapped backup is the same backup, for other readers."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.domain.layout import ARCHIVE, MANIFEST, Location
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.encryption import PRIVATE_KEY_VARIABLE, Encryptor, decryptor, encryptor
from neonhub_backup.errors import EncryptionError, IntegrityError
from neonhub_backup.gpg import private_home
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.holdings.selection import Wanted, choose
from neonhub_backup.processes import Command, Programs
from neonhub_backup.stores.base import Store
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.upkeep.rewrapping import Outcome, Rotated, Rotation, every_current, place_after
from tests.neonhub_backup.keys import Key, KeyMaker
from tests.neonhub_backup.samples import at, location
from tests.neonhub_backup.stored import CONTENTS, opened, store_backup


@pytest.fixture(scope="module")
def new(keys: KeyMaker) -> Key:
    return keys.make("new@example")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "disk"
    path.mkdir()
    return path


@pytest.fixture
def store(folder: Path) -> Store:
    return DirectoryStore(configuration.DirectoryStore(name="disk", path=folder))


@pytest.fixture
def rotation(
    key: Key, new: Key, store: Store, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rotation]:
    """From the old key to the new one, with both private halves at hand."""
    monkeypatch.setenv(PRIVATE_KEY_VARIABLE, key.private + new.private)
    with ExitStack() as stack:
        encrypt = stack.enter_context(encryptor([new.public]))
        decrypt = stack.enter_context(decryptor())
        yield Rotation(store, store, RetentionPolicy(), encrypt, decrypt)


class _Losing(Encryptor):
    """Encrypts the beginning alone."""

    def command(self) -> Command:
        return Command(
            ["bash", "-c", '(head -c 3; cat >/dev/null) | "$@"', "bash", *super().command().argv]
        )


def _run(rotation: Rotation, place: Location, original: Manifest, **options: bool) -> Rotated:
    return rotation.one(place, original, Programs(), **{"dry_run": False, **options})


def _place(made: Manifest | None) -> Location:
    assert made is not None
    return Location(made.started, made.name, made.tier)


def test_a_copy_holds_the_same_for_the_new_key_alone(
    rotation: Rotation, folder: Path, store: Store, key: Key, new: Key
) -> None:
    place = location(Tier.WEEKLY)
    original = store_backup(folder, place, [key])

    done = _run(rotation, place, original)

    made = Catalogue(store).manifest(_place(done.copy))
    assert done == Rotated(original, Outcome.REWRAPPED, made)
    assert (made.tier, made.started, made.rewrapped_from) == (
        Tier.WEEKLY,
        original.started,
        original.name,
    )
    assert made.recipients == (new.fingerprint,)
    assert (made.rows, made.database) == (original.rows, original.database)
    with private_home() as home:
        assert opened(folder, _place(made), new, home) == CONTENTS


def test_the_keyring_of_whoever_runs_it_is_not_touched(
    rotation: Rotation, folder: Path, key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = location()
    original = store_backup(folder, place, [key])
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    _run(rotation, place, original)

    assert list((tmp_path / "home").iterdir()) == []


def test_the_original_stays_as_it_was(rotation: Rotation, folder: Path, key: Key) -> None:
    place = location()
    original = store_backup(folder, place, [key])
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    _run(rotation, place, original)

    assert {path: path.read_bytes() for path in before} == before


def test_the_copy_is_the_newest_backup_and_fills_the_same_slot(
    rotation: Rotation, folder: Path, store: Store, key: Key
) -> None:
    place = location(Tier.DAILY, day=5)
    store_backup(folder, location(Tier.DAILY, day=4), [key])
    original = store_backup(folder, place, [key])

    made = _run(rotation, place, original).copy

    assert made is not None
    (newest,) = choose([store], Wanted(database="app"))
    assert newest.manifest.name == made.name
    assert Catalogue(store).newest_by_tier("app", at(6)) == {Tier.DAILY: original.started}


@pytest.mark.parametrize("number", ["00000000", "7fffffff", "fffffffe"])
def test_a_copy_s_name_sorts_after_its_original_s(number: str) -> None:
    original = Location(at(5), f"20260105T020000Z-{number}", Tier.DAILY)

    assert all(place_after(original) > original for _ in range(100))


def test_what_an_earlier_run_has_rewrapped_is_skipped(
    rotation: Rotation, folder: Path, key: Key, store: Store
) -> None:
    place = location()
    original = store_backup(folder, place, [key])
    made = _run(rotation, place, original).copy
    again = Rotation(store, store, rotation.retention, rotation.encrypt, rotation.decrypt)

    assert _run(again, place, original) == Rotated(original, Outcome.ALREADY, made)


def test_what_the_recipients_of_today_read_is_skipped(
    rotation: Rotation, folder: Path, new: Key
) -> None:
    place = location()
    original = store_backup(folder, place, [new])

    assert _run(rotation, place, original) == Rotated(original, Outcome.NEEDLESS, None)


def test_what_others_can_read_besides_is_rewrapped(
    rotation: Rotation, folder: Path, key: Key, new: Key
) -> None:
    place = location()
    original = store_backup(folder, place, [key, new])

    assert _run(rotation, place, original).outcome is Outcome.REWRAPPED


def test_a_dry_run_writes_nothing(rotation: Rotation, folder: Path, key: Key) -> None:
    place = location()
    original = store_backup(folder, place, [key])
    before = sorted(folder.rglob("*"))

    assert _run(rotation, place, original, dry_run=True).outcome is Outcome.OWED
    assert sorted(folder.rglob("*")) == before


def test_of_all_backups_those_with_a_copy_are_left_out(
    rotation: Rotation, folder: Path, key: Key, store: Store
) -> None:
    place, other = location(day=4), location(day=5)
    made = _run(rotation, place, store_backup(folder, place, [key])).copy
    store_backup(folder, other, [key])
    store_backup(folder, location(day=6), [key], "billing")

    found, damaged = every_current(store, {"app"})

    assert [where for where, _ in found] == [other, _place(made)]
    assert damaged == []


def test_a_damaged_manifest_keeps_no_other_backup_from_being_rewrapped(
    folder: Path, key: Key, store: Store
) -> None:
    good, bad = location(day=4), location(day=5)
    for place in (good, bad):
        store_backup(folder, place, [key])
    (folder / bad.prefix / MANIFEST).write_text("{}")

    found, damaged = every_current(store, {"app"})

    assert [where for where, _ in found] == [good]
    assert f"{bad.name}/manifest.json" in str(damaged[0])


class TestWithoutANewBackup:
    """Ends every attempt that fails."""

    @pytest.fixture(autouse=True)
    def _no_other_manifest(self, folder: Path) -> Iterator[None]:
        yield
        assert len([*folder.rglob(MANIFEST)]) == 1

    def test_of_which_an_object_is_damaged(
        self, rotation: Rotation, folder: Path, key: Key
    ) -> None:
        place = location()
        original = store_backup(folder, place, [key])
        path = folder / place.prefix / ARCHIVE
        path.write_bytes(path.read_bytes()[:-1] + b"x")
        before = sorted(folder.rglob("*"))

        with pytest.raises(IntegrityError, match=ARCHIVE):
            _run(rotation, place, original)

        assert sorted(folder.rglob("*")) == before

    def test_that_would_not_hold_the_same(self, rotation: Rotation, folder: Path, key: Key) -> None:
        place = location()
        original = store_backup(folder, place, [key])
        losing = _Losing(**vars(rotation.encrypt))

        with pytest.raises(IntegrityError, match="would not have held what"):
            _run(replace(rotation, encrypt=losing), place, original)

    def test_of_which_an_object_was_exchanged_for_another_that_can_be_read(
        self, rotation: Rotation, folder: Path, key: Key
    ) -> None:
        place = location()
        original = store_backup(folder, place, [key])
        chunk = original.tables[0].chunks[0].name
        (folder / place.prefix / ARCHIVE).write_bytes((folder / place.prefix / chunk).read_bytes())

        with pytest.raises(IntegrityError, match=ARCHIVE):
            _run(rotation, place, original)

    def test_that_could_not_be_read_back(
        self,
        folder: Path,
        store: Store,
        key: Key,
        new: Key,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        place = location()
        original = store_backup(folder, place, [key])
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, key.private)

        with encryptor([new.public]) as encrypt, decryptor() as decrypt:
            rotation = Rotation(store, store, RetentionPolicy(), encrypt, decrypt)
            with pytest.raises(EncryptionError, match="could not be read back"):
                _run(rotation, place, original)

    def test_whose_private_key_is_not_at_hand(
        self,
        folder: Path,
        store: Store,
        key: Key,
        new: Key,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        place = location()
        original = store_backup(folder, place, [key])
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, new.private)

        with encryptor([new.public]) as encrypt, decryptor() as decrypt:
            rotation = Rotation(store, store, RetentionPolicy(), encrypt, decrypt)
            with pytest.raises(
                EncryptionError, match=f"encrypted to {key.fingerprint} and no such"
            ):
                _run(rotation, place, original)
