"""The recipients' public keys: what gpg says of each, and what keeps one from being used."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from neonhub_backup.errors import EncryptionError
from neonhub_backup.gpg import gpg, run

_UNUSABLE = {"e": "expired", "r": "revoked", "d": "disabled", "i": "invalid"}
_ALGORITHMS = {"1": "rsa", "16": "elg", "17": "dsa", "18": "ecdh", "19": "ecdsa", "22": "eddsa"}

# Places in a line of `--with-colons`; doc/DETAILS of GnuPG numbers them from 1.
_VALIDITY, _BITS, _ALGORITHM, _CREATED, _EXPIRES = 1, 2, 3, 5, 6
_TEXT, _CAPABILITIES, _CURVE = 9, 11, 16


@dataclass(frozen=True)
class Part:
    """A primary key or a subkey."""

    fingerprint: str
    algorithm: str
    """A curve, e.g. `cv25519`, or a name with a number of bits, e.g. `rsa4096`."""
    created: datetime
    expires: datetime | None
    state: str | None
    """`expired`, `revoked`, `disabled` or `invalid`. None: none of these."""
    encrypts: bool
    """Whether it is meant for encryption."""


@dataclass(frozen=True)
class PublicKey:
    """One recipient."""

    primary: Part
    user_id: str
    """The first that is valid, e.g. `Ada <ada@example.com>`."""
    encrypting: Part | None
    """What gpg encrypts to: the part for encryption that can be used, the newest of several. None:
    there is none."""

    @property
    def fingerprint(self) -> str:
        """Of the primary key, by which the key is known."""
        return self.primary.fingerprint

    @property
    def expires(self) -> datetime | None:
        """When the first of the two parts that are needed expires. None: never."""
        parts = [self.primary, *([self.encrypting] if self.encrypting else [])]
        return min((part.expires for part in parts if part.expires), default=None)

    def warning(self, now: datetime, within: timedelta) -> str | None:
        """What will go wrong within that time and what to do. None: nothing."""
        if self.expires is None or self.expires - now > within:
            return None
        return (
            f"expires on {self.expires:%Y-%m-%d}, and from then on no backup can be made: extend"
            " the key and deploy its public part"
        )

    def problem(self) -> str | None:
        """What is wrong with it and what to do. None: it can be used."""
        if self.primary.state is not None:
            since = f" since {self.primary.expires:%Y-%m-%d}" if self.primary.expires else ""
            return (
                f"is {self.primary.state}{since if self.primary.state == 'expired' else ''}, so"
                " nothing could be encrypted and nothing was read: extend or replace the key and"
                " deploy its public part"
            )
        if self.encrypting is None:
            return (
                "has no valid part that can encrypt, so nothing was read: add an encryption subkey,"
                " or extend the one that has expired"
            )
        return None


def read_public_key(home: Path, path: Path, field: str) -> PublicKey:
    """What a file with one public key holds; `field` names it in messages.

    Raises:
        EncryptionError: it holds something else.
    """
    shown = run([*gpg(home), "--with-colons", "--show-keys", str(path)])
    parts = _parts(list(shown.records()))
    users = [record for record in shown.records() if record[0] == "uid"]
    primaries = [part for kind, part in parts if kind == "pub"]
    if shown.code != 0 or len(primaries) != 1:
        raise EncryptionError(
            f"{field} is not exactly one GPG public key ({shown.said}), so nothing could be"
            " encrypted and nothing was read: export it with gpg --armor --export"
        )
    usable = [part for _, part in parts if part.encrypts and part.state is None]
    return PublicKey(
        primaries[0],
        next((_unescaped(user[_TEXT]) for user in users if user[_VALIDITY] not in _UNUSABLE), ""),
        max(usable, key=lambda part: part.created, default=None),
    )


def _parts(records: Sequence[list[str]]) -> list[tuple[str, Part]]:
    """Every key and subkey, each with the fingerprint in the line that follows it."""
    found: list[tuple[str, Part]] = []
    for number, record in enumerate(records):
        if record[0] in ("pub", "sub"):
            fingerprint = next(after[_TEXT] for after in records[number:] if after[0] == "fpr")
            found.append((record[0], _part(record, fingerprint)))
    return found


def _part(record: Sequence[str], fingerprint: str) -> Part:
    name = _ALGORITHMS.get(record[_ALGORITHM], f"algorithm {record[_ALGORITHM]}, bits ")
    return Part(
        fingerprint,
        record[_CURVE] or f"{name}{record[_BITS]}",
        _moment(record[_CREATED]),
        _moment(record[_EXPIRES]) if record[_EXPIRES] else None,
        _UNUSABLE.get(record[_VALIDITY]),
        # Small letters are of this part, capital ones of the whole key.
        "e" in record[_CAPABILITIES],
    )


def _unescaped(text: str) -> str:
    return re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), text)


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
