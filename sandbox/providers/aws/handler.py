"""What all AWS resources have in common: a region, tags, and the tags of the whole stack."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from botocore.exceptions import ClientError

from sandbox.providers.aws.connection import Aws
from sandbox.providers.framework import Handler
from sandbox.providers.schema import Schema, text, text_map
from sandbox.providers.values import Props, is_map

REGION: Schema = {"region": text(replaces=True, computed=True)}
TAGS: Schema = {"tags": text_map()}
_TAGS_ALL: Schema = {"tagsAll": text_map()}

Answer = TypeVar("Answer")


class AwsHandler(Handler[Aws]):
    """A resource type of AWS.

    With REGION among its inputs it lives in a region. With TAGS it has tags: it sets
    `wanted["tagsAll"]`, which includes the provider's default tags, and `read` returns the real
    tags as `tagsAll`.
    """

    inputs: ClassVar[Schema]
    derived: ClassVar[Mapping[str, str]] = {"tagsAll": "tags"}

    def compared(self) -> Schema:
        """The inputs, and the tags that result from them."""
        return {**self.inputs, **_TAGS_ALL} if "tags" in self.inputs else self.inputs

    def wanted(self, cloud: Aws, inputs: Props) -> Props:
        """The inputs with the region and the tags that result from them."""
        wanted = dict(inputs)
        if "region" in self.inputs:
            wanted.setdefault("region", cloud.region)
        if "tags" in self.inputs:
            tags = inputs.get("tags", {})
            wanted["tagsAll"] = {**cloud.default_tags, **tags} if is_map(tags) else tags
        return wanted

    def observed(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:
        """What `read` returns, with its region, and its tags less those of the whole stack."""
        state = self.read(cloud, resource_id, known)
        if state is None:
            return None
        if "region" in self.inputs:
            state.setdefault("region", cloud.region)
        if "tags" in self.inputs:
            own = known.get("tags", {})
            state["tags"] = {
                key: value
                for key, value in state["tagsAll"].items()
                if key in own or cloud.default_tags.get(key) != value
            }
        return state


def changed_tags(old: Props, wanted: Props) -> tuple[list[str], dict[str, str]]:
    """The keys to remove and the tags to set."""
    before, after = old.get("tagsAll", {}), wanted["tagsAll"]
    removed = [key for key in before if key not in after]
    return removed, {key: value for key, value in after.items() if before.get(key) != value}


def error_code(error: ClientError) -> str:
    """AWS's name for what went wrong."""
    return error.response.get("Error", {}).get("Code", "")


def or_none(call: Callable[..., Answer], *codes: str, **arguments: Any) -> Answer | None:
    """The answer, or None if AWS answers with one of these error codes."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error_code(error) in codes:
            return None
        raise
