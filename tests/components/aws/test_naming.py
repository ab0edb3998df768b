"""Which prefixes make names that AWS takes."""

import pytest

from components.aws.naming import LONGEST_PREFIX, require_prefix


@pytest.mark.parametrize("prefix", ["a", "neonhub-production", LONGEST_PREFIX * "p"])
def test_small_letters_digits_and_inner_hyphens_are_taken(prefix: str) -> None:
    require_prefix(prefix)


@pytest.mark.parametrize(
    "prefix",
    ["", "NeonHub", "neonhub-", "-neonhub", "neonhub_production", (LONGEST_PREFIX + 1) * "p"],
)
def test_everything_else_is_refused_with_what_to_write(prefix: str) -> None:
    with pytest.raises(ValueError, match="write at most 46 small letters"):
        require_prefix(prefix)
