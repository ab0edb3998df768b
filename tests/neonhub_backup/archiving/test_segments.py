"""What follows what in a WAL archive, across timelines and gaps."""

import pytest

from neonhub_backup.archiving.segments import (
    Stretch,
    folder_of,
    is_wal_file,
    leads_on,
    newest_timeline,
    parse_lsn,
    reach,
    read_way,
    segment_name,
    segment_number,
)
from neonhub_backup.errors import IntegrityError

MIB = 1 << 20
SIZE = 16 * MIB
ONE = read_way(1, "")
HISTORY = "1\t0/5000100\tbefore 2026-01-05 02:00:00+00\n\n# by hand\n2\t0/7FFFFFF\treason\n"


def names(timeline: int, numbers: range) -> set[str]:
    return {segment_name(timeline, number, SIZE) for number in numbers}


def test_positions_and_names_are_read_as_they_are_written() -> None:
    assert parse_lsn("1A/3000028") == (0x1A << 32) + 0x3000028
    assert segment_name(1, 0xFF, SIZE) == "0000000100000000000000FF"
    assert segment_name(2, 0x100, SIZE) == "000000020000000100000000"
    assert segment_number("000000020000000100000000", SIZE) == 0x100
    assert segment_name(1, 0x40, 64 * MIB) == "000000010000000100000000"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("000000010000000000000001", True),
        ("000000010000000000000001.partial", True),
        ("000000010000000000000001.00000028.backup", True),
        ("00000002.history", True),
        ("00000002.history.tmp", False),
        ("../000000010000000000000001", False),
        ("backup_label", False),
    ],
)
def test_only_what_postgresql_archives_is_a_wal_file(name: str, expected: bool) -> None:
    assert is_wal_file(name) is expected


def test_folders_are_those_of_barman() -> None:
    assert folder_of("0000000200000001000000AB") == "0000000200000001"
    assert folder_of("000000010000000000000001.00000028.backup") == "0000000100000000"
    assert folder_of("00000002.history") == ""


def test_a_history_tells_where_each_timeline_left_the_one_before() -> None:
    assert read_way(3, HISTORY) == (
        Stretch(1, 0, 0x5000100),
        Stretch(2, 0x5000100, 0x7FFFFFF),
        Stretch(3, 0x7FFFFFF, None),
    )


def test_a_damaged_history_is_refused() -> None:
    with pytest.raises(IntegrityError, match=r"bring back an earlier version of 00000002\.history"):
        read_way(2, "1 what?")


def test_a_base_backup_leads_on_until_its_timeline_is_left() -> None:
    way = read_way(3, HISTORY)

    assert leads_on(way, 1, 0x5000100)
    assert not leads_on(way, 1, 0x5000101)
    assert leads_on(way, 3, 0x9000000)
    assert not leads_on(way, 4, 0x9000000)


def test_the_newest_timeline_is_known_by_any_file_of_it() -> None:
    assert newest_timeline({"000000010000000000000001", "00000002.history"}) == 2
    assert newest_timeline(set()) == 1


def test_segments_are_followed_to_the_newest() -> None:
    found = reach(ONE, 2 * SIZE + 40, names(1, range(1, 6)) | {"00000001.history"}, SIZE)

    assert (found.newest, found.missing, found.segments) == (
        "000000010000000000000005",
        None,
        4,
    )


def test_the_first_missing_segment_is_named() -> None:
    files = names(1, range(1, 9)) - names(1, range(5, 7))

    found = reach(ONE, 2 * SIZE, files, SIZE)

    assert (found.missing, found.segments) == ("000000010000000000000005", 3)
    assert reach(ONE, 7 * SIZE, files, SIZE).missing is None


def test_nothing_after_a_base_backup_is_no_gap() -> None:
    found = reach(ONE, 9 * SIZE, names(1, range(1, 6)), SIZE)

    assert (found.newest, found.missing, found.segments) == (None, None, 0)


def test_where_a_timeline_begins_its_own_segment_is_needed() -> None:
    way = read_way(2, "1\t0/5000100\tno reason\n")
    old = names(1, range(1, 9))

    assert reach(way, SIZE, old | names(2, range(5, 7)), SIZE).missing is None
    found = reach(way, SIZE, old | names(2, range(6, 7)), SIZE)
    assert found.missing == "000000020000000000000005"
    assert found.newest == "000000020000000000000006"


def test_what_an_abandoned_timeline_went_on_to_do_does_not_count() -> None:
    way = read_way(2, "1\t0/5000100\tno reason\n")

    found = reach(way, SIZE, names(1, range(1, 9)), SIZE)

    assert found.newest == "000000010000000000000004"
