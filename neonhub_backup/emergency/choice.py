"""Which backup an emergency restore brings back."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from neonhub_backup.emergency.restore import BACK_UP
from neonhub_backup.errors import IntegrityError, NoBackupError, StoreError
from neonhub_backup.holdings.catalogue import LATEST
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.holdings.selection import Candidate, Wanted, choose
from neonhub_backup.journal import Event, Journal
from neonhub_backup.stores.base import Store

log = logging.getLogger(__name__)


def damaged_states(journal: Journal) -> set[str]:
    """The backups that emergency restores have made of what they replaced."""
    return {
        str(entry.facts["backup"])
        for entry in journal.entries
        if entry.event is Event.DONE and entry.step == BACK_UP and entry.facts.get("backup")
    }


def choose_good(
    stores: Sequence[Store], wanted: Wanted, damaged: Collection[str]
) -> list[Candidate]:
    """The copies of the backup that is meant; `latest` is never one of a damaged state.

    Raises:
        BackupError: there is none, or no store can be read.
    """
    found = choose(stores, wanted)
    while wanted.name == LATEST and (location := found[0].location).name in damaged:
        log.warning(
            "%s is passed over: it is what an earlier emergency restore has replaced", location.name
        )
        wanted = replace(wanted, besides=wanted.besides | {location.name})
        found = choose(stores, wanted)
    return found


def choose_proven(stores: Sequence[Store], wanted: Wanted) -> list[Candidate]:
    """The copies of the newest backup that is meant and that a drill has proven.

    Raises:
        NoBackupError: none is proven.
        StoreError: no store can be asked.
    """
    failures: list[StoreError] = []
    proven: set[str] = set()
    for store in stores:
        try:
            proofs = Proofs(store)
            proven |= proofs.proven(proofs.keys())
        except StoreError as error:
            log.warning("%s (passed over)", error)
            failures.append(error)
    if len(failures) == len(stores):
        raise failures[0]
    # Names begin with the time.
    for name in sorted(proven, reverse=True):
        try:
            found = choose(stores, Wanted(database=wanted.database, name=name))
        except NoBackupError:
            continue  # it has expired, or is of another database
        except IntegrityError as error:
            log.warning("%s (passed over)", error)
            continue
        if wanted.fits(found[0].location):
            return found
    raise NoBackupError(
        f"no {wanted} is proven by a drill, so nothing was done: leave --proven out, since every"
        " restored copy is compared with its manifest before it is used"
    )


def is_proven(candidates: Sequence[Candidate]) -> bool:
    """Whether the newest drill of any copy has proven the backup, as far as stores can be asked."""
    for candidate in candidates:
        try:
            if Proofs(candidate.store).proven([candidate.location.name]):
                return True
        except StoreError as error:
            log.warning("%s (so it is unknown what its drills found)", error)
    return False
