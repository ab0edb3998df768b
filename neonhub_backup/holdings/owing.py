"""The copy in a store that is owed a drill."""

from collections.abc import Iterable
from datetime import datetime

from neonhub_backup.domain.configuration import Configuration
from neonhub_backup.domain.layout import Location
from neonhub_backup.domain.owing import lasting_tiers, owed_drill
from neonhub_backup.errors import NoBackupError
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.holdings.selection import Candidate
from neonhub_backup.stores.base import Store


def owed_copy(
    store: Store, database: str, configuration: Configuration, now: datetime
) -> Candidate | None:
    """The copy of a database's backup that is owed a drill in a store; None: none is.

    Raises:
        NoBackupError: the store has no backup of the database, so nothing can be proven.
        IntegrityError: the manifest of what may be owed cannot be trusted.
        StoreError: the store cannot be asked.
    """
    places = Catalogue(store).locations()
    newest = _newest(store, places, database)
    if newest is None:
        raise NoBackupError(
            f"store {store.name} ({store.address}) has no complete backup of database {database},"
            " so nothing can be proven there: take one with neonhub-backup backup"
        )
    lasting = lasting_tiers(configuration.retention)
    to_prove = _newest(store, [place for place in places if place.tier in lasting], database)
    held = {copy.location: copy for copy in (newest, to_prove) if copy is not None}
    drills = Proofs(store)
    proofs = [
        proof
        for found in drills.by_backup(drills.keys()).values()
        for proof in found
        if proof.database == database
    ]
    owed = owed_drill(held, proofs, lasting, configuration.objectives.prove_every, now)
    return None if owed is None else held[owed]


def _newest(store: Store, places: Iterable[Location], database: str) -> Candidate | None:
    """The first backup of a database among places that are sorted, the newest first.

    A manifest that is damaged is not passed over: its backup may be the one.
    """
    for place in places:
        manifest = Catalogue(store).manifest(place)
        if manifest.database == database:
            return Candidate(store, place, manifest)
    return None
