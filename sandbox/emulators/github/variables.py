"""Actions variables of repositories and environments."""

from typing import Any

from sandbox.emulators.github import clock, environments, names
from sandbox.emulators.github.errors import conflict, not_found
from sandbox.emulators.github.models import Variable
from sandbox.emulators.github.routing import NO_CONTENT, Reply, RepositoryCall, Routes

routes = Routes()

_REPOSITORY = "/actions/variables"
_ENVIRONMENT = "/environments/<environment>/variables"


@routes.repository("GET", _REPOSITORY)
@routes.repository("GET", _ENVIRONMENT)
def list_variables(call: RepositoryCall, environment: str | None = None) -> Reply:
    found = sorted(_variables(call, environment).items())
    return call.page(found, lambda item: _render(*item), "variables")


@routes.repository("POST", _REPOSITORY)
@routes.repository("POST", _ENVIRONMENT)
def create(call: RepositoryCall, environment: str | None = None) -> Reply:
    name = names.checked("Variable", call.require("name", str))
    value = call.require("value", str)
    names.refuse_long("Variable", value)
    variables = _variables(call, environment)
    if name in variables:
        raise conflict("Already exists - Variable already exists")
    moment = clock.now()
    variables[name] = Variable(value=value, created_at=moment, updated_at=moment)
    return Reply({}, 201)


@routes.repository("GET", f"{_REPOSITORY}/<variable>")
@routes.repository("GET", f"{_ENVIRONMENT}/<variable>")
def show(call: RepositoryCall, variable: str, environment: str | None = None) -> Reply:
    return Reply(_render(variable.upper(), _found(call, variable, environment)))


@routes.repository("PATCH", f"{_REPOSITORY}/<variable>")
@routes.repository("PATCH", f"{_ENVIRONMENT}/<variable>")
def update(call: RepositoryCall, variable: str, environment: str | None = None) -> Reply:
    found = _found(call, variable, environment)
    variables = _variables(call, environment)
    value = call.optional("value", str)
    name = names.checked("Variable", call.optional("name", str) or variable)
    if name != variable.upper() and name in variables:
        raise conflict("Already exists - Variable already exists")
    if value is not None:
        names.refuse_long("Variable", value)
        found.value = value
    found.updated_at = clock.after(found.updated_at)
    variables[name] = variables.pop(variable.upper())
    return NO_CONTENT


@routes.repository("DELETE", f"{_REPOSITORY}/<variable>")
@routes.repository("DELETE", f"{_ENVIRONMENT}/<variable>")
def delete(call: RepositoryCall, variable: str, environment: str | None = None) -> Reply:
    _found(call, variable, environment)
    del _variables(call, environment)[variable.upper()]
    return NO_CONTENT


def _variables(call: RepositoryCall, environment: str | None) -> dict[str, Variable]:
    if environment is None:
        return call.repository.state.variables
    return environments.find(call, environment).variables


def _found(call: RepositoryCall, name: str, environment: str | None) -> Variable:
    found = _variables(call, environment).get(name.upper())
    if found is None:
        raise not_found()
    return found


def _render(name: str, variable: Variable) -> dict[str, Any]:
    return {
        "name": name,
        "value": variable.value,
        "created_at": variable.created_at,
        "updated_at": variable.updated_at,
    }
