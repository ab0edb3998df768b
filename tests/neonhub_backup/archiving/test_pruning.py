"""What no recovery needs any more."""

from datetime import UTC, datetime

from neonhub_backup.archiving.pruning import divide, needless
from neonhub_backup.archiving.segments import segment_name
from tests.neonhub_backup.archiving.archives import SIZE, base

BASES = [base(1), base(8), base(15)]


def at(day: int) -> datetime:
    return datetime(2026, 1, day, 12, tzinfo=UTC)


def test_the_newest_base_backup_from_before_the_time_that_is_kept_stays() -> None:
    assert divide(BASES, at(9)) == ((BASES[0],), (BASES[1], BASES[2]))
    assert divide(BASES, at(8)) == ((BASES[0],), (BASES[1], BASES[2]))
    assert divide(BASES, at(2)) == ((), tuple(BASES))


def test_the_newest_stays_however_old_it_is() -> None:
    assert divide(BASES, at(31)) == ((BASES[0], BASES[1]), (BASES[2],))
    assert divide([], at(31)) == ((), ())


def test_wal_goes_that_comes_before_every_base_backup_that_is_kept() -> None:
    old, needed = segment_name(1, 7, SIZE), segment_name(1, 8, SIZE)
    files = {old, f"{old}.00000028.backup", needed, "00000002.history", f"{needed}.partial"}

    assert needless(files, BASES[1:]) == (old, f"{old}.00000028.backup")
    assert needless(files, ()) == ()
