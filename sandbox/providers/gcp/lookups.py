"""What a program may look up."""

from sandbox.providers.framework import Function
from sandbox.providers.gcp.client import Gcp
from sandbox.providers.schema import text
from sandbox.providers.values import Props


def _project(cloud: Gcp, args: Props) -> Props:
    found = cloud.get("resourceManager", f"projects/{args.get('projectId') or cloud.project}")
    return {
        "id": f"projects/{found['projectId']}",
        "projectId": found["projectId"],
        "number": found["projectNumber"],
        "name": found["name"],
        "autoCreateNetwork": True,
        "billingAccount": "",
        "deletionPolicy": "",
        "effectiveLabels": {},
        "folderId": "",
        "labels": {},
        "orgId": "",
        "pulumiLabels": {},
        "tags": {},
    }


def _client_config(cloud: Gcp, _: Props) -> Props:
    project, region, zone = cloud.project, cloud.region or "", cloud.zone or ""
    return {
        "id": f'projects/"{project}"/regions/"{region}"/zones/"{zone}"',
        "accessToken": cloud.token,
        "defaultLabels": dict(cloud.default_labels),
        "project": project,
        "region": region,
        "zone": zone,
    }


def _storage_account(cloud: Gcp, args: Props) -> Props:
    project = args.get("project") or cloud.project
    email = cloud.get("storage", f"projects/{project}/serviceAccount")["email_address"]
    member = f"serviceAccount:{email}"
    result = {"id": email, "emailAddress": email, "member": member, "project": project}
    return {**result, **args}


FUNCTIONS = [
    Function("gcp:organizations/getProject:getProject", _project, {"projectId": text()}),
    Function("gcp:organizations/getClientConfig:getClientConfig", _client_config),
    Function(
        "gcp:storage/getProjectServiceAccount:getProjectServiceAccount",
        _storage_account,
        {"project": text(), "userProject": text()},
    ),
]
