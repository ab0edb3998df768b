"""Retention tiers: how often a backup is owed, how long it is kept and locked.

This one model becomes bucket lifecycle rules, Object Lock periods, workflow schedules and the
tool's choice of tier.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from pydantic import BaseModel, ConfigDict, Field, model_validator

from neonhub_backup.domain.duration import Duration, format_duration, whole_days


class Tier(StrEnum):
    """Lowest to highest; a higher tier is kept longer."""

    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    ANNUAL = "annual"


class LockMode(StrEnum):
    """S3 Object Lock modes: COMPLIANCE binds even the account's root, GOVERNANCE all but it."""

    GOVERNANCE = "GOVERNANCE"
    COMPLIANCE = "COMPLIANCE"


class TierRule(BaseModel):
    """One row of the retention table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: Duration
    """Time after which the store may expire a backup of this tier."""
    lock: Duration | None = None
    """Time during which nobody may delete it. None: as long as it is kept."""

    @model_validator(mode="after")
    def _locked_no_longer_than_kept(self) -> "TierRule":
        if self.lock is not None and self.lock > self.keep:
            raise ValueError(
                f"lock {format_duration(self.lock)} is longer than keep"
                f" {format_duration(self.keep)}: expiry would fail until the lock ends;"
                " shorten lock or lengthen keep"
            )
        return self

    @property
    def keep_days(self) -> int:
        """Age in whole days at which lifecycle rules expire a backup."""
        return whole_days(self.keep)

    @property
    def lock_days(self) -> int:
        """Whole days for which an object is locked from its upload on."""
        return whole_days(self.lock if self.lock is not None else self.keep)


class RetentionPolicy(BaseModel):
    """The tiers of one stack; a tier set to None takes no backups."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    hourly: TierRule | None = TierRule(keep=timedelta(hours=24))
    daily: TierRule | None = TierRule(keep=timedelta(days=30))
    weekly: TierRule | None = TierRule(keep=timedelta(weeks=12))
    monthly: TierRule | None = TierRule(keep=timedelta(days=366))
    annual: TierRule | None = TierRule(keep=timedelta(days=2557))
    lock_mode: LockMode | None = LockMode.GOVERNANCE
    """None: no Object Lock; whoever may delete objects may delete backups."""
    hour_utc: int = Field(default=2, ge=0, le=23)
    """Hour at which the slots of all tiers but the hourly one begin."""

    @model_validator(mode="after")
    def _higher_tiers_are_kept_longer(self) -> "RetentionPolicy":
        rules = self.rules()
        if not rules:
            raise ValueError(
                "every tier is null: nothing would ever be backed up; give at least one a keep"
            )
        for (lower, short), (higher, long) in pairwise(rules.items()):
            if long.keep <= short.keep:
                raise ValueError(
                    f"{higher}.keep {format_duration(long.keep)} is not longer than"
                    f" {lower}.keep {format_duration(short.keep)}: a {higher} backup stands in"
                    f" for a {lower} one and would expire too early; lengthen {higher}.keep"
                )
        return self

    def rules(self) -> dict[Tier, TierRule]:
        """The tiers in use, lowest first."""
        every = {tier: getattr(self, tier.value) for tier in Tier}
        return {tier: rule for tier, rule in every.items() if rule is not None}

    def shortest_lock_days(self) -> int:
        """The bucket's own default lock: no object is ever without one."""
        return min(rule.lock_days for rule in self.rules().values())

    def longest_lock_days(self) -> int | None:
        """The longest that anybody needs to lock. None: nothing is locked."""
        if self.lock_mode is None:
            return None
        return max(rule.lock_days for rule in self.rules().values())

    def longest_keep_days(self) -> int:
        """Age in whole days that no backup outlives."""
        return max(rule.keep_days for rule in self.rules().values())

    def locked_until(self, tier: Tier, uploaded: datetime) -> datetime | None:
        """When the lock of an object of this tier ends. None: it has no lock."""
        if self.lock_mode is None:
            return None
        return uploaded + timedelta(days=self.rules()[tier].lock_days)

    def slot(self, tier: Tier, now: datetime) -> datetime:
        """The start of this tier's newest slot at or before `now`."""
        now = now.astimezone(UTC)
        if tier is Tier.HOURLY:
            return now.replace(minute=0, second=0, microsecond=0)
        start = now.replace(hour=self.hour_utc, minute=0, second=0, microsecond=0)
        match tier:
            case Tier.DAILY:
                return start if start <= now else start - timedelta(days=1)
            case Tier.WEEKLY:
                start -= timedelta(days=(start.weekday() + 1) % 7)
                return start if start <= now else start - timedelta(weeks=1)
            case Tier.MONTHLY:
                start = start.replace(day=1)
                return start if start <= now else (start - timedelta(days=1)).replace(day=1)
            case Tier.ANNUAL:
                start = start.replace(month=1, day=1)
                return start if start <= now else start.replace(year=start.year - 1)

    def owed(self, now: datetime, newest: Mapping[Tier, datetime]) -> Tier | None:
        """The highest tier whose newest slot holds no complete backup; None when all do.

        `newest` gives the start of the newest complete backup of each tier. A backup of a higher
        tier fills the slots of the lower ones too: it is kept longer than they ask.
        """
        owed: Tier | None = None
        for tier in self.rules():
            slot = self.slot(tier, now)
            higher = list(Tier)[list(Tier).index(tier) :]
            if not any(slot <= newest[other] for other in higher if other in newest):
                owed = tier
        return owed
