"""Run a program against a fake engine, and see everything that it asks the engine for."""

import asyncio
import base64
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, cast

import pulumi
from pulumi.runtime import mocks


class Request(NamedTuple):
    """One registration of a resource."""

    inputs: dict[str, Any]
    options: Any
    """The raw registration: protect, retainOnDelete, parent, aliases and so on."""


Asked = dict[str, Request]
Lookups = Mapping[str, dict[str, Any]]

_PROJECT = "projects/neonhub-backups"
_POOLS = "projects/123456789012/locations/global/workloadIdentityPools"


def _account(inputs: dict[str, Any]) -> dict[str, Any]:
    email = f"{inputs['accountId']}@neonhub-backups.iam.gserviceaccount.com"
    return {
        "name": f"{_PROJECT}/serviceAccounts/{email}",
        "email": email,
        "member": f"serviceAccount:{email}",
    }


_NAMED_BY_GOOGLE: Mapping[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": lambda inputs: {
        "name": f"{_POOLS}/{inputs['workloadIdentityPoolId']}"
    },
    "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider": lambda inputs: {
        "name": f"{_POOLS}/{inputs['workloadIdentityPoolId']}/providers/"
        f"{inputs['workloadIdentityPoolProviderId']}"
    },
    "gcp:kms/keyRing:KeyRing": lambda _: {"name": "ring-1a2b3c4"},
    "gcp:projects/iAMCustomRole:IAMCustomRole": lambda inputs: {
        "name": f"{_PROJECT}/roles/{inputs['roleId']}"
    },
    "gcp:serviceaccount/account:Account": _account,
    "gcp:serviceaccount/key:Key": lambda _: {
        "privateKey": base64.b64encode(b'{"type": "service_account"}').decode()
    },
}
"""Outputs that others are made of, by the type of the resource."""


class Echo(mocks.Mocks):
    """Answers with what it was asked for, an ARN for everything, and the names Google gives."""

    def __init__(self, lookups: Lookups) -> None:
        self._lookups = lookups

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        inputs = cast("dict[str, Any]", args.inputs)
        named = _NAMED_BY_GOOGLE.get(args.typ, lambda _: {})(inputs)
        return f"{args.name}-id", {**inputs, "arn": f"arn:{args.name}", **named}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if args.token not in self._lookups:
            raise NotImplementedError(f"this test did not expect a lookup: {args.token}")
        return self._lookups[args.token], []


class Engine(mocks.MockMonitor):
    """Remembers every registration."""

    def __init__(self, echo: Echo) -> None:
        super().__init__(echo)
        self.registered: list[Request] = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK calls it so
        response = cast("Any", super()).RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            state = cast("dict[str, Any]", cast("Any", self).resources[response.urn].state)
            inputs = {key: value for key, value in state.items() if key in request.object}
            self.registered.append(Request(inputs, request))
        return response

    @property
    def asked(self) -> Asked:
        """What was asked of providers, by its name: no components."""
        return {each.options.name: each for each in self.registered if each.options.custom}


@contextmanager
def own_loop() -> Generator[None]:
    """Programs that run inside have an event loop of their own."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        loop.close()


def run(
    program: Callable[[], object],
    engine: Engine,
    *,
    project: str | None = None,
    stack: str | None = None,
) -> None:
    """Return when every registration has landed, which they do asynchronously."""

    @pulumi.runtime.test  # pyright: ignore[reportUnknownMemberType] - untyped in the SDK
    def settle() -> None:
        program()

    mocks.set_mocks(engine.mocks, project, stack, preview=False, monitor=engine)
    settle()
