"""What two regions promise to the bucket in them."""

import pytest

from components.gcp.dual_region import DualRegion


def test_both_regions_are_written_as_google_writes_them() -> None:
    place = DualRegion(location="US", regions=("us-east4", "us-west1"))

    assert place.placement == {"data_locations": ["US-EAST4", "US-WEST1"]}


def test_a_pair_with_a_name_needs_no_regions() -> None:
    assert DualRegion(location="NAM4").placement is None


@pytest.mark.parametrize(
    ("location", "regions", "key"),
    [
        ("US", ("us-east4", "us-west1"), "us"),
        ("EU", ("europe-west1", "europe-west4"), "europe"),
        ("ASIA", ("asia-east1", "asia-southeast1"), "asia"),
        ("NAM4", None, "nam4"),
        ("EUR4", None, "eur4"),
        ("ASIA1", None, "asia1"),
    ],
)
def test_the_key_is_where_google_looks_for_it(
    location: str, regions: tuple[str, str] | None, key: str
) -> None:
    assert DualRegion(location=location, regions=regions).kms_location == key


@pytest.mark.parametrize(
    ("location", "regions", "message"),
    [
        ("us", ("us-east4", "us-west1"), "'us' has no pairs of regions.* give one of ASIA, EU, US"),
        ("us-east4", None, "turbo replication would be refused"),
        ("US", None, "US alone does not say where"),
        ("US", ("us-east4", "us-east4"), "one outage could take both"),
        ("US", ("us-east4", "europe-west1"), "'europe-west1' is not among those of US"),
        ("NAM4", ("us-central1", "us-east1"), "names its two regions already"),
    ],
)
def test_a_place_that_google_would_refuse_is_refused_first(
    location: str, regions: tuple[str, str] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        DualRegion(location=location, regions=regions)
