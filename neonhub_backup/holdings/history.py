"""The newest backups of several databases, as far as one store tells."""

from collections.abc import Sequence
from dataclasses import dataclass

from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.errors import IntegrityError, StoreError
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.stores.base import Store

_LOOKED_AT = 64
"""Manifests that are read at most, those of all databases together."""


@dataclass(frozen=True)
class History:
    """What was found."""

    store: str | None
    """Name of the store that told. None: no store did."""
    manifests: tuple[Manifest, ...]
    """Newest first. Copies for other keys are left out: they hold what was backed up before."""
    problems: tuple[str, ...]
    """Why stores before it told nothing, and manifests of its own cannot be trusted."""

    def of(self, database: str) -> tuple[Manifest, ...]:
        """Those of one database."""
        return tuple(one for one in self.manifests if one.database == database)


def read_history(stores: Sequence[Store]) -> History:
    """Ask one store after the other until one tells."""
    problems: list[str] = []
    for store in stores:
        catalogue = Catalogue(store)
        try:
            found = list(catalogue.read_all(catalogue.locations()[:_LOOKED_AT]))
        except StoreError as error:
            problems.append(str(error))
            continue
        unread = [str(one) for _, one in found if isinstance(one, StoreError)]
        if unread:
            problems.append(unread[0])
            continue
        problems += [str(one) for _, one in found if isinstance(one, IntegrityError)]
        manifests = [one for _, one in found if isinstance(one, Manifest)]
        kept = tuple(one for one in manifests if one.rewrapped_from is None)
        return History(store.name, kept, tuple(problems))
    return History(None, (), tuple(problems))
