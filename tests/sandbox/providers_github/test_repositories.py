"""Repositories as resources and as lookups."""

import json
from typing import Any

import pytest

from sandbox.providers.framework import ProviderError, diff
from sandbox.providers.github.client import GitHubError
from sandbox.providers.github.repositories import FUNCTIONS, Repository
from sandbox.providers.schema import completed

REPOSITORY = Repository()
LOOKUPS = {each.token.rpartition(":")[2]: each.call for each in FUNCTIONS}


def test_a_repository_is_read_back_as_it_was_asked_for(cloud: Any):
    given = {"name": "other", "visibility": "private", "hasIssues": True, "topics": ["b", "a"]}
    wanted = completed(REPOSITORY.inputs, given)
    resource_id = REPOSITORY.create(cloud, wanted)
    REPOSITORY.settle(cloud, resource_id, wanted)
    found = REPOSITORY.read(cloud, resource_id, wanted)

    assert found is not None
    assert diff(REPOSITORY, old={**wanted, **found}, new=wanted).diffs == []
    assert found["fullName"] == "neonhub/other"


def test_an_archived_repository_outlives_its_stack(cloud: Any):
    REPOSITORY.create(cloud, completed(REPOSITORY.inputs, {"name": "other"}))
    REPOSITORY.delete(cloud, "other", {"archiveOnDestroy": True})

    assert cloud.get("repos/neonhub/other")["archived"] is True


@pytest.mark.parametrize("args", [{"name": "neonhub"}, {"fullName": "neonhub/neonhub"}])
def test_a_repository_is_looked_up_by_either_name(cloud: Any, args: dict[str, str]):
    found = LOOKUPS["getRepository"](cloud, args)

    assert found["repoId"] == cloud.get("repos/neonhub/neonhub")["id"]
    assert found["defaultBranch"] == "main"


def test_a_lookup_without_a_name_says_what_it_needs(cloud: Any):
    with pytest.raises(ProviderError, match="'name', or 'fullName'"):
        LOOKUPS["getRepository"](cloud, {})


def test_a_user_is_looked_up_with_a_numeric_id(cloud: Any):
    found = LOOKUPS["getUser"](cloud, {"username": "sandbox"})

    assert found["id"] == str(cloud.get("user")["id"])
    assert found["siteAdmin"] is False


def test_any_address_can_be_looked_up_and_nothing_there_is_an_answer(cloud: Any):
    ask = LOOKUPS["getRestApi"]
    found = ask(cloud, {"endpoint": "repos/neonhub/neonhub"})
    cloud.put("repos/neonhub/neonhub/vulnerability-alerts")
    empty = ask(cloud, {"endpoint": "repos/neonhub/neonhub/vulnerability-alerts"})

    assert (found["code"], json.loads(found["body"])["name"]) == (200, "neonhub")
    assert (empty["code"], empty["body"]) == (204, "")
    assert ask(cloud, {"endpoint": "repos/neonhub/none"})["code"] == 404


def test_a_refusal_is_no_answer(cloud: Any):
    with pytest.raises(GitHubError, match="No commit found for SHA"):
        LOOKUPS["getRestApi"](cloud, {"endpoint": "repos/neonhub/neonhub/commits/none"})
