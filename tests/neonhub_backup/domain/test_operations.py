"""How long operations buckets keep things, and what would contradict itself."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from neonhub_backup.domain.operations import OWN_PREFIXES, OperationsPolicy


def test_our_own_prefixes_do_not_overlap() -> None:
    for one in OWN_PREFIXES:
        assert not [other for other in OWN_PREFIXES if other != one and other.startswith(one)]


def test_by_default_logs_are_kept_for_more_than_a_year() -> None:
    assert OperationsPolicy().logs > timedelta(days=366)


def test_further_prefixes_are_written_as_durations() -> None:
    policy = OperationsPolicy.model_validate({"further": {"exports/": "30d"}})
    assert policy.further == {"exports/": timedelta(days=30)}


@pytest.mark.parametrize(
    ("further", "message"),
    [
        (["wal/old/"], "wal/old/ overlaps wal/, so objects below both would be gone"),
        (["exports/", "exports/daily/"], "exports/daily/ overlaps exports/"),
        (["status/"], "status/ overlaps status/"),
        (["exports"], "'exports' is no prefix, so its rule would match nothing or too much"),
        (["/"], "'/' is no prefix"),
        (["ex ports/"], "'ex ports/' is no prefix"),
    ],
)
def test_a_prefix_that_would_match_too_much_is_refused(further: list[str], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        OperationsPolicy.model_validate({"further": dict.fromkeys(further, "30d")})
