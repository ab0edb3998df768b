"""Workload identity pools, and the providers whose tokens they take."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

import re
from collections.abc import Iterable
from typing import Any, ClassVar

from sandbox.providers.gcp.client import Gcp
from sandbox.providers.gcp.handler import PROJECT, GcpHandler, parts
from sandbox.providers.schema import Problem, Schema, block, flag, or_nothing, text, text_map, texts
from sandbox.providers.values import Props

_POOL = "projects/{project}/locations/global/workloadIdentityPools/{pool}"
_PROVIDER = f"{_POOL}/providers/{{provider}}"
_DESCRIPTION = ("displayName", "description", "disabled")
_DESCRIBED: Schema = {
    "displayName": text(),
    "description": text(),
    "disabled": flag(same=or_nothing),
}


def _problems_of_id(name: str, value: Any) -> Iterable[Problem]:
    if isinstance(value, str) and not re.fullmatch(r"(?!gcp-)[a-z0-9-]{4,32}", value):
        yield Problem(
            name,
            f"'{name}' must be 4 to 32 small letters, digits and hyphens and not begin with 'gcp-':"
            f" '{value}' is not",
        )


class WorkloadIdentityPool(GcpHandler):
    """A pool of identities from elsewhere. Its id stays taken for 30 days after its deletion."""

    token = "gcp:iam/workloadIdentityPool:WorkloadIdentityPool"
    inputs: ClassVar[Schema] = {
        **PROJECT,
        **_DESCRIBED,
        "workloadIdentityPoolId": text(required=True, replaces=True, identity=True),
        "mode": text(computed=True, replaces=True, choices=("FEDERATION_ONLY", "TRUST_DOMAIN")),
    }
    outputs = ("name", "state")

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What Google would refuse."""
        return _problems_of_id("workloadIdentityPoolId", inputs.get("workloadIdentityPoolId"))

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Make it. Google refuses the id of one that was deleted not long ago."""
        project, pool = wanted["project"], wanted["workloadIdentityPoolId"]
        body = {name: wanted[name] for name in (*_DESCRIPTION, "mode") if name in wanted}
        place = f"projects/{project}/locations/global/workloadIdentityPools"
        cloud.post("iamBeta", place, body, workloadIdentityPoolId=pool)
        return f"{place}/{pool}"

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:
        """The pool, unless it is deleted."""
        found = cloud.get("iamBeta", resource_id)
        if found["state"] == "DELETED":
            return None
        named = parts(resource_id, _POOL)
        return {
            **{name: found.get(name) for name in (*_DESCRIPTION, "name", "state")},
            "project": known.get("project", named["project"]),
            "workloadIdentityPoolId": named["pool"],
            "mode": found.get("mode"),
        }

    def update(self, cloud: Gcp, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Describe it anew, or switch it off."""
        body = {name: wanted[name] for name in _DESCRIPTION if name in wanted}
        cloud.patch("iamBeta", resource_id, body, updateMask=",".join(_DESCRIPTION))

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete it with its providers."""
        cloud.delete("iamBeta", resource_id)


class WorkloadIdentityPoolProvider(GcpHandler):
    """An issuer of tokens, and what they must say. Its id stays taken for 30 days too."""

    token = "gcp:iam/workloadIdentityPoolProvider:WorkloadIdentityPoolProvider"
    inputs: ClassVar[Schema] = {
        **PROJECT,
        **_DESCRIBED,
        "workloadIdentityPoolId": text(required=True, replaces=True, identity=True),
        "workloadIdentityPoolProviderId": text(required=True, replaces=True, identity=True),
        "attributeMapping": text_map(),
        "attributeCondition": text(),
        "oidc": block(
            {
                "issuerUri": text(required=True),
                "allowedAudiences": texts(unordered=False),
                "jwksJson": text(),
            }
        ),
        "aws": block({"accountId": text(required=True)}),
    }
    outputs = ("name", "state")

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What Google would refuse."""
        for name in ("workloadIdentityPoolId", "workloadIdentityPoolProviderId"):
            yield from _problems_of_id(name, inputs.get(name))
        if len({"aws", "oidc"} & inputs.keys()) != 1:
            yield Problem("oidc", "exactly one of 'oidc' and 'aws' must be set")

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Make it. Google refuses the id of one that was deleted not long ago."""
        project, pool = wanted["project"], wanted["workloadIdentityPoolId"]
        provider = wanted["workloadIdentityPoolProviderId"]
        place = f"projects/{project}/locations/global/workloadIdentityPools/{pool}/providers"
        body = _provider(wanted)
        cloud.post("iamBeta", place, body, workloadIdentityPoolProviderId=provider)
        return f"{place}/{provider}"

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:
        """The provider, unless it is deleted."""
        found = cloud.get("iamBeta", resource_id)
        if found["state"] == "DELETED":
            return None
        named = parts(resource_id, _PROVIDER)
        return {
            **{name: found.get(name) for name in (*_FIELDS, "name", "state")},
            "project": known.get("project", named["project"]),
            "workloadIdentityPoolId": named["pool"],
            "workloadIdentityPoolProviderId": named["provider"],
        }

    def update(self, cloud: Gcp, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Change what its tokens must say."""
        mask = ",".join(_FIELDS)
        cloud.patch("iamBeta", resource_id, _provider(wanted), updateMask=mask)

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete it."""
        cloud.delete("iamBeta", resource_id)


_FIELDS = (*_DESCRIPTION, "attributeMapping", "attributeCondition", "oidc", "aws")


def _provider(wanted: Props) -> dict[str, Any]:
    return {name: wanted[name] for name in _FIELDS if name in wanted}


HANDLERS = [WorkloadIdentityPool(), WorkloadIdentityPoolProvider()]
