"""Workload identity pools, and the providers whose tokens they take.

What is deleted stays for 30 days, and so does its id: it can be undeleted, not created again.

Source of the rules:
https://cloud.google.com/iam/docs/reference/rest/v1/projects.locations.workloadIdentityPools
"""

from datetime import UTC, datetime, timedelta

from sandbox.emulators.gcp.errors import exists, failed_precondition, invalid, not_found
from sandbox.emulators.gcp.routing import (
    Call,
    Routes,
    allow,
    as_object,
    done,
    items,
    masked,
    matching,
    one_of,
    written,
)
from sandbox.emulators.gcp.store import Document

routes = Routes()

_ID = r"(?!gcp-)[a-z0-9-]{4,32}"
_KEPT_DAYS = 30
_MOST_AUDIENCES = 10
_DESCRIPTION = ("displayName", "description", "disabled")
_KINDS = ("oidc", "aws", "saml", "x509")
_PROVIDER_FIELDS = (*_DESCRIPTION, "attributeMapping", "attributeCondition", *_KINDS)
_SHARED_ISSUERS = ("https://token.actions.githubusercontent.com", "https://gitlab.com")
"""Those whose tokens everybody can get, so that the issuer alone proves nothing."""
_POOLS = "/v1/projects/{project}/locations/global/workloadIdentityPools"
_POOL = f"{_POOLS}/{{pool}}"
_PROVIDERS = f"{_POOL}/providers"
_PROVIDER = f"{_PROVIDERS}/{{provider}}"


@routes.on("POST", _POOLS)
def create_pool(call: Call, project: str) -> Document:
    allow(call.body, (*_DESCRIPTION, "mode"))
    pool = matching("workloadIdentityPoolId", call.require("workloadIdentityPoolId"), _ID)
    modes = ("FEDERATION_ONLY", "TRUST_DOMAIN", "MODE_UNSPECIFIED")
    one_of("mode", call.body.get("mode", "MODE_UNSPECIFIED"), modes)
    return _create(call, "pools", _name(call, project, pool), call.body)


@routes.on("GET", _POOL)
def show_pool(call: Call, project: str, pool: str) -> Document:
    return _find(call, "pools", _name(call, project, pool))


@routes.on("PATCH", _POOL)
def update_pool(call: Call, project: str, pool: str) -> Document:
    return _update(call, "pools", _name(call, project, pool), _DESCRIPTION)


@routes.on("DELETE", _POOL)
def delete_pool(call: Call, project: str, pool: str) -> Document:
    return _delete(call, "pools", _name(call, project, pool))


@routes.on("POST", f"{_POOL}:undelete")
def undelete_pool(call: Call, project: str, pool: str) -> Document:
    return _undelete(call, "pools", _name(call, project, pool))


@routes.on("POST", _PROVIDERS)
def create_provider(call: Call, project: str, pool: str) -> Document:
    provider = matching(
        "workloadIdentityPoolProviderId", call.require("workloadIdentityPoolProviderId"), _ID
    )
    parent = _find(call, "pools", _name(call, project, pool))
    if parent["state"] == "DELETED":
        raise failed_precondition(f"The pool {parent['name']} is deleted.")
    allow(call.body, _PROVIDER_FIELDS)
    _check(call.body)
    return _create(call, "providers", _name(call, project, pool, provider), call.body)


@routes.on("GET", _PROVIDER)
def show_provider(call: Call, project: str, pool: str, provider: str) -> Document:
    return _find(call, "providers", _name(call, project, pool, provider))


@routes.on("PATCH", _PROVIDER)
def update_provider(call: Call, project: str, pool: str, provider: str) -> Document:
    return _update(call, "providers", _name(call, project, pool, provider), _PROVIDER_FIELDS)


@routes.on("DELETE", _PROVIDER)
def delete_provider(call: Call, project: str, pool: str, provider: str) -> Document:
    return _delete(call, "providers", _name(call, project, pool, provider))


