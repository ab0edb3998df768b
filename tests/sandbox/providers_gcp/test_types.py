"""The provider's types are those of the installed pulumi-gcp."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pulumi_gcp
import pytest

from sandbox.providers.framework import Handler
from sandbox.providers.gcp import accounts, bindings, buckets, federation, kms, projects
from sandbox.providers.gcp.client import ENDPOINTS, Gcp
from sandbox.providers.gcp.provider import GcpProvider
from sandbox.providers.schema import Schema

HANDLERS: list[Handler[Gcp]] = [
    handler
    for module in (accounts, bindings, buckets, federation, kms, projects)
    for handler in module.HANDLERS
]


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


def _parameters(cls: Any) -> dict[str, inspect.Parameter]:
    listed = inspect.signature(cls.__init__).parameters
    return {_camel(key): each for key, each in listed.items() if key != "__self__"}


def _module(handler: Handler[Gcp]) -> str:
    return f"pulumi_gcp.{handler.token.split(':')[1].split('/')[0]}"


def _arguments(handler: Handler[Gcp]) -> dict[str, inspect.Parameter]:
    name = handler.token.rpartition(":")[2]
    return _parameters(getattr(import_module(_module(handler)), f"{name}Args"))


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.token)
def test_every_input_is_one_of_pulumi_gcp(handler: Handler[Gcp]):
    real = _arguments(handler)
    required = {name for name, each in real.items() if each.default is inspect.Parameter.empty}

    assert set(handler.inputs) <= set(real)
    assert required == {name for name, prop in handler.inputs.items() if prop.required}


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.token)
def test_every_output_and_type_is_one_of_pulumi_gcp(handler: Handler[Gcp]):
    name = handler.token.rpartition(":")[2]
    module: Any = import_module(_module(handler))
    cls: Any = getattr(module, name)
    source = inspect.getsource(import_module(cls.__module__))
    known = _parameters(getattr(import_module(cls.__module__), f"_{name}State"))

    assert f"'{handler.token}'" in source
    assert set(handler.outputs) <= set(known)


def _blocks(schema: Schema, prefix: str) -> list[tuple[str, Schema]]:
    """The names that pulumi-gcp gives to blocks, with their fields."""
    found: list[tuple[str, Schema]] = []
    for name, prop in schema.items():
        item = prop.item if prop.kind == "list" else prop
        if item is not None and item.fields is not None:
            singular = name.removesuffix("s") if prop.kind == "list" else name
            called = f"{prefix}{singular[0].upper()}{singular[1:]}"
            found += [(called, item.fields), *_blocks(item.fields, called)]
    return found


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.token)
def test_every_field_of_a_block_is_one_of_pulumi_gcp(handler: Handler[Gcp]):
    inputs = import_module(_module(handler))
    for called, fields in _blocks(handler.inputs, handler.token.rpartition(":")[2]):
        real = _parameters(getattr(inputs, f"{called}Args"))
        required = {n for n, each in real.items() if each.default is inspect.Parameter.empty}

        assert set(fields) <= set(real), called
        assert required == {name for name, prop in fields.items() if prop.required}, called


def test_every_configuration_key_is_one_of_pulumi_gcp():
    source = (Path(pulumi_gcp.__file__).parent / "config" / "vars.py").read_text()
    known = set(re.findall(r"__config__\.get\w*\('(\w+)'", source))

    assert set(GcpProvider.config) <= known
    assert set(ENDPOINTS.values()) <= set(GcpProvider.config)
