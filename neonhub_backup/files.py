"""Files on the user's own disk: whole under their name, or not there at all."""

import errno
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from neonhub_backup.errors import ConfigurationError, StoreError

PARTIAL = ".partial-"
"""Start of the names of files being written. One that a power cut left behind may be deleted."""

NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP})
"""What file systems say that have none."""

_NO_DIRECTORY_SYNC = {errno.EINVAL, errno.EOPNOTSUPP}


class NewFile:
    """A file on its way: under another name until it is committed."""

    def __init__(self, path: Path) -> None:
        """Nothing is written yet."""
        self._path = path
        self.partial = path.with_name(f"{PARTIAL}{secrets.token_hex(8)}")
        """What has been written so far."""
        self._descriptor = os.open(self.partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def write(self, block: bytes | memoryview) -> None:
        """Add bytes."""
        rest = memoryview(block)
        with telling(self._path):
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def flush(self) -> None:
        """Have every byte on the disk."""
        with telling(self._path):
            os.fsync(self._descriptor)

    def commit(self) -> None:
        """Give the file its name, once every byte is on the disk; none is ever overwritten.

        Raises:
            ConfigurationError: there is one of that name.
        """
        self.flush()
        with telling(self._path):
            self._link()
            try:
                sync_directory(self._path.parent)
            except OSError:
                self._path.unlink()
                raise

    def close(self) -> None:
        """Remove what was not committed."""
        os.close(self._descriptor)
        self.partial.unlink(missing_ok=True)

    def _link(self) -> None:
        try:
            os.link(self.partial, self._path)
        except FileExistsError as error:
            raise already_there(self._path) from error
        except OSError as error:
            if error.errno not in NO_HARD_LINKS:
                raise
            if self._path.exists():
                raise already_there(self._path) from error
            self.partial.rename(self._path)


@contextmanager
def new_file(path: Path) -> Generator[NewFile]:
    """Begin a file that only its owner can read. Left without a commit, nothing of it stays.

    Raises:
        ConfigurationError: there is one of that name.
        StoreError: the disk refuses it.
    """
    if path.exists():
        raise already_there(path)
    with telling(path):
        file = NewFile(path)
    try:
        yield file
    finally:
        file.close()


def replace_file(path: Path, text: str) -> None:
    """Write a file that may be there already: as it was, or wholly new.

    Raises:
        StoreError: the disk refuses it.
    """
    with telling(path):
        partial = path.with_name(f"{PARTIAL}{secrets.token_hex(8)}")
        try:
            partial.write_text(text, encoding="utf-8")
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def already_there(path: Path) -> ConfigurationError:
    """The refusal to overwrite a file."""
    return ConfigurationError(
        f"{path} exists already and is never overwritten, so nothing was written: give another name"
        " or move it away"
    )


@contextmanager
def telling(path: Path) -> Generator[None]:
    """Turn the system's errors into a sentence about this file."""
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror}), so there is no such file: give a"
            " directory that exists, has room and is yours"
        ) from error


def sync_directory(directory: Path) -> None:
    """Have a directory's entries on the disk, where the file system offers that at all."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_DIRECTORY_SYNC:
            raise
    finally:
        os.close(descriptor)
