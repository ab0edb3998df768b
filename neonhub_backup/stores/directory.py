"""Backups in a directory: a local disk, or a mount of anything.

A plain directory cannot lock, so locks are ignored here, by design. Objects are made read-only
against accidents; whoever owns the directory can still delete them. Nor does a directory let
anything expire, so that this store alone can remove objects, for `prune`.
"""

import errno
import os
import secrets
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from neonhub_backup.domain import configuration
from neonhub_backup.errors import MissingObjectError, StoreError
from neonhub_backup.files import NO_HARD_LINKS, PARTIAL, sync_directory
from neonhub_backup.stores.base import Listed, Lock, closing, folder_names

BLOCK_BYTES = 1 << 20

_OWNER = "let the user who runs this own the directory and all that is in it"
_REMOUNT = "unmount it and mount it again"
_FIXES = {
    errno.EACCES: _OWNER,
    errno.EPERM: _OWNER,
    errno.EDQUOT: "free some space, or ask for a larger quota",
    errno.EEXIST: "take another name, since objects are never overwritten",
    errno.EFBIG: "move the store to a file system that takes files of this size",
    errno.ENAMETOOLONG: "move the store to a shorter path",
    errno.ENOSPC: "free some space, or move the store to a larger disk",
    errno.ENOTCONN: _REMOUNT,
    errno.EROFS: "mount it writable",
    errno.ESTALE: _REMOUNT,
}


@dataclass(frozen=True)
class Partial:
    """A file that is being written, or was when the power went."""

    name: str
    bytes: int
    changed: datetime
    """When it last grew."""


class DirectoryStore:
    """A directory. It must exist already: one that does not is likely a mount that failed."""

    def __init__(self, settings: configuration.DirectoryStore) -> None:
        """Nothing is looked at before first use."""
        self._settings = settings

    @property
    def name(self) -> str:
        """Its name in the configuration."""
        return self._settings.name

    @property
    def address(self) -> str:
        """The directory's path."""
        return str(self._settings.path)

    @contextmanager
    def upload(self, key: str, lock: Lock | None) -> Generator["DirectoryUpload"]:  # noqa: ARG002 - the protocol's; see the module
        """Begin an object. An existing one is never overwritten; the lock is ignored.

        When what was written cannot be removed, a note on the error that ended it says so.
        """
        upload = DirectoryUpload(self, key)
        with closing(upload):
            upload.begin()
            yield upload

    @contextmanager
    def download(self, key: str) -> Generator[Iterator[bytes]]:
        """An object's bytes.

        Raises:
            MissingObjectError: there is no such object.
        """
        path = self.path("read", key)
        with self.telling("read", key):
            try:
                file = path.open("rb", buffering=0)
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
                if not self._settings.path.is_dir():
                    raise
                raise MissingObjectError(
                    f"object {key} is not in store {self.name} ({self.address}), so the backup it"
                    " belongs to is not whole: use another backup or another store"
                ) from error

        def blocks() -> Iterator[bytes]:
            with self.telling("read", key):
                while block := file.read(BLOCK_BYTES):
                    yield block

        with file:
            yield blocks()

    def list(self, prefix: str) -> Iterator[Listed]:
        """Every complete object whose key begins so, in the order of their keys."""
        with self.telling("list", prefix):
            yield from _walk(self._settings.path, "", prefix)

    def folders(self, prefix: str) -> Iterator[str]:
        """Names of the directories directly below a prefix that ends with a slash, in their order.

        One that links lead to is none, as in `list`.
        """
        root = self._settings.path
        above = prefix.removesuffix("/")
        directory = self.path("list", above) if prefix else root
        with self.telling("list", prefix):
            if directory.resolve() != root.resolve() / above:
                return
            try:
                with os.scandir(directory) as entries:
                    found = [
                        entry.name
                        for entry in entries
                        if entry.is_dir(follow_symlinks=False)
                        and not entry.name.startswith(PARTIAL)
                    ]
            except (FileNotFoundError, NotADirectoryError):
                if not root.is_dir():
                    raise
                return
            yield from folder_names("", found)

    def changed(self, key: str) -> datetime:
        """When an object was written, by the clock of whoever wrote it."""
        with self.telling("look at", key):
            return _changed(self.path("look at", key).stat())

    def partials(self) -> Iterator["Partial"]:
        """Files being written, or left behind by a power cut."""
        with self.telling("list", PARTIAL), os.scandir(self._settings.path) as entries:
            for entry in entries:
                if entry.name.startswith(PARTIAL) and entry.is_file(follow_symlinks=False):
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:  # it has become an object meanwhile
                        continue
                    yield Partial(entry.name, status.st_size, _changed(status))

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects in this order; the first is off the disk before another is touched."""
        for number, key in enumerate(keys):
            with self.telling("remove", key):
                path = self.path("remove", key)
                path.unlink(missing_ok=True)
                if number == 0 and path.parent.is_dir():
                    sync_directory(path.parent)

    def remove_partial(self, name: str) -> None:
        """Remove a file that nobody writes any more, by its name from `partials`."""
        with self.telling("remove", name):
            (self._settings.path / name).unlink(missing_ok=True)

    def remove_directories(self, prefix: str, *, above: int) -> None:
        """Remove the directory of a prefix with all below it, and so many above it, if empty."""
        top = self._settings.path / prefix
        with self.telling("remove", prefix):
            for directory, _, _ in os.walk(top, topdown=False):
                _remove_empty(Path(directory))
            for directory in top.parents[:above]:
                _remove_empty(directory)

    def path(self, action: str, key: str) -> Path:
        """The file of an object; never outside the directory, whoever wrote the key."""
        parts = key.split("/")
        root = self._settings.path
        path = root.joinpath(*parts)
        proper = not any(part in {"", ".", ".."} or part.startswith(PARTIAL) for part in parts)
        if not proper or "\0" in key or not path.resolve().is_relative_to(root.resolve()):
            raise StoreError(
                f"store {self.name} cannot {action} {key!r}: the name leads out of"
                f" {self.address} or to a file being written; find out who wrote it, and use"
                " another backup"
            )
        return path

    @contextmanager
    def telling(self, action: str, key: str) -> Generator[None]:
        """Turn the system's errors into a sentence about this store and this key."""
        try:
            yield
        except OSError as error:
            refusal = f"store {self.name} cannot {action} {self.address}/{key}"
            if error.errno in {errno.ENOENT, errno.ENOTDIR} and not self._settings.path.is_dir():
                raise StoreError(
                    f"{refusal}: directory {self.address} does not exist; mount it, or create it if"
                    " it is no mount"
                ) from error
            fix = _FIXES.get(error.errno or 0, "check the disk or the mount, then run it again")
            raise StoreError(f"{refusal}: {error.strerror}; {fix}") from error


