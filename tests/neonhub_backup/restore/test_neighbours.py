"""An approximate index is judged by the distances that it finds, and by what it lacks."""

import pytest

from neonhub_backup.domain.proof import Recall
from neonhub_backup.restore.neighbours import hardships, share_found, shortfalls


@pytest.mark.parametrize(
    ("exact", "approximate", "share"),
    [
        ([0.0, 1.0, 2.0], [0.0, 1.0, 2.0], 1.0),
        ([0.0, 1.0, 2.0], [0.0, 1.0, 3.0], 2 / 3),
        ([0.0, 1.0, 2.0], [0.0], 1 / 3),
        ([0.0, 1.0, 2.0], [], 0.0),
        # Of rows equally far away, any are right.
        ([0.0, 1.0, 1.0], [0.0, 1.0, 1.0], 1.0),
        ([0.0, 0.0], [0.0, 0.0, 0.0], 1.0),
        # Inner products are negative distances.
        ([-9.0, -8.0], [-9.0, -7.0], 0.5),
        # Two plans may compute the same distance with different last digits.
        ([0.3], [0.3 + 1e-16], 1.0),
        ([float("inf")], [float("inf")], 1.0),
    ],
)
def test_distances_are_compared_and_not_rows(
    exact: list[float], approximate: list[float], share: float
) -> None:
    assert share_found(exact, approximate) == pytest.approx(share)


@pytest.mark.parametrize(
    ("recall", "reached", "defects", "notes"),
    [
        (1.0, 1.0, 0, 0),
        (0.95, 0.95, 0, 0),
        (0.6, 0.99, 0, 1),
        (0.6, None, 0, 1),
        (0.6, 0.9, 1, 0),
        (None, None, 0, 0),
    ],
)
def test_an_index_that_lacks_rows_is_a_defect_and_one_that_is_hard_to_search_a_note(
    recall: float | None, reached: float | None, defects: int, notes: int
) -> None:
    found = Recall(
        index='"i"',
        table='"t"',
        method="hnsw",
        distance="<=>",
        sampled=20,
        neighbours=10,
        recall=recall,
        reached=reached,
    )

    assert (len(shortfalls([found])), len(hardships([found]))) == (defects, notes)
