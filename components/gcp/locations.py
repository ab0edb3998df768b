"""Where Google Cloud Storage can keep both copies of a bucket in two regions of one's choice.

Source: https://cloud.google.com/storage/docs/locations#location-dr
"""

from collections.abc import Mapping
from types import MappingProxyType

DUAL_REGIONS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "ASIA": frozenset({"asia-east1", "asia-northeast1", "asia-northeast2", "asia-southeast1"}),
        "EU": frozenset(
            {
                "europe-central2",
                "europe-north1",
                "europe-southwest1",
                "europe-west1",
                "europe-west3",
                "europe-west4",
                "europe-west8",
                "europe-west9",
            }
        ),
        "US": frozenset(
            {
                "us-central1",
                "us-east1",
                "us-east4",
                "us-east5",
                "us-south1",
                "us-west1",
                "us-west2",
                "us-west3",
                "us-west4",
            }
        ),
    }
)
"""Regions that may be paired, by the location of the bucket."""
