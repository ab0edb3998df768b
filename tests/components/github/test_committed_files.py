"""What a committed file promises to whoever reads the repository."""

import hashlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from components.github.committed_files import CommittedFiles, CommittedFilesArgs
from components.github.delivery import Delivery
from components.github.environment import Environment, EnvironmentArgs

Deploy = Callable[..., dict[str, Any]]
CONFIGURATION, WORKFLOW = ".neonhub-backup/production.yaml", ".github/workflows/b.yml"
CONTENTS = {CONFIGURATION: "a", WORKFLOW: "b"}


def files(
    delivery: Delivery = Delivery.COMMIT, contents: Mapping[str, str] = CONTENTS
) -> CommittedFiles:
    environment = Environment(
        "backup",
        EnvironmentArgs(environment="production-backup", repository="app", branches=["main"]),
    )
    return CommittedFiles(
        "files",
        CommittedFilesArgs(
            owner="neonhub",
            repository="app",
            branch="main",
            environment="production",
            contents=contents,
            source="Pulumi.prod.yaml",
            delivery=delivery,
            after=[environment],
        ),
    )


def proposed(contents: Mapping[str, str] = CONTENTS) -> CommittedFiles:
    return files(Delivery.PULL_REQUEST, contents)


def branch_with(contents: Mapping[str, str], last: str = "c0ffee") -> dict[str, Any]:
    """What GitHub answers about files that main has, and about their last commits."""
    answers: dict[str, Any] = {}
    for path, text in contents.items():
        blob = hashlib.sha1(f"blob {len(text)}\0{text}".encode(), usedforsecurity=False)
        answers[f"repos/neonhub/app/contents/{path}?ref=main"] = {"sha": blob.hexdigest()}
        quoted = path.replace("/", "%2F")
        commits = f"repos/neonhub/app/commits?sha=main&path={quoted}&per_page=1"
        answers[commits] = [{"sha": last}]
    return answers


def committed(asked: Mapping[str, Any]) -> set[str]:
    return {name for name, each in asked.items() if each.options.type.endswith(":RepositoryFile")}


def test_a_file_is_committed_to_the_branch_whoever_wrote_it_first(deploy: Deploy) -> None:
    asked = deploy(files)

    assert asked["files-production.yaml"].inputs == {
        "repository": "app",
        "branch": "main",
        "file": ".neonhub-backup/production.yaml",
        "content": "a",
        "commitMessage": "Generate .neonhub-backup/production.yaml from Pulumi.prod.yaml",
        "overwriteOnCreate": True,
    }


def test_commits_follow_one_another(deploy: Deploy) -> None:
    asked = deploy(files)

    dependencies = asked["files-b.yml"].options.dependencies
    assert any(urn.endswith("::files-production.yaml") for urn in dependencies)


def test_nothing_is_committed_before_what_it_needs_exists(deploy: Deploy) -> None:
    asked = deploy(files)

    dependencies = asked["files-production.yaml"].options.dependencies
    assert any(urn.endswith("::backup-environment") for urn in dependencies)


def test_a_committed_file_leaves_with_its_stack(deploy: Deploy) -> None:
    asked = deploy(files)

    assert not asked["files-b.yml"].options.retainOnDelete


def test_a_proposal_is_a_branch_with_the_files_and_a_pull_request(ask_github: Deploy) -> None:
    asked = ask_github(proposed, {})
    head = asked["files-branch"].inputs["branch"]
    pull = asked["files-pull-request"].inputs

    assert head.startswith("neonhub-backup/production-")
    assert asked["files-branch"].inputs["sourceBranch"] == "main"
    assert {asked[name].inputs["branch"] for name in committed(asked)} == {head}
    assert (pull["headRef"], pull["baseRef"]) == (head, "main")
    assert pull["title"] == "Update the backups of production"
    assert f"`{CONFIGURATION}`" in pull["body"]
    assert "`Pulumi.prod.yaml`" in pull["body"]


def test_each_part_of_a_proposal_waits_for_the_one_before(ask_github: Deploy) -> None:
    asked = ask_github(proposed, {})
    order = [
        *("backup-environment", "files-branch", "files-production.yaml"),
        *("files-b.yml", "files-pull-request"),
    ]

    for before, after in itertools.pairwise(order):
        dependencies = asked[after].options.dependencies
        assert any(urn.endswith(f"::{before}") for urn in dependencies), (before, after)


def test_nothing_is_proposed_that_the_branch_has(ask_github: Deploy) -> None:
    asked = ask_github(proposed, branch_with(CONTENTS))

    assert not any(name.startswith("files-") for name in asked)


def test_only_what_differs_is_proposed(ask_github: Deploy) -> None:
    asked = ask_github(proposed, branch_with({**CONTENTS, WORKFLOW: "edited"}))

    assert committed(asked) == {"files-b.yml"}
    assert CONFIGURATION not in asked["files-pull-request"].inputs["body"]


def test_a_folder_of_a_file_s_name_is_a_difference(ask_github: Deploy) -> None:
    answers = {f"repos/neonhub/app/contents/{WORKFLOW}?ref=main": [{"sha": "x"}]}
    asked = ask_github(lambda: proposed({WORKFLOW: "b"}), answers)

    assert committed(asked) == {"files-b.yml"}


def test_a_proposal_keeps_its_branch_until_something_changes(ask_github: Deploy) -> None:
    def head(contents: Mapping[str, str], answers: Mapping[str, Any]) -> str:
        return ask_github(lambda: proposed(contents), answers)["files-branch"].inputs["branch"]

    edited = {CONFIGURATION: "old", WORKFLOW: "old"}
    first = head(CONTENTS, branch_with(edited))
    assert head(CONTENTS, branch_with(edited)) == first
    assert head({**CONTENTS, WORKFLOW: "c"}, branch_with(edited)) != first
    assert head(CONTENTS, branch_with(edited, last="facade")) != first


def test_what_may_be_gone_with_the_merge_is_never_deleted(ask_github: Deploy) -> None:
    asked = ask_github(proposed, {})

    assert asked["files-branch"].options.retainOnDelete
    assert all(asked[name].options.retainOnDelete for name in committed(asked))
    assert not asked["files-pull-request"].options.retainOnDelete
