"""When the next review is due."""

from datetime import date

import pytest

from neonhub_backup.domain.configuration import Runbook
from neonhub_backup.runbook.dates import next_review


@pytest.mark.parametrize(
    ("last", "months", "due"),
    [
        (date(2025, 10, 26), 3, date(2026, 1, 26)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 12, 1), 1, date(2027, 1, 1)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
    ],
)
def test_a_review_is_due_so_many_months_after_the_last(last: date, months: int, due: date) -> None:
    assert next_review(Runbook(review_months=months, reviewed=last)) == due


def test_without_a_review_the_first_one_has_no_day() -> None:
    assert next_review(Runbook()) is None
