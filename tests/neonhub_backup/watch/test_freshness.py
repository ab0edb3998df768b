"""Old backups, empty slots, missing proofs and copies are found; what is as it should be is not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from neonhub_backup.domain.configuration import Objectives
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.watch.findings import Finding, Verdict
from neonhub_backup.watch.freshness import age_text, judge_copies, judge_freshness, judge_proofs
from neonhub_backup.watch.holdings import Backup
from tests.neonhub_backup.watch.history import DAY, HOUR, NOW, backup, full, holding, hours, proven

OBJECTIVES = Objectives(rpo=HOUR)


def fresh(backups: list[Backup], objectives: Objectives = OBJECTIVES) -> list[Finding]:
    return judge_freshness(holding(backups), objectives, RetentionPolicy(), NOW)


def verdicts(findings: list[Finding]) -> list[tuple[str, Verdict]]:
    return [(finding.check, finding.verdict) for finding in findings]


def test_where_every_slot_is_filled_nothing_is_found() -> None:
    assert fresh(full()) == []


def test_a_backup_that_is_due_is_a_warning_and_one_that_is_missed_a_breach() -> None:
    late = [each for each in full() if NOW - each.started > HOUR]
    later = [each for each in full() if NOW - each.started > 2 * HOUR]

    due = judge_freshness(holding(late), OBJECTIVES, RetentionPolicy(), NOW - timedelta(minutes=10))

    assert verdicts(due) == [("freshness", Verdict.WARNING)]
    assert verdicts(fresh(later))[0] == ("freshness", Verdict.BREACH)
    assert "is 2 h old, and at most 1h may be lost (rpo)" in fresh(later)[0].text


def test_without_an_rpo_tiers_alone_count() -> None:
    later = [each for each in full() if NOW - each.started > 90 * timedelta(minutes=1)]

    assert fresh(later, Objectives()) == []


def test_an_empty_slot_is_a_warning_and_two_in_a_row_are_a_breach() -> None:
    policy = RetentionPolicy(hourly=None, weekly=None, monthly=None, annual=None)

    def judged(*ages: timedelta) -> list[tuple[str, Verdict]]:
        held = holding([backup(age) for age in ages])
        return verdicts(judge_freshness(held, Objectives(), policy, NOW))

    assert judged(timedelta(hours=10), timedelta(hours=34)) == []
    assert judged(timedelta(hours=34)) == []
    assert judged(timedelta(hours=58)) == [("tier", Verdict.WARNING)]
    assert judged(timedelta(hours=82)) == [("tier", Verdict.BREACH)]


def test_a_higher_tier_fills_the_slots_of_the_lower_ones() -> None:
    policy = RetentionPolicy(hourly=None)

    found = judge_freshness(
        holding([backup(timedelta(hours=10), Tier.ANNUAL)]), Objectives(), policy, NOW
    )

    assert found == []


def test_no_backup_at_all_is_a_breach() -> None:
    (found,) = fresh([])

    assert found.verdict is Verdict.BREACH
    assert "has no complete backup of app" in found.text


def test_a_store_that_cannot_be_asked_is_a_breach_and_nothing_else_is_said_of_it() -> None:
    out = replace(holding([]), error="it does not answer")

    (found,) = judge_freshness(out, OBJECTIVES, RetentionPolicy(), NOW)

    assert (found.check, found.verdict) == ("store", Verdict.BREACH)
    assert "it does not answer" in found.text
    assert judge_proofs(out, OBJECTIVES, NOW) == []
    assert judge_copies([out], NOW) == []


def test_a_backup_from_the_future_counts_for_nothing_and_is_named() -> None:
    later = backup(-2 * HOUR)

    found = fresh([later])

    assert found[0].check == "freshness"
    assert verdicts(fresh([later, *full()])) == [("clock", Verdict.WARNING)]


def test_a_manifest_that_cannot_be_trusted_is_a_breach() -> None:
    held = replace(holding(full()), damaged=("db/x/manifest.json was changed",))

    (found,) = judge_freshness(held, OBJECTIVES, RetentionPolicy(), NOW)

    assert found.text == "db/x/manifest.json was changed"


class TestProofs:
    """`prove_every` is 35 days."""

    def test_a_young_proof_is_well(self) -> None:
        old = backup(40 * DAY)

        assert judge_proofs(holding([old], [proven(old, 34 * DAY)]), OBJECTIVES, NOW) == []

    def test_an_old_one_is_a_breach(self) -> None:
        old = backup(40 * DAY)

        (found,) = judge_proofs(holding([old], [proven(old, 36 * DAY)]), OBJECTIVES, NOW)

        assert found.verdict is Verdict.BREACH
        assert "one is owed every 5w" in found.text

    @pytest.mark.parametrize(("age", "found"), [(34 * DAY, 0), (36 * DAY, 1)])
    def test_without_any_the_first_backup_s_age_counts(self, age: timedelta, found: int) -> None:
        assert len(judge_proofs(holding([backup(age), backup(DAY)]), OBJECTIVES, NOW)) == found

    def test_a_drill_that_failed_is_a_breach_until_another_of_the_backup_succeeds(self) -> None:
        one = backup(2 * DAY)
        failed = proven(one, DAY, differences=("a row",))

        (found,) = judge_proofs(holding([one], [failed]), OBJECTIVES, NOW)

        assert f"backup {one.name} did not pass its newest drill" in found.text
        assert judge_proofs(holding([one], [failed, proven(one, HOUR)]), OBJECTIVES, NOW) == []

    def test_a_newer_backup_s_proof_ends_the_failure_of_an_older_one(self) -> None:
        old, new = backup(3 * DAY), backup(DAY)
        proofs = [proven(old, 2 * DAY, differences=("a row",)), proven(new, HOUR)]

        assert judge_proofs(holding([old, new], proofs), OBJECTIVES, NOW) == []


def test_the_store_that_lacks_the_newest_backup_is_named() -> None:
    here, there = holding(hours(3)), holding(hours(3)[1:], store="gcp")

    (found,) = judge_copies([here, there], NOW)

    assert (found.check, found.store, found.verdict) == ("copy", "gcp", Verdict.WARNING)
    assert f"neonhub-backup copy {here.backups[0].name} --to gcp" in found.text
    assert judge_copies([here, here], NOW) == []
    assert judge_copies([holding([])], NOW) == []


@pytest.mark.parametrize(
    ("age", "said"),
    [(timedelta(seconds=61), "1 min"), (119 * HOUR / 60, "119 min"), (47 * HOUR, "47 h")],
)
def test_ages_are_said_as_people_would(age: timedelta, said: str) -> None:
    assert age_text(age) == said
    assert age_text(49 * HOUR) == "2 days"
