"""This repository's own workflows, read back as GitHub reads them."""

from functools import cache
from typing import Any

import yaml

from workflows.own import own_workflows
from workflows.stacks import Stack

STAGING = Stack(name="staging", environment="staging", aws=True, gcp=False)
PROD = Stack(name="prod", environment="production", aws=True, gcp=True)
FILES = own_workflows((STAGING, PROD), "main")
"""Their text by path."""


@cache
def workflow(name: str) -> dict[str, Any]:
    # PyYAML reads the key `on` as true, as YAML 1.1 says; GitHub does not.
    text = FILES[f".github/workflows/{name}.yml"].replace("\non:\n", '\n"on":\n')
    return yaml.safe_load(text)


def job(name: str, job: str) -> dict[str, Any]:
    return workflow(name)["jobs"][job]


def jobs() -> dict[str, dict[str, Any]]:
    """Every job of every workflow, by workflow and name."""
    found = {
        f"{path.split('/')[-1]} {name}": each
        for path in FILES
        for name, each in workflow(path.split("/")[-1].removesuffix(".yml"))["jobs"].items()
    }
    assert len(found) == 5 + 3 + 4
    return found


def step(of: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in of["steps"] if each["name"] == name]
    return found
