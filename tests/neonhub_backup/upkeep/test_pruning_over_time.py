"""A directory over the years: runs, drills and prunes in any order, and nothing needed is lost."""

from dataclasses import dataclass, field
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from neonhub_backup.domain.layout import new_location
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.upkeep.pruning import Held, plan
from tests.neonhub_backup.domain.test_retention_over_time import TIERS, policies, schedules
from tests.neonhub_backup.samples import manifest


@dataclass
class Disk:
    """A directory store and what was ever done with it."""

    policy: RetentionPolicy
    held: list[Held] = field(default_factory=list[Held])
    proven: set[str] = field(default_factory=set[str])
    best: dict[Tier, Held] = field(default_factory=dict[Tier, Held])
    """The newest backup of each tier that a drill has proven."""
    runs: list[datetime] = field(default_factory=list[datetime])

    def newest(self) -> dict[Tier, datetime]:
        """What a run goes by."""
        return {held.location.tier: held.location.started for held in self.held}

    def run(self, now: datetime) -> None:
        """Back up, as the tier that is owed, else as the lowest."""
        tier = self.policy.owed(now, self.newest()) or next(iter(self.policy.rules()))
        place = new_location(tier, now)
        self.held.append(Held(place, manifest(place)))
        self.runs.append(now)

    def drill(self, number: int) -> None:
        """Prove one of the backups that are there."""
        held = self.held[number % len(self.held)]
        self.proven.add(held.location.name)
        tier = held.location.tier
        self.best[tier] = max(held, self.best.get(tier, held), key=lambda one: one.location)

    def prune(self, now: datetime) -> None:
        """Delete what has had its time."""
        expired = plan(self.policy, "test", self.held, self.proven, now).expired
        self.held = [held for held in self.held if held not in expired]

    def fills(self, tier: Tier, slot: datetime) -> bool:
        """Whether something is there that gives back what the tier's slot promises."""
        return any(
            TIERS.index(held.location.tier) >= TIERS.index(tier)
            and self.policy.slot(tier, held.location.started) == slot
            for held in self.held
        )


@settings(deadline=None)
@given(policies(), schedules(), st.data())
def test_prunes_and_drills_at_any_time_cost_no_slot_and_no_proof(
    policy: RetentionPolicy, times: list[datetime], data: st.DataObject
) -> None:
    disk = Disk(policy)
    for now in (time.replace(microsecond=0) for time in times):
        disk.run(now)
        if data.draw(st.booleans(), label="drill"):
            disk.drill(data.draw(st.integers(0, 99)))
        if data.draw(st.booleans(), label="prune"):
            owed = policy.owed(now, disk.newest())
            disk.prune(now)

            assert policy.owed(now, disk.newest()) == owed
            assert all(held in disk.held for held in disk.best.values())
            for tier, rule in policy.rules().items():
                for slot in {policy.slot(tier, run) for run in disk.runs}:
                    assert now >= slot + rule.keep or disk.fills(tier, slot)
