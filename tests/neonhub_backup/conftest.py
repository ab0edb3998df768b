"""What tests of several of the tool's modules share."""

from collections.abc import Iterator

import pytest

from tests.neonhub_backup.keys import Key, KeyMaker, key_maker


@pytest.fixture(scope="session")
def keys() -> Iterator[KeyMaker]:
    """Makes GPG keys."""
    with key_maker() as maker:
        yield maker


@pytest.fixture(scope="session")
def key(keys: KeyMaker) -> Key:
    """A key pair with which nothing is wrong."""
    return keys.make("good@example")
