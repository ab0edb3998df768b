"""Keeping a page and its document where whoever may read an operations bucket finds them."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from neonhub_backup.domain.layout import PAGES, STAMP_TIME, stamp
from neonhub_backup.errors import StoreError
from neonhub_backup.stores.base import Store, write_whole
from neonhub_backup.stores.directory import DirectoryStore

KEPT = timedelta(days=30)
"""How long a directory keeps pages. The lifecycle rules of buckets say how long they do."""

_KEY = re.compile(rf"{PAGES}(?P<time>[0-9]{{8}}T[0-9]{{6}}Z)-[0-9a-f]{{8}}\.(html|json)")


def publish(
    places: Sequence[Store], page: str, document: str, now: datetime
) -> tuple[dict[str, str], list[StoreError]]:
    """Keep both in each of these operations buckets, as new objects: nobody overwrites there.

    Returns:
        Where the page is, by the store's name; and why it is not in others.
    """

    def keep(place: Store) -> str | StoreError:
        try:
            for key, text in ((f"{name}.json", document), (f"{name}.html", page)):
                write_whole(place, key, text.encode())
            if isinstance(place, DirectoryStore):
                place.remove([each.key for each in place.list(PAGES) if _is_old(each.key, now)])
        except StoreError as error:
            return error
        return f"{place.address}/{name}.html"

    if not places:
        return {}, []
    name = f"{PAGES}{stamp(now)}"
    with ThreadPoolExecutor(len(places), "pages") as pool:
        answers = dict(zip((place.name for place in places), pool.map(keep, places), strict=True))
    kept = {store: each for store, each in answers.items() if isinstance(each, str)}
    return kept, [each for each in answers.values() if isinstance(each, StoreError)]


def _is_old(key: str, now: datetime) -> bool:
    match = _KEY.fullmatch(key)
    return match is not None and match["time"] < f"{(now - KEPT).astimezone(UTC):{STAMP_TIME}}"
