"""Documents that show damage: JSON with a digest over everything else in it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Document = TypeVar("Document", bound=BaseModel)


class UnreadableError(ValueError):
    """What is stored is no JSON object with a digest."""


class BrokenSealError(ValueError):
    """The document was changed after it was written."""


class UnfitError(ValueError):
    """Why a stored document is not used, as the end of a sentence that begins with its key."""


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


def read_sealed(model: type[Document], stored: bytes, kind: str) -> Document:
    """The document of this model that was sealed; `kind` is what people call such.

    Raises:
        UnfitError: it is none, was changed after it was written, or is of a later version.
    """
    try:
        return model.model_validate(unseal(stored))
    except UnreadableError as error:
        raise UnfitError(f"is no {kind}") from error
    except BrokenSealError as error:
        raise UnfitError("was changed after it was written") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UnfitError(f"says what this version cannot read ({where}: {first['msg']})") from error


def digest(content: object) -> str:
    """The sha256 of a document's canonical form, which docs/archive-format.md describes."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # A corrupt document may hold halves of surrogate pairs, which UTF-8 cannot express.
    return hashlib.sha256(canonical.encode(errors="surrogatepass")).hexdigest()
