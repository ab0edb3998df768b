"""Actions secrets of environments."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

import base64
from collections.abc import Iterable
from typing import Any, ClassVar

from nacl.public import PublicKey, SealedBox

from sandbox.providers.framework import Handler, ProviderError
from sandbox.providers.github.client import GitHub
from sandbox.providers.github.names import exactly_one, joined, parted
from sandbox.providers.github.variables import checked_name
from sandbox.providers.schema import Problem, Schema, text
from sandbox.providers.values import Props

_PLAIN = ("value", "plaintextValue")
_SEALED = ("valueEncrypted", "encryptedValue")


class ActionsEnvironmentSecret(Handler[GitHub]):
    """A secret. Its id is `repository:environment:name`.

    GitHub never shows a value again, only when it was last set. So a refresh that finds a later
    time than ours drops the value from the state, and the next update sets it again.
    """

    token = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"
    inputs: ClassVar[Schema] = {
        "repository": text(required=True, replaces=True, identity=True),
        "environment": text(required=True, replaces=True, identity=True),
        "secretName": text(required=True, replaces=True, identity=True, same=str.upper),
        "value": text(secret=True),
        "plaintextValue": text(secret=True),
        "valueEncrypted": text(),
        "encryptedValue": text(),
        "keyId": text(computed=True),
    }
    outputs = ("createdAt", "updatedAt", "remoteUpdatedAt", "repositoryId")
    volatile = ("updatedAt", "remoteUpdatedAt", "keyId")

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """One value, given in one way."""
        yield from exactly_one(inputs, (*_PLAIN, *_SEALED))
        yield from checked_name("secretName", inputs["secretName"])
        sealed = any(name in inputs for name in _SEALED)
        if sealed and "keyId" not in inputs:
            yield Problem("keyId", "'keyId' must say which public key the value is encrypted for")
        if "keyId" in inputs and not sealed:
            yield Problem("keyId", "'keyId' has no meaning beside a plain value: remove it")

    def create(self, cloud: GitHub, wanted: Props) -> str:
        """Seal the value and store it."""
        self._put(cloud, wanted)
        return joined(wanted["repository"], wanted["environment"], wanted["secretName"])

    def read(self, cloud: GitHub, resource_id: str, known: Props) -> Props | None:
        """What can be known of it: that it is there, and whether it is still ours."""
        repository, environment, name = parted(resource_id, 3)
        scope = cloud.repository(repository, "environments", environment, "secrets")
        found = cloud.get(f"{scope}/{name}")
        ours = known.get("updatedAt", found["updated_at"])
        unchanged = ours == found["updated_at"]
        return {
            "repository": repository,
            "environment": environment,
            "secretName": name,
            "createdAt": found["created_at"],
            "updatedAt": ours,
            "remoteUpdatedAt": found["updated_at"],
            "repositoryId": cloud.repository_id(repository),
            "keyId": known.get("keyId") or cloud.get(f"{scope}/public-key")["key_id"],
            **{key: known[key] for key in (*_PLAIN, *_SEALED) if unchanged and key in known},
        }

    def update(self, cloud: GitHub, resource_id: str, old: Props, wanted: Props) -> None:  # noqa: ARG002
        """Store the new value over the old one. Nothing is deleted on the way."""
        self._put(cloud, wanted)

    def delete(self, cloud: GitHub, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete it."""
        repository, environment, name = parted(resource_id, 3)
        cloud.delete(cloud.repository(repository, "environments", environment, "secrets", name))

    def _put(self, cloud: GitHub, wanted: Props) -> None:
        scope = cloud.repository(
            wanted["repository"], "environments", wanted["environment"], "secrets"
        )
        body = _given(wanted) or _sealed(cloud.get(f"{scope}/public-key"), wanted)
        cloud.put(f"{scope}/{wanted['secretName']}", body)


def sealed_for(public_key: str, plain: str) -> str:
    """The text in a libsodium sealed box that only the holder of the private key can open.

    Both are base64, as GitHub's API has them.
    """
    box = SealedBox(PublicKey(base64.b64decode(public_key)))
    return base64.b64encode(box.encrypt(plain.encode())).decode()


def _given(wanted: Props) -> dict[str, Any] | None:
    for name in _SEALED:
        if name in wanted:
            return {"encrypted_value": wanted[name], "key_id": wanted["keyId"]}
    return None


def _sealed(key: dict[str, str], wanted: Props) -> dict[str, Any]:
    for name in _PLAIN:
        if name in wanted:
            return {
                "encrypted_value": sealed_for(key["key"], wanted[name]),
                "key_id": key["key_id"],
            }
    raise ProviderError("the secret has no value")


HANDLERS = [ActionsEnvironmentSecret()]
