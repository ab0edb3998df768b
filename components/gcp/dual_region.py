"""Two regions that hold a copy each of one bucket."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pulumi_gcp import storage

from components.gcp.locations import DUAL_REGIONS

PREDEFINED = ("ASIA1", "EUR4", "NAM4")
"""Pairs that have a name of their own."""

_KMS_LOCATIONS: Mapping[str, str] = MappingProxyType({"ASIA": "asia", "EU": "europe", "US": "us"})


@dataclass(frozen=True, kw_only=True)
class DualRegion:
    """Where a bucket is."""

    location: str
    """Continent of the two regions (ASIA, EU or US), or a pair by name (ASIA1, EUR4 or NAM4)."""
    regions: tuple[str, str] | None = None
    """The two regions on the continent. None: the location names a pair."""

    def __post_init__(self) -> None:
        """Refuse what Google would refuse only when it creates the bucket."""
        if self.location in PREDEFINED:
            if self.regions is not None:
                raise ValueError(
                    f"regions {', '.join(self.regions)}: {self.location} names its two regions"
                    " already, so the bucket would be refused; leave regions out"
                )
            return
        if self.location not in DUAL_REGIONS:
            raise ValueError(
                f"location {self.location!r} has no pairs of regions, so turbo replication would"
                f" be refused; give one of {', '.join([*DUAL_REGIONS, *PREDEFINED])}"
            )
        self._check(self.regions, DUAL_REGIONS[self.location])

    def _check(self, regions: tuple[str, str] | None, possible: frozenset[str]) -> None:
        if regions is None:
            raise ValueError(
                f"regions: missing, and {self.location} alone does not say where the two copies"
                f" are; give two of {', '.join(sorted(possible))}"
            )
        if regions[0] == regions[1]:
            raise ValueError(
                f"regions: both are {regions[0]}, so one outage could take both copies; give two"
                " that differ"
            )
        for region in regions:
            if region not in possible:
                raise ValueError(
                    f"regions: {region!r} is not among those of {self.location} that Google pairs,"
                    f" so the bucket would be refused; give two of {', '.join(sorted(possible))}"
                )

    @property
    def kms_location(self) -> str:
        """Where the key of the bucket has to be: on its continent, or in the same named pair.

        Source: https://cloud.google.com/storage/docs/encryption/customer-managed-keys
        """
        return _KMS_LOCATIONS.get(self.location, self.location.lower())

    @property
    def placement(self) -> storage.BucketCustomPlacementConfigArgsDict | None:
        """What the bucket says of its regions. None: its location says it."""
        if self.regions is None:
            return None
        # Google writes them in capitals; small letters would show as a change for ever.
        return {"data_locations": [region.upper() for region in self.regions]}
