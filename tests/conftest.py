"""How tests share two processes: `pytest -n 2 --dist loadgroup`."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file together, and all those that work on the one deployed stack."""
    for item in items:
        file = item.nodeid.partition("::")[0]
        on_the_stack = "sandbox" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("the stack" if on_the_stack else file))
