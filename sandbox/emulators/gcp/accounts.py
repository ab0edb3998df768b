"""Service accounts, the keys that prove to be one, and the roles that a project defines itself.

Source of the rules: https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts
and https://cloud.google.com/iam/docs/reference/rest/v1/projects.roles
"""

import base64
import json
import secrets
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandbox.emulators.gcp import policies
from sandbox.emulators.gcp.errors import exists, failed_precondition, invalid, not_found
from sandbox.emulators.gcp.routing import (
    Call,
    Routes,
    allow,
    as_object,
    etag,
    items,
    masked,
    matching,
    one_of,
    written,
)
from sandbox.emulators.gcp.store import Document

routes = Routes()

_ACCOUNT_ID = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
_ROLE_ID = r"[a-zA-Z0-9_.]{3,64}"
_STAGES = ("ALPHA", "BETA", "GA", "DEPRECATED", "DISABLED", "EAP")
_BITS = {"KEY_ALG_RSA_1024": 1024, "KEY_ALG_RSA_2048": 2048}
_ROLE_FIELDS = ("title", "description", "includedPermissions", "stage")
_MOST_KEYS = 10
_TEXT = r"(?s).{0,256}"
_ACCOUNTS = "/v1/projects/{project}/serviceAccounts"
_ACCOUNT = f"{_ACCOUNTS}/{{account}}"
_ROLES = "/v1/projects/{project}/roles"


@routes.on("POST", _ACCOUNTS)
def create(call: Call, project: str) -> Document:
    allow(call.body, ("accountId", "serviceAccount"))
    project = call.store.project_id(project)
    account_id = matching("accountId", call.body.get("accountId"), _ACCOUNT_ID)
    email = f"{account_id}@{project}.iam.gserviceaccount.com"
    if email in call.store.table("accounts"):
        raise exists(f"Service account {account_id} already exists within project {project}.")
    number = str(10**20 + secrets.randbelow(10**20))
    account = {
        "name": f"projects/{project}/serviceAccounts/{email}",
        "projectId": project,
        "uniqueId": number,
        "email": email,
        "oauth2ClientId": number,
        "disabled": False,
    }
    call.store.table("accounts")[email] = account
    _describe(account, as_object("serviceAccount", call.body.get("serviceAccount")))
    return account


@routes.on("GET", _ACCOUNTS)
def list_accounts(call: Call, project: str) -> Document:
    project = call.store.project_id(project)
    found = [a for a in call.store.table("accounts").values() if a["projectId"] == project]
    return {"accounts": found}


@routes.on("GET", _ACCOUNT)
def show(call: Call, project: str, account: str) -> Document:
    return _account(call, project, account)


@routes.on("PATCH", _ACCOUNT)
def update(call: Call, project: str, account: str) -> Document:
    found = _account(call, project, account)
    given = as_object("serviceAccount", call.body.get("serviceAccount"))
    names = [name for name in str(call.body.get("updateMask", "")).split(",") if name]
    # The names of masks are spelt either way.
    wanted = {"display_name": "displayName"}
    fields = [wanted.get(name, name) for name in names]
    _describe(found, {name: given.get(name, "") for name in fields})
    return found


@routes.on("POST", f"{_ACCOUNT}:disable")
def disable(call: Call, project: str, account: str) -> Document:
    _account(call, project, account)["disabled"] = True
    return {}


@routes.on("POST", f"{_ACCOUNT}:enable")
def enable(call: Call, project: str, account: str) -> Document:
    _account(call, project, account)["disabled"] = False
    return {}


@routes.on("DELETE", _ACCOUNT)
def delete(call: Call, project: str, account: str) -> Document:
    found = _account(call, project, account)
    del call.store.table("accounts")[found["email"]]
    policies.forget(call.store, found["name"])
    policies.forget_member(call.store, f"serviceAccount:{found['email']}")
    keys = call.store.table("accountKeys")
    for name in [name for name in keys if name.startswith(f"{found['name']}/")]:
        del keys[name]
    return {}


@routes.on("POST", f"{_ACCOUNT}:getIamPolicy")
def show_policy(call: Call, project: str, account: str) -> Document:
    return policies.show(call.store, _account(call, project, account)["name"])


@routes.on("POST", f"{_ACCOUNT}:setIamPolicy")
def replace_policy(call: Call, project: str, account: str) -> Document:
    found = _account(call, project, account)
    return policies.replace(call.store, found["name"], call.body.get("policy"))


@routes.on("POST", f"{_ACCOUNT}/keys")
def create_key(call: Call, project: str, account: str) -> Document:
    """Make a key pair. The private one is answered once, and kept by nobody here.

    Whoever signs with it asks this emulator for a token, not Google.
    """
    allow(call.body, ("privateKeyType", "keyAlgorithm"))
    found = _account(call, project, account)
    kind = call.body.get("privateKeyType", "TYPE_GOOGLE_CREDENTIALS_FILE")
    one_of("privateKeyType", kind, ("TYPE_GOOGLE_CREDENTIALS_FILE",))
    algorithm = one_of("keyAlgorithm", call.body.get("keyAlgorithm", "KEY_ALG_RSA_2048"), _BITS)
    keys = call.store.table("accountKeys")
    if sum(name.startswith(f"{found['name']}/") for name in keys) >= _MOST_KEYS:
        raise failed_precondition(f"A service account has at most {_MOST_KEYS} keys.")
    pair = rsa.generate_private_key(public_exponent=65537, key_size=_BITS[algorithm])
    private = pair.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = pair.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    number = secrets.token_hex(20)
    name = f"{found['name']}/keys/{number}"
    start = datetime.now(UTC)
    keys[name] = {
        "name": name,
        "keyAlgorithm": algorithm,
        "keyOrigin": "GOOGLE_PROVIDED",
        "keyType": "USER_MANAGED",
        "validAfterTime": written(start),
        "validBeforeTime": written(start + timedelta(days=3650)),
        "publicKeyData": base64.b64encode(public).decode(),
    }
    file = {
        "type": "service_account",
        "project_id": found["projectId"],
        "private_key_id": number,
        "private_key": private,
        "client_email": found["email"],
        "client_id": found["uniqueId"],
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": f"{call.host}/token",
        "universe_domain": "googleapis.com",
    }
    data = base64.b64encode(json.dumps(file, indent=2).encode()).decode()
    return {**_without_public(keys[name]), "privateKeyType": kind, "privateKeyData": data}


