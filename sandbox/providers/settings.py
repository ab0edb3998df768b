"""A provider's configuration, which the engine sends as text."""

import json
from typing import Any

from sandbox.providers.schema import Prop, Schema
from sandbox.providers.values import Props

# The engine's own: they say which plugin to load, not how it behaves.
_ENGINE_KEYS = frozenset({"version", "pluginDownloadURL", "__internal"})


def decoded(schema: Schema, settings: Props) -> Props:
    """The settings with the text of everything that is not text decoded from JSON."""
    return {
        name: _decoded(schema[name], value) if name in schema else value
        for name, value in settings.items()
        if name not in _ENGINE_KEYS
    }


def _decoded(prop: Prop, value: Any) -> Any:
    if prop.kind == "text" or not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value  # The check of its type then names the key and what it has to be.
