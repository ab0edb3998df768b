"""A game day in its short form: whatever breaks, `watch` tells, and the runbook leads back.

Each scenario breaks something while an application writes; what is compared at its end is all that
the application had committed.
"""

from collections.abc import Iterator

import pytest

from sandbox.gameday.day import SHORT, started
from sandbox.gameday.record import problems
from sandbox.gameday.scenarios import SCENARIOS, Scenario, Start


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Servers, a database and one proven backup of it, for all scenarios."""
    with started(tmp_path_factory.mktemp("gameday"), SHORT) as found:
        yield found


# The server is lost last: the others need it.
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_it_is_told_in_time_and_mended_by_the_runbook_s_commands(
    scenario: Scenario, start: Start
) -> None:
    outcome = scenario.run(start)

    assert problems(outcome) == []
    assert outcome.told
    assert outcome.commands
