"""A command that goes on after a failure ends with the first, and tells of all."""

import pytest

from neonhub_backup.cli.failures import raise_first
from neonhub_backup.errors import IntegrityError, StoreError


def test_the_first_failure_is_raised_with_the_others_as_notes() -> None:
    with pytest.raises(IntegrityError, match="first") as raised:
        raise_first([IntegrityError("first"), StoreError("second"), StoreError("third")])

    assert raised.value.__notes__ == ["second", "third"]


def test_without_a_failure_nothing_is_raised() -> None:
    raise_first([])
