"""The workflow files on a repository's default branch, and whether GitHub would run them."""

from dataclasses import dataclass
from typing import Any, cast, get_args

import yaml

from sandbox.emulators.github import clock
from sandbox.emulators.github.errors import not_found
from sandbox.emulators.github.models import Workflow, WorkflowState
from sandbox.emulators.github.routing import NO_CONTENT, Reply, RepositoryCall, Routes, one_of
from sandbox.emulators.github.storage import node_id

routes = Routes()

_FOLDER = ".github/workflows"


@dataclass(frozen=True)
class File:
    """A workflow file as it is now, and what is remembered of it."""

    path: str
    name: str
    workflow: Workflow


@routes.repository("GET", "/actions/workflows")
def list_workflows(call: RepositoryCall) -> Reply:
    return call.page(_files(call), lambda file: _render(call, file), "workflows")


@routes.repository("GET", "/actions/workflows/<workflow>")
def show(call: RepositoryCall, workflow: str) -> Reply:
    return Reply(_render(call, find(call, workflow)))


@routes.repository("PUT", "/actions/workflows/<workflow>/enable")
def enable(call: RepositoryCall, workflow: str) -> Reply:
    return _switch(call, workflow, "active")


@routes.repository("PUT", "/actions/workflows/<workflow>/disable")
def disable(call: RepositoryCall, workflow: str) -> Reply:
    return _switch(call, workflow, "disabled_manually")


@routes.control("PATCH", "/actions/workflows/<workflow>")
def put_into_state(call: RepositoryCall, workflow: str) -> Reply:
    """Do what GitHub does by itself, and let a workflow be as old as a test needs it.

    The body may hold `state`, such as `disabled_inactivity`, and `created_at`.
    """
    state = call.optional("state", str)
    if state is not None:
        _switch(call, workflow, one_of("Workflow", "state", state, get_args(WorkflowState)))
    file = find(call, workflow)
    file.workflow.created_at = call.moment("created_at") or file.workflow.created_at
    return Reply(_render(call, file))


def _switch(call: RepositoryCall, wanted: str, state: str) -> Reply:
    workflow = find(call, wanted).workflow
    workflow.state = cast("WorkflowState", state)
    workflow.updated_at = clock.after(workflow.updated_at)
    return NO_CONTENT


def find(call: RepositoryCall, wanted: str) -> File:
    """By id or by file name."""
    for file in _files(call):
        if wanted in (str(file.workflow.id), file.path.rpartition("/")[2]):
            return file
    raise not_found()


def asked_inputs(call: RepositoryCall, file: File, commit: str) -> dict[str, dict[str, Any]] | None:
    """What a workflow asks of whoever starts it, as a commit has it. None: nobody can start it."""
    entry = call.repository.git.entry(commit, file.path)
    document: object = yaml.safe_load(call.repository.git.blob(entry.sha)) if entry else None
    if not isinstance(document, dict):
        return None
    known = cast("dict[Any, Any]", document)
    # To YAML of version 1.1 the key `on` is true.
    triggers: object = known.get("on", known.get(True))
    if not isinstance(triggers, dict):
        listed = cast("list[Any]", triggers) if isinstance(triggers, list) else [triggers]
        return {} if "workflow_dispatch" in listed else None
    events = cast("dict[str, Any]", triggers)
    if "workflow_dispatch" not in events:
        return None
    dispatched = cast("dict[str, Any]", events["workflow_dispatch"] or {})
    asked = cast("dict[str, Any]", dispatched.get("inputs") or {})
    return {name: wanted or {} for name, wanted in asked.items()}


def _files(call: RepositoryCall) -> list[File]:
    """What is on the default branch now; a file seen for the first time gets its id."""
    git = call.repository.git
    tip = git.branch(call.repository.state.settings.default_branch)
    if tip is None:
        return []
    known = call.repository.state.workflows
    found: list[File] = []
    for entry in git.entries(tip, _FOLDER):
        if entry.kind != "blob" or not entry.path.endswith((".yml", ".yaml")):
            continue
        if entry.path not in known:
            moment = clock.now()
            number = call.store.next_id()
            known[entry.path] = Workflow(id=number, created_at=moment, updated_at=moment)
        name = _name(git.blob(entry.sha)) or entry.path
        found.append(File(entry.path, name, known[entry.path]))
    return found


def _name(content: bytes) -> str | None:
    """The document's own name; GitHub lists a file it cannot parse under its path."""
    try:
        document: object = yaml.safe_load(content)
    except yaml.YAMLError:
        return None
    if not isinstance(document, dict):
        return None
    name = cast("dict[str, Any]", document).get("name")
    return name if isinstance(name, str) else None


def _render(call: RepositoryCall, file: File) -> dict[str, Any]:
    number = file.workflow.id
    page = f"{call.host}/{call.repository.full_name}"
    branch = call.repository.state.settings.default_branch
    return {
        "id": number,
        "node_id": node_id("Workflow", number),
        "name": file.name,
        "path": file.path,
        "state": file.workflow.state,
        "created_at": file.workflow.created_at,
        "updated_at": file.workflow.updated_at,
        "url": f"{call.repository_api}/actions/workflows/{number}",
        "html_url": f"{page}/blob/{branch}/{file.path}",
        "badge_url": f"{page}/workflows/{file.name}/badge.svg",
    }
