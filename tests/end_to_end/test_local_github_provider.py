"""The local GitHub provider under the real engine, against a GitHub emulator of its own."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest
from nacl.public import PublicKey, SealedBox

from tests.end_to_end.local_github.emulator import REPOSITORY, TOKEN, Emulator, Stack, serving

PROGRAM = Path(__file__).parent / "local_github" / "__main__.py"
WORKFLOW = ".github/workflows/backup.yml"
SETTINGS = {
    "environment": "production-backup",
    "wait_minutes": 10,
    "branch_pattern": "main",
    "region": "us-east-1",
    "workflow": "name: Back up\n",
    "title": "Propose",
    "database_url": "postgres://first",
    "enforcement": "active",
}
TYPO = """
pulumi.CustomResource(
    "github:index/repositoryFile:RepositoryFile",
    "typo",
    {"repository": "neonhub", "file": "b.md", "content": "b", "commitMesage": "x"},
)
"""


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """A GitHub with the repository neonhub/neonhub."""
    with serving(tmp_path_factory.mktemp("github")) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, github: Emulator) -> Stack:
    """The stack of `local_github`, deployed with the default settings."""
    made = Stack(tmp_path_factory.mktemp("stack"), github, PROGRAM.read_text(), SETTINGS)
    said = made.up()
    assert "12 created" in said, said
    return made


@pytest.mark.usefixtures("stack")
def test_the_environment_is_protected_as_asked(github: Emulator):
    found = github.get(f"{REPOSITORY}/environments/production-backup")
    rules = {rule["type"]: rule for rule in found["protection_rules"]}
    policies = github.get(f"{found['url'].removeprefix(github.url)}/deployment-branch-policies")

    assert found["can_admins_bypass"] is False
    assert rules["wait_timer"]["wait_timer"] == 10
    assert rules["required_reviewers"]["prevent_self_review"] is True
    assert rules["required_reviewers"]["reviewers"][0]["reviewer"]["login"] == "reviewer"
    assert [policy["name"] for policy in policies["branch_policies"]] == ["main"]


@pytest.mark.usefixtures("stack")
def test_the_runner_would_get_the_secret_and_the_variables(github: Emulator):
    variables = github.get(f"{REPOSITORY}/environments/production-backup/variables")["variables"]

    assert github.secrets() == {"DATABASE_URL": "postgres://first"}
    assert [(each["name"], each["value"]) for each in variables] == [("AWS_REGION", "us-east-1")]
    assert github.get(f"{REPOSITORY}/actions/variables/STACK_NAME")["value"] == "test"


@pytest.mark.usefixtures("stack")
def test_a_file_is_a_commit_with_its_author_and_message(github: Emulator):
    shown = github.git("log", "-1", "--format=%an|%ae|%s", "main", "--", WORKFLOW).strip()

    assert github.git("show", f"main:{WORKFLOW}") == "name: Back up\n"
    assert shown == "NeonHub Backup|backup@example.com|Generate the backup workflow"


@pytest.mark.usefixtures("stack")
def test_a_proposal_waits_as_a_pull_request(github: Emulator):
    pull = github.get(f"{REPOSITORY}/pulls")[0]

    assert (pull["title"], pull["head"]["ref"], pull["base"]["ref"]) == ("Propose", "next", "main")
    assert pull["body"] == f"Adds {github.git('rev-parse', 'next').strip()}"
    assert github.git("show", "next:docs/a.md") == "a\n"


@pytest.mark.usefixtures("stack")
def test_rules_and_repositories_are_as_asked(github: Emulator):
    ruleset = github.get(f"{REPOSITORY}/rulesets")[0]
    rules = {r["type"] for r in github.get(f"{REPOSITORY}/rulesets/{ruleset['id']}")["rules"]}
    other = github.get("repos/neonhub/other")

    assert rules == {"deletion", "non_fast_forward", "pull_request", "required_status_checks"}
    assert (other["visibility"], other["has_issues"], other["has_wiki"]) == ("private", True, False)
    assert other["topics"] == ["backup", "postgresql"]


def test_nothing_changes_without_a_reason(stack: Stack):
    assert "12 unchanged" in stack.up()


def test_a_changed_secret_is_updated_in_place_and_survives(stack: Stack, github: Emulator):
    path = f"{REPOSITORY}/environments/production-backup/secrets/DATABASE_URL"
    before = github.get(path)
    said = stack.up(database_url="postgres://second")
    again = stack.up("--refresh")

    assert "1 updated" in said
    assert "12 unchanged" in again
    assert github.get(path)["created_at"] == before["created_at"]
    assert github.secrets() == {"DATABASE_URL": "postgres://second"}


def test_settings_are_changed_in_place(stack: Stack, github: Emulator):
    commits = github.git("rev-list", "--count", "main")
    said = stack.up(
        wait_minutes=0,
        branch_pattern="release/*",
        region="eu-west-1",
        workflow="name: Back up again\n",
        title="Propose again",
        enforcement="disabled",
    )

    assert "7 updated" in said
    assert "replaced" not in said
    assert github.git("show", f"main:{WORKFLOW}") == "name: Back up again\n"
    assert int(github.git("rev-list", "--count", "main")) == int(commits) + 1
    assert github.get(f"{REPOSITORY}/pulls")[0]["title"] == "Propose again"
    assert github.get("repos/neonhub/other")["description"] == "Propose again"


def test_a_change_made_elsewhere_is_not_overwritten_unseen(stack: Stack, github: Emulator):
    _overwrite(github, "name: Theirs\n")
    said = stack.up(fails=True, workflow="name: Ours\n")

    assert "run `pulumi refresh` first" in said
    assert github.git("show", f"main:{WORKFLOW}") == "name: Theirs\n"


def test_what_was_changed_elsewhere_is_put_back(stack: Stack, github: Emulator):
    _overwrite(github, "name: Tampered\n")
    _reseal(github, "postgres://elsewhere")
    _delete(github, "docs/a.md", "next")
    said = stack.up("--refresh")

    assert "1 created" in said
    assert github.git("show", f"main:{WORKFLOW}") == stack.settings["workflow"]
    assert github.secrets() == {"DATABASE_URL": stack.settings["database_url"]}
    assert github.git("show", "next:docs/a.md") == "a\n"


def test_an_environment_of_another_name_is_another_environment(stack: Stack, github: Emulator):
    said = stack.up(environment="staging-backup")

    assert "4 replaced" in said
    assert github.get(f"{REPOSITORY}/environments/production-backup") is None
    assert github.secrets("staging-backup") == {"DATABASE_URL": stack.settings["database_url"]}


def test_a_typo_in_a_property_is_refused(stack: Stack):
    stack.program(PROGRAM.read_text() + TYPO)
    said = stack.up(fails=True)
    stack.program(PROGRAM.read_text())

    assert "did you mean 'commitMessage'?" in said


def test_no_secret_is_told_or_kept_in_plain_text(stack: Stack):
    said = stack.up("--diff", database_url="a-recognisable-secret")
    kept = stack.run("stack", "export")

    assert "1 updated" in said
    assert "a-recognisable-secret" not in said + kept
    assert TOKEN not in said + kept


def test_destroy_leaves_the_repository_as_it_was(stack: Stack, github: Emulator):
    stack.run("destroy", "--yes", "--skip-preview")

    assert github.git("ls-tree", "-r", "--name-only", "main").split() == ["README.md"]
    assert github.git("branch", "--format=%(refname:short)").split() == ["main"]
    assert github.get(f"{REPOSITORY}/environments")["total_count"] == 0
    assert github.get(f"{REPOSITORY}/actions/variables")["total_count"] == 0
    assert github.get(f"{REPOSITORY}/rulesets") == []
    assert github.get(f"{REPOSITORY}/pulls") == []
    assert github.get("repos/neonhub/other") is None


def _overwrite(github: Emulator, text: str) -> None:
    """Commit the workflow as somebody else would."""
    path = f"{REPOSITORY}/contents/{WORKFLOW}"
    content = base64.b64encode(text.encode()).decode()
    sha = github.get(path)["sha"]
    github.call("PUT", path, {"message": "Tamper", "content": content, "sha": sha})


def _delete(github: Emulator, file: str, branch: str) -> None:
    """Commit the removal of a file as somebody else would."""
    path = f"{REPOSITORY}/contents/{file}"
    sha = github.get(f"{path}?ref={branch}")["sha"]
    github.call("DELETE", path, {"message": "Remove", "sha": sha, "branch": branch})


def _reseal(github: Emulator, text: str) -> None:
    """Set the secret as somebody else would."""
    scope = f"{REPOSITORY}/environments/production-backup/secrets"
    key = github.get(f"{scope}/public-key")
    box = SealedBox(PublicKey(base64.b64decode(key["key"]))).encrypt(text.encode())
    body = {"encrypted_value": base64.b64encode(box).decode(), "key_id": key["key_id"]}
    github.call("PUT", f"{scope}/DATABASE_URL", body)
