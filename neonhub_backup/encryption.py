"""GPG: whoever backs up holds public keys only; whoever restores brings a private one."""

import os
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from neonhub_backup.errors import EncryptionError, ProgramError
from neonhub_backup.processes import Command
from neonhub_backup.temporary import remove_folder

PRIVATE_KEY_VARIABLE = "NEONHUB_BACKUP_PRIVATE_KEY"
PRIVATE_KEY_FILE_VARIABLE = "NEONHUB_BACKUP_PRIVATE_KEY_FILE"
PASSPHRASE_VARIABLE = "NEONHUB_BACKUP_PASSPHRASE"  # noqa: S105 - a variable's name

SHORT_PLACE = "/tmp"  # noqa: S108 - what is made in it has a random name and is ours alone
"""Where a GnuPG home goes when the path of the temporary directory leaves too little room."""

_LONGEST_HOME = 83
"""Bytes of its path. macOS has room for 103 in a socket's, Linux for 107, and the longest of those
that gpg-agent makes in its home ends in /S.gpg-agent.browser."""

_HOME_PREFIX = "nhb-gpg-"
_UNUSABLE = {"e": "expired", "r": "revoked", "d": "disabled", "i": "invalid"}


@dataclass(frozen=True)
class Encryptor:
    """Encrypts to every recipient of the configuration."""

    recipients: tuple[str, ...]
    """Fingerprints of their primary keys."""
    home: Path
    key_files: tuple[Path, ...]

    def command(self) -> Command:
        """Reads plain bytes, writes encrypted ones.

        gpg's own compression is off: it would slow zstd's output down ninefold for nothing.
        """
        recipients = [part for path in self.key_files for part in ("--recipient-file", str(path))]
        return Command(
            [
                *_gpg(self.home),
                *("--trust-model", "always", "--lock-never", "--cipher-algo", "AES256"),
                *("--compress-level", "0", *recipients, "--encrypt"),
            ]
        )


@dataclass(frozen=True)
class Decryptor:
    """Decrypts with the private keys at hand."""

    fingerprints: frozenset[str]
    """Fingerprints of the primary keys whose private part is there."""
    home: Path | None
    """None: the user's own keyring."""

    def command(self) -> Command:
        """Reads encrypted bytes, writes plain ones."""
        return Command([*_gpg(self.home), "--decrypt"])

    def check(self, recipients: Sequence[str], backup: str) -> None:
        """Refuse a backup that none of the keys can read.

        Raises:
            EncryptionError: with the fingerprints it was encrypted to.
        """
        if not self.fingerprints.intersection(recipients):
            raise EncryptionError(
                f"backup {backup} was encrypted to {', '.join(recipients)} and no such private key"
                f" is at hand, so it cannot be read: give the key in {PRIVATE_KEY_VARIABLE} or its"
                f" file in {PRIVATE_KEY_FILE_VARIABLE}"
            )


@contextmanager
def encryptor(public_keys: Sequence[str]) -> Generator[Encryptor]:
    """Public keys ready for use, checked.

    Raises:
        EncryptionError: a key is expired, revoked or cannot encrypt.
    """
    with private_home() as home:
        fingerprints: list[str] = []
        files: list[Path] = []
        for number, key in enumerate(public_keys):
            path = home / f"recipient-{number}.asc"
            path.write_text(key)
            fingerprints.append(_checked_fingerprint(home, path, number))
            files.append(path)
        yield Encryptor(tuple(fingerprints), home, tuple(files))


@contextmanager
def decryptor() -> Generator[Decryptor]:
    """The private key of the environment, or else the user's own keyring.

    Raises:
        EncryptionError: the key cannot be read, or needs a passphrase that is missing or wrong.
    """
    key = _key_of_environment()
    if key is None:
        yield Decryptor(_secret_fingerprints(None), None)
        return
    with private_home() as home:
        passphrase = os.environ.get(PASSPHRASE_VARIABLE)
        options = ["pinentry-mode loopback"]
        if passphrase is not None:
            secret = home / "passphrase"
            secret.touch(mode=0o600)
            secret.write_text(passphrase)
            options.append(f"passphrase-file {secret}")
        (home / "gpg.conf").write_text("\n".join(options) + "\n")
        imported = _run([*_gpg(home), "--import"], key)
        fingerprints = _secret_fingerprints(home)
        if imported.returncode != 0 or not fingerprints:
            raise EncryptionError(
                f"the private key of {PRIVATE_KEY_VARIABLE} or {PRIVATE_KEY_FILE_VARIABLE} cannot"
                f" be imported ({_said(imported)}), so no backup can be read: export it with"
                " gpg --armor --export-secret-keys"
            )
        _check_passphrase(home, fingerprints)
        yield Decryptor(fingerprints, home)


