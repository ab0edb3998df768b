"""What was promised stands beside what was measured, the newest first."""

from datetime import timedelta

from neonhub_backup.domain.configuration import (
    Archiving,
    Configuration,
    Database,
    Objectives,
)
from neonhub_backup.domain.recoveries import Recovery, Scenario
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.watch.findings import Verdict
from neonhub_backup.watch.objectives import exposures, judge_recoveries, recovery_times
from tests.neonhub_backup import samples
from tests.neonhub_backup.watch.history import DAY, HOUR, NOW, backup, holding, hours, proven


def recovery(scenario: Scenario, seconds: float, age: timedelta = HOUR) -> Recovery:
    return samples.recovery(NOW - age, scenario, seconds)


class TestRecoveries:
    """Restores, and drills from any store."""

    def test_drills_and_restores_from_a_store_are_one_history(
        self, configuration: Configuration
    ) -> None:
        one = backup(3 * DAY)
        held = holding([one], [proven(one, 2 * DAY)])

        found = recovery_times(
            configuration,
            [held],
            [recovery(Scenario.STORE, 9), recovery(Scenario.STORE, 5, 4 * DAY)],
        )

        # A drill of history takes four seconds.
        assert found[Scenario.STORE].seconds == (9, 4, 5)
        assert found[Scenario.STORE].target == 60
        assert found[Scenario.TABLE].seconds == ()
        assert (found[Scenario.STORE].last, found[Scenario.STORE].median) == (9, 5)

    def test_a_way_that_the_environment_lacks_is_left_out(
        self, configuration: Configuration
    ) -> None:
        assert set(recovery_times(configuration, [], [])) == {Scenario.TABLE, Scenario.STORE}
        archived = configuration.model_copy(
            update={"databases": (Database(name="app", archiving=Archiving(store="disk")),)}
        )
        assert Scenario.PITR in recovery_times(archived, [], [])

    def test_the_newest_that_took_too_long_is_a_warning(self) -> None:
        promised = Objectives(rto_table_minutes=1)
        slow, quick = recovery(Scenario.TABLE, 90), recovery(Scenario.TABLE, 30, 2 * HOUR)

        (found,) = judge_recoveries(promised, [slow, quick], NOW)

        assert found.verdict is Verdict.WARNING
        assert "took 1.5 min, and 1 min are promised for one table" in found.text
        assert list(judge_recoveries(promised, [quick, slow], NOW)) == []

    def test_an_old_one_is_history(self) -> None:
        slow = recovery(Scenario.TABLE, 9000, 36 * DAY)

        assert list(judge_recoveries(Objectives(), [slow], NOW)) == []


class TestExposures:
    """From the beginning of a backup to the end of the next."""

    def test_each_is_from_one_beginning_to_the_next_end(self) -> None:
        found = exposures([holding(hours(3))], RetentionPolicy(), NOW)

        assert found.seconds == (65 * 60, 65 * 60)

    def test_a_gap_is_the_worst(self) -> None:
        held = [each for number, each in enumerate(hours(6)) if number != 2]

        found = exposures([holding(held)], RetentionPolicy(), NOW)

        assert (found.last, found.worst) == (65 * 60, 125 * 60)

    def test_a_backup_counts_once_whichever_stores_have_it(self) -> None:
        here, there = hours(4)[:2], hours(4)[1:]

        found = exposures([holding(here), holding(there, store="gcp")], RetentionPolicy(), NOW)

        assert found.seconds == (65 * 60,) * 3

    def test_before_the_tier_that_is_taken_most_often_none_is_measured(self) -> None:
        old = [backup(30 * DAY, Tier.MONTHLY), backup(60 * DAY, Tier.MONTHLY)]

        found = exposures([holding([*hours(2), *old])], RetentionPolicy(), NOW)

        assert found.seconds == (65 * 60,)
        assert exposures([holding(old)], RetentionPolicy(), NOW).seconds == ()
