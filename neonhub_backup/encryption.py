"""GPG: whoever backs up holds public keys only; whoever restores brings a private one."""

import logging
import os
import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from neonhub_backup.errors import EncryptionError
from neonhub_backup.gpg import gpg, private_home, run
from neonhub_backup.processes import Command
from neonhub_backup.public_keys import PublicKey, read_public_key

log = logging.getLogger(__name__)

PRIVATE_KEY_VARIABLE = "NEONHUB_BACKUP_PRIVATE_KEY"
PRIVATE_KEY_FILE_VARIABLE = "NEONHUB_BACKUP_PRIVATE_KEY_FILE"
PASSPHRASE_VARIABLE = "NEONHUB_BACKUP_PASSPHRASE"  # noqa: S105 - a variable's name
PASSPHRASE_FILE_VARIABLE = "NEONHUB_BACKUP_PASSPHRASE_FILE"  # noqa: S105 - as above

WARNED_BEFORE = timedelta(days=30)
"""How long before a recipient expires every backup begins to say so."""

# Places in a line of `--with-colons`, and what says that a secret part is not there.
_TEXT, _CAPABILITIES, _TOKEN = 9, 11, 14
_ELSEWHERE = "#"

_PASSPHRASE_FILE = "passphrase"  # noqa: S105 - the name of a file


class _SecretPart(NamedTuple):
    """A key or subkey that decrypts."""

    primary: str
    """Fingerprint of the primary key."""
    keygrip: str
    """What gpg-agent calls it."""


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
                *gpg(self.home),
                *("--trust-model", "always", "--lock-never", "--cipher-algo", "AES256"),
                *("--compress-level", "0", *recipients, "--encrypt"),
            ]
        )


@dataclass(frozen=True)
class Decryptor:
    """Decrypts with the private keys at hand."""

    fingerprints: frozenset[str]
    """Fingerprints of the primary keys whose part for decryption is there."""
    home: Path | None
    """None: the user's own keyring."""
    unlock: tuple[str, ...] = ()
    """Options of gpg that bring the passphrase of a key in the user's keyring from a file."""
    locked: frozenset[str] = frozenset()
    """Fingerprints of those that the passphrase does not open."""

    def command(self) -> Command:
        """Reads encrypted bytes, writes plain ones."""
        return Command([*gpg(self.home), *self.unlock, "--decrypt"])

    def check(self, recipients: Sequence[str], backup: str) -> None:
        """Refuse a backup that none of the keys can read.

        Raises:
            EncryptionError: with the fingerprints it was encrypted to.
        """
        usable = self.fingerprints.intersection(recipients)
        if usable and self.home is None:
            self._open(sorted(usable))
        if usable:
            return
        if locked := self.locked.intersection(recipients):
            raise EncryptionError(_still_locked(locked))
        raise EncryptionError(
            f"backup {backup} was encrypted to {', '.join(recipients)} and no such private key"
            f" is at hand, so it cannot be read: give the key in {PRIVATE_KEY_VARIABLE} or its"
            f" file in {PRIVATE_KEY_FILE_VARIABLE}"
        )

    def _open(self, fingerprints: Sequence[str]) -> None:
        """Have a key of the user's keyring unlocked now, by whom it asks, not in the middle."""
        refusals: list[str] = []
        for fingerprint in fingerprints:
            to_it = ("--trust-model", "always", "--recipient", fingerprint, "--encrypt")
            sealed = run([*gpg(None), *to_it], b"a trial")
            if sealed.code != 0:
                return  # expired or revoked: encrypts no more, and may well open what it has to
            opened = run(self.command().argv, sealed.output)
            if opened.code == 0:
                return
            refusals.append(f"{fingerprint} ({opened.said})")
        raise EncryptionError(
            f"the private key {', '.join(refusals)} of the keyring does not open, so no backup can"
            f" be read: unlock it in gpg-agent, or set {PASSPHRASE_VARIABLE} or"
            f" {PASSPHRASE_FILE_VARIABLE}"
        )


@contextmanager
def encryptor(public_keys: Sequence[str]) -> Generator[Encryptor]:
    """Public keys ready for use, checked.

    Raises:
        EncryptionError: a key is expired, revoked or cannot encrypt; every one of them is named.
    """
    with private_home() as home:
        files, keys = read_recipients(home, public_keys)
        named = [(recipient_field(number), key) for number, key in enumerate(keys)]
        problems = [
            f"{field} ({key.fingerprint}) {problem}"
            for field, key in named
            if (problem := key.problem())
        ]
        if problems:
            raise EncryptionError("; ".join(problems))
        for field, key in named:
            if warning := key.warning(datetime.now(UTC), WARNED_BEFORE):
                log.warning("%s (%s) %s", field, key.fingerprint, warning)
        yield Encryptor(tuple(key.fingerprint for key in keys), home, files)


def recipient_field(number: int) -> str:
    """What the configuration calls a recipient."""
    return f"encryption.public_keys.{number}"


def read_recipients(
    home: Path, public_keys: Sequence[str]
) -> tuple[tuple[Path, ...], tuple[PublicKey, ...]]:
    """A file in `home` for each public key, and what it holds.

    Raises:
        EncryptionError: one of them is not exactly one key.
    """
    files: list[Path] = []
    keys: list[PublicKey] = []
    for number, text in enumerate(public_keys):
        path = home / f"recipient-{number}.asc"
        path.write_text(text, encoding="utf-8")
        files.append(path)
        keys.append(read_public_key(home, path, recipient_field(number)))
    return tuple(files), tuple(keys)


