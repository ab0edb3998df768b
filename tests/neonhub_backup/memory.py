"""A store in memory that counts what it is asked."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager

from neonhub_backup.domain.layout import ARCHIVE, MANIFEST, Location
from neonhub_backup.domain.manifest import dump_manifest
from neonhub_backup.errors import MissingObjectError, StoreError
from neonhub_backup.stores.base import Listed, Lock
from tests.neonhub_backup.samples import manifest


class CountingStore:
    """Lists as a bucket does, and overwrites nothing."""

    name = "memory"
    address = "mem://memory"

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.listed: list[str] = []
        """Prefixes whose objects were listed."""
        self.walked: list[str] = []
        """Prefixes whose folders were listed."""
        self.read: list[str] = []
        """Keys of the objects that were read, or looked for."""
        self.refuses: set[str] = set()
        """What it can no longer do: `list`, `read` or `write`."""

    def forget(self) -> None:
        """Count from none."""
        for asked in (self.listed, self.walked, self.read):
            asked.clear()

    @contextmanager
    def upload(self, key: str, lock: Lock | None) -> Generator["MemoryUpload"]:  # noqa: ARG002 - the protocol's
        self._check("write")
        yield MemoryUpload(self, key)

    @contextmanager
    def download(self, key: str) -> Generator[Iterator[bytes]]:
        self.read.append(key)
        self._check("read")
        if key not in self.objects:
            raise MissingObjectError(f"object {key} is not in store {self.name}")
        yield iter([self.objects[key]])

    def list(self, prefix: str) -> Iterator[Listed]:
        self.listed.append(prefix)
        self._check("list")
        for key, content in sorted(self.objects.items()):
            if key.startswith(prefix):
                yield Listed(key, len(content))

    def folders(self, prefix: str) -> Iterator[str]:
        self.walked.append(prefix)
        self._check("list")
        below = [key.removeprefix(prefix) for key in self.objects if key.startswith(prefix)]
        yield from sorted({key.partition("/")[0] for key in below if "/" in key})

    def back_up(self, place: Location, database: str = "app") -> Location:
        """Have a backup already."""
        self.objects[place.prefix + ARCHIVE] = b"x"
        self.objects[place.prefix + MANIFEST] = dump_manifest(manifest(place, database))
        return place

    def remove(self, place: Location) -> None:
        """Lose a backup, every object of it."""
        for key in [key for key in self.objects if key.startswith(place.prefix)]:
            del self.objects[key]

    def _check(self, step: str) -> None:
        if step in self.refuses:
            raise StoreError(f"store {self.name} cannot {step}")


class MemoryUpload:
    """An object on its way into the dictionary."""

    def __init__(self, store: CountingStore, key: str) -> None:
        self._store = store
        self._key = key
        self._content = b""

    def write(self, block: bytes | memoryview) -> None:
        self._content += block

    def commit(self) -> None:
        if self._key in self._store.objects:
            raise StoreError(f"object {self._key} is there and is never overwritten")
        self._store.objects[self._key] = self._content
