"""The sandbox's Neon itself: what it keeps, and what it refuses."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.neon.api import NewBranch
from sandbox.emulators.neon.__main__ import KEY, SERVER
from sandbox.emulators.neon.models import Plan
from sandbox.postgres import PostgresServer
from tests.end_to_end.neon.hosted import PROJECT, Hosted, emulated

Make = Callable[[Plan], Hosted]


def test_branches_outlive_the_emulator(
    emulated_project: Make, postgres18: PostgresServer, tmp_path: Path
) -> None:
    first = emulated_project("launch_v3")
    assert first.data is not None
    with first.api() as api:
        api.create_branch(NewBranch(name="kept", parent=api.branch("main"), endpoint=True))

    home = tmp_path / "again"
    home.mkdir()
    (home / "data").symlink_to(first.data)
    with emulated(home, postgres18, first.settings.database, "launch_v3") as again:
        assert again.names() == ["kept"]
        assert again.execute("SELECT line FROM notes", "kept") == [("first",)]


def test_a_request_that_is_not_as_described_is_refused_in_neon_s_form(
    emulated_project: Make,
) -> None:
    hosted = emulated_project("launch_v3")

    status, body = _post(hosted, f"/projects/{PROJECT}/branches", {"branch": {"nmae": "x"}})

    assert status == 400
    assert body["message"] == "body.branch.nmae is unknown"
    assert set(body) == {"message", "code", "request_id"}


def test_while_operations_run_others_are_turned_away(emulated_project: Make) -> None:
    hosted = emulated_project("launch_v3")
    path = f"/projects/{PROJECT}/branches"

    created = _post(hosted, path, {"branch": {"name": "one"}})
    refused = _post(hosted, path, {"branch": {"name": "two"}})

    assert created[0] == 201
    assert {each["status"] for each in created[1]["operations"]} == {"running"}
    assert refused[0] == 423
    assert "running conflicting operations" in refused[1]["message"]


def test_another_project_is_not_found(emulated_project: Make) -> None:
    status, body = _post(emulated_project("launch_v3"), "/projects/other/branches", {})

    assert (status, body["message"]) == (404, "project not found")


@pytest.mark.parametrize("missing", [KEY, SERVER])
def test_without_its_secrets_it_says_which_is_missing(tmp_path: Path, missing: str) -> None:
    secrets = {KEY: "napi_x", SERVER: "postgresql://postgres:x@127.0.0.1/postgres"}
    del secrets[missing]

    ended = subprocess.run(
        [
            *(sys.executable, "-m", "sandbox.emulators.neon", "--port", "0", "--project", PROJECT),
            *("--data", str(tmp_path), "--database", "notes", "--programs", str(tmp_path)),
        ],
        env=secrets,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr.strip()) == (
        2,
        f"the Neon emulator cannot start: set {missing}",
    )


def _post(hosted: Hosted, path: str, body: Any) -> tuple[int, Any]:
    request = urllib.request.Request(  # noqa: S310 - the emulator's own http address
        hosted.settings.api + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {hosted.key}"},
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
