"""Looking back: the backups that the stores have had for the past year, and all of their drills."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from neonhub_backup.domain.index import Entry, newest_months
from neonhub_backup.domain.proof import Proof
from neonhub_backup.errors import StoreError
from neonhub_backup.holdings.index import Index, read_months
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.stores.base import Store
from neonhub_backup.watch.holdings import Backup, Holding

MONTHS = 13
"""How far the report looks back: a year, and the month in which it is made."""


@dataclass(frozen=True, kw_only=True)
class Kept:
    """One backup, wherever it is."""

    backup: Backup
    stores: tuple[str, ...]
    """Names of the stores that have it, in the order of the configuration."""
    proven_in: tuple[str, ...]
    """Those of them whose copy passed its newest drill."""


@dataclass(frozen=True, kw_only=True)
class Past:
    """One database's backups, and their drills."""

    database: str
    backups: tuple[Kept, ...]
    """Newest first."""
    proofs: tuple[Proof, ...]
    """Newest first, of all stores."""


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A store that told of nothing older than `status` looks at."""

    store: str
    text: str
    """Why."""


@dataclass(frozen=True)
class _Answer:
    """What a store told of its past."""

    backups: tuple[Backup, ...]
    proofs: tuple[Proof, ...]
    unread: Unread | None = None


def look_back(
    stores: Sequence[Store],
    indexes: Mapping[str, Store],
    holdings: Sequence[Holding],
    now: datetime,
) -> tuple[tuple[Past, ...], tuple[Unread, ...]]:
    """The past of every database that a survey has looked at, and who could not tell of it.

    `indexes` are what keeps the index of a store, by the store's name; of another manifests are
    read. Asks all stores at once,
    but those that the survey could not read; what it has read is not read again.
    """
    databases = tuple(dict.fromkeys(holding.database for holding in holdings))
    by_store = {
        store.name: tuple(each for each in holdings if each.store == store.name) for store in stores
    }

    def ask(store: Store) -> _Answer:
        return _ask(store, indexes.get(store.name), by_store[store.name], now)

    with ThreadPoolExecutor(max(len(stores), 1), "past") as pool:
        answers = dict(zip((store.name for store in stores), pool.map(ask, stores), strict=True))
    pasts = tuple(_past(database, answers) for database in databases)
    return pasts, tuple(each.unread for each in answers.values() if each.unread is not None)


def _ask(store: Store, index: Store | None, held: Sequence[Holding], now: datetime) -> _Answer:
    known = {each.name: each for holding in held for each in holding.backups}
    proofs = [proof for holding in held for proof in holding.proofs]
    error = next((holding.error for holding in held if holding.error is not None), None)
    if error is not None:
        return _Answer(tuple(known.values()), tuple(proofs), Unread(store=store.name, text=error))
    databases = {holding.database for holding in held}
    try:
        months = newest_months(now, MONTHS)
        found = read_months(store, months) if index is None else Index(store, index).entries(months)
        for entry in found.entries:
            if entry.database in databases:
                known.setdefault(entry.name, _backup(entry))
        drilled = {proof.backup for proof in proofs}
        further = Proofs(store).by_backup(name for name in known if name not in drilled)
        proofs += [proof for drills in further.values() for proof in drills]
    except StoreError as failure:
        unread = Unread(store=store.name, text=str(failure))
        return _Answer(tuple(known.values()), tuple(proofs), unread)
    return _Answer(tuple(known.values()), tuple(proofs))


def _backup(entry: Entry) -> Backup:
    return Backup(
        name=entry.name,
        tier=entry.tier,
        database=entry.database,
        started=entry.started,
        finished=entry.finished,
        bytes=entry.bytes,
        rows=entry.table_rows,
        planned=entry.rewrapped_from is None,
    )


def _past(database: str, answers: Mapping[str, _Answer]) -> Past:
    backups: dict[str, Backup] = {}
    holders: dict[str, list[str]] = {}
    proven: dict[str, list[str]] = {}
    for store, answer in answers.items():
        passed = _proven(answer.proofs)
        for backup in answer.backups:
            if backup.database != database:
                continue
            backups.setdefault(backup.name, backup)
            holders.setdefault(backup.name, []).append(store)
            if backup.name in passed:
                proven.setdefault(backup.name, []).append(store)
    newest = sorted(backups.values(), key=lambda each: (each.started, each.name), reverse=True)
    drills = [
        proof
        for answer in answers.values()
        for proof in answer.proofs
        if proof.database == database
    ]
    return Past(
        database=database,
        backups=tuple(
            Kept(
                backup=each,
                stores=tuple(holders[each.name]),
                proven_in=tuple(proven.get(each.name, ())),
            )
            for each in newest
        ),
        proofs=tuple(sorted(drills, key=lambda proof: proof.finished, reverse=True)),
    )


def _proven(proofs: Iterable[Proof]) -> set[str]:
    """The backups whose newest drill proved them."""
    newest = {proof.backup: proof for proof in sorted(proofs, key=lambda each: each.finished)}
    return {name for name, proof in newest.items() if proof.proven}
