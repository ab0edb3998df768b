"""The document says what the stores show, and no more than they can tell."""

import json
from dataclasses import replace
from typing import Any

import pytest

from neonhub_backup.report.document import describe_report
from neonhub_backup.watch.status import describe_status
from tests.neonhub_backup.report import sample


@pytest.fixture
def document() -> dict[str, Any]:
    return sample.document()


@pytest.fixture
def new() -> dict[str, Any]:
    """Of an environment that has nothing yet."""
    return describe_report(sample.empty())


def test_the_status_is_what_status_shows(document: dict[str, Any]) -> None:
    assert document["status"] == describe_status(sample.known().status)


def test_a_document_is_json(document: dict[str, Any], new: dict[str, Any]) -> None:
    for each in (document, new):
        assert json.loads(json.dumps(each)) == each


class TestAGlance:
    """One line for each environment."""

    def test_has_its_own_environment_first(self, document: dict[str, Any]) -> None:
        names = [each["environment"] for each in document["environments"]]

        assert names == ["production", "staging", "edge"]

    def test_says_how_long_ago_another_was_looked_at(self, document: dict[str, Any]) -> None:
        ages = [each["taken_age_seconds"] for each in document["environments"]]

        assert ages == [0, 360, 259_200]

    def test_counts_what_is_wrong(self, document: dict[str, Any]) -> None:
        first = document["environments"][0]
        verdicts = [each["verdict"] for each in document["status"]["findings"]]

        assert first["verdict"] == "breach"
        assert (first["breaches"], first["warnings"]) == (
            verdicts.count("breach"),
            verdicts.count("warning"),
        )

    def test_shows_the_oldest_of_what_counts(self, document: dict[str, Any]) -> None:
        first = document["environments"][0]

        assert first["age_seconds"] == max(
            each["age_seconds"] for each in document["status"]["databases"]
        )

    def test_of_what_nobody_knows_says_nothing(self, new: dict[str, Any]) -> None:
        (first,) = new["environments"]

        assert first["age_seconds"] is None
        assert first["proof_age_seconds"] is None
        assert first["recovery_seconds"] is None


class TestNextRuns:
    """What is owed, and when."""

    def test_are_the_next_slots_of_every_tier(self, document: dict[str, Any]) -> None:
        begins = {each["tier"]: each["begins"] for each in document["next_runs"]}

        assert begins == {
            "hourly": "2026-03-12T10:00:00+00:00",
            "daily": "2026-03-13T02:00:00+00:00",
            "weekly": "2026-03-15T02:00:00+00:00",
            "monthly": "2026-04-01T02:00:00+00:00",
            "annual": "2027-01-01T02:00:00+00:00",
        }

    def test_say_how_long_it_is_until_then(self, document: dict[str, Any]) -> None:
        assert document["next_runs"][0]["in_seconds"] == 1800

    def test_owed_drills_are_of_every_copy(self, document: dict[str, Any]) -> None:
        owed = document["owed_drills"]

        assert [(each["database"], each["store"]) for each in owed] == [
            ("neonhub", "aws"),
            ("analytics", "aws"),
            ("neonhub", "gcp"),
            ("analytics", "gcp"),
        ]
        assert all(each["in_seconds"] > 0 for each in owed)

    def test_a_copy_without_a_proof_has_no_date(self, new: dict[str, Any]) -> None:
        assert {each["due"] for each in new["owed_drills"]} == {None}


class TestDrills:
    """How long they took."""

    def test_are_all_of_them_the_newest_of_each_database_first(
        self, document: dict[str, Any]
    ) -> None:
        for database in ("neonhub", "analytics"):
            finished = [
                each["finished"] for each in document["drills"] if each["database"] == database
            ]
            assert len(finished) > 40
            assert finished == sorted(finished, reverse=True)

    def test_are_within_what_is_promised_or_not(self, document: dict[str, Any]) -> None:
        for drill in document["drills"]:
            assert drill["target_seconds"] == 1800
            assert drill["within_target"] is (drill["recovery_seconds"] <= 1800)

    def test_that_failed_say_how_much_differed(self, document: dict[str, Any]) -> None:
        failed = [each for each in document["drills"] if not each["proven"]]

        assert [(each["store"], each["differences"]) for each in failed] == [("gcp", 1)]


class TestHistory:
    """Sizes and rows, and what was odd about them."""

    def test_says_where_each_backup_is_and_is_proven(self, document: dict[str, Any]) -> None:
        backups = document["history"][0]["backups"]

        assert backups[0]["stores"] == ["aws"]
        assert any(each["proven_in"] == ["aws", "gcp"] for each in backups)

    def test_marks_what_was_odd_on_the_day_it_was_the_newest(
        self, document: dict[str, Any]
    ) -> None:
        odd = {
            each["started"][:10]: {found["check"] for found in each["anomalies"]}
            for each in document["history"][0]["backups"]
            if each["anomalies"]
        }

        # The import that was taken back, and the table that somebody emptied.
        assert "size" in odd["2026-02-24"]
        assert "rows" in odd["2026-03-12"]
        assert len(odd) < 5

    def test_a_copy_for_other_keys_is_never_odd(self) -> None:
        known = sample.known()
        past = known.pasts[0]
        copied = [
            replace(kept, backup=replace(kept.backup, planned=False)) for kept in past.backups
        ]
        again = replace(known, pasts=[replace(past, backups=tuple(copied))])

        (history,) = describe_report(again)["history"]

        assert not any(each["anomalies"] for each in history["backups"])


def test_what_a_store_could_not_tell_is_said(new: dict[str, Any]) -> None:
    assert new["unread"] == [
        {"store": "gcp", "text": "gs://neonhub-production-backups cannot be reached"}
    ]
