"""A copy is whole when every object is there and is what was written."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from neonhub_backup.domain.layout import chunk_name
from neonhub_backup.encryption import Decryptor, encryptor
from neonhub_backup.holdings.selection import Candidate
from neonhub_backup.postgres.programs import DIRECTORY_VARIABLE
from neonhub_backup.processes import Programs
from neonhub_backup.stores.base import write_whole
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.upkeep.verifying import verify
from sandbox.postgres import bin_dir
from tests.neonhub_backup.backups import (
    TEXT,
    back_up,
    damage,
    directory_store,
    file_of,
    zstd,
)
from tests.neonhub_backup.keys import Key, KeyMaker
from tests.neonhub_backup.samples import location

ROWS = chunk_name(0, 0, "text")


@pytest.fixture
def disk(tmp_path: Path) -> DirectoryStore:
    return directory_store(tmp_path, "disk")


@pytest.fixture
def backup(disk: DirectoryStore) -> Candidate:
    return back_up(disk, location())


def test_a_copy_that_is_what_was_written_is_whole(backup: Candidate) -> None:
    verdict = verify(backup, Programs(), None)

    assert verdict.is_whole
    assert verdict.unexpected == []


def test_every_damage_is_named(backup: Candidate, disk: DirectoryStore) -> None:
    damage(file_of(disk, backup.location, ROWS), b"rowz")
    file_of(disk, backup.location, backup.manifest.archive.name).unlink()

    verdict = verify(backup, Programs(), None)

    assert verdict.damage == [
        f"{backup.manifest.archive.name} is missing",
        f"{ROWS} has another sha256 than when it was written",
    ]
    assert not verdict.is_whole


def test_an_object_of_another_size_is_not_even_read(
    backup: Candidate, disk: DirectoryStore
) -> None:
    damage(file_of(disk, backup.location, ROWS), b"row")

    assert verify(backup, Programs(), None).damage == [f"{ROWS} has 3 bytes instead of 4"]


def test_an_object_that_nobody_wrote_is_named_and_harms_nothing(
    backup: Candidate, disk: DirectoryStore
) -> None:
    write_whole(disk, backup.location.prefix + "rows/extra", b"x")

    verdict = verify(backup, Programs(), None)

    assert verdict.is_whole
    assert verdict.unexpected == ["rows/extra"]


class TestDeep:
    """Opens what it reads."""

    @pytest.fixture(autouse=True)
    def _programs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(DIRECTORY_VARIABLE, str(bin_dir(18)))

    @pytest.fixture
    def decrypt(self, keys: KeyMaker, key: Key) -> Decryptor:
        return Decryptor(frozenset({key.fingerprint}), keys.home)

    @pytest.fixture
    def encrypted(self, key: Key) -> Iterator["Encrypt"]:
        with encryptor([key.public]) as encrypt:
            yield Encrypt(list(encrypt.command().argv))

    def test_finds_an_archive_that_is_none_and_streams_that_are_cut_off(
        self, disk: DirectoryStore, decrypt: Decryptor, encrypted: "Encrypt"
    ) -> None:
        backup = back_up(
            disk,
            location(),
            archive=encrypted(zstd(b"no archive")),
            rows=encrypted(zstd(TEXT[:-1])),
        )

        archive, rows = verify(backup, Programs(), decrypt).damage

        assert archive.startswith("archive.dump.zst.gpg cannot be opened (pg_restore: error:")
        assert rows == f"{ROWS} is no whole COPY stream: it ends within a row"

    @pytest.mark.parametrize(
        ("rows", "problem"),
        [
            (zstd(TEXT + b"4\tfour\n"), 'holds 4 rows of "public"."connectors" instead of 3'),
            (b"not compressed", "cannot be opened"),
            (zstd(TEXT * 99)[:-4], "cannot be opened"),
        ],
        ids=["one too many", "not compressed", "cut off"],
    )
    def test_finds_rows_that_are_not_those_of_the_manifest(
        self,
        rows: bytes,
        problem: str,
        disk: DirectoryStore,
        decrypt: Decryptor,
        encrypted: "Encrypt",
    ) -> None:
        backup = back_up(disk, location(), rows=encrypted(rows))

        damage = verify(backup, Programs(), decrypt).damage

        assert any(line.startswith(f"{ROWS} {problem}") for line in damage)

    def test_counts_rows_that_are_right(
        self, disk: DirectoryStore, decrypt: Decryptor, encrypted: "Encrypt"
    ) -> None:
        backup = back_up(disk, location(), rows=encrypted(zstd(TEXT)))

        damage = verify(backup, Programs(), decrypt).damage

        assert [line.partition(" ")[0] for line in damage] == ["archive.dump.zst.gpg"]

    def test_says_what_is_no_message(self, disk: DirectoryStore, decrypt: Decryptor) -> None:
        backup = back_up(disk, location(), rows=b"no message")

        damage = verify(backup, Programs(), decrypt).damage

        assert any(line.startswith(f"{ROWS} cannot be opened (") for line in damage)

    def test_still_finds_what_was_changed_since(
        self, disk: DirectoryStore, decrypt: Decryptor, encrypted: "Encrypt"
    ) -> None:
        content = encrypted(zstd(TEXT * 10_000))
        backup = back_up(disk, location(), rows=content, count=30_000)
        damage(file_of(disk, backup.location, ROWS), bytes(len(content)))

        found = verify(backup, Programs(), decrypt).damage

        assert any(line.startswith(ROWS) for line in found)


class Encrypt:
    """Encrypts as a backup does."""

    def __init__(self, argv: list[str]) -> None:
        self._argv = argv

    def __call__(self, content: bytes) -> bytes:
        return subprocess.run(self._argv, input=content, stdout=subprocess.PIPE, check=True).stdout
