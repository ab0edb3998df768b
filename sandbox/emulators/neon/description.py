"""Neon's own description of its API, and what of a request or an answer does not fit it."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from openapi_schema_validator import OAS30Validator
from openapi_schema_validator import oas30_format_checker as formats

Schema = Mapping[str, Any]

BASE = "/api/v2"


@dataclass(frozen=True)
class Endpoint:
    """One method of one path."""

    path: str
    """As described, with {names} in braces."""
    operation: Schema
    parameters: tuple[Schema, ...]

    def request_problems(self, query: Mapping[str, str], body: object) -> list[str]:
        """What is wrong with a request. None stands for a body that was not sent."""
        described = {each["name"]: each for each in self.parameters if each["in"] == "query"}
        found = [
            f"query parameter {name} is missing"
            for name, each in described.items()
            if each.get("required") and name not in query
        ]
        for name, text in query.items():
            if name not in described:
                found.append(f"query parameter {name} is unknown")
            else:
                schema = described[name]["schema"]
                found += _problems(schema, _parsed(text, schema.get("type")), f"query.{name}")
        asked = self.operation.get("requestBody")
        if body is None:
            return [*found, "the body is missing"] if asked and asked.get("required") else found
        if asked is None:
            return [*found, "there must be no body"]
        schema = asked["content"]["application/json"]["schema"]
        return [*found, *_problems(schema, body, "body"), *_unknown(schema, body, "body")]

    def answer_problems(self, status: int, body: object) -> list[str]:
        """What is wrong with an answer."""
        described: dict[str, Any] = self.operation["responses"]
        if status < 400 and str(status) not in described:
            return [f"status {status} is not described"]
        answer = _resolved(described.get(str(status), described["default"]))
        if "content" not in answer:
            return [] if body is None else ["there must be no body"]
        schema = answer["content"]["application/json"]["schema"]
        return [*_problems(schema, body, "body"), *_unknown(schema, body, "body")]


def endpoint(method: str, path: str) -> Endpoint | None:
    """What is described for a path below `/api/v2`. None: nothing."""
    for described, methods in _document()["paths"].items():
        pattern = re.sub(r"\{[a-z_]+\}", "[^/]+", described)
        if re.fullmatch(pattern, path) and method.lower() in methods:
            operation = methods[method.lower()]
            parameters = [*methods.get("parameters", []), *operation.get("parameters", [])]
            return Endpoint(described, operation, tuple(_resolved(each) for each in parameters))
    return None


@cache
def _document() -> Schema:
    text = Path(__file__).with_name("openapi.json").read_text(encoding="utf-8")
    return cast("Schema", json.loads(text))


def _resolved(node: Schema) -> Schema:
    while "$ref" in node:
        found: Any = _document()
        for step in str(node["$ref"]).removeprefix("#/").split("/"):
            found = found[step]
        node = cast("Schema", found)
    return node


def _problems(schema: Schema, value: object, place: str) -> Iterator[str]:
    # References lead into the whole document, so the schema is looked at from within it.
    whole = {**schema, "components": _document()["components"]}
    for error in OAS30Validator(whole, format_checker=formats).iter_errors(value):
        where = ".".join([place, *(str(step) for step in error.absolute_path)])
        yield f"{where}: {error.message}"


def _unknown(schema: Schema, value: object, place: str) -> Iterator[str]:
    """Fields that are not described: a description allows them, and they are mistakes of ours."""
    if isinstance(value, list):
        items = [part["items"] for part in _parts(schema) if "items" in part]
        for number, each in enumerate(cast("list[object]", value)):
            for item in items:
                yield from _unknown(item, each, f"{place}.{number}")
    if not isinstance(value, dict):
        return
    parts = list(_parts(schema))
    fields = {name: each for part in parts for name, each in part.get("properties", {}).items()}
    others = [part["additionalProperties"] for part in parts if "additionalProperties" in part]
    for name, each in cast("dict[str, object]", value).items():
        if name in fields:
            yield from _unknown(fields[name], each, f"{place}.{name}")
        elif not others:
            yield f"{place}.{name} is unknown"


def _parts(schema: Schema) -> Iterator[Schema]:
    schema = _resolved(schema)
    yield schema
    for part in schema.get("allOf", []):
        yield from _parts(part)


def _parsed(text: str, kind: str | None) -> object:
    if kind == "integer" and re.fullmatch(r"-?\d+", text):
        return int(text)
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    return text
