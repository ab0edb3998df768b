"""When the procedures are to be reviewed."""

import calendar
from datetime import date

from neonhub_backup.domain.configuration import Runbook


def next_review(runbook: Runbook) -> date | None:
    """The day on which the next review is due. None: none was held, so the first is due now."""
    last = runbook.reviewed
    if last is None:
        return None
    months = last.month - 1 + runbook.review_months
    year, month = last.year + months // 12, months % 12 + 1
    # Three months after 30 November is the end of February.
    return date(year, month, min(last.day, calendar.monthrange(year, month)[1]))
