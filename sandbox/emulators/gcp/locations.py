"""Where Cloud Storage keeps buckets.

Source: https://cloud.google.com/storage/docs/locations
"""

from collections.abc import Mapping
from types import MappingProxyType

CONTINENTS: Mapping[str, str] = MappingProxyType({"ASIA": "ASIA-", "EU": "EUROPE-", "US": "US-"})
"""What the names of the regions begin with."""

PAIRS = frozenset({"ASIA1", "EUR4", "EUR5", "EUR7", "EUR8", "NAM4"})

REGIONS = frozenset(
    f"{place}{number}"
    for place, numbers in {
        "AFRICA-SOUTH": "1",
        "ASIA-EAST": "1 2",
        "ASIA-NORTHEAST": "1 2 3",
        "ASIA-SOUTH": "1 2",
        "ASIA-SOUTHEAST": "1 2",
        "AUSTRALIA-SOUTHEAST": "1 2",
        "EUROPE-CENTRAL": "2",
        "EUROPE-NORTH": "1 2",
        "EUROPE-SOUTHWEST": "1",
        "EUROPE-WEST": "1 2 3 4 6 8 9 10 12",
        "ME-CENTRAL": "1 2",
        "ME-WEST": "1",
        "NORTHAMERICA-NORTHEAST": "1 2",
        "NORTHAMERICA-SOUTH": "1",
        "SOUTHAMERICA-EAST": "1",
        "SOUTHAMERICA-WEST": "1",
        "US-CENTRAL": "1",
        "US-EAST": "1 4 5",
        "US-SOUTH": "1",
        "US-WEST": "1 2 3 4",
    }.items()
    for number in numbers.split()
)
