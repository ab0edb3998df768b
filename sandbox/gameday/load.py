"""The application: it writes one entry after the other, and knows which were committed."""

import threading
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager

import psycopg

_EVERY_SECONDS = 0.04
_AGAIN_SECONDS = 0.1


class Load:
    """Writes into the ledger from a thread, whatever becomes of the table and of the server."""

    def __init__(self, url: str) -> None:
        """Nothing is written before `start`."""
        self.url = url
        """Where it writes; it connects anew once this changes and a statement has failed."""
        self.refused = 0
        """Entries that could not be written."""
        self._committed: dict[str, float] = {}
        self._stopping = threading.Event()
        self._writer: threading.Thread | None = None

    def start(self) -> None:
        """Begin, or go on."""
        self._stopping.clear()
        self._writer = threading.Thread(target=self._write, name="load")
        self._writer.start()

    def stop(self) -> None:
        """Scale the application down: nobody is connected afterwards."""
        self._stopping.set()
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    @contextmanager
    def stopped(self) -> Generator[None]:
        """Nobody writes meanwhile, as a restore of everything wants it."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def committed(self) -> dict[str, float]:
        """The entries that are safe in the eyes of the application, with their time."""
        return dict(self._committed)

    def wait(self, more: int) -> None:
        """Return once so many more entries are committed."""
        wanted = len(self._committed) + more
        while len(self._committed) < wanted and not self._stopping.is_set():
            time.sleep(_EVERY_SECONDS)

    def _write(self) -> None:
        while not self._stopping.is_set():
            try:
                with psycopg.connect(
                    self.url, autocommit=True, application_name="load", connect_timeout=5
                ) as connection:
                    while not self._stopping.wait(_EVERY_SECONDS):
                        entry = str(uuid.uuid4())
                        connection.execute("INSERT INTO ledger (entry) VALUES (%s)", [entry])
                        self._committed[entry] = time.time()
            except psycopg.Error:
                # The database is being broken: that is counted, and tried again.
                self.refused += 1
                self._stopping.wait(_AGAIN_SECONDS)
