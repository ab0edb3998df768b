"""Files, branches and pull requests."""

from typing import Any

import pytest

from sandbox.providers.framework import ProviderError
from sandbox.providers.github.client import GitHubError
from sandbox.providers.github.contents import Branch, RepositoryFile, RepositoryPullRequest

FILE, BRANCH, PULL = RepositoryFile(), Branch(), RepositoryPullRequest()
WANTED: dict[str, Any] = {
    "repository": "neonhub",
    "file": "docs/a b.md",
    "content": "ü\n",
    "overwriteOnCreate": False,
}
NEXT = {"repository": "neonhub", "branch": "next", "sourceBranch": "main"}


def _messages(cloud: Any, count: int) -> list[str]:
    found = cloud.get("repos/neonhub/neonhub/commits")[:count]
    return [each["commit"]["message"] for each in found]


def test_a_file_goes_to_the_default_branch_unless_said_otherwise(cloud: Any):
    BRANCH.create(cloud, NEXT)

    assert FILE.create(cloud, WANTED) == "neonhub:docs/a b.md:main"
    assert FILE.create(cloud, {**WANTED, "branch": "next"}) == "neonhub:docs/a b.md:next"


def test_a_file_is_read_with_the_commit_that_wrote_it(cloud: Any):
    resource_id = FILE.create(cloud, WANTED)
    found = FILE.read(cloud, resource_id, WANTED)

    assert found is not None
    assert (found["content"], found["ref"], found["branch"]) == ("ü\n", "main", "main")
    assert found["commitSha"] == cloud.get("repos/neonhub/neonhub/commits/main")["sha"]
    assert found["commitMessage"] == "Add docs/a b.md"


def test_a_file_that_is_there_is_only_overwritten_on_demand(cloud: Any):
    FILE.create(cloud, WANTED)

    with pytest.raises(ProviderError, match="set overwriteOnCreate to true"):
        FILE.create(cloud, {**WANTED, "content": "other"})
    FILE.create(cloud, {**WANTED, "content": "other", "overwriteOnCreate": True})


def test_each_step_has_a_message_of_its_own_unless_the_program_gives_one(cloud: Any):
    resource_id = FILE.create(cloud, WANTED)
    state = FILE.read(cloud, resource_id, WANTED)
    assert state is not None
    FILE.update(cloud, resource_id, state, {**state, "content": "two"})
    state = FILE.read(cloud, resource_id, {})
    assert state is not None
    FILE.update(cloud, resource_id, state, {**WANTED, "commitMessage": "Mine"})
    FILE.delete(cloud, resource_id, FILE.read(cloud, resource_id, {}) or {})

    name = "docs/a b.md"
    assert _messages(cloud, 4) == ["Mine", "Mine", f"Update {name}", f"Add {name}"]


def test_a_file_seen_in_an_older_form_is_not_overwritten(cloud: Any):
    resource_id = FILE.create(cloud, WANTED)
    old = FILE.read(cloud, resource_id, WANTED)
    assert old is not None
    FILE.update(cloud, resource_id, old, {**WANTED, "content": "two"})

    with pytest.raises(GitHubError, match="does not match"):
        FILE.update(cloud, resource_id, old, {**WANTED, "content": "three"})


def test_an_unfinished_creation_is_finished_or_undone(cloud: Any):
    resource_id = FILE.create(cloud, WANTED)
    unfinished = {name: WANTED[name] for name in ("repository", "file")}
    FILE.update(cloud, resource_id, unfinished, {**WANTED, "content": "two"})
    found = FILE.read(cloud, resource_id, {})
    FILE.delete(cloud, resource_id, unfinished)

    assert found is not None
    assert found["content"] == "two"
    assert FILE.read(cloud, resource_id, {}) is None
    FILE.delete(cloud, resource_id, unfinished)


def test_a_missing_file_is_gone(cloud: Any):
    assert FILE.read(cloud, "neonhub:none.md:main", {}) is None


def test_half_an_author_is_refused():
    (problem,) = FILE.problems({**WANTED, "commitAuthor": "Ada"})

    assert "commitEmail" in problem.reason


def test_a_branch_that_is_there_is_taken_over(cloud: Any):
    first = BRANCH.create(cloud, NEXT)

    assert BRANCH.create(cloud, NEXT) == first == "neonhub:next"


def test_a_branch_that_is_gone_cannot_be_deleted_as_with_the_real_plugin(cloud: Any):
    with pytest.raises(GitHubError, match="Reference does not exist"):
        BRANCH.delete(cloud, "neonhub:next", {})


def test_a_deleted_pull_request_is_closed(cloud: Any):
    BRANCH.create(cloud, NEXT)
    FILE.create(cloud, {**WANTED, "branch": "next"})
    wanted: dict[str, Any] = {
        "baseRepository": "neonhub",
        "baseRef": "main",
        "headRef": "next",
        "title": "Propose",
        "maintainerCanModify": False,
    }
    resource_id = PULL.create(cloud, wanted)
    state = PULL.read(cloud, resource_id, {})
    PULL.delete(cloud, resource_id, state or {})
    closed = PULL.read(cloud, resource_id, {})

    assert resource_id == "neonhub:neonhub:1"
    assert closed is not None
    assert closed["state"] == "closed"
    PULL.delete(cloud, resource_id, closed)
