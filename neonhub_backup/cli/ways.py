"""Which ways lead back to a moment, for `restore --at`, and what is said of them."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import typer

from neonhub_backup.archiving.factory import open_archive
from neonhub_backup.archiving.goal import goal_at
from neonhub_backup.archiving.recovering import Wanted as WantedMoment
from neonhub_backup.archiving.recovering import plan_recovery
from neonhub_backup.cli.output import say_table
from neonhub_backup.cli.session import Session
from neonhub_backup.domain.configuration import Database, Neon
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.errors import BackupError, StoreError
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.holdings.selection import Wanted, choose
from neonhub_backup.neon import restoring, snapshots
from neonhub_backup.neon.api import open_api
from neonhub_backup.stores.base import Store
from neonhub_backup.ways import ESTIMATED_FROM, Kind, Way, estimate, least_loss
from neonhub_backup.wording import moment_text

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ways:
    """All that there are to one moment."""

    at: datetime
    ways: tuple[Way, ...]
    taken: Way

    def described(self) -> dict[str, Any]:
        """As `--json` shows them."""
        return {
            "at": moment_text(self.at),
            "way": str(self.taken.kind),
            "ways": [
                {
                    "way": str(way.kind),
                    "reaches": None if way.reaches is None else moment_text(way.reaches),
                    "seconds_lost": _seconds(way.loses(self.at)),
                    "seconds_estimated": None if way.seconds is None else round(way.seconds, 3),
                    "what": way.what,
                }
                for way in self.ways
            ],
        }

    def say(self) -> None:
        """As people are shown them."""
        say_table(
            ["way", "loses", "takes about", "what"],
            [
                (
                    str(way.kind),
                    loss_text(way.loses(self.at)),
                    "not measured" if way.seconds is None else f"{way.seconds:.0f} s",
                    way.what,
                )
                for way in self.ways
            ],
        )
        typer.echo(f"takes {self.taken.kind} back to {moment_text(self.at)}")


def find_ways(
    session: Session,
    database: Database,
    at: datetime,
    *,
    only: Kind | None,
    takes: Sequence[Kind],
) -> Ways:
    """Look at every way to a moment, and choose among those that can be taken.

    `only` is the one that was asked for; else it is the one of `takes` that loses least.

    Raises:
        NoBackupError: none leads there.
    """
    ways = [_look(Kind.BACKUP, lambda: _backup(session, database, at))]
    neon = database.neon
    if neon is not None:
        environment = session.configuration.environment
        ways.append(_look(Kind.NEON, lambda: _neon(neon, environment, at)))
    if database.archiving is not None:
        ways.append(_look(Kind.WAL, lambda: _wal(session, database, at)))
    ways.sort(key=lambda way: list(Kind).index(way.kind))
    among = [way for way in ways if way.kind in ((only,) if only else takes)]
    return Ways(at, tuple(ways), least_loss(among, at))


def _look(kind: Kind, look: Callable[[], Way]) -> Way:
    try:
        return look()
    except BackupError as error:
        return Way(kind=kind, reaches=None, what=str(error))


def _backup(session: Session, database: Database, at: datetime) -> Way:
    candidates = choose(session.stores, Wanted(database=database.name, at=at))
    manifest = candidates[0].manifest
    return Way(
        kind=Kind.BACKUP,
        reaches=manifest.started,
        what=f"{manifest.tier} backup {manifest.name}",
        seconds=_estimate([each.store for each in candidates], manifest),
    )


def _estimate(stores: Sequence[Store], manifest: Manifest) -> float | None:
    for store in stores:
        proofs = Proofs(store)
        try:
            newest = sorted(proofs.keys(), reverse=True)[: 4 * ESTIMATED_FROM]
            found = [proof for each in proofs.by_backup(newest).values() for proof in each]
        except StoreError as error:
            log.warning("%s; so its drills say nothing of how long it may take", error)
            continue
        seconds = estimate(manifest, found)
        if seconds is not None:
            return seconds
    return None


def _neon(neon: Neon, environment: str, at: datetime) -> Way:
    with open_api(neon) as api:
        view = snapshots.look(api, neon, environment)
    restoring.decide(view, at, None, datetime.now(UTC))
    return Way(
        kind=Kind.NEON, reaches=at, what=f"a branch of {view.production.name}, of any size at once"
    )


def _wal(session: Session, database: Database, at: datetime) -> Way:
    archive = open_archive(session.configuration, database)
    wanted = WantedMoment(goal_at(at), None, None, database.name, "postgres", ())
    plan = plan_recovery(archive, wanted)
    return Way(
        kind=Kind.WAL,
        reaches=at,
        what=f"base backup {plan.base.name} and {plan.reached.segments} segments of WAL",
    )


def _seconds(loss: timedelta | None) -> float | None:
    return None if loss is None else round(loss.total_seconds(), 3)


def loss_text(loss: timedelta | None) -> str:
    """How much is lost, for people."""
    if loss is None:
        return "impossible"
    seconds = loss.total_seconds()
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s" if seconds else "nothing"
