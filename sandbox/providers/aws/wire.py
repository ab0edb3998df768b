"""Blocks of properties as the S3 API names them, and back, by the schema alone."""

from datetime import datetime
from typing import Any

from sandbox.providers.schema import Prop, Schema
from sandbox.providers.values import Props, is_list, is_map

# The API capitalises the first letter, but for these.
_EXCEPTIONS = {
    "id": "ID",
    "kmsMasterKeyId": "KMSMasterKeyID",
    "mfaDelete": "MFADelete",
    "replicaKmsKeyId": "ReplicaKmsKeyID",
    "sseAlgorithm": "SSEAlgorithm",
}


def _api_name(name: str) -> str:
    return _EXCEPTIONS.get(name, name[0].upper() + name[1:])


def to_api(schema: Schema, props: Props) -> Any:
    """The properties as the request wants them; tags become a list of keys and values."""
    return {_api_name(name): _to_api(schema[name], value) for name, value in props.items()}


def _to_api(prop: Prop, value: Any) -> Any:
    if prop.fields is not None and is_map(value):
        return to_api(prop.fields, value)
    if prop.kind == "map" and is_map(value):
        return tag_list(value)
    if prop.item is not None and is_list(value):
        item = prop.item
        return [_to_api(item, each) for each in value]
    return value


def from_api(schema: Schema, answer: Any) -> Props:
    """The properties of an answer; what the schema does not know is left out."""
    return {
        name: _from_api(prop, answer[_api_name(name)])
        for name, prop in schema.items()
        if _api_name(name) in answer
    }


def _from_api(prop: Prop, value: Any) -> Any:
    if prop.fields is not None:
        return from_api(prop.fields, value)
    if prop.kind == "map":
        return tag_map(value)
    if prop.item is not None:
        item = prop.item
        return [_from_api(item, each) for each in value]
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return value


def tag_list(tags: Props) -> list[Any]:
    """Tags as most services want them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def tag_map(tags: Any) -> dict[str, str]:
    """Tags as Pulumi wants them, without those that AWS itself sets."""
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}
