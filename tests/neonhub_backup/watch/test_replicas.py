"""A replica has what its store has had for a quarter of an hour, whole, or that is said."""

from dataclasses import replace
from datetime import timedelta

import pytest

from neonhub_backup.domain.layout import MANIFEST, Location
from neonhub_backup.watch.findings import Verdict
from neonhub_backup.watch.holdings import Backup
from neonhub_backup.watch.replicas import judge_replica, survey_replicas
from tests.neonhub_backup.memory import CountingStore
from tests.neonhub_backup.samples import location
from tests.neonhub_backup.watch.history import NOW, backup, holding

MINUTE = timedelta(minutes=1)


def judged(original: list[Backup], replica: list[Backup]) -> list[Verdict]:
    found = judge_replica(holding(original), holding(replica, store="aws replica"), NOW)
    return [finding.verdict for finding in found]


@pytest.mark.parametrize(
    ("age", "verdicts"),
    [
        (19 * MINUTE, []),
        (21 * MINUTE, [Verdict.WARNING]),
        (26 * 60 * MINUTE, [Verdict.BREACH]),
    ],
)
def test_a_backup_that_has_not_arrived_in_time_is_found(
    age: timedelta, verdicts: list[Verdict]
) -> None:
    old = backup(30 * 60 * MINUTE)

    # It took five minutes.
    assert judged([old, backup(age)], [old]) == verdicts


def test_the_oldest_that_is_missing_tells_for_how_long_nothing_has_arrived() -> None:
    held = [backup(hours * 60 * MINUTE) for hours in (1, 2, 30, 31)]

    (found,) = judge_replica(holding(held), holding(held[3:], store="aws replica"), NOW)

    assert found.verdict is Verdict.BREACH
    assert f"backup {held[2].name} of app in store aws is not whole" in found.text


def test_a_replica_without_any_backup_lacks_them_all() -> None:
    assert judged([backup(60 * MINUTE)], []) == [Verdict.WARNING]
    assert judged([], []) == []


def test_a_replica_that_cannot_be_asked_is_a_warning() -> None:
    away = replace(holding([], store="aws replica"), error="it does not answer")

    (found,) = judge_replica(holding([backup(60 * MINUTE)]), away, NOW)

    assert found.verdict is Verdict.WARNING
    assert "it does not answer" in found.text


class TestSurvey:
    """Of the newest backups, only one of which every byte has arrived."""

    @pytest.fixture
    def replica(self) -> CountingStore:
        return CountingStore()

    def arrive(self, replica: CountingStore, place: Location, *, whole: bool = True) -> None:
        replica.back_up(place)
        if not whole:
            for key in list(replica.objects):
                if key.startswith(place.prefix) and not key.endswith(MANIFEST):
                    del replica.objects[key]

    def test_a_backup_some_of_whose_objects_are_on_their_way_does_not_count(
        self, replica: CountingStore
    ) -> None:
        whole = location(day=4)
        self.arrive(replica, whole)
        self.arrive(replica, location(day=5), whole=False)

        (found,) = survey_replicas({"aws": replica}, ["app"])["aws"]

        assert [each.name for each in found.backups] == [whole.name]

    def test_reads_no_drills(self, replica: CountingStore) -> None:
        self.arrive(replica, location(day=4))

        survey_replicas({"aws": replica}, ["app"])

        assert not [prefix for prefix in replica.listed if prefix.startswith("drills/")]

    def test_one_that_cannot_be_read_is_told_of(self, replica: CountingStore) -> None:
        self.arrive(replica, location(day=4))
        replica.refuses = {"list"}

        (found,) = survey_replicas({"aws": replica}, ["app"])["aws"]

        assert found.error is not None

    def test_without_replicas_nobody_is_asked(self) -> None:
        assert survey_replicas({}, ["app"]) == {}
