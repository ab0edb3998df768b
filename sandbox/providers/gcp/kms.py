"""Key rings and keys of Cloud KMS, none of which Google ever deletes."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from sandbox.providers.gcp.client import Gcp
from sandbox.providers.gcp.handler import LABELS, PROJECT, GcpHandler, parts
from sandbox.providers.schema import Naming, Problem, Schema, block, flag, text
from sandbox.providers.values import Props

_RING = "projects/{project}/locations/{location}/keyRings/{name}"
_DAY = 86400


class KeyRing(GcpHandler):
    """A key ring. Deleting it only forgets it: its name stays taken for ever."""

    token = "gcp:kms/keyRing:KeyRing"
    inputs: ClassVar[Schema] = {
        **PROJECT,
        "name": text(naming=Naming(max_length=63), replaces=True, identity=True),
        "location": text(required=True, replaces=True, identity=True),
    }

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Make it. Google refuses a name that was ever used."""
        place = f"projects/{wanted['project']}/locations/{wanted['location']}"
        return cloud.post("kms", f"{place}/keyRings", keyRingId=wanted["name"])["name"]

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """Its name says everything."""
        cloud.get("kms", resource_id)
        return {**parts(resource_id, _RING)}

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:
        """Forget it, as the real plugin does."""


class CryptoKey(GcpHandler):
    """A key. Deleting it destroys its versions after a while: its name stays taken for ever."""

    token = "gcp:kms/cryptoKey:CryptoKey"
    inputs: ClassVar[Schema] = {
        **LABELS,
        "name": text(naming=Naming(max_length=63), replaces=True, identity=True),
        "keyRing": text(required=True, replaces=True, identity=True),
        "purpose": text(default="ENCRYPT_DECRYPT", replaces=True),
        "rotationPeriod": text(),
        "destroyScheduledDuration": text(computed=True, replaces=True),
        "importOnly": flag(computed=True, replaces=True),
        "skipInitialVersionCreation": flag(replaces=True, write_only=True),
        "versionTemplate": block(
            {"algorithm": text(required=True), "protectionLevel": text(default="SOFTWARE")},
            computed=True,
        ),
    }
    outputs = ("effectiveLabels", "primaries", "pulumiLabels")
    volatile = ("effectiveLabels", "pulumiLabels")
    secret_outputs = ("effectiveLabels", "pulumiLabels")

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What the real plugin refuses before it asks Google."""
        period = inputs.get("rotationPeriod")
        if isinstance(period, str) and not (_seconds(period) or 0) >= _DAY:
            yield Problem(
                "rotationPeriod",
                f"'rotationPeriod' must be seconds of at least a day, such as 7776000s: '{period}'"
                " is not",
            )

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Make the key, with its first version unless told otherwise."""
        body: dict[str, Any] = {
            name: wanted[name]
            for name in ("purpose", "destroyScheduledDuration", "importOnly", "versionTemplate")
            if name in wanted
        }
        query = {"cryptoKeyId": wanted["name"]}
        if wanted.get("skipInitialVersionCreation"):
            query["skipInitialVersionCreation"] = "true"
        body |= {"labels": wanted["effectiveLabels"], **_rotation(wanted)}
        return cloud.post("kms", f"{wanted['keyRing']}/cryptoKeys", body, **query)["name"]

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The key and its primary version."""
        found = cloud.get("kms", resource_id)
        ring, _, name = resource_id.rpartition("/cryptoKeys/")
        primary = found.get("primary")
        return {
            "name": name,
            "keyRing": ring,
            "purpose": found["purpose"],
            "rotationPeriod": found.get("rotationPeriod"),
            "destroyScheduledDuration": found["destroyScheduledDuration"],
            "importOnly": found.get("importOnly", False),
            "versionTemplate": found["versionTemplate"],
            "effectiveLabels": found.get("labels", {}),
            "primaries": [{n: primary[n] for n in ("name", "state")}] if primary else [],
        }

    def update(self, cloud: Gcp, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Change what Google lets one change."""
        body = {"labels": wanted["effectiveLabels"], **_rotation(wanted)}
        mask = ["labels", "rotationPeriod", "nextRotationTime"]
        if "versionTemplate" in wanted:
            body["versionTemplate"] = wanted["versionTemplate"]
            mask.append("versionTemplate")
        cloud.patch("kms", resource_id, body, updateMask=",".join(mask))

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Destroy every version, and make no more."""
        for version in cloud.get("kms", f"{resource_id}/cryptoKeyVersions")["cryptoKeyVersions"]:
            if version["state"] == "ENABLED":
                cloud.post("kms", f"{version['name']}:destroy")
        cloud.patch("kms", resource_id, {}, updateMask="rotationPeriod,nextRotationTime")


def _rotation(wanted: Props) -> dict[str, Any]:
    period = wanted.get("rotationPeriod")
    if period is None:
        return {}
    first = datetime.now(UTC) + timedelta(seconds=_seconds(period) or 0)
    return {
        "rotationPeriod": period,
        "nextRotationTime": first.isoformat(timespec="seconds").replace("+00:00", "Z"),
    }


def _seconds(duration: str) -> int | None:
    number = duration.removesuffix("s")
    return int(number) if number.isdecimal() and number != duration else None


HANDLERS = [KeyRing(), CryptoKey()]
