"""Snapshots: branches of production that are never written to, kept by the stack's tiers.

A branch shares its parent's pages, so a snapshot is made at once, whatever the database's size.
Neon does not let a branch be protected and expire: one that is kept for up to 30 days expires by
itself, and one that is kept for longer is protected if the plan has room for it.
"""

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from neonhub_backup.domain.configuration import Neon
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.errors import NeonError, NeonRefusedError
from neonhub_backup.neon.api import Api, NewBranch
from neonhub_backup.neon.models import Annotation, Branch, Project

log = logging.getLogger(__name__)

MADE_BY = "neonhub-backup"
"""What is noted of every branch of this tool, with its purpose."""
SNAPSHOT = "snapshot"

LONGEST_EXPIRY = timedelta(days=30)
"""The most that Neon takes. https://neon.com/docs/guides/branch-expiration"""

_NAME = re.compile(r"backup-\d{4}-\d{2}-\d{2}(-\d{4})?")
_ENVIRONMENT = f"{MADE_BY}-environment"
_TIER = f"{MADE_BY}-tier"
_CLOCKS = timedelta(minutes=5)
"""How far Neon's clock may be from ours."""


@dataclass(frozen=True)
class Held:
    """A snapshot of this environment."""

    branch: Branch
    tier: Tier


@dataclass(frozen=True)
class Kept:
    """A snapshot that stays, and why."""

    held: Held
    reason: str


@dataclass(frozen=True)
class Plan:
    """What becomes of the snapshots, each oldest first."""

    expired: tuple[Held, ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True)
class View:
    """A project and its branches, as they were when they were read."""

    project: Project
    production: Branch
    branches: Mapping[str, Branch]
    """By their names."""
    snapshots: tuple[Held, ...]
    """Oldest first."""

    def oldest(self, now: datetime) -> datetime:
        """The oldest time to which production can go back."""
        return max(now - self.project.history, self.production.created_at)


@dataclass(frozen=True)
class Taken:
    """A new snapshot."""

    held: Held
    unprotected: str | None
    """Why it is not protected though it should be. None: it is, or expires instead."""


def look(api: Api, settings: Neon, environment: str) -> View:
    """Read the project.

    Raises:
        NeonError: Neon refused, or has no such branch.
    """
    project = api.project()
    branches, notes = api.branches()
    production = branches.get(settings.branch)
    if production is None:
        raise NeonError(
            f"project {settings.project} has no branch {settings.branch}, so nothing was done:"
            f" correct `neon.branch` in the configuration; it has {', '.join(branches) or 'none'}"
        )
    found = (_held(branch, notes.get(branch.id), environment) for branch in branches.values())
    snapshots = sorted(
        (held for held in found if held is not None), key=lambda held: held.branch.created_at
    )
    return View(project, production, branches, tuple(snapshots))


def owed(retention: RetentionPolicy, view: View, now: datetime) -> Tier | None:
    """The highest tier whose newest slot has no snapshot. None: all have."""
    return retention.owed(now, {held.tier: held.branch.created_at for held in view.snapshots})


def take(
    api: Api, view: View, environment: str, tier: Tier, keep: timedelta, now: datetime
) -> Taken:
    """Make a snapshot of production as it is now.

    Raises:
        NeonError: Neon refused to make it; that it does not protect it is no failure.
    """
    begun = now.replace(microsecond=0)  # an expiry has whole seconds
    expires = begun + min(keep, LONGEST_EXPIRY - _CLOCKS) if keep <= LONGEST_EXPIRY else None
    branch = api.create_branch(
        NewBranch(
            name=free_name(tier, view.branches, now),
            parent=view.production,
            expires=expires,
            annotation=note(SNAPSHOT, environment) | {_TIER: tier.value},
        )
    )
    if expires is not None:
        return Taken(Held(branch, tier), None)
    try:
        return Taken(Held(api.protect(branch, protected=True), tier), None)
    except NeonRefusedError as error:
        log.warning("%s is a snapshot that anybody with a key may delete: %s", branch.name, error)
        return Taken(Held(branch, tier), str(error))


def free_name(tier: Tier, names: Collection[str], now: datetime) -> str:
    """`backup-YYYY-MM-DD`, with the time of day where a day has several.

    Raises:
        NeonError: there is one of this very minute.
    """
    day = f"backup-{now:%Y-%m-%d}"
    if tier is not Tier.HOURLY and day not in names:
        return day
    minute = f"{day}-{now:%H%M}"
    if minute in names:
        raise NeonError(
            f"there is a branch {minute} already, so no snapshot was made: that one is of this"
            " very minute, or else rename it"
        )
    return minute


def note(purpose: str, environment: str) -> dict[str, str]:
    """What is noted of a branch of this tool."""
    return {MADE_BY: purpose, _ENVIRONMENT: environment}


def plan(retention: RetentionPolicy, view: View, now: datetime) -> Plan:
    """Decide which snapshots have had their time; nothing is changed."""
    newest: dict[Tier, Held] = {}
    for held in view.snapshots:
        # One from the future would outlive all that are made until then.
        if held.branch.created_at <= now + _CLOCKS:
            newest[held.tier] = held
    expired: list[Held] = []
    kept: list[Kept] = []
    for held in view.snapshots:
        reason = _in_use(view, held) or _too_young(retention, held, now)
        if reason is None and held is newest.get(held.tier):
            reason = f"the newest {held.tier} snapshot"
        if reason is None:
            expired.append(held)
        else:
            kept.append(Kept(held, reason))
    return Plan(tuple(expired), tuple(kept))


def _in_use(view: View, held: Held) -> str | None:
    branch = held.branch
    if branch.default or branch.id == view.production.id:
        return "it is a branch that is used"
    children = (each.name for each in view.branches.values() if each.parent_id == branch.id)
    child = next(children, None)
    return None if child is None else f"branch {child} was made of it"


def _too_young(retention: RetentionPolicy, held: Held, now: datetime) -> str | None:
    rule, created = retention.rules().get(held.tier), held.branch.created_at
    if rule is None:
        return f"no retention is configured for {held.tier} snapshots any more"
    if created > now + _CLOCKS:
        return f"it is dated {created:%Y-%m-%d %H:%M} UTC, which is yet to come: a clock is wrong"
    until = created + rule.keep
    return f"kept until {until:%Y-%m-%d %H:%M} UTC" if until > now else None


def delete(api: Api, expired: Sequence[Held]) -> None:
    """Delete snapshots that have had their time, oldest first.

    Raises:
        NeonError: with a note of how many were deleted before.
    """
    for done, held in enumerate(expired):
        try:
            if held.branch.protected:
                api.protect(held.branch, protected=False)
            api.delete_branch(held.branch)
        except NeonError as error:
            error.add_note(f"{done} of {len(expired)} snapshots had been deleted before that")
            raise
        log.info("deleted %s snapshot %s", held.tier, held.branch.name)


def _held(branch: Branch, found: Annotation | None, environment: str) -> Held | None:
    """A snapshot of ours, by its name and by what was noted of it when it was made."""
    noted = {} if found is None else found.value
    if note(SNAPSHOT, environment).items() <= noted.items() and _NAME.fullmatch(branch.name):
        tier = noted.get(_TIER)
        if tier in set(Tier):
            return Held(branch, Tier(tier))
    return None
