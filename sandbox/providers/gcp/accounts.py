"""Service accounts, and the keys that prove to be one."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from typing import Any, ClassVar

from sandbox.providers.gcp.client import Gcp
from sandbox.providers.gcp.handler import PROJECT, GcpHandler
from sandbox.providers.schema import Naming, Schema, flag, text, text_map
from sandbox.providers.values import Props

_NAME = "projects/{project}/serviceAccounts/{email}"


class Account(GcpHandler):
    """A service account. Its id is its full name."""

    token = "gcp:serviceaccount/account:Account"
    inputs: ClassVar[Schema] = {
        **PROJECT,
        "accountId": text(naming=Naming(lower=True, max_length=30), replaces=True, identity=True),
        "displayName": text(),
        "description": text(),
        "disabled": flag(default=False),
        "createIgnoreAlreadyExists": flag(default=False, write_only=True),
    }
    outputs = ("email", "member", "name", "uniqueId")

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Make it, or take over one of that id if that is allowed."""
        project, account = wanted["project"], wanted["accountId"]
        if wanted["createIgnoreAlreadyExists"]:
            email = f"{account}@{project}.iam.gserviceaccount.com"
            listed = cloud.get("iam", f"projects/{project}/serviceAccounts")
            if any(each["email"] == email for each in listed.get("accounts", [])):
                return f"projects/{project}/serviceAccounts/{email}"
        body = {"accountId": account, "serviceAccount": _described(wanted)}
        return cloud.post("iam", f"projects/{project}/serviceAccounts", body)["name"]

    def settle(self, cloud: Gcp, resource_id: str, wanted: Props) -> None:
        """Disable it if it is to be: a new one is enabled."""
        if wanted["disabled"]:
            cloud.post("iam", f"{resource_id}:disable")

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The account."""
        found = cloud.get("iam", resource_id)
        return {
            "project": found["projectId"],
            "accountId": found["email"].partition("@")[0],
            "displayName": found.get("displayName"),
            "description": found.get("description"),
            "disabled": found["disabled"],
            "email": found["email"],
            "member": f"serviceAccount:{found['email']}",
            "name": found["name"],
            "uniqueId": found["uniqueId"],
        }

    def update(self, cloud: Gcp, resource_id: str, old: Props, wanted: Props) -> None:
        """Describe it anew, and let it work or not."""
        body = {"serviceAccount": _described(wanted), "updateMask": "displayName,description"}
        cloud.patch("iam", resource_id, body)
        if old.get("disabled") != wanted["disabled"]:
            cloud.post("iam", f"{resource_id}:{'disable' if wanted['disabled'] else 'enable'}")

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete it with its keys."""
        cloud.delete("iam", resource_id)


class Key(GcpHandler):
    """A key pair of a service account.

    Google tells the private key once, when it makes the pair, so an imported one has none.
    """

    token = "gcp:serviceaccount/key:Key"
    inputs: ClassVar[Schema] = {
        "serviceAccountId": text(required=True, replaces=True),
        "keepers": text_map(replaces=True, write_only=True),
        "keyAlgorithm": text(default="KEY_ALG_RSA_2048", replaces=True),
        "privateKeyType": text(
            default="TYPE_GOOGLE_CREDENTIALS_FILE",
            choices=("TYPE_GOOGLE_CREDENTIALS_FILE",),
            replaces=True,
            write_only=True,
        ),
        "publicKeyType": text(default="TYPE_X509_PEM_FILE", replaces=True, write_only=True),
    }
    outputs = ("name", "privateKey", "publicKey", "validAfter", "validBefore")
    secret_outputs = ("privateKey",)

    def create(self, cloud: Gcp, wanted: Props) -> str:
        """Make the pair, and keep the private key."""
        body = {name: wanted[name] for name in ("keyAlgorithm", "privateKeyType")}
        account = _account(cloud, wanted["serviceAccountId"])
        made = cloud.post("iam", f"{account}/keys", body)
        wanted["privateKey"] = made["privateKeyData"]
        return made["name"]

    def read(self, cloud: Gcp, resource_id: str, known: Props) -> Props | None:
        """The pair, with the private key if it was ever known."""
        kind = known.get("publicKeyType", "TYPE_X509_PEM_FILE")
        found = cloud.get("iam", resource_id, publicKeyType=kind)
        account = resource_id.partition("/keys/")[0]
        same = known and _account(cloud, known["serviceAccountId"]) == account
        return {
            "serviceAccountId": known["serviceAccountId"] if same else account,
            "keyAlgorithm": found["keyAlgorithm"],
            "name": found["name"],
            "privateKey": known.get("privateKey"),
            "publicKey": found.get("publicKeyData"),
            "validAfter": found["validAfterTime"],
            "validBefore": found["validBeforeTime"],
        }

    def delete(self, cloud: Gcp, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Revoke it."""
        cloud.delete("iam", resource_id)


def _described(wanted: Props) -> dict[str, Any]:
    return {name: wanted.get(name, "") for name in ("displayName", "description")}


def _account(cloud: Gcp, given: str) -> str:
    """The full name of a service account by its full name, its e-mail address or its id."""
    if given.startswith("projects/"):
        return given
    if "@" in given:
        return f"projects/-/serviceAccounts/{given}"
    email = f"{given}@{cloud.project}.iam.gserviceaccount.com"
    return f"projects/{cloud.project}/serviceAccounts/{email}"


HANDLERS = [Account(), Key()]
