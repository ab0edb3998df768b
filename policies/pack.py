"""The rules for CrossGuard, which asks about each resource before it is made, and about all after.

On a preview of a new stack some inputs are not known yet, such as a policy that names a key: the
rules that need them judge during the update, still before the resource is made.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, cast

import pulumi_policy.policy as engine_side
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policies import waivers
from policies.model import UNKNOWN, Outcome, Resource, Rule, judge
from policies.rules import RULES
from policies.waivers import Waiver


class _Servicer(engine_side._PolicyAnalyzerServicer):  # noqa: SLF001 - nothing public receives the configuration  # pyright: ignore[reportPrivateUsage]
    """What answers the engine, and keeps what the stack file says of waivers.

    The engine tells a pack that a language host runs the stack's configuration by this call alone,
    and the SDK of version 1.21 takes the tags out of it and drops the rest.
    """

    def ConfigureStack(  # noqa: N802 - the engine's name of the call
        self, request: analyzer_pb2.AnalyzerStackConfigureRequest, _context: object
    ) -> analyzer_pb2.AnalyzerStackConfigureResponse:
        """Take the configuration, before any resource is judged."""
        configure(request.config)
        return super().ConfigureStack(request, _context)  # pyright: ignore[reportUnknownMemberType] - the SDK's context has no type


_WRITTEN: dict[str, str] = {}
"""The stack's waivers, as the engine gives them."""


def configure(values: Mapping[str, str]) -> None:
    """Keep the waivers of a configuration; of the rest some is secret, and none is needed."""
    _WRITTEN.clear()
    _WRITTEN.update({key: value for key, value in values.items() if key == waivers.KEY})
    _decided.cache_clear()


def serve() -> None:
    """Answer the engine until it ends this process."""
    engine_side._PolicyAnalyzerServicer = _Servicer  # noqa: SLF001 - no argument of PolicyPack names it  # pyright: ignore[reportPrivateUsage]
    PolicyPack(
        name="neonhub-backup",
        enforcement_level=EnforcementLevel.MANDATORY,
        policies=[*(policy(rule) for rule in RULES), _WAIVERS_NAME_RULES],
    )


@cache
def _decided() -> tuple[tuple[Waiver, ...], date]:
    """The stack's waivers, and the day that they are judged by."""
    return waivers.read(_WRITTEN), datetime.now(UTC).date()


def _strays(_: StackValidationArgs, report: ReportViolation) -> None:
    for each in waivers.strays(_decided()[0], RULES):
        report(each, None)


_WAIVERS_NAME_RULES = StackValidationPolicy(
    "waivers-name-rules",
    "What a waiver was meant for is not waived: write the name of a rule.",
    _strays,
)


def policy(rule: Rule) -> Policy:
    """A rule as the engine asks for it."""

    def validate_resource(arguments: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = resource_of(arguments)
        if rule.concerns(resource):
            _report(rule, resource, (), report, None)

    def validate_stack(arguments: StackValidationArgs, report: ReportViolation) -> None:
        resources = {each.urn: resource_of(each) for each in arguments.resources}
        for urn, resource in resources.items():
            if rule.concerns(resource):
                _report(rule, resource, tuple(resources.values()), report, urn)

    if rule.looks_around:
        return StackValidationPolicy(rule.name, rule.meaning, validate_stack)
    return ResourceValidationPolicy(rule.name, rule.meaning, validate_resource)


def resource_of(asked: ResourceValidationArgs | PolicyResource) -> Resource:
    """What the engine says of a resource, as plain data."""
    return Resource(
        type=asked.resource_type,
        name=asked.name,
        inputs=plain(asked.props),
        protect=asked.opts.protect,
    )


def plain(value: Any) -> Any:
    """A value of the engine with UNKNOWN in place of what raises when it is looked at."""
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        return {key: _entry(mapping, key) for key in mapping}
    if isinstance(value, Sequence) and not isinstance(value, str):
        sequence = cast("Sequence[Any]", value)
        return [_entry(sequence, index) for index in range(len(sequence))]
    # The protocol has one kind of number.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _entry(container: Any, key: str | int) -> Any:
    try:
        return plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def _report(
    rule: Rule,
    resource: Resource,
    stack: Sequence[Resource],
    report: ReportViolation,
    urn: str | None,
) -> None:
    verdict = waivers.apply(judge(rule, resource, stack), *_decided())
    if verdict.outcome is Outcome.BROKEN:
        report(verdict.message, urn)
