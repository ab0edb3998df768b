"""How long recoveries took, kept in every operations bucket, so that losing one loses no record."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from neonhub_backup.domain.layout import RECOVERIES
from neonhub_backup.domain.recoveries import (
    Recovery,
    dump_recovery,
    is_recovery_key,
    load_recovery,
    new_recovery_key,
)
from neonhub_backup.errors import IntegrityError, StoreError
from neonhub_backup.stores.base import Store, read_whole, write_whole

log = logging.getLogger(__name__)

LOOKED_AT = 100
"""Recoveries that are read, the newest."""
READERS = 8
"""Records that are read side by side: each is small, and far away."""


def add_recovery(places: Sequence[Store], recovery: Recovery) -> None:
    """Keep a recovery in each of these operations buckets.

    One that does not take it is warned of: the recovery itself has succeeded.
    """
    if not places:
        return
    key, stored = new_recovery_key(recovery.finished), dump_recovery(recovery)

    def add(place: Store) -> StoreError | None:
        try:
            write_whole(place, key, stored)
        except StoreError as error:
            return error
        return None

    with ThreadPoolExecutor(len(places), "recoveries") as pool:
        for error in pool.map(add, places):
            if error is not None:
                log.warning("how long this took was not recorded: %s", error)


def newest_recoveries(places: Sequence[Store], environment: str) -> list[Recovery]:
    """The newest recoveries of an environment that any of these operations buckets has.

    Newest first. A bucket that cannot be read, and a record that cannot be trusted, is warned of.
    """
    if not places:
        return []

    def look(place: Store) -> list[str] | StoreError:
        try:
            return [each.key for each in place.list(RECOVERIES) if is_recovery_key(each.key)]
        except StoreError as error:
            return error

    with ThreadPoolExecutor(max(READERS, len(places)), "recoveries") as pool:
        holders: dict[str, list[Store]] = {}
        for place, keys in zip(places, pool.map(look, places), strict=True):
            if isinstance(keys, StoreError):
                log.warning("how long recoveries took is not read from there: %s", keys)
                continue
            for key in keys:
                holders.setdefault(key, []).append(place)

        def read(key: str) -> Recovery | None:
            return _first_trusted(holders[key], key)

        newest = pool.map(read, sorted(holders, reverse=True)[:LOOKED_AT])
        found = [each for each in newest if each is not None and each.environment == environment]
    return sorted(found, key=lambda each: each.finished, reverse=True)


def _first_trusted(places: Sequence[Store], key: str) -> Recovery | None:
    for place in places:
        try:
            return load_recovery(read_whole(place, key), f"{place.address}/{key}")
        except (IntegrityError, StoreError) as error:
            log.warning("%s", error)
    return None
