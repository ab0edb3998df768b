"""Looking at the stores: the newest backups of each tier, and the newest results of drills."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from neonhub_backup.domain.layout import Location
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.proof import Proof
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import IntegrityError, MissingObjectError, StoreError
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.stores.base import Store
from neonhub_backup.watch.holdings import Backup, Holding, backup_of

LOOKED_AT = 40
"""Backups of each tier and database that are looked at, the newest: more than a month of days."""


def survey(
    stores: Sequence[Store],
    databases: Sequence[str],
    number: int = LOOKED_AT,
    *,
    drills: bool = True,
) -> list[Holding]:
    """What each store shows of each database; all stores are asked at once.

    `number` is how many backups of each tier and database are looked at; `drills`: and as many
    results of drills.

    A store that cannot be asked is told of, and keeps nobody from asking the others.
    """
    with ThreadPoolExecutor(len(stores), "stores") as pool:
        asked = [pool.submit(_look, store, databases, number, drills=drills) for store in stores]
        return [holding for future in asked for holding in future.result()]


def _look(store: Store, databases: Sequence[str], number: int, *, drills: bool) -> list[Holding]:
    damaged: list[str] = []
    backups: list[Backup] = []
    proofs: list[Proof] = []
    error: str | None = None
    try:
        for answer in _newest(store, number * len(databases)):
            match answer:
                case Manifest():
                    backups.append(backup_of(answer))
                case IntegrityError():
                    damaged.append(str(answer))
        if drills:
            proofs = _proofs(store, number * len(databases))
    except StoreError as failure:
        error = str(failure)
    backups.sort(key=lambda backup: (backup.started, backup.name), reverse=True)
    return [
        Holding(
            store=store.name,
            address=store.address,
            database=database,
            backups=tuple(each for each in backups if each.database == database),
            proofs=tuple(each for each in proofs if each.database == database),
            error=error,
            damaged=tuple(damaged),
        )
        for database in databases
    ]


def _newest(store: Store, number: int) -> Iterator[Manifest | IntegrityError]:
    """The manifests of so many backups of each tier.

    Raises:
        StoreError: the store cannot be read.
    """
    catalogue = Catalogue(store)
    candidates = {tier: catalogue.newest_first(tier) for tier in Tier}
    wanted = dict.fromkeys(Tier, number)

    def walk(tier: Tier) -> list[Location]:
        return list(islice(candidates[tier], wanted[tier]))

    with ThreadPoolExecutor(len(Tier), "tiers") as pool:
        # Again for as many as turn out not to be complete.
        while places := [place for walked in pool.map(walk, Tier) for place in walked]:
            for place, answer in catalogue.read_all(places):
                match answer:
                    case MissingObjectError():
                        continue  # not complete, or not yet
                    case StoreError():
                        raise answer
                    case _:
                        wanted[place.tier] -= 1
                        yield answer


def _proofs(store: Store, number: int) -> list[Proof]:
    """The results of drills of the newest backups that have any, newest first.

    Raises:
        StoreError: the store cannot be read.
    """
    found = [proof for proofs in Proofs(store).newest(number).values() for proof in proofs]
    return sorted(found, key=lambda proof: proof.finished, reverse=True)
