"""Which version of an extension is newer."""

import pytest

from neonhub_backup.restore.comparison import is_newer


@pytest.mark.parametrize(
    ("version", "than"), [("0.8.1", "0.8.0"), ("0.10", "0.9.3"), ("1.0", "0.99"), ("1.5.1", "1.5")]
)
def test_numbers_are_compared_as_numbers(version: str, than: str) -> None:
    assert is_newer(version, than)
    assert not is_newer(than, version)


def test_the_same_version_is_not_newer() -> None:
    assert not is_newer("0.8.0", "0.8.0")


@pytest.mark.parametrize(
    ("version", "than"), [("2.0beta", "1.0"), ("1.0", "unpackaged"), ("", "1")]
)
def test_of_a_version_that_is_no_number_nothing_is_known(version: str, than: str) -> None:
    assert not is_newer(version, than)
