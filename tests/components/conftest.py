"""Programs that run against a fake engine, for tests of components."""

from collections.abc import Callable, Iterator

import pytest

from tests.engine import Asked, Echo, Engine, Lookups, own_loop, run

Deploy = Callable[..., Asked]


@pytest.fixture
def deploy() -> Iterator[Deploy]:
    """Call it with a program, and with what its lookups answer by their tokens."""

    def deploy(program: Callable[[], object], lookups: Lookups | None = None) -> Asked:
        engine = Engine(Echo(lookups or {}))
        run(program, engine)
        return engine.asked

    with own_loop():
        yield deploy
