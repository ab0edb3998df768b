"""Whether keys will do, before they have to: recipients by a test message, backups by an object."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from neonhub_backup.encryption import Decryptor, Encryptor, recipient_field
from neonhub_backup.errors import EncryptionError
from neonhub_backup.gpg import private_home, run
from neonhub_backup.holdings.source import Source
from neonhub_backup.public_keys import PublicKey, read_public_key

_MESSAGE = b"a test message of neonhub-backup keys check"


class PrivateKey(StrEnum):
    """What was found out about the private key of a recipient."""

    OPENS = "opens"
    """It is at hand and opened the test message."""
    FAILS = "fails"
    """It is at hand and did not open the test message."""
    UNTRIED = "untried"
    """It is at hand, and there was no test message that it could have opened."""
    ABSENT = "absent"
    """It is not at hand, as it should be wherever backups are taken."""


@dataclass(frozen=True)
class Finding:
    """What is known of one recipient after the check."""

    field: str
    """Where the configuration holds it."""
    key: PublicKey | None
    """None: it is no key."""
    private_key: PrivateKey
    problem: str | None
    """Why backups cannot be made for it, or not be read. None: nothing is wrong."""
    warning: str | None
    """What will soon be wrong."""


def check_recipients(
    public_keys: Sequence[str], decrypt: Decryptor | None, now: datetime, warn: timedelta
) -> list[Finding]:
    """Encrypt a test message to each recipient alone, and open it where the private key is at hand.

    None for `decrypt`: no private key can be used.
    """
    with private_home() as home:
        return [
            _check(home, number, text, decrypt, now, warn)
            for number, text in enumerate(public_keys)
        ]


def check_backup(source: Source) -> None:
    """Open the smallest object of a backup.

    Raises:
        EncryptionError: no private key at hand does.
        IntegrityError: the object is not what was written.
    """
    manifest = source.manifest
    source.decrypt.check(manifest.recipients, manifest.name)
    smallest = min(manifest.objects(), key=lambda stored: stored.bytes)
    opened = run(source.decrypt.command().argv, b"".join(source.blocks(smallest)))
    if opened.code != 0:
        raise EncryptionError(
            f"the private key at hand does not open backup {manifest.name} ({opened.said}), so it"
            " cannot be read: the part for decryption that it was encrypted to is missing; export"
            " the key again where it has all of its parts"
        )


def _check(
    home: Path,
    number: int,
    text: str,
    decrypt: Decryptor | None,
    now: datetime,
    warn: timedelta,
) -> Finding:
    field = recipient_field(number)
    path = home / f"recipient-{number}.asc"
    path.write_text(text, encoding="utf-8")
    try:
        key = read_public_key(home, path, field)
    except EncryptionError as error:
        return Finding(field, None, PrivateKey.ABSENT, str(error), None)
    named = f"{field} ({key.fingerprint})"
    at_hand = decrypt if decrypt and key.fingerprint in decrypt.fingerprints else None
    if problem := key.problem():
        untried = PrivateKey.UNTRIED if at_hand else PrivateKey.ABSENT
        return Finding(field, key, untried, f"{named} {problem}", None)
    encrypt = Encryptor((key.fingerprint,), home, (path,))
    private_key, problem = _try(named, encrypt, at_hand)
    warning = key.warning(now, warn)
    return Finding(field, key, private_key, problem, warning and f"{named} {warning}")


def _try(
    named: str, encrypt: Encryptor, decrypt: Decryptor | None
) -> tuple[PrivateKey, str | None]:
    """Send the test message there, and back if the private key is at hand."""
    sealed = run(encrypt.command().argv, _MESSAGE)
    if sealed.code != 0:
        return PrivateKey.UNTRIED if decrypt else PrivateKey.ABSENT, (
            f"{named} cannot be encrypted to ({sealed.said}), so no backup can be made: replace the"
            " key and deploy its public part"
        )
    if decrypt is None:
        return PrivateKey.ABSENT, None
    opened = run(decrypt.command().argv, sealed.output)
    if (opened.code, opened.output) != (0, _MESSAGE):
        return PrivateKey.FAILS, (
            f"the private key of {named} does not open what is encrypted to it now ({opened.said}),"
            " so new backups cannot be read with it: unlock it, or export it again where it has all"
            " of its parts"
        )
    return PrivateKey.OPENS, None
