"""A `COPY` stream tells its rows, and whether it is whole, in whatever blocks it comes."""

import struct
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neonhub_backup.postgres.copy_format import SIGNATURE, BrokenStreamError, RowCounter

HEADER = SIGNATURE + bytes(8)
TRAILER = b"\xff\xff"
Form = Literal["binary", "text"]


def binary(rows: Sequence[Sequence[bytes | None]]) -> bytes:
    """What `COPY … (FORMAT binary)` writes."""
    stream = bytearray(HEADER)
    for row in rows:
        stream += struct.pack("!h", len(row))
        for field in row:
            stream += struct.pack("!i", -1 if field is None else len(field)) + (field or b"")
    return bytes(stream + TRAILER)


def count(stream: bytes, form: Form, columns: int, block_bytes: int = 1 << 20) -> int:
    counter = RowCounter(form, columns)
    for begin in range(0, len(stream), block_bytes):
        counter.feed(stream[begin : begin + block_bytes])
    return counter.finish()


@given(
    st.integers(0, 3).flatmap(
        lambda columns: st.lists(
            st.lists(st.none() | st.binary(max_size=9), min_size=columns, max_size=columns)
        )
    ),
    st.integers(1, 40),
)
def test_every_row_is_counted_however_the_stream_is_cut(
    rows: list[list[bytes | None]], block_bytes: int
) -> None:
    columns = len(rows[0]) if rows else 0

    assert count(binary(rows), "binary", columns, block_bytes) == len(rows)


@given(st.data())
def test_a_stream_that_lacks_its_end_is_broken(data: st.DataObject) -> None:
    whole = binary([[b"one", None], [b"", b"four"]])
    end = data.draw(st.integers(0, len(whole) - 1))

    with pytest.raises(BrokenStreamError):
        count(whole[:end], "binary", 2)


@pytest.mark.parametrize(
    ("stream", "reason"),
    [
        (b"1\tone\n" * 9, "does not begin"),
        (binary([[b"one"]]), "row 1 has 1 fields instead of 2"),
        (binary([[b"one", None]]) + b"x", "goes on after its end"),
        (HEADER + b"\0\2" + struct.pack("!i", -5), "field of -5 bytes"),
    ],
)
def test_what_no_copy_writes_is_broken(stream: bytes, reason: str) -> None:
    with pytest.raises(BrokenStreamError, match=reason):
        count(stream, "binary", 2)


def test_a_header_may_be_extended() -> None:
    extended = HEADER[:-4] + struct.pack("!i", 3) + b"abc" + binary([[b"x"]])[len(HEADER) :]

    assert count(extended, "binary", 1, 7) == 1


@pytest.mark.parametrize(("stream", "rows"), [(b"", 0), (b"\n\n", 2), (b"a\\nb\tc\nd\t\\N\n", 2)])
def test_each_line_of_text_is_a_row(stream: bytes, rows: int) -> None:
    assert count(stream, "text", 2, 3) == rows


def test_text_that_ends_within_a_row_is_broken() -> None:
    with pytest.raises(BrokenStreamError, match="within a row"):
        count(b"a\tb\nc", "text", 2)
