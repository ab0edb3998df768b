"""Programs that ask a GitHub which knows a few addresses."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest
from pulumi.runtime import mocks

from tests.engine import Asked, Echo, Engine, Lookups, own_loop, run

AskGitHub = Callable[..., Asked]


class GitHub(Echo):
    """Answers any GET with what there is at its address, and is remembered for what was asked."""

    def __init__(self, answers: Mapping[str, Any], lookups: Lookups) -> None:
        super().__init__(lookups)
        self._answers = answers

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if args.token != "github:index/getRestApi:getRestApi":  # noqa: S105 - a lookup's name
            return super().call(args)
        endpoint = cast("dict[str, str]", args.args)["endpoint"]
        found = self._answers.get(endpoint)
        code = 404 if endpoint not in self._answers else 204 if found is None else 200
        return {"code": code, "body": "" if found is None else json.dumps(found)}, []


@pytest.fixture
def ask_github() -> Iterator[AskGitHub]:
    """Call it with a program, and with what GitHub has by address; None is an empty answer."""

    def ask(
        program: Callable[[], object],
        answers: Mapping[str, Any],
        lookups: Lookups | None = None,
    ) -> Asked:
        engine = Engine(GitHub(answers, lookups or {}))
        run(program, engine)
        return engine.asked

    with own_loop():
        yield ask
