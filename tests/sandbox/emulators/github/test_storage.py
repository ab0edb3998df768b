"""What is on disk holds, whatever happens to the program."""

from pathlib import Path
from typing import Any

import pytest

from sandbox.emulators.github import storage
from sandbox.emulators.github.storage import (
    DirectoryInUseError,
    Store,
    git_path,
    owner_id,
    read_state,
)


def test_one_directory_serves_one_emulator(github: Any):
    with pytest.raises(DirectoryInUseError, match="stop it"):
        Store(github.data_dir)


def test_a_repository_half_made_does_not_exist_and_is_made_anew(github: Any):
    half = github.data_dir / "repositories" / "neonhub" / "half"
    (half / "repository.git").mkdir(parents=True)
    github.restart()

    assert not half.exists()
    body = {"name": "half", "auto_init": True}
    assert github.request("POST", "/orgs/neonhub/repos", body).status_code == 201


def test_a_kill_while_writing_leaves_the_last_good_state(
    github: Any, monkeypatch: pytest.MonkeyPatch
):
    def die(_self: Path, _target: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(storage.Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            github.request("POST", "/repos/neonhub/neonhub/issues", {"title": "lost"})
    github.restart()

    assert github.json("/repos/neonhub/neonhub/issues") == []
    assert not list(github.data_dir.rglob(".new-*"))


def test_the_locks_of_a_killed_git_are_cleared(github: Any):
    lock = git_path(github.data_dir, "neonhub/neonhub") / "refs" / "heads" / "main.lock"
    lock.touch()
    assert github.put_file("a.txt", "text").status_code == 422
    github.restart()

    assert github.put_file("a.txt", "text").status_code == 201


def test_a_refused_request_changes_nothing(github: Any):
    before = github.store.repository("neonhub", "neonhub").state
    github.request("POST", "/repos/neonhub/neonhub/issues", {"title": "x", "labels": [{"no": 1}]})

    assert github.store.repository("neonhub", "neonhub").state == before


def test_a_seed_of_the_wrong_form_is_refused(github: Any):
    with pytest.raises(ValueError, match="owner/name"):
        github.store.seed("neonhub")


def test_the_first_seed_always_gets_the_same_ids(tmp_path: Path):
    store = Store(tmp_path / "data")
    store.seed("neonhub/neonhub")
    repository = store.repository("neonhub", "neonhub")

    assert store.account("neonhub").id == 1002
    assert repository.state.id == 1003
    store.close()


def test_a_seed_can_ask_for_ids(tmp_path: Path):
    store = Store(tmp_path / "data")
    for full_name in ("neonhub@1/neonhub@1", "neonhub@1/other@2", "neonhub/another"):
        store.seed(full_name)

    assert store.account("neonhub").id == 1
    ids = {each.name: each.state.id for each in store.repositories()}
    assert ids == {"neonhub": 1, "other": 2, "another": 1002}
    assert owner_id(tmp_path / "data", "neonhub/other") == 1
    assert read_state(tmp_path / "data", "neonhub/other").id == 2
    store.seed("neonhub@1/other@2")
    store.close()


@pytest.mark.parametrize(
    ("seed", "reason"),
    [
        ("neonhub@7/neonhub", "is there already"),
        ("neonhub/neonhub@7", "is there already"),
        ("new@5000/neonhub", "choose one from 1 to 1000"),
        ("new/neonhub@0", "choose one from 1 to 1000"),
    ],
)
def test_a_seed_that_asks_for_impossible_ids_is_refused(github: Any, seed: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        github.store.seed(seed)


def test_no_two_of_a_kind_have_one_id(tmp_path: Path):
    store = Store(tmp_path / "data")
    store.seed("neonhub@1/neonhub@1")

    with pytest.raises(ValueError, match="another repository has it"):
        store.seed("neonhub@1/other@1")
    with pytest.raises(ValueError, match="another account has it"):
        store.seed("other@1/other")
    store.close()


def test_seeding_again_changes_nothing(github: Any):
    before = github.json("/repos/neonhub/neonhub")
    github.store.seed("neonhub/neonhub")

    assert github.json("/repos/neonhub/neonhub") == before
