"""What a review is told of the time since the last one."""

import os
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    Objectives,
    Runbook,
    render_configuration,
)
from neonhub_backup.domain.duration import parse_duration
from neonhub_backup.journal import open_journal, peek_journal
from neonhub_backup.runbook.review import (
    Change,
    Review,
    describe_review,
    make_review,
    read_history,
    review_text,
)
from neonhub_backup.watch.holdings import Holding
from tests.neonhub_backup.runbook.configurations import configuration
from tests.neonhub_backup.samples import location, proof
from tests.neonhub_backup.watch.history import DAY, NOW, backup, holding

REVIEWED = date(2026, 1, 26)
AFTER = datetime(2026, 1, 26, 23, 59, 59, 999999, UTC)


class Checkout:
    """A git repository with the configuration of production."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.path = home / ".neonhub-backup" / "production.yaml"
        self.path.parent.mkdir()
        self.git("init", "--quiet")

    def git(self, *words: str, on: str = "2026-01-01") -> None:
        when = f"{on}T12:00:00Z"
        who = {"NAME": "Ann", "EMAIL": "ann@acme.example", "DATE": when}
        environment = {
            f"GIT_{role}_{name}": value
            for role in ("AUTHOR", "COMMITTER")
            for name, value in who.items()
        }
        subprocess.run(
            ["git", *words], cwd=self.home, check=True, env={**os.environ, **environment}
        )

    def commit(self, found: Configuration, subject: str, on: str) -> None:
        self.path.write_text(render_configuration(found, "a test"))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", subject, on=on)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.commit(configuration(), "Begin", "2026-01-02")
    made.commit(
        configuration(objectives=Objectives(rpo=parse_duration("2h"))), "Reviewed", "2026-01-26"
    )
    return made


def review(path: Path, holdings: list[Holding], reviewed: date | None = REVIEWED) -> Review:
    found = configuration(runbook=Runbook(reviewed=reviewed))
    return make_review(found, path, holdings, [], [], datetime(2026, 4, 27, tzinfo=UTC))


def test_a_setting_is_shown_as_it_was_and_as_it_is(checkout: Checkout) -> None:
    later = configuration(
        objectives=Objectives(rpo=parse_duration("24h")),
        databases=(Database(name="app"), Database(name="billing", url_variable="BILLING_URL")),
    )
    checkout.commit(later, "Add billing", "2026-02-01")

    history = read_history(checkout.path, "production", AFTER)

    assert [each.subject for each in history.commits] == ["Add billing"]
    assert Change(setting="objectives.rpo", before="2h", after="24h") in history.changes
    assert (
        Change(setting="databases[billing].url_variable", before=None, after="BILLING_URL")
        in history.changes
    )
    assert not [each for each in history.changes if each.setting.startswith("databases[app]")]


def test_what_came_on_the_day_of_the_review_was_reviewed(checkout: Checkout) -> None:
    history = read_history(checkout.path, "production", AFTER)

    assert (history.commits, history.changes, history.problem) == ((), (), None)
    assert "Settings: as they were." in review_text(review(checkout.path, []))


def test_before_the_first_review_all_commits_count_and_there_is_nothing_to_compare(
    checkout: Checkout,
) -> None:
    found = review(checkout.path, [], reviewed=None)

    assert [each.subject for each in found.history.commits] == ["Reviewed", "Begin"]
    assert (found.due, found.is_due) == (None, True)
    assert "The first review is due." in review_text(found)


def test_a_file_outside_of_git_is_said_to_have_no_past(tmp_path: Path) -> None:
    path = tmp_path / "test.yaml"
    path.write_text("")

    found = review(path, [])

    assert found.history.problem is not None
    assert "Settings: unknown" in review_text(found)


def test_a_file_that_nobody_has_committed_has_no_past(checkout: Checkout) -> None:
    other = checkout.home / "other.yaml"
    other.write_text("")

    assert "is not in git" in str(read_history(other, "production", AFTER).problem)


def test_backups_and_drills_are_counted_since_the_review(tmp_path: Path) -> None:
    old, new = proof(location(day=5), day=5), proof(location(day=7), day=7, differences=("a row",))
    drilled = holding([backup(DAY), backup(2 * DAY), backup(40 * DAY)], [new, old])
    since = (NOW - 10 * DAY).date()

    (store,) = review(tmp_path / "none.yaml", [drilled], since).stores
    everything = review(tmp_path / "none.yaml", [drilled], None).stores[0]

    assert sum(store.backups.values()) == 2
    assert sum(everything.backups.values()) == 3
    assert everything.drills == 2
    assert everything.failed == (f"{new.backup}: a row",)
    assert everything.worst_seconds == 4.0


def test_emergencies_of_this_machine_are_told_with_how_they_ended(tmp_path: Path) -> None:
    path = tmp_path / "app.jsonl"
    with open_journal(path, "ann@laptop") as journal:
        run = journal.begin(journal.draft("disaster", "app", {}))
        run.close("finished")
        journal.begin(journal.draft("emergency restore", "app", {}))
    found = make_review(configuration(), tmp_path, [], [], [peek_journal(path)], datetime.now(UTC))

    assert [(each.purpose, each.by, each.ended) for each in found.emergencies] == [
        ("disaster", "ann@laptop", "finished"),
        ("emergency restore", "ann@laptop", None),
    ]
    assert "not finished" in review_text(found)
    assert describe_review(found)["emergencies"][1]["ended"] is None


@pytest.mark.parametrize(("days", "is_due"), [(-1, False), (0, True), (1, True)])
def test_a_review_is_due_on_its_day(tmp_path: Path, days: int, is_due: bool) -> None:
    now = datetime(2026, 4, 26, 12, tzinfo=UTC) + timedelta(days=days)
    found = make_review(
        configuration(runbook=Runbook(reviewed=REVIEWED)), tmp_path, [], [], [], now
    )

    assert found.is_due is is_due
    assert ("overdue since" if is_due else "due on") + " 2026-04-26" in review_text(found)
