"""`COPY` streams, read without a database: is each whole, and how many rows does it hold?

https://www.postgresql.org/docs/current/sql-copy.html, "File Formats".
"""

import struct
from typing import Literal

SIGNATURE = b"PGCOPY\n\xff\r\n\0"
_HEADER_BYTES = len(SIGNATURE) + 8
_COUNT = struct.Struct("!h")
_LENGTH = struct.Struct("!i")
_NULL = -1
_TRAILER = -1


class BrokenStreamError(ValueError):
    """What was read is no whole `COPY` stream."""


class RowCounter:
    """Counts the rows of a stream that is fed to it in blocks of any size."""

    def __init__(self, form: Literal["binary", "text"], columns: int) -> None:
        """Nothing is read yet."""
        self._binary = _Binary(columns) if form == "binary" else None
        self._lines = 0
        self._last = b"\n"

    def feed(self, block: bytes | memoryview) -> None:
        """Read on.

        Raises:
            BrokenStreamError: no `COPY` wrote this.
        """
        if self._binary is not None:
            self._binary.feed(block)
        elif block:
            # Line ends inside of values are escaped.
            self._lines += bytes(block).count(b"\n")
            self._last = bytes(block[-1:])

    def finish(self) -> int:
        """The number of rows.

        Raises:
            BrokenStreamError: the stream is cut off.
        """
        if self._binary is not None:
            return self._binary.finish()
        if self._last != b"\n":
            raise BrokenStreamError("it ends within a row")
        return self._lines


class _Binary:
    def __init__(self, columns: int) -> None:
        self._columns = columns
        self._rest = bytearray()
        self._begun = False
        self._ended = False
        self._rows = 0
        self._left = 0
        """Fields of the present row that are still to come."""
        self._skip = 0
        """Bytes of the present field that are still to come."""

    def feed(self, block: bytes | memoryview) -> None:
        self._rest += block
        if not self._begun and not self._begin():
            return
        del self._rest[: self._walk()]

    def finish(self) -> int:
        if not self._ended:
            raise BrokenStreamError(f"it is cut off after {self._rows} rows")
        return self._rows

    def _begin(self) -> bool:
        if len(self._rest) < _HEADER_BYTES:
            return False
        extension = _LENGTH.unpack_from(self._rest, _HEADER_BYTES - 4)[0]
        if not self._rest.startswith(SIGNATURE) or extension < 0:
            raise BrokenStreamError("it does not begin as a binary COPY does")
        self._skip = extension
        del self._rest[:_HEADER_BYTES]
        self._begun = True
        return True

    def _walk(self) -> int:
        """Go through what has come; how many bytes of it are done with."""
        data, end, at = self._rest, len(self._rest), 0
        while True:
            if self._skip:
                step = min(self._skip, end - at)
                at += step
                self._skip -= step
                if self._skip:
                    return at
            elif self._ended:
                if at < end:
                    raise BrokenStreamError("it goes on after its end")
                return at
            elif self._left:
                if end - at < _LENGTH.size:
                    return at
                length = _LENGTH.unpack_from(data, at)[0]
                if length < _NULL:
                    raise BrokenStreamError(f"row {self._rows} has a field of {length} bytes")
                at += _LENGTH.size
                self._left -= 1
                self._skip = max(length, 0)
            else:
                at = self._whole_rows(at)
                if end - at < _COUNT.size:
                    return at
                at += self._next_row(_COUNT.unpack_from(data, at)[0])

    def _whole_rows(self, at: int) -> int:
        """Go through the rows all of which have come, as fast as Python can."""
        data, end, columns = self._rest, len(self._rest), range(self._columns)
        count, length = _COUNT.unpack_from, _LENGTH.unpack_from
        try:
            while count(data, at)[0] == self._columns:
                next_row = at + _COUNT.size
                for _ in columns:
                    size = length(data, next_row)[0]
                    next_row += _LENGTH.size
                    if size > 0:
                        next_row += size
                    elif size < _NULL:
                        return at
                if next_row > end:
                    return at
                at = next_row
                self._rows += 1
        except struct.error:  # the rest of the row is still to come
            return at
        return at

    def _next_row(self, count: int) -> int:
        if count == _TRAILER:
            self._ended = True
        elif count == self._columns:
            self._rows += 1
            self._left = count
        else:
            raise BrokenStreamError(
                f"row {self._rows + 1} has {count} fields instead of {self._columns}"
            )
        return _COUNT.size