@contextmanager
def decryptor() -> Generator[Decryptor]:
    """The private keys of the environment, or else the user's own keyring.

    Raises:
        EncryptionError: no key can be read, or all need a passphrase that is missing or wrong.
    """
    key = _secret(PRIVATE_KEY_VARIABLE, PRIVATE_KEY_FILE_VARIABLE, "private key")
    passphrase = _passphrase()
    if key is None and passphrase is None:
        yield Decryptor(_fingerprints(_secret_parts(None)), None)
        return
    with private_home() as home:
        unlock = _unlock(home, passphrase)
        if key is None:
            yield Decryptor(_fingerprints(_secret_parts(None)), None, unlock)
            return
        imported = run([*gpg(home), "--import"], key)
        parts = _secret_parts(home)
        if not parts:
            reason = imported.said or "it has no part for decryption"
            raise EncryptionError(
                f"the private key of {PRIVATE_KEY_VARIABLE} or {PRIVATE_KEY_FILE_VARIABLE} cannot"
                f" be imported ({reason}), so no backup can be read: export it with gpg --armor"
                " --export-secret-keys"
            )
        opened = [part for part in parts if _opens(home, part)]
        locked = _fingerprints(parts) - _fingerprints(opened)
        if not opened:
            raise EncryptionError(_still_locked(locked))
        yield Decryptor(_fingerprints(opened), home, locked=locked)


def _secret(variable: str, file_variable: str, what: str) -> bytes | None:
    """A secret as it is in a variable, or else in the file that another one names."""
    given, path = os.environ.get(variable), os.environ.get(file_variable)
    if given or not path:
        return os.fsencode(given) if given else None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise EncryptionError(
            f"the {what} file {path} of {file_variable} cannot be read ({error.strerror}), so no"
            " backup can be read: correct the path"
        ) from error


def _passphrase() -> bytes | None:
    given = _secret(PASSPHRASE_VARIABLE, PASSPHRASE_FILE_VARIABLE, "passphrase")
    if given is None:
        return None
    # Editors and secret stores end a line that was meant to be one.
    passphrase = given.removesuffix(b"\n").removesuffix(b"\r")
    if b"\n" in passphrase:
        raise EncryptionError(
            f"the passphrase of {PASSPHRASE_VARIABLE} or {PASSPHRASE_FILE_VARIABLE} has several"
            " lines, of which gpg takes the first alone, so no backup can be read: give the"
            " passphrase and nothing else"
        )
    return passphrase


def _unlock(home: Path, passphrase: bytes | None) -> tuple[str, ...]:
    """Put the passphrase where it is looked for; options of gpg that have it looked for there."""
    path = home / _PASSPHRASE_FILE
    path.touch(mode=0o600)
    path.write_bytes(passphrase or b"")
    return ("--pinentry-mode", "loopback", "--passphrase-file", str(path))


def _opens(home: Path, part: _SecretPart) -> bool:
    """Take its protection off, in this home alone: else every object would wait to have it opened.

    What has expired or was revoked opens too: it still has to read the backups made for it.
    """
    script = (
        "OPTION pinentry-mode=loopback",
        f"/definqfile PASSPHRASE {home / _PASSPHRASE_FILE}",
        "/definq NEW_PASSPHRASE none",  # a variable without a value
        f"PASSWD {part.keygrip}",
        f"KEYINFO {part.keygrip}",
        "/bye",
    )
    asked = run(["gpg-connect-agent", "--homedir", str(home)], "\n".join(script).encode())
    return re.search(rb"^S KEYINFO (\S+ ){5}C ", asked.output, re.MULTILINE) is not None


def _still_locked(fingerprints: Iterable[str]) -> str:
    missing = not any(
        os.environ.get(name) for name in (PASSPHRASE_VARIABLE, PASSPHRASE_FILE_VARIABLE)
    )
    reason = (
        "no passphrase is given" if missing else "the passphrase that is given does not open it"
    )
    fix = "set" if missing else "correct"
    return (
        f"the private key {', '.join(sorted(fingerprints))} is locked and {reason}, so no backup"
        f" can be read: {fix} {PASSPHRASE_VARIABLE}, or the file that {PASSPHRASE_FILE_VARIABLE}"
        " names"
    )


def _secret_parts(home: Path | None) -> list[_SecretPart]:
    """What can decrypt and is there: its own, or on a card in reach.

    A primary key that is kept elsewhere is no obstacle, and one without such a part is no use.
    """
    found: list[_SecretPart] = []
    primary, is_primary, decrypts = "", False, False
    for record in run([*gpg(home), "--with-colons", "--list-secret-keys"]).records():
        match record[0]:
            case "sec" | "ssb":
                is_primary = record[0] == "sec"
                decrypts = "e" in record[_CAPABILITIES] and record[_TOKEN] != _ELSEWHERE
            case "fpr" if is_primary:
                primary = record[_TEXT]
            case "grp" if decrypts:
                found.append(_SecretPart(primary, record[_TEXT]))
            case _:
                pass
    return found


def _fingerprints(parts: Iterable[_SecretPart]) -> frozenset[str]:
    return frozenset(part.primary for part in parts)
