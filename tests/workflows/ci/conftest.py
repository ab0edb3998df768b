"""Logs of events that the engine wrote, and a GitHub that is reached over HTTP."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from neonhub_backup.github.api import Repository
from tests.github_server import seed, served_repository

EVENTS = Path(__file__).parent / "events"
"""Recorded with the engine at 3.250.0, but for the states of resources that stay the same."""


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What GitHub holds in the beginning."""
    return seed(tmp_path_factory.mktemp("seeded") / "data")


@pytest.fixture
def repository(tmp_path: Path, seeded: Path) -> Iterator[Repository]:
    """A repository with issue 1 in it, in place of a pull request."""
    with served_repository(seeded, tmp_path / "data") as made:
        yield made
