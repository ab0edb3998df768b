"""The provider's types are those of the installed pulumi-github."""

import inspect
from importlib import import_module
from typing import Any

import pytest

from sandbox.providers.framework import Handler
from sandbox.providers.github import (
    contents,
    environments,
    repositories,
    rulesets,
    secrets,
    variables,
)
from sandbox.providers.github.client import GitHub
from sandbox.providers.github.names import camel, snake

HANDLERS: list[Handler[GitHub]] = [
    handler
    for module in (contents, environments, repositories, rulesets, secrets, variables)
    for handler in module.HANDLERS
]


def _parameters(handler: Handler[GitHub], kind: str) -> dict[str, inspect.Parameter]:
    name = handler.token.rpartition(":")[2]
    module = import_module(f"pulumi_github.{snake(name[0].lower() + name[1:])}")
    found: Any = getattr(module, kind.format(name))
    listed = inspect.signature(found.__init__).parameters
    return {camel(key): each for key, each in listed.items() if key != "__self__"}


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.token)
def test_every_input_is_one_of_pulumi_github(handler: Handler[GitHub]):
    real = _parameters(handler, "{}Args")
    required = {name for name, each in real.items() if each.default is inspect.Parameter.empty}

    assert set(handler.inputs) <= set(real)
    assert required == {name for name, prop in handler.inputs.items() if prop.required}


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.token)
def test_every_output_is_one_of_pulumi_github(handler: Handler[GitHub]):
    assert set(handler.outputs) <= set(_parameters(handler, "_{}State"))


def test_the_rules_of_a_ruleset_are_those_of_pulumi_github():
    args: Any = import_module("pulumi_github").RepositoryRulesetRulesArgs
    listed = inspect.signature(args.__init__).parameters
    known = rulesets.RepositoryRuleset.inputs["rules"].fields

    assert known is not None
    assert set(known) == {camel(name) for name in listed if name != "__self__"}