class DirectoryUpload:
    """One object on its way: a hidden file until it is whole and on the disk."""

    def __init__(self, store: DirectoryStore, key: str) -> None:
        """Nothing is written yet."""
        self._store = store
        self._key = key
        self._target = store.path("write", key)
        self._root = Path(store.address)
        self._partial = self._root / f"{PARTIAL}{secrets.token_hex(8)}"
        self._file: int | None = None
        self._bytes = 0

    def begin(self) -> None:
        """Create the hidden file."""
        with self._store.telling("write", self._key):
            self._file = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def write(self, block: bytes | memoryview) -> None:
        """Add bytes."""
        rest = memoryview(block)
        with self._store.telling("write", self._key):
            while rest:
                written = os.write(self._open_file, rest)
                self._bytes += written
                rest = rest[written:]

    def commit(self) -> None:
        """Make the object exist, once every byte and its name are on the disk."""
        with self._store.telling("write", self._key):
            os.fchmod(self._open_file, 0o400)
            os.fsync(self._open_file)
            stored = os.fstat(self._open_file).st_size
            if stored != self._bytes:
                raise StoreError(
                    f"store {self._store.name} cannot write {self._target}: the file has {stored}"
                    f" bytes instead of {self._bytes}; check the disk and run it again"
                )
            self._make_directories()
            self._link()
            try:
                sync_directory(self._target.parent)
            except OSError:
                self._target.unlink()
                raise

    def close(self) -> None:
        """Remove the hidden file; the object, if there is one now, has a name of its own."""
        with self._store.telling("clean up", self._partial.name):
            if self._file is not None:
                file, self._file = self._file, None
                os.close(file)
            self._partial.unlink(missing_ok=True)

    @property
    def _open_file(self) -> int:
        if self._file is None:
            raise ValueError("the upload is not open")
        return self._file

    def _make_directories(self) -> None:
        parents = self._target.relative_to(self._root).parents
        for parent in (self._root / parent for parent in reversed(parents[:-1])):
            try:
                parent.mkdir(mode=0o700)
            except FileExistsError:
                continue
            sync_directory(parent.parent)

    def _link(self) -> None:
        try:
            os.link(self._partial, self._target)
        except OSError as error:
            if error.errno not in NO_HARD_LINKS:
                raise
            # Not one step, but nothing else writes there: names are random.
            if self._target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            self._partial.rename(self._target)


def _changed(status: os.stat_result) -> datetime:
    return datetime.fromtimestamp(status.st_mtime, UTC)


def _remove_empty(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT}:
            raise


def _walk(directory: Path, above: str, prefix: str) -> Iterator[Listed]:
    # A slash after the name of a directory puts its content where S3 would.
    with os.scandir(directory) as entries:
        named = {
            above + entry.name + ("/" if entry.is_dir(follow_symlinks=False) else ""): entry
            for entry in entries
            if not entry.name.startswith(PARTIAL)
        }
    for key, entry in sorted(named.items()):
        if key.endswith("/"):
            if key.startswith(prefix) or prefix.startswith(key):
                yield from _walk(Path(entry), key, prefix)
        elif key.startswith(prefix) and entry.is_file(follow_symlinks=False):
            found = entry.stat(follow_symlinks=False)
            yield Listed(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))
