"""The services that a project may use, and the roles that it defines itself."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from typing import Any, ClassVar

from sandbox.providers.gcp.client import Gcp, GoogleError
from sandbox.providers.gcp.handler import PROJECT, GcpHandler, parts
from sandbox.providers.schema import Naming, Schema, flag, text, texts
from sandbox.providers.values import Props

_NOT_FOUND = 404
_ROLE_FIELDS = {
    "title": "title",
    "description": "description",
    "stage": "stage",
    "permissions": "includedPermissions",
}


class Service(GcpHandler):
    """A service that is switched on. Its id is `project/service`."""

    token = "gcp:projects/service:Service"
    inputs: ClassVar[Schema] = {
        **PROJECT,
        "service": text(required=True, replaces=True, identity=True),
        "disableOnDestroy": flag(default=False, write_only=True),
        "disableDependentServices": flag(write_only=True),
        "checkIfServiceHasUsageOnDestroy": flag(write_only=True),
    }

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Switch it on."""
        project, service = wanted["project"], wanted["service"]
        cloud.post("serviceUsage", f"projects/{project}/services/{service}:enable")
        return f"{project}/{service}"

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The service, if it is on."""
        named = parts(resource_id, "{project}/{service}")
        place = f"projects/{named['project']}/services/{named['service']}"
        found = cloud.get("serviceUsage", place)
        return {**named} if found["state"] == "ENABLED" else None

    def update(self, cloud: Gcp, resource_id: str, old: Props, wanted: Props) -> None:
        """Remember what to do at its deletion."""

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:
        """Switch it off if that was asked for: others may use it."""
        if state.get("disableOnDestroy"):
            named = parts(resource_id, "{project}/{service}")
            place = f"projects/{named['project']}/services/{named['service']}"
            cloud.post("serviceUsage", f"{place}:disable")


class IAMCustomRole(GcpHandler):
    """A role of the project's own. Its id is its full name."""

    token = "gcp:projects/iAMCustomRole:IAMCustomRole"
    inputs: ClassVar[Schema] = {
        **PROJECT,
        "roleId": text(naming=Naming(stem="{}", max_length=64), replaces=True, identity=True),
        "title": text(required=True),
        "permissions": texts(required=True),
        "description": text(),
        "stage": text(default="GA"),
    }
    outputs = ("deleted", "name")

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Define it; one of that id that was deleted comes back with this definition."""
        place = f"projects/{wanted['project']}/roles"
        name = f"{place}/{wanted['roleId']}"
        if _is_deleted(cloud, name):
            cloud.post("iam", f"{name}:undelete")
            self.update(cloud, name, {}, wanted)
        else:
            cloud.post("iam", place, {"roleId": wanted["roleId"], "role": _definition(wanted)})
        return name

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The role, unless it is deleted."""
        found = cloud.get("iam", resource_id)
        if found.get("deleted"):
            return None
        named = parts(resource_id, "projects/{project}/roles/{roleId}")
        fields = {ours: found.get(theirs) for ours, theirs in _ROLE_FIELDS.items()}
        return {**named, **fields, "deleted": False, "name": found["name"]}

    def update(self, cloud: Gcp, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Define it anew."""
        mask = ",".join(_ROLE_FIELDS.values())
        cloud.patch("iam", resource_id, _definition(wanted), updateMask=mask)

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete it, for as long as nobody brings it back."""
        cloud.delete("iam", resource_id)


def _definition(wanted: Props) -> dict[str, Any]:
    return {theirs: wanted.get(ours, "") for ours, theirs in _ROLE_FIELDS.items()}


def _is_deleted(cloud: Gcp, name: str) -> bool:
    try:
        return bool(cloud.get("iam", name).get("deleted"))
    except GoogleError as error:
        if error.status == _NOT_FOUND:
            return False
        raise


HANDLERS = [Service(), IAMCustomRole()]
