"""The calendar of backups: what every slot of every tier holds, and when the next one begins."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from neonhub_backup.domain.retention import RetentionPolicy, Tier, TierRule
from neonhub_backup.domain.schedule import INTERVALS
from neonhub_backup.report.gathering import Kept, Past
from neonhub_backup.watch.freshness import EmptySlot, empty_slots

_MOST = {
    Tier.HOURLY: 72,
    Tier.DAILY: 120,
    Tier.WEEKLY: 56,
    Tier.MONTHLY: 14,
    Tier.ANNUAL: 10,
}
"""How many slots of a tier are shown."""


class State(StrEnum):
    """What a slot holds."""

    PROVEN = "proven"
    """A backup that a drill has proven in some store."""
    KEPT = "kept"
    """A backup, in every store that could be asked."""
    PARTIAL = "partial"
    """A backup that some store lacks."""
    MISSING = "missing"
    """None, and there should be one."""
    DUE = "due"
    """None yet, and there is still time."""
    EXPIRED = "expired"
    """What there was has had its time."""
    BEFORE = "before"
    """None: backups began later."""


def next_slot(retention: RetentionPolicy, tier: Tier, now: datetime) -> datetime:
    """When the tier's next slot begins."""
    return retention.slot(tier, retention.slot(tier, now) + INTERVALS[tier])


def describe_calendar(
    past: Past, retention: RetentionPolicy, reachable: Sequence[str], now: datetime
) -> dict[str, Any]:
    """Every tier of one database, its newest slot first.

    A backup of a higher tier fills the slots of the lower ones too. `reachable` are the stores that
    could be asked, by which a copy is missed.
    """
    return {
        "database": past.database,
        "tiers": [
            _describe(tier, rule, list(_slots(past, retention, tier, reachable, now)))
            for tier, rule in retention.rules().items()
        ],
    }


def _describe(tier: Tier, rule: TierRule, slots: list[dict[str, Any]]) -> dict[str, Any]:
    states = Counter(slot["state"] for slot in slots)
    return {
        "tier": tier.value,
        "keep_seconds": rule.keep.total_seconds(),
        "counts": {state.value: states[state.value] for state in State},
        "slots": slots,
    }


def _slots(
    past: Past, retention: RetentionPolicy, tier: Tier, reachable: Sequence[str], now: datetime
) -> Iterator[dict[str, Any]]:
    keep = retention.rules()[tier].keep
    first = min((each.backup.started for each in past.backups), default=now)
    candidates = [
        each
        for each in past.backups
        if each.backup.started <= now and _rank(each.backup.tier) >= _rank(tier)
    ]
    number = min(_MOST[tier], keep // INTERVALS[tier] + max(2, keep // INTERVALS[tier] // 4))
    slot, end = retention.slot(tier, now), None
    overdue = slot in {empty.slot for empty in _overdue(candidates, retention, tier, now)}
    for _ in range(number):
        inside = [
            each
            for each in candidates
            if slot <= each.backup.started and (end is None or each.backup.started < end)
        ]
        found = _best(inside)
        expires = None if found is None else _expiry(found, retention)
        if found is None:
            state = _empty(slot, end, keep, first, now, overdue=overdue)
        elif expires is not None and expires <= now:
            state = State.EXPIRED
        elif found.proven_in:
            state = State.PROVEN
        else:
            state = State.PARTIAL if _lacking(found, reachable) else State.KEPT
        yield {
            "slot": slot.isoformat(),
            "state": state.value,
            "backup": None if found is None else found.backup.name,
            "tier": None if found is None else found.backup.tier.value,
            "stores": [] if found is None else list(found.stores),
            "missing_in": [] if found is None else _lacking(found, reachable),
            "expires": None if expires is None else expires.isoformat(),
        }
        slot, end = retention.slot(tier, slot - timedelta(microseconds=1)), slot


def _best(found: Sequence[Kept]) -> Kept | None:
    """The newest that is proven, else the newest."""
    return next((each for each in found if each.proven_in), next(iter(found), None))


def _expiry(kept: Kept, retention: RetentionPolicy) -> datetime | None:
    """None: its tier is not kept any more, so nothing says when."""
    rule = retention.rules().get(kept.backup.tier)
    return None if rule is None else kept.backup.started + rule.keep


def _overdue(
    candidates: Sequence[Kept], retention: RetentionPolicy, tier: Tier, now: datetime
) -> Iterator[EmptySlot]:
    newest = {each.backup.tier: each.backup.started for each in candidates[:1]}
    return (empty for empty in empty_slots(newest, retention, now) if empty.tier is tier)


def _empty(
    slot: datetime,
    end: datetime | None,
    keep: timedelta,
    first: datetime,
    now: datetime,
    *,
    overdue: bool,
) -> State:
    if slot + keep <= now:
        return State.EXPIRED if (end or now) > first else State.BEFORE
    if (end or now) <= first:
        return State.BEFORE
    return State.DUE if end is None and not overdue else State.MISSING


def _lacking(kept: Kept, reachable: Sequence[str]) -> list[str]:
    return [store for store in reachable if store not in kept.stores]


def _rank(tier: Tier) -> int:
    return list(Tier).index(tier)
