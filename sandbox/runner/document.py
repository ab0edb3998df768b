"""What has to be known of a workflow file before its jobs can be run one by one."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

from sandbox.errors import SandboxError

_GITHUBS_MINUTES = 360
"""How long GitHub lets a job run that does not say."""
_IDENTIFIES = {"id-token": "write"}
_ACTION = re.compile(r"(?P<name>[^/@]+/[^/@]+)@(?P<ref>.+)")


@dataclass(frozen=True, kw_only=True)
class Use:
    """A step that calls an action."""

    action: str
    """`owner/name`."""
    ref: str
    inputs: tuple[str, ...]
    """The names that it gives."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job, as far as it matters who runs it."""

    key: str
    label: str
    """The kind of machine it asks for."""
    needs: tuple[str, ...]
    environment: str | None
    identifies: bool
    """Whether it may ask for a token that says which run it is."""
    timeout_minutes: int
    uses: tuple[Use, ...]


@dataclass(frozen=True, kw_only=True)
class Document:
    """A workflow file."""

    path: str
    """In the repository."""
    events: Mapping[str, Any]
    """What starts it, each with its settings."""
    jobs: tuple[Job, ...]
    """Each after all that it needs."""


def parse(path: str, text: str) -> Document:
    """Raises SandboxError for what cannot be run here."""
    # YAML 1.1, which this parser reads, takes the key `on` for true.
    document = cast("dict[Any, Any]", yaml.safe_load(text))
    events: Any = document.get("on", document.get(True))
    if isinstance(events, str):
        events = [events]
    if isinstance(events, list):
        events = dict.fromkeys(cast("list[str]", events))
    jobs = {
        key: _job(key, job, document.get("permissions")) for key, job in document["jobs"].items()
    }
    return Document(path=path, events=events, jobs=tuple(_ordered(path, jobs)))


def _job(key: str, job: Mapping[str, Any], inherited: Any) -> Job:
    environment = job.get("environment")
    if isinstance(environment, dict):
        environment = cast("dict[str, str]", environment)["name"]
    label = job.get("runs-on")
    for name, value in (("environment", environment), ("runs-on", label)):
        if not isinstance(value, str | None) or "${{" in str(value):
            raise SandboxError(
                f"the job `{key}` computes its `{name}`, which this runner must know beforehand:"
                " write it out"
            )
    permissions: Any = job.get("permissions", inherited)
    needs = job.get("needs", [])
    return Job(
        key=key,
        label=label or "",
        needs=(needs,) if isinstance(needs, str) else tuple(needs),
        environment=environment,
        identifies=permissions == "write-all"
        or (isinstance(permissions, dict) and _IDENTIFIES.items() <= permissions.items()),
        timeout_minutes=job.get("timeout-minutes", _GITHUBS_MINUTES),
        uses=tuple(_uses(job.get("steps", []))),
    )


def _uses(steps: list[dict[str, Any]]) -> Iterator[Use]:
    for step in steps:
        if "uses" in step:
            found = _ACTION.fullmatch(step["uses"])
            if found is None:
                raise SandboxError(
                    f"nothing stands in for the action {step['uses']}: only `owner/name@ref` can be"
                )
            yield Use(action=found["name"], ref=found["ref"], inputs=tuple(step.get("with") or {}))


def _ordered(path: str, jobs: Mapping[str, Job]) -> Iterator[Job]:
    left, done = dict(jobs), set[str]()
    while left:
        ready = [job for job in left.values() if done.issuperset(job.needs)]
        if not ready:
            raise SandboxError(
                f"the jobs {', '.join(left)} of {path} need one another, or a job that is not there"
            )
        for job in ready:
            done.add(job.key)
            del left[job.key]
            yield job
