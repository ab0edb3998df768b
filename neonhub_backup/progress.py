"""How far a long run is: the engine tells it, and whoever listens shows it."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Protocol


class Progress(Protocol):
    """Listens to one run. Its methods are called by several threads at once, and must not raise."""

    def begin(self, phase: str, sizes: Mapping[str, int]) -> None:
        """A phase begins: what it works on, and the bytes of each; 0 where nobody knows."""
        ...

    def advance(self, item: str, count: int) -> None:
        """So many more bytes of an item are done."""
        ...

    def place(self, item: str, done: int, total: int) -> None:
        """So much of an item is done, in units of its own."""
        ...

    def end(self) -> None:
        """The phase is over."""
        ...


@contextmanager
def phase(progress: Progress, name: str, sizes: Mapping[str, int]) -> Generator[None]:
    """Tell that a phase begins and, however it is left, that it is over."""
    progress.begin(name, sizes)
    try:
        yield
    finally:
        progress.end()


class Silence:
    """Nobody listens."""

    def begin(self, phase: str, sizes: Mapping[str, int]) -> None:
        """Say nothing."""

    def advance(self, item: str, count: int) -> None:
        """Say nothing."""

    def place(self, item: str, done: int, total: int) -> None:
        """Say nothing."""

    def end(self) -> None:
        """Say nothing."""
