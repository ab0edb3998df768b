"""Pulumi resource providers as a table of small handlers.

A provider is a `LocalProvider` with a schema for its configuration, one `Handler` per resource type
and one `Function` per lookup. A handler says what its properties are and talks to the cloud with
plain Python values; everything else (checks, defaults, diffs, previews, secrets, reading back what
was stored, errors) happens here, alike for all of them.
"""

import asyncio
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, NoReturn, TypeVar

from pulumi.provider.experimental import provider as sdk
from pulumi.provider.experimental.property_value import PropertyValue

from sandbox.providers.schema import (
    Problem,
    Schema,
    canonical,
    completed,
    differing,
    first_difference,
    named,
    nearest,
    problems,
    remembered,
)
from sandbox.providers.settings import decoded
from sandbox.providers.values import UNKNOWN, Props, from_plain, is_known, to_props

Cloud = TypeVar("Cloud")
Result = TypeVar("Result")
Sealed = Mapping[str, PropertyValue]


class ProviderError(Exception):
    """An error whose message is all that the user needs to see."""


class UnfinishedError(ProviderError):
    """A resource exists but is not yet as it was asked for; the engine keeps it and says so."""

    def __init__(self, reason: str, resource_id: str, state: dict[str, PropertyValue]) -> None:
        super().__init__(reason)
        self.resource_id = resource_id
        self.state = state


class Handler(Generic[Cloud]):
    """One resource type.

    Methods run in threads of their own, so they may block, and must not share mutable state. They
    never see an unknown value. They let errors of the cloud's client through: the provider says
    which of them mean "gone" and turns the others into one sentence.
    """

    token: ClassVar[str]
    """The type's name, such as `aws:s3/bucket:Bucket`."""
    inputs: ClassVar[Schema]
    outputs: ClassVar[Sequence[str]] = ()
    """What `read` returns besides the inputs. Unknown in the preview of a creation."""
    volatile: ClassVar[Sequence[str]] = ()
    """Those outputs that an update may change."""
    secret_outputs: ClassVar[Sequence[str]] = ()
    derived: ClassVar[Mapping[str, str]] = {}
    """Properties made from another one, which are secret where that one is."""
    delete_before_replace: ClassVar[bool] = False
    """Always delete first. Rarely needed: a replacement that keeps the identity does so anyway."""

    def create(self, cloud: Cloud, wanted: Props) -> str:
        """Make the resource with a single request, so that it exists or not; return its id.

        An output that the cloud tells only now, such as a password, is put into `wanted`: `read`
        finds it in `known`.
        """
        raise NotImplementedError

    def settle(self, cloud: Cloud, resource_id: str, wanted: Props) -> None:
        """Make the further requests that a new resource needs to be as wanted."""

    def read(self, cloud: Cloud, resource_id: str, known: Props) -> Props | None:
        """The real values of all inputs and outputs but write-only ones; None if it is gone.

        `known` is what was last known; it is empty at an import, so rely on the id alone.
        """
        raise NotImplementedError

    def update(self, cloud: Cloud, resource_id: str, old: Props, wanted: Props) -> None:
        """Make the resource as wanted. `old` is the state as last read."""
        raise NotImplementedError

    def delete(self, cloud: Cloud, resource_id: str, state: Props) -> None:
        """Delete it. That it is gone already is no error."""
        raise NotImplementedError

    def problems(self, inputs: Props) -> Iterable[Problem]:  # noqa: ARG002 - overridden
        """What is wrong with the inputs beyond their schema. Values may be UNKNOWN."""
        return ()

    def compared(self) -> Schema:
        """The properties that a diff compares: the inputs, and what is derived from them."""
        return self.inputs

    def wanted(self, cloud: Cloud, inputs: Props) -> Props:  # noqa: ARG002 - overridden
        """The inputs together with what is derived from them and the provider's settings."""
        return inputs

    def observed(self, cloud: Cloud, resource_id: str, known: Props) -> Props | None:
        """What `read` returns, together with what is derived from it."""
        return self.read(cloud, resource_id, known)


@dataclass(frozen=True)
class Function(Generic[Cloud]):
    """One lookup, such as `aws:index/getRegion:getRegion`."""

    token: str
    call: Callable[[Cloud, Props], Props]
    inputs: Schema = field(default_factory=dict[str, Any])


