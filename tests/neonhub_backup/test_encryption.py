"""Whoever backs up needs a sound public key; whoever restores, a private one that opens."""

import logging
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from neonhub_backup import gpg
from neonhub_backup.encryption import (
    PASSPHRASE_FILE_VARIABLE,
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
    for name in (
        *(PASSPHRASE_VARIABLE, PASSPHRASE_FILE_VARIABLE),
        *(PRIVATE_KEY_VARIABLE, PRIVATE_KEY_FILE_VARIABLE),
    ):
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


@pytest.mark.parametrize("algorithms", [("rsa2048", "rsa2048"), ("nistp256", "nistp256")], ids=str)
def test_other_algorithms_do_as_well(
    algorithms: tuple[str, str], keys: KeyMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    unusual = keys.make(f"{algorithms[0]}@example", algorithms=algorithms)
    monkeypatch.setenv(PRIVATE_KEY_VARIABLE, unusual.private)

    with decryptor() as decrypt:
        assert _pass(_encrypted(unusual), decrypt) == b"a secret"


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

    def test_is_refused_together_with_every_other_that_is(
        self, key: Key, expired: Key, revoked: Key
    ) -> None:
        said = _refusal(expired.public, key.public, revoked.public)

        assert f"encryption.public_keys.0 ({expired.fingerprint}) is expired" in said
        assert f"encryption.public_keys.2 ({revoked.fingerprint}) is revoked" in said
        assert key.fingerprint not in said

    def test_that_will_soon_expire_is_named_in_a_warning(
        self, keys: KeyMaker, key: Key, caplog: pytest.LogCaptureFixture
    ) -> None:
        day = datetime.now(UTC) + timedelta(days=10)
        soon = keys.make("soon@example", expires=f"{day:%Y-%m-%d}")

        with caplog.at_level(logging.WARNING), encryptor([key.public, soon.public]):
            (said,) = caplog.messages

        assert f"encryption.public_keys.1 ({soon.fingerprint}) expires on {day:%Y-%m-%d}" in said

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

    @pytest.mark.parametrize("end", ["", "\n", "\r\n"])
    def test_that_is_locked_opens_with_the_line_in_a_file(
        self, end: str, locked: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "passphrase"
        path.write_bytes((PASSPHRASE + end).encode())
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, locked.private)
        monkeypatch.setenv(PASSPHRASE_FILE_VARIABLE, str(path))

        with decryptor() as decrypt:
            assert _pass(_encrypted(locked), decrypt) == b"a secret"

    @pytest.mark.parametrize("passphrase", ["  zwölf Ölfässer  ", "日本語", '"$HOME" \\ %20'])
    def test_may_have_any_passphrase_of_one_line(
        self, passphrase: str, keys: KeyMaker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        unusual = keys.make(f"of {passphrase.encode().hex()}", passphrase=passphrase)
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, unusual.private)
        monkeypatch.setenv(PASSPHRASE_VARIABLE, passphrase)

        with decryptor() as decrypt:
            assert _pass(_encrypted(unusual), decrypt) == b"a secret"

    def test_with_a_passphrase_of_several_lines_is_refused(
        self, locked: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, locked.private)
        monkeypatch.setenv(PASSPHRASE_VARIABLE, f"{PASSPHRASE}\nand more")

        said = _refusal_to_read()

        assert "has several lines" in said
        assert PASSPHRASE not in said

    def test_whose_passphrase_lies_in_a_file_that_is_missing_is_refused(
        self, locked: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, locked.private)
        monkeypatch.setenv(PASSPHRASE_FILE_VARIABLE, str(tmp_path / "nowhere"))

        assert f"the passphrase file {tmp_path}/nowhere" in _refusal_to_read()

    def test_is_unlocked_once_and_not_for_every_object(
        self, locked: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, locked.private)
        monkeypatch.setenv(PASSPHRASE_VARIABLE, PASSPHRASE)

        with decryptor() as decrypt:
            assert decrypt.unlock == ()

    @pytest.mark.parametrize(
        ("passphrase", "reason", "fix"),
        [
            (None, "no passphrase is given", "set"),
            ("", "no passphrase is given", "set"),
            ("wrong", "the passphrase that is given does not open it", "correct"),
        ],
    )
    def test_that_stays_locked_is_refused(
        self,
        passphrase: str | None,
        reason: str,
        fix: str,
        locked: Key,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, locked.private)
        if passphrase is not None:
            monkeypatch.setenv(PASSPHRASE_VARIABLE, passphrase)

        said = _refusal_to_read()

        assert f"{locked.fingerprint} is locked and {reason}" in said
        assert f"{fix} {PASSPHRASE_VARIABLE}" in said

    def test_may_be_one_of_several_in_a_file(
        self, key: Key, other: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "keys.asc"
        path.write_text(key.private + other.private)
        monkeypatch.setenv(PRIVATE_KEY_FILE_VARIABLE, str(path))

        with decryptor() as decrypt:
            assert decrypt.fingerprints == {key.fingerprint, other.fingerprint}
            assert _pass(_encrypted(other), decrypt) == b"a secret"

    def test_that_stays_locked_beside_one_that_opens_is_named_when_it_is_needed(
        self, key: Key, locked: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, key.private + locked.private)

        with decryptor() as decrypt:
            decrypt.check([key.fingerprint, locked.fingerprint], "20260105T020000Z-0badcafe")
            with pytest.raises(EncryptionError, match=f"{locked.fingerprint} is locked"):
                decrypt.check([locked.fingerprint], "20260105T020000Z-0badcafe")

    def test_may_be_without_its_primary_part(
        self, keys: KeyMaker, key: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        exported = keys.gpg("--armor", "--export-secret-subkeys", key.fingerprint)
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, exported)

        with decryptor() as decrypt:
            assert decrypt.fingerprints == {key.fingerprint}
            assert _pass(_encrypted(key), decrypt) == b"a secret"

    def test_without_its_part_for_decryption_is_refused(
        self, keys: KeyMaker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        signer = keys.make("only.signs@example", encrypts=False)
        monkeypatch.setenv(PRIVATE_KEY_VARIABLE, signer.private)

        assert "it has no part for decryption" in _refusal_to_read()

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

    def test_may_be_in_binary_form(
        self, key: Key, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = tmp_path / "key.gpg"
        armoured = key.private.encode()
        path.write_bytes(
            subprocess.run(
                ["gpg", "--dearmor"], input=armoured, capture_output=True, check=True
            ).stdout
        )
        monkeypatch.setenv(PRIVATE_KEY_FILE_VARIABLE, str(path))

        with decryptor() as decrypt:
            assert decrypt.fingerprints == {key.fingerprint}

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


class TestAKeyOfTheUsersOwnKeyring:
    """Is used as it lies there."""

    @pytest.fixture
    def keyring(self, locked: Key, temporary: Path) -> Iterator[Key]:
        """A keyring with a locked key, without an agent that could ask for the passphrase."""
        home = temporary.parent / "user"
        (home / "gpg-agent.conf").write_text("pinentry-program /bin/false\ns2k-count 65536\n")
        KeyMaker(home).gpg("--import", text=locked.private)
        yield locked
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=True)

    def test_opens_with_the_passphrase_of_the_environment(
        self, keyring: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(PASSPHRASE_VARIABLE, PASSPHRASE)

        with decryptor() as decrypt:
            decrypt.check([keyring.fingerprint], "20260105T020000Z-0badcafe")
            assert _pass(_encrypted(keyring), decrypt) == b"a secret"
            assert PASSPHRASE not in " ".join(decrypt.command().argv)

    @pytest.mark.parametrize("passphrase", [None, "wrong"])
    def test_that_stays_locked_is_refused_before_anything_is_restored(
        self, passphrase: str | None, keyring: Key, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if passphrase is not None:
            monkeypatch.setenv(PASSPHRASE_VARIABLE, passphrase)

        with decryptor() as decrypt, pytest.raises(EncryptionError) as refused:
            decrypt.check([keyring.fingerprint], "20260105T020000Z-0badcafe")

        assert f"{keyring.fingerprint} (" in str(refused.value)
        assert "does not open" in str(refused.value)
        assert PASSPHRASE_VARIABLE in str(refused.value)

    def test_of_which_only_the_public_part_is_there_is_not_at_hand(
        self, key: Key, temporary: Path
    ) -> None:
        KeyMaker(temporary.parent / "user").gpg("--import", text=key.public)

        with decryptor() as decrypt:
            assert decrypt.fingerprints == frozenset()


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
    monkeypatch.setattr(gpg, "SHORT_PLACE", str(temporary / "nowhere"))

    said = _refusal(key.public)

    assert f"{long} is too long" in said
    assert "set TMPDIR" in said
    assert list(long.iterdir()) == []


def test_gpg_does_not_compress_once_more(key: Key) -> None:
    with encryptor([key.public]) as encrypt:
        stored = _pass(COMPRESSIBLE, encrypt)

    assert len(stored) > len(COMPRESSIBLE)
