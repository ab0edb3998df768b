"""Is a backup complete wherever it is kept, and does it hold what it must?

Listings and manifests tell, so whoever may only back up can ask. What a manifest says of the schema
is in the archive: no backup is made of one that lacks it.
"""

from collections.abc import Iterable

from neonhub_backup.domain.manifest import Manifest
from neonhub_backup.domain.required import parse_required
from neonhub_backup.holdings.selection import Candidate
from neonhub_backup.holdings.source import listed_sizes, misfits


def incomplete(copy: Candidate) -> list[str]:
    """One line for each object of a copy that is missing or not of the size it was written with.

    Raises:
        StoreError: the store cannot list them.
    """
    sizes = listed_sizes(copy.store, copy.location)
    return [f"{name} {wrong}" for name, wrong in misfits(copy.manifest.objects(), sizes).items()]


def absent(manifest: Manifest, required: Iterable[str]) -> list[str]:
    """Those of the required objects that a backup does not hold."""
    there = manifest.schema_.objects
    return [one for one in required if parse_required(one).identity not in there]
