"""The browser of the tests: the very one that is pinned, or none."""

from pathlib import Path

import pytest

from sandbox.chromium import Chromium
from sandbox.errors import SandboxError
from sandbox.processes import Supervisor


def test_a_missing_browser_is_an_error_that_says_what_brings_it(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="run `make setup`"):
        _ = Chromium(tmp_path).executable


def test_another_archive_of_the_same_name_is_thrown_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    npm = tmp_path / "bin" / "npm"
    npm.parent.mkdir()
    npm.write_text("#!/bin/sh\necho other >sparticuz-chromium-153.0.0.tgz\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(npm.parent), prepend=":")
    programs = tmp_path / "programs"

    with pytest.raises(SandboxError, match="so it was thrown away"):
        Chromium(programs).ensure(Supervisor(tmp_path / "run", tmp_path / "logs"))

    assert list(programs.iterdir()) == []


def test_what_is_here_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chromium = Chromium(tmp_path)
    chromium.folder.mkdir()
    monkeypatch.setenv("PATH", "")

    assert chromium.ensure(Supervisor(tmp_path / "run", tmp_path / "logs")) == "reused"
