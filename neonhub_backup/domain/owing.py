"""Which backup of a store a drill is owed: of what it holds and what was proven there."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from neonhub_backup.domain.layout import Location
from neonhub_backup.domain.proof import Proof
from neonhub_backup.domain.retention import RetentionPolicy, Tier

_LASTING = (Tier.WEEKLY, Tier.MONTHLY, Tier.ANNUAL)


def lasting_tiers(retention: RetentionPolicy) -> set[Tier]:
    """Those of a stack whose newest backup must be proven: the ones that are kept for weeks."""
    return {tier for tier in retention.rules() if tier in _LASTING}


def owed_drill(
    held: Collection[Location],
    proofs: Iterable[Proof],
    lasting: Collection[Tier],
    prove_every: timedelta,
    now: datetime,
) -> Location | None:
    """The backup that is owed a drill; None: none is.

    `held` are the backups of one database in one store, `proofs` the results of their drills there.
    Owed is the newest backup of a lasting tier while it is not proven; else, when no proof is as
    young as `prove_every`, the newest backup of all. The newest result of each backup counts, so
    what has failed its drill is still owed one.
    """
    results = {proof.backup: proof for proof in sorted(proofs, key=lambda one: one.finished)}
    proven = {name: result.finished for name, result in results.items() if result.proven}
    to_prove = max((place for place in held if place.tier in lasting), default=None)
    if to_prove is not None and to_prove.name not in proven:
        return to_prove
    if any(now - finished <= prove_every for finished in proven.values()):
        return None
    return max(held, default=None)
