"""Where one backup is: in which stores it is whole, missing, damaged or out of reach."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from neonhub_backup.domain.layout import Location
from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.errors import BackupError, IntegrityError, NoBackupError, StoreError
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.holdings.selection import Candidate, joined
from neonhub_backup.stores.base import Store


@dataclass(frozen=True)
class Copies:
    """One backup in several stores."""

    whole: Sequence[Candidate]
    """Copies whose manifest was read, in the order of the stores; at least one."""
    missing: Sequence[Store]
    """Stores that have no complete copy."""
    failed: Mapping[str, BackupError]
    """Why a store's copy is not known to be whole: its manifest is damaged, or out of reach."""


def find_copies(stores: Sequence[Store], name: str) -> Copies:
    """Ask every store for a backup, all at once.

    Raises:
        NoBackupError: none has it.
        IntegrityError: every manifest of it is damaged.
        StoreError: no store that could have it can be asked.
    """
    with ThreadPoolExecutor(len(stores), "copies") as pool:
        asked = [pool.submit(_look, store, name) for store in stores]
        answers = [future.result() for future in asked]
    whole = [answer for answer in answers if isinstance(answer, Candidate)]
    failed = {
        store.name: answer
        for store, answer in zip(stores, answers, strict=True)
        if isinstance(answer, BackupError)
    }
    if not whole and failed:
        raise joined(list(failed.values()))
    if not whole:
        named = ", ".join(f"{store.name} ({store.address})" for store in stores)
        raise NoBackupError(
            f"there is no complete backup {name} in {named}, so there is nothing to read:"
            " neonhub-backup list shows those there are"
        )
    missing = [store for store, answer in zip(stores, answers, strict=True) if answer is None]
    return Copies(whole, missing, failed)


def _look(store: Store, name: str) -> Candidate | BackupError | None:
    catalogue = Catalogue(store)
    damaged: IntegrityError | None = None
    try:
        for place in catalogue.places(name):
            try:
                return Candidate(store, place, catalogue.manifest(place))
            except IntegrityError as error:
                damaged = error
    except StoreError as error:
        return error
    return damaged


@dataclass(frozen=True)
class Kept:
    """A backup of a list, and where it is."""

    location: Location
    manifest: Manifest
    stores: Sequence[Store]
    """Those with a complete copy: one whose manifest is there."""


@dataclass(frozen=True)
class Inventory:
    """The backups of several stores."""

    kept: Sequence[Kept]
    """Newest first."""
    asked: Sequence[Store]
    """The stores that answered."""
    failures: Sequence[BackupError]
    """Stores that did not answer, and manifests that cannot be trusted."""


def take_inventory(stores: Sequence[Store], prefix: str) -> Inventory:
    """Every complete backup below a prefix; reads one manifest of each, side by side."""
    with ThreadPoolExecutor(len(stores), "stores") as pool:
        listings = [pool.submit(_locations, store, prefix) for store in stores]
        answers = [future.result() for future in listings]
    holders: dict[Location, list[Store]] = {}
    asked: list[Store] = []
    failures: list[BackupError] = []
    for store, answer in zip(stores, answers, strict=True):
        if isinstance(answer, StoreError):
            failures.append(answer)
            continue
        asked.append(store)
        for location in answer:
            holders.setdefault(location, []).append(store)
    manifests = _read(asked, holders, failures)
    kept = [
        Kept(location, manifests[location], holders[location])
        for location in sorted(manifests, reverse=True)
    ]
    return Inventory(kept, asked, failures)


def _locations(store: Store, prefix: str) -> list[Location] | StoreError:
    try:
        return Catalogue(store).locations(prefix)
    except StoreError as error:
        return error


def _read(
    asked: Iterable[Store],
    holders: dict[Location, list[Store]],
    failures: list[BackupError],
) -> dict[Location, Manifest]:
    """A manifest of each backup: from the first store whose copy can be trusted.

    A store whose copy cannot be is struck off the backup's holders.
    """
    found: dict[Location, Manifest] = {}
    for store in asked:
        wanted = [place for place in holders if store in holders[place] and place not in found]
        unread: list[StoreError] = []
        for place, answer in Catalogue(store).read_all(wanted):
            match answer:
                case Manifest():
                    found[place] = answer
                case IntegrityError():
                    holders[place].remove(store)
                    failures.append(answer)
                case StoreError():
                    unread.append(answer)
        # What keeps one object from being read keeps the others from it too.
        failures += unread[:1]
    return found
