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
    """A value with a comment above it, or behind it when it is a scalar."""

    value: "_Node"
    comment: str


_Node = str | int | bool | Mapping[str, "_Node"] | Sequence["_Node"] | _Commented


def render(workflow: Workflow) -> str:
    """The file's content."""
    lines = [*_comment(workflow.header, 0), *_mapping(_workflow(workflow), 0)]
    return "\n".join(lines) + "\n"


def _workflow(workflow: Workflow) -> Mapping[str, _Node]:
    return {
        "name": workflow.name,
        "on": {
            "schedule": [_cron(each) for each in workflow.schedule],
            "workflow_dispatch": {
                "inputs": {name: _input(each) for name, each in workflow.inputs.items()}
            },
        },
        "permissions": {},
        "concurrency": {"group": workflow.concurrency, "cancel-in-progress": False},
        "jobs": {name: _job(each) for name, each in workflow.jobs.items()},
    }


def _cron(cron: Cron) -> _Node:
    return _Commented({"cron": cron.expression}, cron.comment)


def _input(asked: Choice | Text) -> _Node:
    match asked:
        case Choice():
            return {
                "description": asked.description,
                "type": "choice",
                "options": list(asked.options),
                "default": asked.default,
            }
        case Text():
            return {
                "description": asked.description,
                "type": "string",
                "required": asked.required,
            }


def _job(job: Job) -> _Node:
    return {
        "name": job.name,
        "runs-on": job.runner,
        "timeout-minutes": job.timeout_minutes,
        "environment": job.environment,
        "permissions": {
            name: _Commented(each.access, each.reason) for name, each in job.permissions.items()
        },
        "defaults": {"run": {"shell": "bash"}},
        "steps": [_step(each) for each in job.steps],
    }


def _step(step: Step) -> _Node:
    node: dict[str, _Node] = {"name": step.name}
    match step:
        case Uses():
            pinned = f"{step.action.name}@{step.action.commit}"
            node["uses"] = _Commented(pinned, step.action.version)
            if step.inputs:
                node["with"] = dict(step.inputs)
        case Run():
            if step.condition is not None:
                node["if"] = step.condition
            if step.env:
                node["env"] = dict(step.env)
            node["run"] = f"{_STRICT}\n{textwrap.dedent(step.script).strip()}\n"
    return _Commented(node, step.comment) if step.comment else node


def _comment(text: str, indent: int) -> Iterator[str]:
    for paragraph in text.splitlines():
        for line in textwrap.wrap(paragraph, _WIDTH - indent):
            yield f"{' ' * indent}# {line}"


def _mapping(node: Mapping[str, _Node], indent: int) -> Iterator[str]:
    margin = " " * indent
    for key, value in node.items():
        if indent == 0 and key != "name":
            yield ""
        match value:
            case _Commented(value=str() | int() as scalar, comment=comment):
                yield f"{margin}{key}: {_scalar(scalar)} # {comment}"
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
            case _Commented():
                raise TypeError(f"{key}: a comment stands behind scalars and above list entries")
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
