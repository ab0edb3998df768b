"""Run a program against a fake engine; return everything it asked the engine for."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, cast

import pulumi
import pytest
from pulumi.runtime import mocks


class Request(NamedTuple):
    """One registration of a resource."""

    inputs: dict[str, Any]
    options: Any
    """The raw registration: protect, retainOnDelete, parent, aliases and so on."""


class Echo(mocks.Mocks):
    """Answers with what it was asked for, and an ARN for everything."""

    def __init__(self, lookups: Mapping[str, dict[str, Any]]) -> None:
        self._lookups = lookups

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = cast("dict[str, Any]", args.inputs)
        return f"{args.name}-id", {**inputs, "arn": f"arn:{args.name}"}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if args.token not in self._lookups:
            raise NotImplementedError(f"this test did not expect a lookup: {args.token}")
        return self._lookups[args.token], []


class Engine(mocks.MockMonitor):
    """Remembers every registration by its name."""

    def __init__(self, lookups: Mapping[str, dict[str, Any]]) -> None:
        super().__init__(Echo(lookups))
        self.asked: dict[str, Request] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK calls it so
        response = cast("Any", super()).RegisterResource(request)
        if request.custom:
            state = cast("dict[str, Any]", cast("Any", self).resources[response.urn].state)
            inputs = {key: value for key, value in state.items() if key in request.object}
            self.asked[request.name] = Request(inputs, request)
        return response


Asked = dict[str, Request]
Deploy = Callable[..., Asked]


@pytest.fixture
def deploy() -> Iterator[Deploy]:
    """Call it with a program, and with what its lookups answer by their tokens."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def run(
        program: Callable[[], object], lookups: Mapping[str, dict[str, Any]] | None = None
    ) -> Asked:
        engine = Engine(lookups or {})
        mocks.set_mocks(engine.mocks, preview=False, monitor=engine)

        # Registrations land asynchronously; the decorator returns once all have.
        @pulumi.runtime.test  # pyright: ignore[reportUnknownMemberType] - untyped in the SDK
        def settle() -> None:
            program()

        settle()
        return engine.asked

    yield run
    loop.close()
