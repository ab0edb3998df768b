"""Which times Neon can go back to, and what the branch is called."""

from datetime import UTC, datetime, timedelta

import pytest

from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import ConfigurationError, NoBackupError
from neonhub_backup.neon.models import Branch, Project
from neonhub_backup.neon.restoring import decide
from neonhub_backup.neon.snapshots import Held, View
from tests.neonhub_backup.neon.conftest import SETTINGS, branch

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _view(*snapshots: Held) -> View:
    production = Branch.model_validate(branch("main"))
    project = Project(id=SETTINGS.project, history_retention_seconds=6 * 3600)
    return View(project, production, {"main": production}, snapshots)


def test_the_branch_is_called_by_its_time_or_as_asked() -> None:
    assert decide(_view(), NOW - HOUR, None, NOW) == "restore-2026-03-10-113000"
    assert decide(_view(), NOW - HOUR, "mine", NOW) == "mine"


def test_the_whole_history_is_within_reach() -> None:
    assert decide(_view(), NOW - 6 * HOUR, None, NOW)


def test_a_time_before_it_is_refused_with_the_oldest_one_and_another_way() -> None:
    with pytest.raises(NoBackupError) as refused:
        decide(_view(), NOW - 6.01 * HOUR, None, NOW)

    assert "before 2026-03-10T06:30:00Z, the oldest time" in str(refused.value)
    assert "restore a backup" in str(refused.value)


def test_the_newest_snapshot_before_it_is_the_other_way() -> None:
    held = [
        Held(Branch.model_validate(branch(name, created_at=created)), Tier.DAILY)
        for name, created in (
            ("backup-2026-03-08", "2026-03-08T02:00:00Z"),
            ("backup-2026-03-09", "2026-03-09T02:00:00Z"),
            ("backup-2026-03-10", "2026-03-10T02:00:00Z"),
        )
    ]

    with pytest.raises(NoBackupError, match="use the snapshot backup-2026-03-09"):
        decide(_view(*held), datetime(2026, 3, 9, 12, tzinfo=UTC), None, NOW)


def test_a_time_to_come_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is yet to come"):
        decide(_view(), NOW + HOUR, None, NOW)


def test_a_branch_that_exists_is_not_written_over() -> None:
    with pytest.raises(ConfigurationError, match="there is a branch main already"):
        decide(_view(), NOW - HOUR, "main", NOW)
