"""Documents that show damage: JSON with a digest over everything else in it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


class UnreadableError(ValueError):
    """What is stored is no JSON object with a digest."""


class BrokenSealError(ValueError):
    """The document was changed after it was written."""


def seal(content: Mapping[str, Any]) -> bytes:
    """The document as stored: its `digest` seals everything else."""
    sealed = {**content, "digest": digest(content)}
    return json.dumps(sealed, indent=1).encode() + b"\n"


def unseal(stored: bytes) -> dict[str, Any]:
    """What `seal` was given.

    Raises:
        UnreadableError: it is no such document.
        BrokenSealError: it was changed since.
    """
    try:
        content = json.loads(stored)
        promised = content.pop("digest")
    except (ValueError, AttributeError, LookupError, TypeError) as error:
        raise UnreadableError(str(error)) from error
    if promised != digest(content):
        raise BrokenSealError(promised)
    return content


def digest(content: object) -> str:
    """The sha256 of a document's canonical form, which docs/archive-format.md describes."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # A corrupt document may hold halves of surrogate pairs, which UTF-8 cannot express.
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()
