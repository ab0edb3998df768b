"""Secrets sealed with libsodium for the key of one repository or environment."""

import base64
import binascii
import hashlib

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from sandbox.emulators.github.errors import unprocessable
from sandbox.emulators.github.models import Vault


def public_key(vault: Vault) -> PublicKey:
    """The key that clients seal for; the first call makes the pair."""
    if vault.private_key is None:
        vault.private_key = base64.b64encode(bytes(PrivateKey.generate())).decode()
    return _private_key(vault).public_key


def key_id(key: PublicKey) -> str:
    """A number in a string, as GitHub's are."""
    return str(int.from_bytes(hashlib.sha256(bytes(key)).digest()[:8], "big"))


def opened(vault: Vault, sealed: str) -> str:
    """The text in a sealed box; 422 when it was not sealed for this vault."""
    try:
        return (
            SealedBox(_private_key(vault)).decrypt(base64.b64decode(sealed, validate=True)).decode()
        )
    except (CryptoError, binascii.Error, UnicodeDecodeError) as error:
        raise unprocessable(
            "encrypted_value cannot be opened, so the secret was not stored: seal the text with "
            "libsodium for this vault's public key and encode it as base64."
        ) from error


def _private_key(vault: Vault) -> PrivateKey:
    if vault.private_key is None:
        raise unprocessable(
            "This vault's public key was never asked for, so nothing can be sealed for it: "
            "GET its public-key first."
        )
    return PrivateKey(base64.b64decode(vault.private_key))
