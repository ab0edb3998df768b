"""A game day in its short form: whatever breaks, `watch` tells, and the runbook leads back.

Each scenario breaks something while an application writes; what is compared at its end is all that
the application had committed.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.gameday.day import SHORT, started
from sandbox.gameday.record import problems
from sandbox.gameday.scenarios import SCENARIOS, Scenario, Start


@pytest.fixture(scope="module")
def start() -> Iterator[Start]:
    """Servers, a database and one proven backup of it, for all scenarios."""
    # Sockets of servers are below it, whose paths must be short.
    with (
        tempfile.TemporaryDirectory(prefix="gameday-") as home,
        started(Path(home), SHORT) as found,
    ):
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
