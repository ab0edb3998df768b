"""What every store can do; one file each for S3, Google Cloud Storage and directories."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import Protocol

from neonhub_backup.domain.retention import LockMode
from neonhub_backup.errors import StoreError

CONNECTIONS = 40
"""As many as are kept open to one bucket: for eight listings of each tier side by side."""


@dataclass(frozen=True)
class Lock:
    """Until when nobody may delete or overwrite an object."""

    mode: LockMode
    until: datetime


@dataclass(frozen=True)
class Listed:
    """An object as a listing shows it."""

    key: str
    bytes: int
    written: datetime | None = field(default=None, compare=False)
    """When the store took it. None: it does not tell."""


class Upload(Protocol):
    """One object on its way. It exists in the store only once committed."""

    def write(self, block: bytes | memoryview) -> None:
        """Add bytes, which may wait for the network.

        Raises:
            StoreError: the store refused them.
        """
        ...

    def commit(self) -> None:
        """Make the object exist, checked by the store against what was sent.

        Raises:
            StoreError: the store refused, or has something else than was sent.
        """
        ...


class Store(Protocol):
    """A place for backups. Every method raises StoreError with the store's name and the fix."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        ...

    @property
    def address(self) -> str:
        """Where it is, for people: `s3://bucket` or `/mnt/backup`."""
        ...

    def upload(self, key: str, lock: Lock | None) -> AbstractContextManager[Upload]:
        """Begin an object. Left without a commit, not a part of it stays behind."""
        ...

    def download(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """An object's bytes in blocks of at most 1 MiB.

        Raises:
            MissingObjectError: there is no such object.
        """
        ...

    def list(self, prefix: str) -> Iterator[Listed]:
        """Every complete object whose key begins so, in the order of their keys."""
        ...

    def folders(self, prefix: str) -> Iterator[str]:
        """Names of the folders directly below a prefix that ends with a slash, in their order.

        One request for a thousand of them, however much is in them. A bucket's folder holds at
        least one object; a directory may be empty.
        """
        ...


def read_whole(store: Store, key: str) -> bytes:
    """All of a small object.

    Raises:
        MissingObjectError: there is no such object.
        StoreError: the store cannot be read.
    """
    with store.download(key) as blocks:
        return b"".join(blocks)


def write_whole(store: Store, key: str, content: bytes, lock: Lock | None = None) -> None:
    """Make a small object, which exists once this returns.

    Raises:
        StoreError: the store refused it.
    """
    with store.upload(key, lock) as upload:
        upload.write(content)
        upload.commit()


def folder_names(prefix: str, found: Iterable[str]) -> list[str]:
    """The last names of the folders that a server found below a prefix, in their order."""
    return sorted({each.removeprefix(prefix).removesuffix("/") for each in found})


def content_type(key: str) -> str:
    """What browsers and consoles are told that an object is."""
    known = {
        ".gpg": "application/pgp-encrypted",
        ".html": "text/html",
        ".json": "application/json",
    }
    return known.get(PurePosixPath(key).suffix, "application/octet-stream")


class Closable(Protocol):
    """An upload that cleans up behind itself."""

    def close(self) -> None:
        """Remove what was sent of an object that was not committed; else do nothing."""
        ...


@contextmanager
def closing(upload: Closable) -> Generator[None]:
    """Close an upload; when an error ended it, what cannot be cleaned up becomes its note."""
    try:
        yield
    except BaseException as error:
        try:
            upload.close()
        except StoreError as left_behind:
            error.add_note(str(left_behind))
        raise
    upload.close()
