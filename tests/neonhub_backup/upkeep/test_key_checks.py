"""What keys can do is known before it has to be."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from neonhub_backup.domain import configuration
from neonhub_backup.encryption import PRIVATE_KEY_VARIABLE, Decryptor, decryptor
from neonhub_backup.errors import EncryptionError
from neonhub_backup.holdings.source import Source
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.upkeep.key_checks import Finding, PrivateKey, check_backup, check_recipients
from tests.neonhub_backup.keys import Key, KeyMaker
from tests.neonhub_backup.samples import location
from tests.neonhub_backup.stored import store_backup

NOW = datetime.now(UTC)
WARN = timedelta(days=30)


@pytest.fixture(scope="module")
def absent(keys: KeyMaker) -> Key:
    return keys.make("Ädelaide: absent <absent@example>", algorithms=("nistp256", "nistp256"))


@pytest.fixture
def decrypt(key: Key, monkeypatch: pytest.MonkeyPatch) -> Iterator[Decryptor]:
    """One private key is at hand."""
    monkeypatch.setenv(PRIVATE_KEY_VARIABLE, key.private)
    with decryptor() as opened:
        yield opened


def _check(decrypt: Decryptor | None, *public: str) -> list[Finding]:
    return check_recipients(public, decrypt, NOW, WARN)


def test_each_recipient_is_tried_alone(decrypt: Decryptor, key: Key, absent: Key) -> None:
    one, other = _check(decrypt, key.public, absent.public)

    assert (one.field, one.private_key, one.problem, one.warning) == (
        "encryption.public_keys.0",
        PrivateKey.OPENS,
        None,
        None,
    )
    assert (other.field, other.private_key, other.problem) == (
        "encryption.public_keys.1",
        PrivateKey.ABSENT,
        None,
    )


def test_a_recipient_is_described_as_gpg_does(absent: Key) -> None:
    (found,) = _check(None, absent.public)

    assert found.key is not None
    assert found.key.fingerprint == absent.fingerprint
    assert found.key.user_id == "Ädelaide: absent <absent@example>"
    assert found.key.primary.algorithm == "nistp256"
    assert found.key.expires is None
    assert found.key.encrypting is not None
    assert found.key.encrypting.fingerprint != absent.fingerprint


@pytest.mark.parametrize(("days", "warned"), [(20, True), (40, False)])
def test_a_recipient_that_expires_soon_is_warned_of(
    days: int, *, warned: bool, keys: KeyMaker
) -> None:
    day = NOW + timedelta(days=days)
    soon = keys.make(f"in{days}@example", expires=f"{day:%Y-%m-%d}")

    (found,) = _check(None, soon.public)

    assert found.problem is None
    assert (found.warning is not None) is warned
    assert found.warning is None or f"expires on {day:%Y-%m-%d}" in found.warning


def test_the_first_part_to_expire_counts(keys: KeyMaker) -> None:
    day = NOW + timedelta(days=20)
    half = keys.make("half.soon@example", encryption_expires=f"{day:%Y-%m-%d}")

    (found,) = _check(None, half.public)

    assert f"expires on {day:%Y-%m-%d}" in str(found.warning)


def test_what_is_wrong_with_one_recipient_hides_no_other(
    decrypt: Decryptor, keys: KeyMaker, key: Key
) -> None:
    expired = keys.make("long.gone@example", expires="2020-02-01")

    no_key, gone, good = _check(decrypt, "no key", expired.public, key.public)

    assert "encryption.public_keys.0 is not exactly one GPG public key" in str(no_key.problem)
    assert f"({expired.fingerprint}) is expired since 2020-02-01" in str(gone.problem)
    assert good.problem is None


def test_a_private_key_without_the_newest_part_for_decryption_fails(
    keys: KeyMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys.make("grown@example", expires="2090-01-01")
    keys.gpg(
        *("--pinentry-mode", "loopback", "--passphrase", ""),
        *("--quick-add-key", before.fingerprint, "cv25519", "encr", "never"),
    )
    monkeypatch.setenv(PRIVATE_KEY_VARIABLE, before.private)

    with decryptor() as decrypt:
        (found,) = _check(decrypt, keys.gpg("--armor", "--export", before.fingerprint))

    assert found.private_key is PrivateKey.FAILS
    assert "does not open what is encrypted to it now" in str(found.problem)


class TestABackup:
    """Is opened for real."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        path = tmp_path / "disk"
        path.mkdir()
        return path

    def _source(self, folder: Path, readers: list[Key], decrypt: Decryptor) -> Source:
        place = location()
        written = store_backup(folder, place, readers)
        store = DirectoryStore(configuration.DirectoryStore(name="disk", path=folder))
        return Source(store, place, written, decrypt)

    def test_for_a_key_at_hand_opens(self, folder: Path, decrypt: Decryptor, key: Key) -> None:
        check_backup(self._source(folder, [key], decrypt))

    def test_for_another_key_is_refused(
        self, folder: Path, decrypt: Decryptor, absent: Key
    ) -> None:
        source = self._source(folder, [absent], decrypt)

        with pytest.raises(EncryptionError, match=f"encrypted to {absent.fingerprint} and no such"):
            check_backup(source)

    def test_for_a_part_that_is_not_at_hand_is_refused(
        self, folder: Path, keys: KeyMaker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        grown = keys.make("grown.later@example", expires="2090-01-01")
        keys.gpg(
            *("--pinentry-mode", "loopback", "--passphrase", ""),
            *("--quick-add-key", grown.fingerprint, "cv25519", "encr", "never"),
        )
        later = Key(grown.fingerprint, keys.gpg("--armor", "--export", grown.fingerprint), "")
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, grown.private)

        with decryptor() as decrypt:
            source = self._source(folder, [later], decrypt)
            with pytest.raises(EncryptionError, match="does not open backup"):
                check_backup(source)