@routes.on("GET", f"{_ACCOUNT}/keys")
def list_keys(call: Call, project: str, account: str) -> Document:
    prefix = f"{_account(call, project, account)['name']}/"
    keys = call.store.table("accountKeys").items()
    return {"keys": [_without_public(key) for name, key in keys if name.startswith(prefix)]}


@routes.on("GET", f"{_ACCOUNT}/keys/{{key}}")
def show_key(call: Call, project: str, account: str, key: str) -> Document:
    found = _key(call, project, account, key)
    return found if "publicKeyType" in call.query else _without_public(found)


@routes.on("DELETE", f"{_ACCOUNT}/keys/{{key}}")
def delete_key(call: Call, project: str, account: str, key: str) -> Document:
    del call.store.table("accountKeys")[_key(call, project, account, key)["name"]]
    return {}


@routes.on("POST", "/token")
def give_token(call: Call) -> Document:  # noqa: ARG001 - whoever asks gets one
    """A token for whoever signs with a service account's key; nothing here asks who calls."""
    return {"access_token": "sandbox", "token_type": "Bearer", "expires_in": 3600}


@routes.on("POST", _ROLES)
def create_role(call: Call, project: str) -> Document:
    allow(call.body, ("roleId", "role"))
    name = f"projects/{call.store.project_id(project)}/roles/"
    name += matching("roleId", call.body.get("roleId"), _ROLE_ID)
    if name in call.store.table("roles"):
        raise exists(f"A role named {name} already exists, or was deleted not long ago.")
    role = {"name": name, "etag": etag(), "stage": "ALPHA"}
    _define(role, as_object("role", call.body.get("role")))
    call.store.table("roles")[name] = role
    return role


@routes.on("GET", f"{_ROLES}/{{role}}")
def show_role(call: Call, project: str, role: str) -> Document:
    return _role(call, project, role)


@routes.on("PATCH", f"{_ROLES}/{{role}}")
def update_role(call: Call, project: str, role: str) -> Document:
    found = _role(call, project, role)
    if found.get("deleted"):
        raise failed_precondition(f"The role {found['name']} is deleted: undelete it first.")
    names = masked(call, _ROLE_FIELDS)
    _define(found, {name: call.body.get(name) for name in names})
    return found


@routes.on("DELETE", f"{_ROLES}/{{role}}")
def delete_role(call: Call, project: str, role: str) -> Document:
    found = _role(call, project, role)
    found["deleted"] = True
    return found


@routes.on("POST", f"{_ROLES}/{{role}}:undelete")
def undelete_role(call: Call, project: str, role: str) -> Document:
    found = _role(call, project, role)
    found.pop("deleted", None)
    return found


def _account(call: Call, project: str, account: str) -> Document:
    accounts = call.store.table("accounts")
    for email, found in accounts.items():
        inside = project == "-" or call.store.project_id(project) == found["projectId"]
        if inside and account in (email, found["uniqueId"]):
            return found
    raise not_found(f"Unknown service account: {account}")


def _key(call: Call, project: str, account: str, key: str) -> Document:
    name = f"{_account(call, project, account)['name']}/keys/{key}"
    if name not in call.store.table("accountKeys"):
        raise not_found("Service account key does not exist.")
    return call.store.table("accountKeys")[name]


def _role(call: Call, project: str, role: str) -> Document:
    name = f"projects/{call.store.project_id(project)}/roles/{role}"
    if name not in call.store.table("roles"):
        raise not_found(f"The role named {name} was not found.")
    return call.store.table("roles")[name]


def _describe(account: Document, fields: Document) -> None:
    allow(fields, ("displayName", "description"), "serviceAccount.")
    for name, value in fields.items():
        limit = r"(?s).{0,100}" if name == "displayName" else _TEXT
        account[name] = matching(name, value, limit)
    account["etag"] = etag()


def _define(role: Document, fields: Document) -> None:
    allow(fields, (*_ROLE_FIELDS, "name", "etag"), "role.")
    for permission in items("includedPermissions", fields.get("includedPermissions")):
        matching(
            "includedPermissions", permission, r"[a-z][A-Za-z0-9]*\.[A-Za-z0-9]+\.[A-Za-z0-9]+"
        )
    role.update({name: value for name, value in fields.items() if name in _ROLE_FIELDS})
    one_of("stage", role["stage"], _STAGES)
    matching("title", role.get("title"), r"(?s).{1,100}")
    if not role.get("includedPermissions"):
        raise invalid("A role needs at least one permission.")
    role["etag"] = etag()


def _without_public(key: Document) -> Document:
    return {name: value for name, value in key.items() if name != "publicKeyData"}
