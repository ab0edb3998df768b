"""Where the copies are, how far each is behind, and whether they keep the 3-2-1 rule."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from neonhub_backup.domain.configuration import Configuration, GcsStore, S3Store, Store
from neonhub_backup.watch.holdings import Backup, Holding

COPIES, MEDIA, OFF_SITE = 3, 2, 1
"""What the rule asks for."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a copy is."""

    name: str
    """The store's, or that of the replica after it."""
    kind: str
    """`store` or `replica`."""
    cloud: str
    region: str | None
    """None: the configuration does not say, since the bucket does."""
    medium: str | None
    """What one owner can lose at once, such as a cloud account. None: the configuration does not
    say whose it is."""


def places(configuration: Configuration) -> Iterator[Place]:
    """Every copy of the configuration, in its order."""
    for store in configuration.stores:
        cloud = _cloud(store)
        region = store.region if isinstance(store, S3Store) else None
        first = Place(
            name=store.name,
            kind="store",
            cloud=cloud,
            region=region,
            medium=cloud,
        )
        yield first
        if isinstance(store, S3Store) and store.replica is not None:
            yield Place(
                name=f"{store.name} replica",
                kind="replica",
                cloud=cloud,
                region=store.replica.region,
                medium=None,
            )


def describe_copies(
    configuration: Configuration, holdings: Mapping[str, Sequence[Holding]], now: datetime
) -> list[dict[str, Any]]:
    """Each copy of each database. `holdings` are what each place shows, by its name."""
    found: list[dict[str, Any]] = []
    for database in dict.fromkeys(each.database for held in holdings.values() for each in held):
        seen = {
            place: holding
            for place in places(configuration)
            for holding in holdings.get(place.name, ())
            if holding.database == database
        }
        newest = _newest(list(seen.values()), now)
        found += [
            _describe(place, holding, holding.newest(now), newest, now)
            for place, holding in seen.items()
        ]
    return found


def describe_three_two_one(
    configuration: Configuration, copies: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Whether the newest backup of each database is in enough places, as `copies` shows them.

    The live database is a copy, and no medium.
    """
    every = {place.name: place for place in places(configuration)}
    found: list[dict[str, Any]] = []
    for database in dict.fromkeys(each["database"] for each in copies):
        ours = [each for each in copies if each["database"] == database]
        held = [every[each["copy"]] for each in ours if each["lag_seconds"] == 0]
        unseen = [every[each["copy"]] for each in ours if not each["reachable"]]
        checks = list(_legs(held, unseen))
        verdicts = [check["holds"] for check in checks]
        holds = False if False in verdicts else None if None in verdicts else True
        found.append({"database": database, "holds": holds, "checks": checks})
    return found


def _legs(held: Sequence[Place], unseen: Sequence[Place]) -> Iterator[dict[str, Any]]:
    named = ", ".join(place.name for place in held) or "no store"
    media = {place.medium for place in held if place.medium is not None}
    further = {place.medium or place.name for place in (*held, *unseen)} | media
    yield _leg(
        "copies",
        1 + len(held),
        1 + len(held) + len(unseen),
        COPIES,
        f"the live database, and its newest backup in {named}",
        "add a store, or see why one lacks the newest backup",
    )
    yield _leg(
        "media",
        len(media),
        len(further),
        MEDIA,
        f"the newest backup is with {' and '.join(sorted(media)) or 'nobody'}",
        "one closed or stolen account may take every backup; add a store with another owner",
    )
    yield _leg(
        "off_site",
        _apart(held),
        _apart([*held, *unseen]),
        OFF_SITE,
        f"the newest backup is in {_sites(held) or 'no place'}",
        "what takes that place takes every backup; add a replica or a store in another region",
    )


def _leg(name: str, has: int, may: int, needs: int, why: str, fix: str) -> dict[str, Any]:
    """One part of the rule. `may` counts with what nobody can tell."""
    holds = True if has >= needs else None if may >= needs else False
    return {
        "check": name,
        "has": has,
        "needs": needs,
        "holds": holds,
        "text": why if holds else f"{why}: {fix}",
    }


def _apart(held: Sequence[Place]) -> int:
    """How many copies are elsewhere than the first."""
    return max(len({(place.cloud, place.region) for place in held}) - 1, 0)


def _sites(held: Sequence[Place]) -> str:
    named = dict.fromkeys(
        place.cloud if place.region is None else f"{place.cloud} {place.region}" for place in held
    )
    return " and ".join(named)


def _describe(
    place: Place,
    holding: Holding,
    own: Backup | None,
    newest: Backup | None,
    now: datetime,
) -> dict[str, Any]:
    return {
        "database": holding.database,
        "copy": place.name,
        "kind": place.kind,
        "cloud": place.cloud,
        "region": place.region,
        "address": holding.address,
        "reachable": holding.error is None,
        "error": holding.error,
        "newest": None if own is None else own.name,
        "started": None if own is None else own.started.isoformat(),
        "age_seconds": None if own is None else round((now - own.started).total_seconds(), 3),
        "lag_seconds": None
        if own is None or newest is None
        else round((newest.started - own.started).total_seconds(), 3),
    }


def _newest(seen: Sequence[Holding], now: datetime) -> Backup | None:
    return max(
        (backup for holding in seen if (backup := holding.newest(now))),
        key=lambda backup: (backup.started, backup.name),
        default=None,
    )


def _cloud(store: Store) -> str:
    match store:
        case S3Store(endpoint_url=None):
            return "AWS"
        case S3Store():
            return f"S3 at {urlsplit(store.endpoint_url or '').netloc}"
        case GcsStore(endpoint_url=None):
            return "Google Cloud"
        case GcsStore():
            return f"Cloud Storage at {urlsplit(store.endpoint_url or '').netloc}"
        case _:
            return "a disk"
