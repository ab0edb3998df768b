"""Actions secrets of repositories and environments: sealed by the client, never shown again."""

import base64
from typing import Any

from sandbox.emulators.github import clock, environments, names, vaults
from sandbox.emulators.github.errors import not_found, unprocessable
from sandbox.emulators.github.models import SealedSecret, Vault
from sandbox.emulators.github.routing import NO_CONTENT, Reply, RepositoryCall, Routes

routes = Routes()

_REPOSITORY = "/actions/secrets"
_ENVIRONMENT = "/environments/<environment>/secrets"


@routes.repository("GET", f"{_REPOSITORY}/public-key")
@routes.repository("GET", f"{_ENVIRONMENT}/public-key")
def show_public_key(call: RepositoryCall, environment: str | None = None) -> Reply:
    key = vaults.public_key(_vault(call, environment))
    return Reply({"key_id": vaults.key_id(key), "key": base64.b64encode(bytes(key)).decode()})


@routes.repository("GET", _REPOSITORY)
@routes.repository("GET", _ENVIRONMENT)
def list_secrets(call: RepositoryCall, environment: str | None = None) -> Reply:
    found = sorted(_vault(call, environment).secrets.items())
    return call.page(found, lambda item: _render(*item), "secrets")


@routes.repository("GET", f"{_REPOSITORY}/<secret>")
@routes.repository("GET", f"{_ENVIRONMENT}/<secret>")
def show(call: RepositoryCall, secret: str, environment: str | None = None) -> Reply:
    return Reply(_render(secret.upper(), _found(call, secret, environment)))


@routes.repository("PUT", f"{_REPOSITORY}/<secret>")
@routes.repository("PUT", f"{_ENVIRONMENT}/<secret>")
def create_or_update(call: RepositoryCall, secret: str, environment: str | None = None) -> Reply:
    name = names.checked("Secret", secret)
    vault = _vault(call, environment)
    sealed = call.require("encrypted_value", str)
    given = call.require("key_id", str)
    expected = vaults.key_id(vaults.public_key(vault))
    if given != expected:
        raise unprocessable(
            f"key_id {given} is not this vault's key ({expected}), so the secret was not stored: "
            "seal the text for the key at public-key."
        )
    names.refuse_long("Secret", vaults.opened(vault, sealed))
    existing = vault.secrets.get(name)
    moment = clock.now() if existing is None else clock.after(existing.updated_at)
    created = moment if existing is None else existing.created_at
    vault.secrets[name] = SealedSecret(sealed=sealed, created_at=created, updated_at=moment)
    return Reply({}, 201) if existing is None else NO_CONTENT


@routes.repository("DELETE", f"{_REPOSITORY}/<secret>")
@routes.repository("DELETE", f"{_ENVIRONMENT}/<secret>")
def delete(call: RepositoryCall, secret: str, environment: str | None = None) -> Reply:
    _found(call, secret, environment)
    del _vault(call, environment).secrets[secret.upper()]
    return NO_CONTENT


def _vault(call: RepositoryCall, environment: str | None) -> Vault:
    if environment is None:
        return call.repository.state.vault
    return environments.find(call, environment).vault


def _found(call: RepositoryCall, name: str, environment: str | None) -> SealedSecret:
    found = _vault(call, environment).secrets.get(name.upper())
    if found is None:
        raise not_found()
    return found


def _render(name: str, secret: SealedSecret) -> dict[str, Any]:
    return {"name": name, "created_at": secret.created_at, "updated_at": secret.updated_at}
