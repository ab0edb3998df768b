"""Which backups a store holds."""

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from neonhub_backup.domain.layout import (
    MANIFEST,
    ROOT,
    Location,
    parse_key,
    parse_name,
    tier_prefix,
)
from neonhub_backup.domain.manifest import Manifest, load_manifest
from neonhub_backup.domain.retention import Tier
from neonhub_backup.errors import IntegrityError, StoreError
from neonhub_backup.stores.base import Store

log = logging.getLogger(__name__)

LATEST = "latest"

READERS = 16
"""Manifests that are read side by side: each is small, and far away."""


@dataclass(frozen=True)
class Catalogue:
    """The complete backups of one store: those whose manifest was written."""

    store: Store

    def locations(self, prefix: str = ROOT) -> list[Location]:
        """Every complete backup, newest first. Reads no manifest."""
        found: list[Location] = []
        for listed in self.store.list(prefix):
            parsed = parse_key(listed.key)
            if parsed is not None and parsed[1] == MANIFEST:
                found.append(parsed[0])
        return sorted(found, reverse=True)

    def places(self, name: str) -> list[Location]:
        """Where complete backups of this name are; lists nothing but its own folders.

        More than one, if an object was moved: only one of them has the right manifest.
        """
        return [
            place
            for tier in Tier
            if (place := parse_name(name, tier)) is not None
            and any(
                listed.key == place.prefix + MANIFEST
                for listed in self.store.list(place.prefix + MANIFEST)
            )
        ]

    def manifest(self, location: Location) -> Manifest:
        """A backup's manifest.

        Raises:
            IntegrityError: it was changed, or belongs to another backup.
        """
        return self.read(location)[1]

    def read(self, location: Location) -> tuple[bytes, Manifest]:
        """A backup's manifest as it is stored, and what it says.

        Raises:
            IntegrityError: it was changed, or belongs to another backup.
        """
        key = location.prefix + MANIFEST
        with self.store.download(key) as blocks:
            stored = b"".join(blocks)
        manifest = load_manifest(stored, f"{self.store.address}/{key}")
        if (manifest.name, manifest.tier) != (location.name, location.tier):
            raise IntegrityError(
                f"{self.store.address}/{key} is the manifest of {manifest.tier} backup"
                f" {manifest.name}, so nothing is restored: bring back the object's earlier version"
            )
        return stored, manifest

    def read_all(
        self, locations: Iterable[Location]
    ) -> Iterator[tuple[Location, Manifest | IntegrityError | StoreError]]:
        """The manifests of backups in their order, read side by side, or what is wrong with one."""

        def read(location: Location) -> tuple[Location, Manifest | IntegrityError | StoreError]:
            try:
                return location, self.manifest(location)
            except (IntegrityError, StoreError) as error:
                return location, error

        with ThreadPoolExecutor(READERS, "manifests") as pool:
            yield from pool.map(read, locations)

    def newest_by_tier(self, database: str, now: datetime) -> dict[Tier, datetime]:
        """When the newest complete backup of each tier was begun.

        Two kinds are passed over with a warning, since neither must keep the next backup from being
        made: one whose manifest cannot be trusted, and one begun later than now, by a wrong clock.
        """
        newest: dict[Tier, datetime] = {}
        for tier in Tier:
            for location in self.locations(tier_prefix(tier)):
                if location.started > now:
                    log.warning(
                        "store %s (%s) has a backup from the future, %s, which fills no slot: set"
                        " the clock of this machine, or of the one that wrote it",
                        *(self.store.name, self.store.address, location.name),
                    )
                    continue
                try:
                    found = self.manifest(location).database
                except IntegrityError as error:
                    log.warning("%s", error)
                    continue
                if found == database:
                    newest[tier] = location.started
                    break
        return newest