@routes.on("POST", f"{_PROVIDER}:undelete")
def undelete_provider(call: Call, project: str, pool: str, provider: str) -> Document:
    return _undelete(call, "providers", _name(call, project, pool, provider))


def _name(call: Call, project: str, pool: str, provider: str | None = None) -> str:
    number = call.store.project_number(call.store.project_id(project))
    name = f"projects/{number}/locations/global/workloadIdentityPools/{pool}"
    return name if provider is None else f"{name}/providers/{provider}"


def _create(call: Call, table: str, name: str, fields: Document) -> Document:
    if name in call.store.table(table):
        raise exists(f"Requested entity already exists: {name}, which may be deleted.")
    kept = {key: value for key, value in fields.items() if value not in (None, "", False)}
    call.store.table(table)[name] = {"name": name, "state": "ACTIVE", **kept}
    return done(name, call.store.table(table)[name])


def _find(call: Call, table: str, name: str) -> Document:
    found = call.store.table(table).get(name)
    if found is None:
        raise not_found(f"Requested entity was not found: {name}")
    end = found.get("expireTime")
    if end is not None and datetime.fromisoformat(end) < datetime.now(UTC):
        del call.store.table(table)[name]
        raise not_found(f"Requested entity was not found: {name}")
    return found


def _update(call: Call, table: str, name: str, mutable: tuple[str, ...]) -> Document:
    found = _find(call, table, name)
    if found["state"] == "DELETED":
        raise failed_precondition(f"{name} is deleted: undelete it first.")
    for field in masked(call, mutable):
        found.pop(field, None)
        if call.body.get(field) not in (None, "", False):
            found[field] = call.body[field]
    if table == "providers":
        _check(found)
    return done(name, found)


def _delete(call: Call, table: str, name: str) -> Document:
    found = _find(call, table, name)
    if found["state"] == "DELETED":
        raise not_found(f"Requested entity was not found: {name}")
    found["state"] = "DELETED"
    found["expireTime"] = written(datetime.now(UTC) + timedelta(days=_KEPT_DAYS))
    return done(name, found)


def _undelete(call: Call, table: str, name: str) -> Document:
    found = _find(call, table, name)
    found["state"] = "ACTIVE"
    found.pop("expireTime", None)
    return done(name, found)


def _check(provider: Document) -> None:
    given = [kind for kind in _KINDS if provider.get(kind)]
    if len(given) != 1:
        raise invalid(f"A provider is exactly one of {', '.join(_KINDS)}.")
    mapping = as_object("attributeMapping", provider.get("attributeMapping"))
    for key, value in mapping.items():
        matching(
            "attributeMapping", key, r"google\.(subject|groups|display_name)|attribute\.\w{1,100}"
        )
        matching(f"attributeMapping.{key}", value, r"(?s).{1,2048}")
    if given == ["aws"]:
        return
    if "google.subject" not in mapping:
        raise invalid("The attribute mapping must contain 'google.subject'.")
    if given == ["oidc"]:
        _check_oidc(provider)


def _check_oidc(provider: Document) -> None:
    oidc = as_object("oidc", provider["oidc"])
    allow(oidc, ("issuerUri", "allowedAudiences", "jwksJson"), "oidc.")
    issuer = matching("oidc.issuerUri", oidc.get("issuerUri"), r"https://[^\s?#]+")
    if len(items("oidc.allowedAudiences", oidc.get("allowedAudiences"))) > _MOST_AUDIENCES:
        raise invalid(f"A provider has at most {_MOST_AUDIENCES} allowed audiences.")
    condition = provider.get("attributeCondition") or ""
    claims = ("assertion.", "assertion[", "attribute.", "google.")
    if issuer.startswith(_SHARED_ISSUERS) and not any(claim in condition for claim in claims):
        raise invalid(
            "The attribute condition must reference one of the provider's claims. For more"
            " information see https://cloud.google.com/iam/docs/"
            "workload-identity-federation-with-deployment-pipelines#conditions"
        )
