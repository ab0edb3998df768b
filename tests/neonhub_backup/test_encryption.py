"""Whoever backs up needs a sound public key; whoever restores, a private one that opens."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from neonhub_backup import encryption
from neonhub_backup.encryption import (
    PASSPHRASE_VARIABLE,
    PRIVATE_KEY_FILE_VARIABLE,
    PRIVATE_KEY_VARIABLE,
    Decryptor,
    Encryptor,
    decryptor,
    encryptor,
)
from neonhub_backup.errors import EncryptionError
from tests.neonhub_backup.keys import PASSPHRASE, Key, KeyMaker

COMPRESSIBLE = bytes(1_000_000)
END_SECONDS = 20.0


@pytest.fixture(scope="session")
def other(keys: KeyMaker) -> Key:
    return keys.make("other@example")


@pytest.fixture(scope="session")
def locked(keys: KeyMaker) -> Key:
    return keys.make("locked@example", passphrase=PASSPHRASE)


@pytest.fixture(scope="session")
def expired(keys: KeyMaker) -> Key:
    return keys.make("expired@example", expires="2020-02-01")


@pytest.fixture(scope="session")
def revoked(keys: KeyMaker) -> Key:
    return keys.make("revoked@example", revoked=True)


@pytest.fixture(autouse=True)
def temporary(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Where everything temporary lies; no key comes from the user's environment."""
    # pytest's own directory is made on first use, which must not be below.
    tmp_path_factory.getbasetemp()
    for name in (PASSPHRASE_VARIABLE, PRIVATE_KEY_VARIABLE, PRIVATE_KEY_FILE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    # Not pytest's own directory: an agent's socket lies in it, and its path has a limit.
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        (place / "user").mkdir(mode=0o700)
        (place / "tmp").mkdir()
        monkeypatch.setenv("GNUPGHOME", str(place / "user"))
        monkeypatch.setattr(tempfile, "tempdir", str(place / "tmp"))
        yield place / "tmp"


def _pass(content: bytes, through: Encryptor | Decryptor) -> bytes:
    argv = through.command().argv
    return subprocess.run(argv, input=content, capture_output=True, check=True).stdout


def _of_length(place: Path, length: int) -> Path:
    """A folder in a place, whose path has this many bytes."""
    folder = place / ("x" * (length - len(str(place)) - 1))
    folder.mkdir()
    return folder


def _encrypted(*keys: Key) -> bytes:
    with encryptor([key.public for key in keys]) as encrypt:
        return _pass(b"a secret", encrypt)


def _agents(place: Path) -> list[Path]:
    found: list[Path] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(place).encode() in (process / "cmdline").read_bytes():
                found.append(process)
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile
    return found


def _refusal(*keys: str) -> str:
    with pytest.raises(EncryptionError) as refused, encryptor(keys):
        pass
    return str(refused.value)


def _refusal_to_read() -> str:
    with pytest.raises(EncryptionError) as refused, decryptor():
        pass
    return str(refused.value)


def test_what_was_encrypted_can_be_read_with_the_private_key(
    key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PRIVATE_KEY_VARIABLE, key.private)
    with encryptor([key.public]) as encrypt:
        stored = _pass(b"a secret", encrypt)

    with decryptor() as decrypt:
        assert _pass(stored, decrypt) == b"a secret"
    assert b"a secret" not in stored


def test_the_recipients_are_known_by_their_primary_keys(key: Key, other: Key) -> None:
    with encryptor([key.public, other.public]) as encrypt:
        assert encrypt.recipients == (key.fingerprint, other.fingerprint)


@pytest.mark.parametrize("reader", ["key", "other"])
def test_each_of_several_recipients_can_read_alone(
    reader: str, key: Key, other: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = _encrypted(key, other)
    monkeypatch.setenv(PRIVATE_KEY_VARIABLE, {"key": key, "other": other}[reader].private)

    with decryptor() as decrypt:
        assert _pass(stored, decrypt) == b"a secret"


class TestAPublicKey:
    """Is checked before anything is read."""

    def test_that_has_expired_is_refused(self, expired: Key) -> None:
        said = _refusal(expired.public)

        assert f"encryption.public_keys.0 ({expired.fingerprint}) is expired" in said
        assert "extend or replace" in said

    def test_that_was_revoked_is_refused(self, revoked: Key) -> None:
        assert f"({revoked.fingerprint}) is revoked" in _refusal(revoked.public)

    def test_that_can_only_sign_is_refused(self, keys: KeyMaker) -> None:
        signer = keys.make("signer@example", encrypts=False)

        assert "has no valid part that can encrypt" in _refusal(signer.public)

    def test_whose_encrypting_part_has_expired_is_refused(self, keys: KeyMaker) -> None:
        half = keys.make("half@example", encryption_expires="2020-02-01")

        assert "or extend the one that has expired" in _refusal(half.public)

    def test_that_is_really_two_is_refused(self, key: Key, other: Key) -> None:
        assert "is not exactly one GPG public key" in _refusal(key.public + other.public)

    def test_that_is_no_key_is_refused(self) -> None:
        block = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{}\n-----END PGP PUBLIC KEY BLOCK-----\n"

        assert "is not exactly one GPG public key" in _refusal(block.format("aGVsbG8="))

    def test_is_named_by_its_place_in_the_configuration(self, key: Key, expired: Key) -> None:
        assert "encryption.public_keys.1 (" in _refusal(key.public, expired.public)


class TestAPrivateKey:
    """Is opened before anything is restored."""

    def test_may_lie_in_a_file(
        self, key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "key.asc"
        path.write_text(key.private)
        monkeypatch.setenv(PRIVATE_KEY_FILE_VARIABLE, str(path))

        with decryptor() as decrypt:
            assert decrypt.fingerprints == {key.fingerprint}

    def test_may_lie_in_the_user_s_own_keyring(self, keys: KeyMaker, key: Key) -> None:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("GNUPGHOME", str(keys.home))

            with decryptor() as decrypt:
                assert key.fingerprint in decrypt.fingerprints

    def test_that_has_expired_still_reads_its_backups(
        self, keys: KeyMaker, expired: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        to_it = ("--trust-model", "always", "--recipient", expired.fingerprint)
        in_time = ("--faked-system-time", "20200115T000000")
        stored = keys.gpg(*in_time, *to_it, "--armor", "--encrypt", text="a secret").encode()
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, expired.private)

        with decryptor() as decrypt:
            decrypt.check([expired.fingerprint], "20200115T000000Z-0badcafe")
            assert _pass(stored, decrypt) == b"a secret"

    def test_that_was_revoked_still_reads_its_backups(
        self, revoked: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, revoked.private)

        with decryptor() as decrypt:
            assert decrypt.fingerprints == {revoked.fingerprint}

    def test_that_is_locked_opens_with_its_passphrase(
        self, locked: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stored = _encrypted(locked)
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, locked.private)
        monkeypatch.setenv(PASSPHRASE_VARIABLE, PASSPHRASE)

        with decryptor() as decrypt:
            assert _pass(stored, decrypt) == b"a secret"

    @pytest.mark.parametrize("passphrase", [None, "", "wrong"])
    def test_that_stays_locked_is_refused(
        self, passphrase: str | None, locked: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, locked.private)
        if passphrase is not None:
            monkeypatch.setenv(PASSPHRASE_VARIABLE, passphrase)

        said = _refusal_to_read()

        assert f"{locked.fingerprint} is locked and its passphrase is missing or wrong" in said
        assert f"set {PASSPHRASE_VARIABLE}" in said

    def test_that_is_the_public_one_is_refused(
        self, key: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, key.public)

        assert "export it with gpg --armor --export-secret-keys" in _refusal_to_read()

    def test_that_is_no_key_is_refused_without_showing_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, "hunter2")

        said = _refusal_to_read()

        assert "cannot be imported" in said
        assert "hunter2" not in said

    def test_in_a_file_that_is_missing_is_refused_by_its_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_FILE_VARIABLE, str(tmp_path / "nowhere"))

        assert f"{tmp_path}/nowhere" in _refusal_to_read()

    def test_in_binary_form_is_refused_by_its_path(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "key.gpg"
        path.write_bytes(b"\x94\x58\x04\xff")
        monkeypatch.setenv(PRIVATE_KEY_FILE_VARIABLE, str(path))

        assert f"{path} of {PRIVATE_KEY_FILE_VARIABLE} is not ASCII-armoured" in _refusal_to_read()

    def test_of_someone_else_is_refused_with_the_recipients(
        self, key: Key, other: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, key.private)

        with (
            decryptor() as decrypt,
            pytest.raises(EncryptionError, match=f"encrypted to {other.fingerprint} and no such"),
        ):
            decrypt.check([other.fingerprint], "20260105T020000Z-0badcafe")

    def test_of_one_of_the_recipients_is_enough(
        self, key: Key, other: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, key.private)

        with decryptor() as decrypt:
            decrypt.check([other.fingerprint, key.fingerprint], "20260105T020000Z-0badcafe")


def test_an_encryptor_leaves_nothing_behind(key: Key, temporary: Path) -> None:
    with encryptor([key.public]) as encrypt:
        _pass(b"a secret", encrypt)

    assert list(temporary.iterdir()) == []


def test_a_decryptor_leaves_neither_a_file_nor_an_agent(
    key: Key, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = _encrypted(key)
    monkeypatch.setenv(PRIVATE_KEY_VARIABLE, key.private)
    with decryptor() as decrypt:
        _pass(stored, decrypt)
        assert _agents(temporary) != []

    assert list(temporary.iterdir()) == []
    deadline = time.monotonic() + END_SECONDS
    while _agents(temporary) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _agents(temporary) == []


def test_a_refusal_leaves_nothing_behind_either(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PRIVATE_KEY_VARIABLE, "hunter2")
    monkeypatch.setenv(PASSPHRASE_VARIABLE, PASSPHRASE)

    _refusal_to_read()

    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("length", [66, 67, 200])
def test_a_temporary_directory_may_have_a_path_of_any_length(
    length: int, key: Key, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(_of_length(temporary, length)))
    monkeypatch.setenv(PRIVATE_KEY_VARIABLE, key.private)

    with decryptor() as decrypt:
        assert _pass(_encrypted(key), decrypt) == b"a secret"


def test_a_path_that_is_too_long_is_refused_where_there_is_no_shorter_one(
    key: Key, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = _of_length(temporary, 200)
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setattr(encryption, "SHORT_PLACE", str(temporary / "nowhere"))

    said = _refusal(key.public)

    assert f"{long} is too long" in said
    assert "set TMPDIR" in said
    assert list(long.iterdir()) == []


def test_gpg_does_not_compress_once_more(key: Key) -> None:
    with encryptor([key.public]) as encrypt:
        stored = _pass(COMPRESSIBLE, encrypt)

    assert len(stored) > len(COMPRESSIBLE)
