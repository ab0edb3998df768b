"""What GitHub answers to a question that its plugin has no lookup for."""

import json
from typing import Any, NamedTuple

import pulumi_github as github

_NOT_FOUND = 404


class Answer(NamedTuple):
    """What there is at an address of the REST API."""

    found: bool
    value: Any
    """The parsed body; None where it is empty, or nothing was found."""


def ask(endpoint: str) -> Answer:
    """Get it, now: in a preview as well.

    Args:
        endpoint: path below the API, such as repos/neonhub/app, its parts quoted.

    Raises:
        Exception: GitHub refuses; the SDK raises nothing narrower.
    """
    answer = github.get_rest_api(endpoint=endpoint)
    if answer.code == _NOT_FOUND:
        return Answer(found=False, value=None)
    return Answer(found=True, value=json.loads(answer.body) if answer.body else None)
