"""The GitHub emulator as a program: reached over HTTP, killed, started again."""

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

TOKEN = "sandbox-token"  # noqa: S105 - opens nothing but the test's own emulator

Start = Callable[[], tuple["subprocess.Popen[str]", str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start an emulator on a free port and the test's directory: its process and its address."""
    started: list[subprocess.Popen[str]] = []

    def launch() -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "sandbox.emulators.github", "--port", "0"),
                *("--data", str(tmp_path / "data"), "--token", TOKEN),
                *("--user", "reviewer", "--seed", "neonhub/neonhub"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        started.append(process)
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.startswith("ready on "), process.communicate()
        return process, ready.removeprefix("ready on ").strip()

    yield launch
    for process in started:
        process.kill()
        process.communicate()


def _call(address: str, method: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(  # noqa: S310 - the emulator's own http address
        address + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "User-Agent": "tests"},
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
        return json.load(answer)


def _write(address: str, number: int) -> str:
    body = {"message": f"Write {number}", "content": base64.b64encode(b"x" * number).decode()}
    path = f"repos/neonhub/neonhub/contents/{number}.txt"
    return _call(address, "PUT", path, body)["content"]["path"]


def test_users_do_not_shift_the_ids_that_stack_files_hold(start: Start):
    _, address = start()

    assert _call(address, "GET", "repos/neonhub/neonhub")["id"] == 1003
    assert _call(address, "GET", "users/reviewer")["id"] > 1003


def test_it_says_where_it_is_ready_and_ends_quietly(start: Start):
    process, address = start()
    with urllib.request.urlopen(address.replace("api/v3/", "_ready")) as answer:  # noqa: S310 - its own http address
        assert answer.status == 200
    process.terminate()
    output, errors = process.communicate(timeout=10)

    assert process.returncode == 0
    assert (output, errors) == ("", "")


def test_what_was_answered_survives_a_kill(start: Start):
    process, address = start()
    _write(address, 1)
    _call(address, "POST", "repos/neonhub/neonhub/issues", {"title": "kept"})
    before = _call(address, "GET", "repos/neonhub/neonhub")["id"]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, address = start()

    assert _call(address, "GET", "repos/neonhub/neonhub/contents/1.txt")["size"] == 1
    assert _call(address, "GET", "repos/neonhub/neonhub/issues")[0]["title"] == "kept"
    assert _call(address, "GET", "repos/neonhub/neonhub")["id"] == before


def test_writers_at_the_same_time_lose_nothing(start: Start):
    _, address = start()
    with ThreadPoolExecutor(8) as pool:
        written = set(pool.map(_write, [address] * 16, range(1, 17)))

    listed = {entry["path"] for entry in _call(address, "GET", "repos/neonhub/neonhub/contents")}
    assert len(written) == 16
    assert written <= listed


def test_a_second_emulator_on_the_same_directory_is_refused(start: Start, tmp_path: Path):
    start()
    second = subprocess.run(
        [
            *(sys.executable, "-m", "sandbox.emulators.github", "--port", "0"),
            *("--data", str(tmp_path / "data"), "--token", TOKEN),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )

    assert second.returncode == 2
    assert "stop it" in second.stderr


def test_the_wrong_token_gets_nowhere(start: Start):
    _, address = start()
    request = urllib.request.Request(  # noqa: S310 - the emulator's own http address
        f"{address}user", headers={"Authorization": "Bearer other", "User-Agent": "tests"}
    )

    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)  # noqa: S310 - as above
    assert refused.value.code == 401
