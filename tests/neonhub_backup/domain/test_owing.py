"""What is owed a drill: the newest backup that lasts until it is proven, and a proof in time."""

from collections.abc import Collection, Sequence
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neonhub_backup.domain.layout import Location
from neonhub_backup.domain.owing import lasting_tiers, owed_drill
from neonhub_backup.domain.proof import Proof
from neonhub_backup.domain.retention import RetentionPolicy, Tier
from tests.neonhub_backup.samples import at, location, proof

NOW = at(20)
LASTING = {Tier.WEEKLY, Tier.MONTHLY, Tier.ANNUAL}
WEEK = timedelta(weeks=1)

WEEKLY = location(Tier.WEEKLY, day=4)
HOURLY = location(Tier.HOURLY, day=19)


def owed(
    held: Collection[Location], proofs: Sequence[Proof], lasting: Collection[Tier] = LASTING
) -> Location | None:
    return owed_drill(held, proofs, lasting, WEEK, NOW)


def test_a_backup_that_lasts_is_owed_until_it_is_proven() -> None:
    assert owed([WEEKLY, HOURLY], []) == WEEKLY
    assert owed([WEEKLY, HOURLY], [proof(HOURLY, day=19)]) == WEEKLY
    assert owed([WEEKLY, HOURLY], [proof(WEEKLY, day=18)]) is None


def test_of_those_that_last_the_newest_is_owed() -> None:
    older, monthly = location(Tier.WEEKLY, day=3), location(Tier.MONTHLY, day=5)

    assert owed([older, WEEKLY, monthly, HOURLY], [proof(WEEKLY, day=19)]) == monthly
    assert owed([older, WEEKLY, HOURLY], [proof(WEEKLY, day=19)]) is None


def test_when_the_newest_proof_is_too_old_the_newest_backup_is_owed() -> None:
    assert owed([WEEKLY, HOURLY], [proof(WEEKLY, day=13)]) is None
    assert owed([WEEKLY, HOURLY], [proof(WEEKLY, day=12)]) == HOURLY


def test_a_proof_of_a_backup_that_has_expired_since_counts() -> None:
    expired = location(day=1)

    assert owed([HOURLY], [proof(expired, day=18)]) is None


def test_a_backup_that_failed_its_drill_is_still_owed_one() -> None:
    assert owed([WEEKLY, HOURLY], [proof(WEEKLY, day=19, differences=("x",))]) == WEEKLY
    again = [proof(WEEKLY, day=17), proof(WEEKLY, day=19, differences=("x",))]
    assert owed([WEEKLY, HOURLY], again) == WEEKLY


def test_a_failed_drill_proves_nothing_in_due_time() -> None:
    assert owed([HOURLY], [proof(HOURLY, day=19, differences=("x",))]) == HOURLY


def test_without_tiers_that_last_only_the_age_of_the_newest_proof_counts() -> None:
    assert owed([WEEKLY, HOURLY], [proof(HOURLY, day=19)], lasting=()) is None
    assert owed([WEEKLY, HOURLY], [], lasting=()) == HOURLY


def test_where_there_is_no_backup_none_is_owed() -> None:
    assert owed([], []) is None


@pytest.mark.parametrize(
    ("changes", "lasting"),
    [
        ({}, LASTING),
        ({"weekly": None}, {Tier.MONTHLY, Tier.ANNUAL}),
        ({"weekly": None, "monthly": None, "annual": None}, set[Tier]()),
    ],
)
def test_only_the_tiers_of_the_stack_last(changes: dict[str, None], lasting: set[Tier]) -> None:
    assert lasting_tiers(RetentionPolicy.model_validate(changes)) == lasting


_HELD = st.lists(
    st.builds(
        location, st.sampled_from(list(Tier)), day=st.integers(1, 19), hour=st.integers(0, 23)
    ),
    min_size=1,
    max_size=8,
)


@given(data=st.data(), held=_HELD)
def test_once_proven_nothing_is_owed_and_until_then_the_same(
    data: st.DataObject, held: list[Location]
) -> None:
    drilled = st.builds(
        proof,
        st.sampled_from(held),
        day=st.integers(1, 19),
        differences=st.sampled_from([(), ("x",)]),
    )
    proofs = data.draw(st.lists(drilled, max_size=8))

    found = owed(held, proofs)

    if found is None:
        assert any(one.proven and NOW - one.finished <= WEEK for one in proofs)
    else:
        assert found in held
        assert owed(held, [*proofs, proof(found, day=20, differences=("x",))]) == found
        assert owed(held, [*proofs, proof(found, day=20)]) is None