def _key_of_environment() -> str | None:
    key = os.environ.get(PRIVATE_KEY_VARIABLE)
    path = os.environ.get(PRIVATE_KEY_FILE_VARIABLE)
    if key or not path:
        return key or None
    try:
        return Path(path).read_text()
    except OSError as error:
        raise EncryptionError(
            f"the private key file {path} of {PRIVATE_KEY_FILE_VARIABLE} cannot be read"
            f" ({error.strerror}), so no backup can be read: correct the path"
        ) from error
    except UnicodeDecodeError as error:
        raise EncryptionError(
            f"the private key file {path} of {PRIVATE_KEY_FILE_VARIABLE} is not ASCII-armoured, so"
            " no backup can be read: export it with gpg --armor --export-secret-keys"
        ) from error


def _check_passphrase(home: Path, fingerprints: frozenset[str]) -> None:
    # Exporting unlocks a key whatever became of it since: one that has expired or was revoked
    # encrypts no more, and still has to read the backups made for it.
    opened = _run([*_gpg(home), "--armor", "--export-secret-keys"], "")
    if opened.returncode != 0:
        raise EncryptionError(
            f"the private key {', '.join(sorted(fingerprints))} is locked and its passphrase is"
            f" missing or wrong ({_said(opened)}), so no backup can be read: set"
            f" {PASSPHRASE_VARIABLE}"
        )


def _checked_fingerprint(home: Path, path: Path, number: int) -> str:
    shown = _run([*_gpg(home), "--with-colons", "--show-keys", str(path)], "")
    records = [line.split(":") for line in shown.stdout.splitlines()]
    primaries = [record for record in records if record[0] == "pub"]
    field = f"encryption.public_keys.{number}"
    if shown.returncode != 0 or len(primaries) != 1:
        raise EncryptionError(
            f"{field} is not exactly one GPG public key ({_said(shown)}), so nothing could be"
            " encrypted and nothing was read: export it with gpg --armor --export"
        )
    (primary,) = primaries
    fingerprint = next(record[9] for record in records if record[0] == "fpr")
    if primary[1] in _UNUSABLE:
        raise EncryptionError(
            f"{field} ({fingerprint}) is {_UNUSABLE[primary[1]]}, so nothing could be encrypted and"
            " nothing was read: extend or replace the key and deploy its public part"
        )
    if "E" not in primary[11]:
        raise EncryptionError(
            f"{field} ({fingerprint}) has no valid part that can encrypt, so nothing was read:"
            " add an encryption subkey, or extend the one that has expired"
        )
    return fingerprint


def _secret_fingerprints(home: Path | None) -> frozenset[str]:
    shown = _run([*_gpg(home), "--with-colons", "--list-secret-keys"], "")
    found: set[str] = set()
    primary = False
    for line in shown.stdout.splitlines():
        record = line.split(":")
        if record[0] == "fpr" and primary:
            found.add(record[9])
        primary = record[0] == "sec"
    return frozenset(found)


@contextmanager
def private_home() -> Generator[Path]:
    """A GnuPG home of our own; its agent ends with it.

    Raises:
        EncryptionError: there is no place for it.
    """
    home = _new_home()
    try:
        yield home
    finally:
        _run(["gpgconf", "--homedir", str(home), "--kill", "all"], "")
        remove_folder(home)


def _new_home() -> Path:
    home = Path(tempfile.mkdtemp(prefix=_HOME_PREFIX))
    if len(os.fsencode(home)) <= _LONGEST_HOME:
        return home
    home.rmdir()
    try:
        return Path(tempfile.mkdtemp(prefix=_HOME_PREFIX, dir=SHORT_PLACE))
    except OSError as error:
        raise EncryptionError(
            f"the path of the temporary directory {home.parent} is too long for the sockets of"
            f" gpg-agent, and {SHORT_PLACE} cannot be used instead ({error.strerror}), so no key"
            " can be opened: set TMPDIR to a directory with a shorter path"
        ) from error


def _gpg(home: Path | None) -> list[str]:
    return ["gpg", *(["--homedir", str(home)] if home else []), "--batch", "--no-tty", "--quiet"]


def _run(argv: Sequence[str], text: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise ProgramError(
            f"{argv[0]} is not installed, so nothing was done: install GnuPG (package gnupg)"
        ) from error


def _said(result: subprocess.CompletedProcess[str]) -> str:
    return " ".join(result.stderr.split())
