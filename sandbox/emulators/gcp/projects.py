"""Projects: their numbers, their policies, and which of Google's services they may use.

Every project exists, so that each stack finds its own.

Source of the rules: https://cloud.google.com/resource-manager/reference/rest/v1/projects and
https://cloud.google.com/service-usage/docs/reference/rest/v1/services
"""

from sandbox.emulators.gcp import policies
from sandbox.emulators.gcp.errors import forbidden
from sandbox.emulators.gcp.routing import Call, Routes, done, matching
from sandbox.emulators.gcp.store import Document

routes = Routes()

_ID = r"\d{6,}|[a-z][a-z0-9-]{4,28}[a-z0-9]"
_SERVICE = r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)*\.googleapis\.com"
_PROJECT = "/v1/projects/{project}"
_SERVICES = f"{_PROJECT}/services"


@routes.on("GET", _PROJECT)
def show(call: Call, project: str) -> Document:
    found = _known(call, project)
    return {
        "projectNumber": call.store.project_number(found),
        "projectId": found,
        "name": found,
        "lifecycleState": "ACTIVE",
    }


@routes.on("POST", f"{_PROJECT}:getIamPolicy")
def show_policy(call: Call, project: str) -> Document:
    return policies.show(call.store, f"projects/{_known(call, project)}")


@routes.on("POST", f"{_PROJECT}:setIamPolicy")
def replace_policy(call: Call, project: str) -> Document:
    name = f"projects/{_known(call, project)}"
    return policies.replace(call.store, name, call.body.get("policy"))


@routes.on("GET", _SERVICES)
def list_services(call: Call, project: str) -> Document:
    prefix = f"projects/{call.store.project_number(_known(call, project))}/services/"
    services = call.store.table("services").items()
    found = [service for name, service in services if name.startswith(prefix)]
    return {"services": found}


@routes.on("GET", f"{_SERVICES}/{{service}}")
def show_service(call: Call, project: str, service: str) -> Document:
    name = _service(call, project, service)
    return call.store.table("services").get(name, {**_entry(name, service), "state": "DISABLED"})


@routes.on("POST", f"{_SERVICES}/{{service}}:enable")
def enable_service(call: Call, project: str, service: str) -> Document:
    name = _service(call, project, service)
    call.store.table("services")[name] = {**_entry(name, service), "state": "ENABLED"}
    return done("operations", {"service": call.store.table("services")[name]})


@routes.on("POST", f"{_SERVICES}/{{service}}:disable")
def disable_service(call: Call, project: str, service: str) -> Document:
    name = _service(call, project, service)
    call.store.table("services").pop(name, None)
    return done("operations", {"service": {**_entry(name, service), "state": "DISABLED"}})


def _known(call: Call, project: str) -> str:
    matching("project", project, _ID)
    return call.store.project_id(project)


def _service(call: Call, project: str, service: str) -> str:
    number = call.store.project_number(_known(call, project))
    if not service.endswith(".googleapis.com"):
        raise forbidden(f"Not found or permission denied for service(s): {service}.")
    return f"projects/{number}/services/{matching('service', service, _SERVICE)}"


def _entry(name: str, service: str) -> Document:
    return {"name": name, "parent": name.rpartition("/services/")[0], "config": {"name": service}}
