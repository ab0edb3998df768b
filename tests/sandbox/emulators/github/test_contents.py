"""Files of a repository: real commits, never written on an outdated assumption."""

import base64
import os
import subprocess
from typing import Any

import pytest

REPOSITORY = "/repos/neonhub/neonhub"
PATH = ".github/workflows/backup.yml"


def test_a_written_file_is_a_commit_that_git_itself_shows(github: Any):
    parent = github.git("rev-parse", "main").strip()
    author = {"name": "Ada", "email": "ada@example.com"}
    response = github.put_file(PATH, "name: backup\n", message="Add it", committer=author)

    assert response.status_code == 201
    assert github.git("show", f"main:{PATH}") == "name: backup\n"
    shown = github.git("show", "--no-patch", "--format=%H|%P|%an|%ae|%cn|%s", "main").strip()
    assert shown == "|".join(
        [response.json["commit"]["sha"], parent, "Ada", "ada@example.com", "Ada", "Add it"]
    )
    assert response.json["content"]["sha"] == github.git("rev-parse", f"main:{PATH}").strip()


def test_a_commit_is_the_token_owner_s_unless_said_otherwise(github: Any):
    github.put_file("a.txt", "text")

    name, email = github.git("show", "--no-patch", "--format=%an|%ae", "main").strip().split("|")
    assert name == "sandbox"
    assert email == f"{github.store.viewer.id}+sandbox@users.noreply.github.com"


def test_a_file_is_read_back_as_it_was_written(github: Any):
    text = "é" * 200 + "\n"
    github.put_file("docs/ü b.md", text)
    found = github.json(f"{REPOSITORY}/contents/docs/ü b.md?ref=main")

    assert base64.b64decode(found["content"]).decode() == text
    assert (found["name"], found["path"], found["type"]) == ("ü b.md", "docs/ü b.md", "file")
    assert found["encoding"] == "base64"
    assert found["size"] == len(text.encode())
    assert found["url"].endswith("?ref=main")


def test_a_file_can_be_had_raw(github: Any):
    github.put_file("a.txt", "text")
    response = github.get(f"{REPOSITORY}/contents/a.txt", Accept="application/vnd.github.raw+json")

    assert response.data == b"text"


def test_a_folder_lists_what_it_holds(github: Any):
    github.put_file("docs/a.md", "a")
    github.put_file("docs/deep/b.md", "b")
    found = github.json(f"{REPOSITORY}/contents/docs")

    assert [(entry["path"], entry["type"]) for entry in found] == [
        ("docs/a.md", "file"),
        ("docs/deep", "dir"),
    ]


def test_an_update_needs_to_know_what_it_replaces(github: Any):
    sha = github.put_file("a.txt", "one").json["content"]["sha"]

    without = github.put_file("a.txt", "two")
    wrong = github.put_file("a.txt", "two", sha="0" * 40)
    right = github.put_file("a.txt", "two", sha=sha)
    late = github.put_file("a.txt", "three", sha=sha)

    assert (without.status_code, wrong.status_code) == (422, 409)
    assert '"sha" wasn\'t supplied' in without.json["message"]
    assert right.status_code == 200
    assert late.status_code == 409
    assert late.json["message"] == f"a.txt does not match {sha}"
    assert github.git("show", "main:a.txt") == "two"


def test_a_file_is_deleted_by_a_commit(github: Any):
    sha = github.put_file("a.txt", "one").json["content"]["sha"]
    url = f"{REPOSITORY}/contents/a.txt"

    assert github.request("DELETE", url, {"message": "Go"}).status_code == 422
    wrong = {"message": "Go", "sha": "0" * 40}
    assert github.request("DELETE", url, wrong).status_code == 409
    response = github.request("DELETE", url, {"message": "Go", "sha": sha})

    assert response.status_code == 200
    assert response.json["content"] is None
    assert github.get(url).status_code == 404
    assert github.git("log", "-1", "--format=%s", "main").strip() == "Go"
    assert github.request("DELETE", url, {"message": "Go", "sha": sha}).status_code == 404


def test_branches_are_written_apart(github: Any):
    github.branch("next")
    github.put_file("a.txt", "there", branch="next")

    assert github.get(f"{REPOSITORY}/contents/a.txt").status_code == 404
    assert github.git("show", "next:a.txt") == "there"


def test_an_unknown_branch_is_named(github: Any):
    response = github.put_file("a.txt", "text", branch="nowhere")

    assert response.status_code == 404
    assert response.json["message"] == "Branch nowhere not found"


def test_the_first_file_of_an_empty_repository_makes_its_branch(github: Any):
    github.request("POST", "/orgs/neonhub/repos", {"name": "bare"})
    body = {"message": "First", "content": base64.b64encode(b"x").decode()}
    url = "/repos/neonhub/bare/contents/a.txt"

    assert github.request("PUT", url, body).status_code == 201
    assert github.json("/repos/neonhub/bare/branches/main")["commit"]["parents"] == []


def test_content_that_is_not_base64_is_refused(github: Any):
    body = {"message": "Bad", "content": "not base64!"}

    assert github.request("PUT", f"{REPOSITORY}/contents/a.txt", body).status_code == 422


def test_a_folder_is_not_overwritten_by_a_file(github: Any):
    github.put_file("docs/a.md", "a")

    assert github.put_file("docs", "text").status_code == 422
    assert github.put_file("docs/a.md/b", "text").status_code == 422
    assert github.git("show", "main:docs/a.md") == "a"


@pytest.mark.parametrize("path", ["../a", "a//b", ".git/config", "a/./b"])
def test_a_path_that_git_could_not_check_out_is_refused(github: Any, path: str):
    assert github.put_file(path.replace("/", "%2F"), "text").status_code == 422


def test_an_executable_stays_one(github: Any):
    tree = github.git("ls-tree", "main", "README.md").split()[2]
    github.git("update-ref", "refs/heads/main", _with_executable(github, tree))
    sha = github.json(f"{REPOSITORY}/contents/run.sh")["sha"]
    github.put_file("run.sh", "#!/bin/sh\n", sha=sha)

    assert github.git("ls-tree", "main", "run.sh").startswith("100755 ")


def test_a_path_with_encoded_slashes_is_the_same_path(github: Any):
    github.put_file("docs%2Fa.md", "a")

    assert github.git("show", "main:docs/a.md") == "a"


def _with_executable(github: Any, blob: str) -> str:
    """A commit that holds a program, made with git itself."""
    index = {**os.environ, "GIT_INDEX_FILE": str(github.data_dir / "index")}
    place = ["git", "-C", str(github.store.repository("neonhub", "neonhub").git.path)]
    identity = ["-c", "user.name=Somebody", "-c", "user.email=else@example.com"]

    def git(*arguments: str) -> str:
        done = subprocess.run(
            [*place, *arguments], env=index, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("update-index", "--add", "--cacheinfo", f"100755,{blob},run.sh")
    return git(*identity, "commit-tree", git("write-tree"), "-m", "Add a program")
