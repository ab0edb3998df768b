"""What of a directory store has had its time, and its deletion.

Buckets need none of this: their lifecycle expires backups, and nobody may delete from them. A
directory has no lifecycle and no locks, so that the retention table is applied to it here, with
these exceptions: the newest backup of a tier stays, and the newest proven one, whatever their age.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from neonhub_backup.domain.layout import MANIFEST, ROOT, Location, parse_key
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from neonhub_backup.errors import StoreError
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.stores.base import Listed
from neonhub_backup.stores.directory import DirectoryStore

log = logging.getLogger(__name__)

ABANDONED = timedelta(days=7)
"""Time without a change after which nobody is writing an unfinished backup any more."""


@dataclass(frozen=True)
class Held:
    """A complete backup that the store holds."""

    location: Location
    manifest: Manifest | None
    """None: it cannot be trusted."""

    @property
    def written(self) -> datetime:
        """When the last of it was written, as far as is known."""
        if self.manifest is None:
            return self.location.started
        return max(self.location.started, self.manifest.finished)


@dataclass(frozen=True)
class Kept:
    """A backup that stays, and why."""

    backup: Held
    reason: str


@dataclass(frozen=True)
class Plan:
    """What becomes of the backups of a store, each oldest first."""

    expired: tuple[Held, ...]
    kept: tuple[Kept, ...]


@dataclass(frozen=True)
class Leftover:
    """Something that is no backup and never will be."""

    name: str
    """Its prefix, key or file name."""
    kind: str
    """What it is, for people."""
    keys: tuple[str, ...]
    """Its objects. Empty: it is a file that never became one."""
    bytes: int
    changed: datetime


@dataclass(frozen=True)
class Survey:
    """All that there is to decide about in one store."""

    plan: Plan
    leftovers: tuple[Leftover, ...]


def plan(
    retention: RetentionPolicy,
    environment: str,
    backups: Sequence[Held],
    proven: Collection[str],
    now: datetime,
) -> Plan:
    """Decide about every backup; `proven` are the names of those whose newest drill proved them."""
    last = _last(environment, backups, proven, now)
    expired: list[Held] = []
    kept: list[Kept] = []
    for backup in sorted(backups, key=lambda held: held.location):
        reason = _not_ours(retention, environment, backup)
        reason = reason or _too_young(retention, backup, now) or last.get(backup.location)
        if reason is None:
            expired.append(backup)
        else:
            kept.append(Kept(backup, reason))
    return Plan(tuple(expired), tuple(kept))


def _last(
    environment: str, backups: Sequence[Held], proven: Collection[str], now: datetime
) -> dict[Location, str]:
    """Why those stay that are the last of their kind: per database and tier, at most two."""
    groups: dict[tuple[str, Tier], list[Held]] = defaultdict(list)
    for held in backups:
        # One from the future would outlive all that are made until then.
        if held.manifest is None or held.written > now:
            continue
        if held.manifest.environment == environment:
            groups[held.manifest.database, held.location.tier].append(held)
    reasons: dict[Location, str] = {}
    for (database, tier), found in groups.items():
        newest = max(found, key=lambda held: held.location)
        reasons[newest.location] = f"the newest {tier} backup of {database}"
        good = [held for held in found if held.location.name in proven]
        if good:
            best = max(good, key=lambda held: held.location)
            reasons[best.location] = f"the newest proven {tier} backup of {database}"
    return reasons


def _not_ours(retention: RetentionPolicy, environment: str, held: Held) -> str | None:
    if held.manifest is None:
        return "its manifest cannot be trusted, so that a person must decide"
    if held.manifest.environment != environment:
        return f"it belongs to environment {held.manifest.environment}"
    if held.location.tier not in retention.rules():
        return f"no retention is configured for {held.location.tier} backups any more"
    return None


def _too_young(retention: RetentionPolicy, held: Held, now: datetime) -> str | None:
    if held.written > now:
        return f"it is dated {_text(held.written)}, which is yet to come: a clock is wrong"
    locked = retention.locked_until(held.location.tier, held.written)
    if locked is not None and locked > now:
        return f"locked until {_text(locked)}"
    keep = held.written + timedelta(days=retention.rules()[held.location.tier].keep_days)
    return f"kept until {_text(keep)}" if keep > now else None


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def survey(
    store: DirectoryStore, retention: RetentionPolicy, environment: str, now: datetime
) -> Survey:
    """Look at everything in a store and decide; nothing is changed.

    Raises:
        StoreError: it cannot be read.
    """
    catalogue, proofs = Catalogue(store), Proofs(store)
    complete = catalogue.locations()
    backups = [_held(location, answer) for location, answer in catalogue.read_all(complete)]
    proven = proofs.proven(location.name for location in complete)
    decided = plan(retention, environment, backups, proven, now)
    names = {location.name for location in complete}
    leftovers = [
        *_unfinished(store, set(complete), now),
        *_orphaned_results(store, proofs, names, now - timedelta(retention.longest_keep_days())),
        *_partial_files(store, now),
    ]
    return Survey(decided, tuple(leftovers))


def _held(location: Location, answer: Manifest | Exception) -> Held:
    if isinstance(answer, StoreError):
        raise answer
    if isinstance(answer, Exception):
        log.warning("%s", answer)
        return Held(location, None)
    return Held(location, answer)


def _unfinished(
    store: DirectoryStore, complete: Collection[Location], now: datetime
) -> Iterator[Leftover]:
    """Backups whose manifest was never written, or is deleted already."""
    found = defaultdict[Location, list[Listed]](list)
    for listed in store.list(ROOT):
        parsed = parse_key(listed.key)
        if parsed is not None and parsed[0] not in complete:
            found[parsed[0]].append(listed)
    for location, objects in sorted(found.items()):
        changed = max(location.started, *(store.changed(one.key) for one in objects))
        if changed + ABANDONED <= now:
            keys = tuple(one.key for one in objects)
            size = sum(one.bytes for one in objects)
            yield Leftover(location.prefix, "a backup without a manifest", keys, size, changed)


def _orphaned_results(
    store: DirectoryStore, proofs: Proofs, names: Collection[str], before: datetime
) -> Iterator[Leftover]:
    """Results of drills whose backup is gone, once no bucket would keep them either."""
    for name, keys in sorted(proofs.keys().items()):
        if name in names:
            continue
        for listed in (one for key in keys for one in store.list(key)):
            changed = store.changed(listed.key)
            if changed <= before:
                kind = "the result of a drill whose backup is gone"
                yield Leftover(listed.key, kind, (listed.key,), listed.bytes, changed)


def _partial_files(store: DirectoryStore, now: datetime) -> Iterator[Leftover]:
    for partial in sorted(store.partials(), key=lambda partial: partial.name):
        if partial.changed + ABANDONED <= now:
            kind = "a file that a power cut left half-written"
            yield Leftover(partial.name, kind, (), partial.bytes, partial.changed)


def carry_out(store: DirectoryStore, decided: Survey, now: datetime) -> None:
    """Delete what has expired, oldest first, and what was left over.

    The manifest goes first: a backup that is deleted by half is none, and the next run cleans up.

    Raises:
        StoreError: with a note of what had been deleted before.
    """
    done = 0
    try:
        for held in decided.plan.expired:
            prefix = held.location.prefix
            keys = [listed.key for listed in store.list(prefix)]
            store.remove(sorted(keys, key=lambda key: key != prefix + MANIFEST))
            _remove_directories(store, prefix, held.location.started, now)
            done += 1
            log.info("deleted %s backup %s", held.location.tier, held.location.name)
        for leftover in decided.leftovers:
            _clean_up(store, leftover, now)
            log.info("deleted %s, %s", leftover.name, leftover.kind)
    except StoreError as error:
        error.add_note(
            f"{done} of {len(decided.plan.expired)} expired backups had been deleted before that;"
            " what is deleted by half is no backup any more, and the next run cleans it up"
        )
        raise


def _clean_up(store: DirectoryStore, leftover: Leftover, now: datetime) -> None:
    if not leftover.keys:
        store.remove_partial(leftover.name)
        return
    store.remove(leftover.keys)
    parsed = parse_key(leftover.keys[0])
    if parsed is not None:
        _remove_directories(store, leftover.name, parsed[0].started, now)


def _remove_directories(
    store: DirectoryStore, prefix: str, started: datetime, now: datetime
) -> None:
    # A backup of this month may be about to put its own directory into the same ones.
    past = (started.year, started.month) != (now.year, now.month)
    store.remove_directories(prefix, above=2 if past else 0)