class LocalProvider(sdk.Provider, Generic[Cloud]):
    """Serves the handlers of one package to the engine."""

    package: ClassVar[str]
    """`aws`, `github` and so on: the first part of the stack's configuration keys."""
    config: ClassVar[Schema]
    """The configuration keys of the real plugin that the sandbox understands."""

    def __init__(
        self, handlers: Iterable[Handler[Cloud]], functions: Iterable[Function[Cloud]] = ()
    ) -> None:
        self._handlers = {handler.token: handler for handler in handlers}
        self._functions = {function.token: function for function in functions}

    # What a package must say.

    def connect(self, settings: Props) -> None:
        """Take the configuration, checked and complete. Raises ProviderError if it cannot work."""
        raise NotImplementedError

    def cloud(self, properties: Props) -> Cloud:
        """What the handlers talk to, for a resource (or the arguments of a lookup) like this."""
        raise NotImplementedError

    def is_gone(self, error: Exception) -> bool:
        """Whether this error of the client says that the thing does not exist."""
        raise NotImplementedError

    def reason(self, error: Exception) -> str | None:
        """What the cloud refused and why, or None for an error that is not the cloud's."""
        raise NotImplementedError

    # The provider's own configuration.

    async def check_config(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Refuse configuration that the sandbox would not honour."""
        settings = decoded(self.config, to_props(request.new_inputs))
        failures = [
            sdk.CheckFailure(path, reason)
            for path, reason in problems(self.config, settings, f"{self.package}:")
        ]
        return sdk.CheckResponse(request.new_inputs, failures)

    async def configure(self, request: sdk.ConfigureRequest) -> sdk.ConfigureResponse:
        """Take the configuration; one that is still unknown is taken as far as it is known."""
        settings = completed(self.config, decoded(self.config, to_props(request.args)))
        known = {name: value for name, value in settings.items() if is_known(value)}
        await self._in_thread(self._connect, known)
        return sdk.ConfigureResponse(accept_secrets=True, supports_preview=True)

    def _connect(self, settings: Props) -> None:
        with self._explained(f"configuring the {self.package} provider"):
            self.connect(settings)

    # One resource.

    async def check(self, request: sdk.CheckRequest) -> sdk.CheckResponse:
        """Refuse what no handler knows; fill in defaults and a generated name."""
        handler = self._handler(request.type, request.name)
        given = to_props(request.new_inputs)
        inputs = named(
            handler.inputs,
            completed(handler.inputs, given),
            resource=request.name,
            before=to_props(request.old_inputs),
            seed=request.random_seed,
        )
        found = list(problems(handler.inputs, inputs)) or list(handler.problems(inputs))
        return sdk.CheckResponse(
            _sealed(handler, inputs, request.new_inputs),
            [sdk.CheckFailure(problem.path, problem.reason) for problem in found],
        )

    async def diff(self, request: sdk.DiffRequest) -> sdk.DiffResponse:
        """Compare the last known state with what is wanted now."""
        handler = self._handler(request.type, request.name)
        new = to_props(request.new_inputs)
        return diff(
            handler,
            old=to_props(request.old_state),
            new=handler.wanted(self.cloud(new), new),
            ignored=request.ignore_changes,
        )

    async def create(self, request: sdk.CreateRequest) -> sdk.CreateResponse:
        """Create a resource and return what the cloud then says of it."""
        handler = self._handler(request.type, request.name)
        inputs = to_props(request.properties)
        wanted = handler.wanted(self.cloud(inputs), inputs)
        if request.preview:
            planned = dict.fromkeys([*handler.outputs, *_computed(handler)], UNKNOWN) | wanted
            return sdk.CreateResponse(None, _sealed(handler, planned, request.properties))
        resource_id, state = await self._in_thread(self._create, handler, request, wanted)
        return sdk.CreateResponse(resource_id, _sealed(handler, state, request.properties))

    def _create(
        self, handler: Handler[Cloud], request: sdk.CreateRequest, wanted: Props
    ) -> tuple[str, Props]:
        operation = f"creating {handler.token} '{request.name}'"
        cloud = self.cloud(wanted)
        with self._explained(operation):
            resource_id = handler.create(cloud, wanted)
        try:
            with self._explained(operation):
                handler.settle(cloud, resource_id, wanted)
                return resource_id, self._stored(handler, cloud, resource_id, wanted)
        except ProviderError as error:
            # Only what must be known to delete it: the next update sets everything again.
            kept = {
                name: value
                for name, value in wanted.items()
                if name in handler.inputs
                and (handler.inputs[name].replaces or handler.inputs[name].write_only)
            }
            sealed = _sealed(handler, kept, request.properties)
            raise UnfinishedError(str(error), resource_id, sealed) from error

    async def read(self, request: sdk.ReadRequest) -> sdk.ReadResponse:
        """Refresh from, or import, what the cloud really has."""
        handler = self._handler(request.type, request.name)
        known = to_props(request.properties)
        state = await self._in_thread(self._read, handler, request, known)
        if state is None:
            return sdk.ReadResponse("", {}, {})
        old_inputs = to_props(request.inputs)
        inputs = {
            name: value
            for name, value in state.items()
            if name in handler.inputs and (name in old_inputs or _is_choice(handler, name, value))
        }
        return sdk.ReadResponse(
            request.resource_id,
            _sealed(handler, state, request.properties),
            _sealed(handler, inputs, {**request.properties, **request.inputs}),
        )

    def _read(
        self, handler: Handler[Cloud], request: sdk.ReadRequest, known: Props
    ) -> Props | None:
        cloud = self.cloud(known)
        try:
            with self._explained(f"reading {handler.token} '{request.name}'"):
                actual = handler.observed(cloud, request.resource_id, known)
        except _GoneError:
            return None
        return None if actual is None else remembered(handler.compared(), actual, known)

    async def update(self, request: sdk.UpdateRequest) -> sdk.UpdateResponse:
        """Change a resource in place and return what the cloud then says of it."""
        handler = self._handler(request.type, request.name)
        old = to_props(request.olds)
        inputs = to_props(request.news)
        wanted = handler.wanted(self.cloud(inputs), inputs)
        if request.preview:
            kept = {
                name: value
                for name, value in old.items()
                if name not in handler.compared() or handler.compared()[name].computed
            }
            planned = kept | dict.fromkeys(handler.volatile, UNKNOWN) | wanted
            return sdk.UpdateResponse(_sealed(handler, planned, {**request.olds, **request.news}))
        state = await self._in_thread(self._update, handler, request, old, wanted)
        return sdk.UpdateResponse(_sealed(handler, state, {**request.olds, **request.news}))

    def _update(
        self, handler: Handler[Cloud], request: sdk.UpdateRequest, old: Props, wanted: Props
    ) -> Props:
        cloud = self.cloud(wanted)
        try:
            with self._explained(f"updating {handler.token} '{request.name}'"):
                handler.update(cloud, request.resource_id, old, wanted)
                return self._stored(handler, cloud, request.resource_id, wanted)
        except _GoneError as error:
            raise ProviderError(
                f"{error}; if it was deleted behind the stack's back, run `pulumi refresh` first"
            ) from error

    def _stored(
        self, handler: Handler[Cloud], cloud: Cloud, resource_id: str, wanted: Props
    ) -> Props:
        """The state as the cloud tells it. Emulators drop what they do not implement, so raise
        ProviderError if it is not what was asked for.
        """
        actual = handler.observed(cloud, resource_id, wanted)
        if actual is None:
            raise ProviderError("the cloud accepted it, but has no such resource afterwards")
        state = remembered(handler.compared(), actual, wanted)
        for name in differing(handler.compared(), state, wanted):
            where, has = first_difference(handler.compared(), name, state, wanted)
            raise ProviderError(
                f"the emulator did not keep '{where}': it has {has} there, so the sandbox cannot "
                "stand in for the real cloud here"
            )
        return state

    async def delete(self, request: sdk.DeleteRequest) -> None:
        """Delete a resource; one that is gone already is no error."""
        handler = self._handler(request.type, request.name)
        await self._in_thread(self._delete, handler, request)

    def _delete(self, handler: Handler[Cloud], request: sdk.DeleteRequest) -> None:
        state = to_props(request.properties)
        try:
            with self._explained(f"deleting {handler.token} '{request.name}'"):
                handler.delete(self.cloud(state), request.resource_id, state)
        except _GoneError:
            return

    async def invoke(self, request: sdk.InvokeRequest) -> sdk.InvokeResponse:
        """Answer a lookup."""
        function = self._functions.get(request.tok)
        if function is None:
            self._refuse_unknown(f"lookup '{request.tok}'", request.tok, self._functions)
        args = completed(function.inputs, to_props(request.args))
        found = [
            sdk.CheckFailure(problem.path, problem.reason)
            for problem in problems(function.inputs, args)
        ]
        if found:
            return sdk.InvokeResponse(failures=found)
        result = await self._in_thread(self._invoke, function, args)
        return sdk.InvokeResponse({key: from_plain(value) for key, value in result.items()})

    def _invoke(self, function: Function[Cloud], args: Props) -> Props:
        try:
            with self._explained(f"looking up {function.token}"):
                return function.call(self.cloud(args), args)
        except _GoneError as error:
            raise ProviderError(f"looking up {function.token}: {error}") from error

    # Shared.

    def _handler(self, qualified: str, name: str) -> Handler[Cloud]:
        token = qualified.rpartition("$")[2]  # The SDK keeps the types of all parents before it.
        handler = self._handlers.get(token)
        if handler is None:
            self._refuse_unknown(f"resource type '{token}' of '{name}'", token, self._handlers)
        return handler

    def _refuse_unknown(self, what: str, token: str, known: Iterable[str]) -> NoReturn:
        near = nearest(token, known)
        raise ProviderError(
            f"the sandbox's {self.package} provider does not know the {what}; "
            + (f"did you mean '{near}', or " if near else "")
            + f"is it to be added under sandbox/providers/{self.package}?"
        )

    async def _in_thread(self, function: Callable[..., Result], *args: Any) -> Result:
        return await asyncio.to_thread(function, *args)

    @contextmanager
    def _explained(self, operation: str) -> Generator[None]:
        """Turn the cloud's errors into one sentence; let bugs of ours through as they are."""
        try:
            yield
        except ProviderError as error:
            raise ProviderError(f"{operation}: {error}") from error
        except Exception as error:
            if self.is_gone(error):
                raise _GoneError(f"{operation}: {self.reason(error)}") from error
            reason = self.reason(error)
            if reason is None:
                raise
            raise ProviderError(f"{operation}: {reason}") from error


class _GoneError(ProviderError):
    """The cloud says that the thing does not exist."""


def diff(
    handler: Handler[Any], *, old: Props, new: Props, ignored: Sequence[str] = ()
) -> sdk.DiffResponse:
    """What has to happen to bring a resource from its old state to the new one."""
    schema = handler.compared()
    skipped = {path.split(".")[0].split("[")[0] for path in ignored}
    changed = [
        name for name in differing(schema, old, new) if name not in skipped and "*" not in skipped
    ]
    replaces = [name for name in changed if schema[name].replaces]
    return sdk.DiffResponse(
        changes=bool(changed),
        replaces=replaces,
        diffs=changed,
        delete_before_replace=bool(replaces)
        and (handler.delete_before_replace or _keeps_identity(schema, old, new)),
        detailed_diff={
            name: sdk.PropertyDiff(_kind(name, old, new, replaces), input_diff=False)
            for name in changed
        },
    )


def _keeps_identity(schema: Schema, old: Props, new: Props) -> bool:
    identity = {name: prop for name, prop in schema.items() if prop.identity}
    return bool(identity) and not differing(identity, old, new)


def _kind(name: str, old: Props, new: Props, replaces: Sequence[str]) -> sdk.PropertyDiffKind:
    kinds = sdk.PropertyDiffKind
    if name not in old:
        return kinds.ADD_REPLACE if name in replaces else kinds.ADD
    if name not in new:
        return kinds.DELETE_REPLACE if name in replaces else kinds.DELETE
    return kinds.UPDATE_REPLACE if name in replaces else kinds.UPDATE


def _computed(handler: Handler[Any]) -> list[str]:
    return [name for name, prop in handler.compared().items() if prop.computed]


def _is_choice(handler: Handler[Any], name: str, value: Any) -> bool:
    """Whether a value that the program did not give would have to be given to stay as it is."""
    prop = handler.inputs[name]
    return not prop.computed and canonical(prop, value) != canonical(prop, prop.default)


def _sealed(handler: Handler[Any], props: Props, like: Sealed) -> dict[str, PropertyValue]:
    result: dict[str, PropertyValue] = {}
    for name, value in props.items():
        source = handler.derived.get(name, name)
        sealed = from_plain(value, like.get(name, like.get(source)))
        declared = name in handler.secret_outputs or (
            name in handler.inputs and handler.inputs[name].secret
        )
        result[name] = sealed.with_secret(sealed.is_secret or declared)
    return result
