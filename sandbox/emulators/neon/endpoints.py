"""Computes of branches, and how they are reached."""

from typing import Any, Literal

from sandbox.emulators.neon.calls import Call, Reply, new_id, operations, text
from sandbox.emulators.neon.errors import invalid, not_found
from sandbox.emulators.neon.models import Branch, Endpoint

PROXY = "us-east-2.aws.neon.tech"
"""Only its names are used: the address of the sandbox's server goes along with them."""


def create_endpoint(call: Call) -> Reply:
    asked = call.body["endpoint"]
    branch = call.branch(asked["branch_id"])
    endpoint = add_endpoint(call, branch, asked["type"])
    started = call.start("start_compute", branch, endpoint)
    return Reply({"endpoint": render_endpoint(call, endpoint), **operations(call, started)}, 201)


def list_endpoints(call: Call, branch_id: str) -> Reply:
    found = call.endpoints_of(call.branch(branch_id))
    return Reply({"endpoints": [render_endpoint(call, each) for each in found]})


def connection_uri(call: Call) -> Reply:
    branch_id = call.query.get("branch_id")
    branch = (
        call.branch(branch_id)
        if branch_id
        else next(each for each in call.project.branches if each.default)
    )
    endpoint = next((e for e in call.endpoints_of(branch) if e.type == "read_write"), None)
    if endpoint is None:
        raise not_found("endpoint")
    if call.query["database_name"] != call.project.database:
        raise not_found("database")
    if call.query["role_name"] != call.databases.target.parameters["user"]:
        raise not_found("role")
    pooler = "-pooler" if call.query.get("pooled") == "true" else ""
    host = f"{endpoint.id}{pooler}.{PROXY}"
    return Reply({"uri": call.databases.url(branch.database, host)})


def add_endpoint(call: Call, branch: Branch, kind: Literal["read_write", "read_only"]) -> Endpoint:
    """A compute of a branch; 422 when it has its one that may write."""
    if kind == "read_write" and any(e.type == kind for e in call.endpoints_of(branch)):
        raise invalid("read-write endpoint already exists for the branch")
    endpoint = Endpoint(
        id=new_id("ep"),
        branch_id=branch.id,
        type=kind,
        created_at=call.now,
        updated_at=call.now,
    )
    call.project.endpoints.append(endpoint)
    return endpoint


def render_endpoint(call: Call, endpoint: Endpoint) -> dict[str, Any]:
    """A compute as every answer shows it."""
    return {
        "id": endpoint.id,
        "host": f"{endpoint.id}.{PROXY}",
        "project_id": call.project.id,
        "branch_id": endpoint.branch_id,
        "type": endpoint.type,
        "region_id": "aws-us-east-2",
        "autoscaling_limit_min_cu": 0.25,
        "autoscaling_limit_max_cu": 0.25,
        "current_state": "idle",
        "settings": {},
        "pooler_enabled": False,
        "pooler_mode": "transaction",
        "disabled": False,
        "passwordless_access": True,
        "creation_source": "console",
        "created_at": text(endpoint.created_at),
        "updated_at": text(endpoint.updated_at),
        "proxy_host": PROXY,
        "suspend_timeout_seconds": 0,
        "provisioner": "k8s-neonvm",
    }
