"""Rulesets: kept and shown as given."""

from typing import Any

import pytest

REPOSITORY = "/repos/neonhub/neonhub"
RULESETS = f"{REPOSITORY}/rulesets"
BODY: dict[str, Any] = {
    "name": "main",
    "target": "branch",
    "enforcement": "active",
    "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
    "rules": [{"type": "deletion"}],
}


def test_a_ruleset_is_created_changed_and_deleted(github: Any):
    created = github.request("POST", RULESETS, BODY)

    assert created.status_code == 201
    url = f"{RULESETS}/{created.json['id']}"
    assert github.json(url) | BODY == github.json(url)
    changed = github.request("PUT", url, {"enforcement": "disabled"}).json
    assert (changed["enforcement"], changed["rules"]) == ("disabled", BODY["rules"])
    assert "rules" not in github.json(RULESETS)[0]
    assert github.request("DELETE", url).status_code == 204
    assert github.get(url).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"enforcement": "sometimes"},
        {"target": "tree"},
        {"rules": [{"type": "no_such_rule"}]},
        {"bypass_actors": None},
        {"name": None},
    ],
)
def test_an_impossible_ruleset_is_refused(github: Any, change: dict[str, Any]):
    assert github.request("POST", RULESETS, {**BODY, **change}).status_code == 422
    assert github.json(RULESETS) == []


def test_names_are_unique(github: Any):
    github.request("POST", RULESETS, BODY)

    assert github.request("POST", RULESETS, BODY).status_code == 422
