"""The text of a workflow: YAML in a fixed order, with its comments."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from workflows.model import Choice, Cron, Job, Run, Step, Text, Uses, Workflow

_WIDTH = 96
_STRICT = "set -euo pipefail"


@dataclass(frozen=True)
class _Commented:
    """A value with a comment above it, or behind it where it is one line of a mapping."""

    value: "_Node"
    comment: str


_Node = str | int | bool | Mapping[str, "_Node"] | Sequence["_Node"] | _Commented


def render(workflow: Workflow) -> str:
    """The file's content."""
    lines = [*_comment(workflow.header, 0), *_mapping(_workflow(workflow), 0)]
    return "\n".join(lines) + "\n"


def _workflow(workflow: Workflow) -> Mapping[str, _Node]:
    run_name = {} if workflow.run_name is None else {"run-name": workflow.run_name}
    return {
        "name": workflow.name,
        **run_name,
        "on": _triggers(workflow),
        "permissions": {},
        "concurrency": _commented(
            _concurrency(workflow.concurrency, cancel=workflow.cancel_in_progress),
            workflow.concurrency_comment,
        ),
        "jobs": {name: _job(each) for name, each in workflow.jobs.items()},
    }


def _triggers(workflow: Workflow) -> Mapping[str, _Node]:
    node: dict[str, _Node] = {}
    if workflow.pull_requests:
        node["pull_request"] = {}
    if workflow.pushed_branch is not None:
        node["push"] = {"branches": [workflow.pushed_branch]}
    if workflow.schedule:
        node["schedule"] = [_cron(each) for each in workflow.schedule]
    if workflow.inputs is not None:
        inputs = {name: _input(each) for name, each in workflow.inputs.items()}
        node["workflow_dispatch"] = {"inputs": inputs} if inputs else {}
    return node


def _concurrency(group: str, *, cancel: bool) -> _Node:
    return {"group": group, "cancel-in-progress": cancel}


def _cron(cron: Cron) -> _Node:
    return _Commented({"cron": cron.expression}, cron.comment)


def _input(asked: Choice | Text) -> _Node:
    match asked:
        case Choice():
            return {
                "description": asked.description,
                "type": "choice",
                "options": list(asked.options),
                "default": asked.options[0],
            }
        case Text():
            default = {} if asked.default is None else {"default": asked.default}
            return {
                "description": asked.description,
                "type": "string",
                "required": asked.required,
                **default,
            }


def _job(job: Job) -> _Node:
    node: dict[str, _Node] = {"name": job.name}
    if job.needs:
        node["needs"] = list(job.needs)
    if job.condition is not None:
        node["if"] = job.condition
    node |= {"runs-on": job.runner, "timeout-minutes": job.timeout_minutes}
    if job.environment is not None:
        node["environment"] = job.environment
    if job.concurrency is not None:
        node["concurrency"] = _concurrency(job.concurrency, cancel=False)
    node["permissions"] = {
        name: _Commented(each.access, each.reason) for name, each in job.permissions.items()
    }
    for name, values in (("outputs", job.outputs), ("env", job.env)):
        if values:
            node[name] = dict(values)
    node |= {
        "defaults": {"run": {"shell": "bash"}},
        "steps": [_step(each) for each in job.steps],
    }
    return _commented(node, job.comment)


def _step(step: Step) -> _Node:
    node: dict[str, _Node] = {"name": step.name}
    if step.condition is not None:
        node["if"] = step.condition
    match step:
        case Uses():
            pinned = f"{step.action.name}@{step.action.commit}"
            node["uses"] = _Commented(pinned, step.action.version)
            if step.may_fail:
                node["continue-on-error"] = True
            if step.inputs:
                node["with"] = dict(step.inputs)
        case Run():
            if step.id is not None:
                node["id"] = step.id
            if step.env:
                node["env"] = dict(step.env)
            node["run"] = f"{_STRICT}\n{textwrap.dedent(step.script).strip()}\n"
    return _commented(node, step.comment)


def _commented(node: _Node, comment: str | None) -> _Node:
    return node if comment is None else _Commented(node, comment)


def _comment(text: str, indent: int) -> Iterator[str]:
    for paragraph in text.splitlines():
        for line in textwrap.wrap(paragraph, _WIDTH - indent):
            yield f"{' ' * indent}# {line}"


def _mapping(node: Mapping[str, _Node], indent: int) -> Iterator[str]:
    for key, value in node.items():
        if indent == 0 and key not in {"name", "run-name"}:
            yield ""
        yield from _entry(key, value, indent)


def _entry(key: str, value: _Node, indent: int) -> Iterator[str]:
    margin = " " * indent
    match value:
        case _Commented(value=str() | int() as scalar, comment=comment):
            yield f"{margin}{key}: {_scalar(scalar)} # {comment}"
        case _Commented(value=commented, comment=comment):
            yield from _comment(comment, indent)
            yield from _entry(key, commented, indent)
        case str() if "\n" in value:
            yield f"{margin}{key}: |"
            yield from (f"{margin}  {line}".rstrip() for line in value.splitlines())
        case str() | int():
            yield f"{margin}{key}: {_scalar(value)}"
        case Mapping() if not value:
            yield f"{margin}{key}: {{}}"
        case Mapping():
            yield f"{margin}{key}:"
            yield from _mapping(value, indent + 2)
        case _:
            yield f"{margin}{key}:"
            yield from _sequence(value, indent + 2)


def _sequence(node: Sequence[_Node], indent: int) -> Iterator[str]:
    margin = " " * indent
    for entry in node:
        if isinstance(entry, _Commented):
            yield from _comment(entry.comment, indent)
        value = entry.value if isinstance(entry, _Commented) else entry
        if isinstance(value, Mapping):
            first, *rest = _mapping(value, indent + 2)
            yield f"{margin}- {first.lstrip()}"
            yield from rest
        else:
            yield f"{margin}- {_scalar(str(value))}"


def _scalar(value: str | int) -> str:
    """One line of YAML that reads back as the same value."""
    text = yaml.safe_dump(value, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
