"""What resources of Google Cloud have in common: a project, and labels of the whole stack."""

from collections.abc import Mapping
from typing import ClassVar

from sandbox.providers.framework import Handler, ProviderError
from sandbox.providers.gcp.client import Gcp
from sandbox.providers.schema import Schema, text, text_map
from sandbox.providers.values import Props, is_map

PROJECT: Schema = {"project": text(replaces=True, identity=True, computed=True)}
LABELS: Schema = {"labels": text_map()}
_EFFECTIVE: Schema = {"effectiveLabels": text_map()}


class GcpHandler(Handler[Gcp]):
    """A resource type of Google Cloud.

    With PROJECT among its inputs it lives in a project, by default that of the stack. With LABELS
    it has labels: it sets `wanted["effectiveLabels"]`, which includes those of the whole stack,
    and `read` returns the real labels under that name.
    """

    inputs: ClassVar[Schema]
    derived: ClassVar[Mapping[str, str]] = {"effectiveLabels": "labels", "pulumiLabels": "labels"}

    def compared(self) -> Schema:
        """The inputs, and the labels that result from them."""
        return {**self.inputs, **_EFFECTIVE} if "labels" in self.inputs else self.inputs

    def wanted(self, cloud: Gcp, inputs: Props) -> Props:
        """The inputs with the project and the labels that result from them."""
        wanted = dict(inputs)
        if "project" in self.inputs and "project" not in inputs:
            wanted["project"] = cloud.project
        if "labels" in self.inputs:
            own = inputs.get("labels", {})
            wanted["effectiveLabels"] = (
                {**cloud.attribution, **cloud.default_labels, **own} if is_map(own) else own
            )
        return wanted

    def observed(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:
        """What `read` returns, with its labels less those of the whole stack."""
        state = self.read(cloud, resource_id, known)
        if state is None or "labels" not in self.inputs:
            return state
        everywhere = {**cloud.attribution, **cloud.default_labels}
        own = known.get("labels", {})
        effective: dict[str, str] = state["effectiveLabels"]
        state["labels"] = {
            key: value
            for key, value in effective.items()
            if key in own or everywhere.get(key) != value
        }
        state["pulumiLabels"] = {
            key: value for key, value in effective.items() if key not in cloud.attribution
        }
        return state


def parts(resource_id: str, shape: str) -> dict[str, str]:
    """The parts of an id of a shape such as `projects/{project}/services/{service}`.

    Raises ProviderError if it has another shape.
    """
    wanted, found = shape.split("/"), resource_id.split("/")
    fits = len(wanted) == len(found) and all(
        word.startswith("{") or word == given for word, given in zip(wanted, found, strict=True)
    )
    if not fits:
        raise ProviderError(f"'{resource_id}' is no id of this type: it must look like '{shape}'")
    pairs = zip(wanted, found, strict=True)
    return {word.strip("{}"): given for word, given in pairs if word.startswith("{")}


def only_known(schema: Schema, found: Mapping[str, object]) -> Props:
    """The fields of an answer that a schema has, and that say something."""
    return {name: found[name] for name in schema if found.get(name) not in (None, "")}
