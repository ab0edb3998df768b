"""What is installed: its exit codes, its events, its colours, and what a shell asks of it."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    render_configuration,
)
from neonhub_backup.domain.layout import MANIFEST
from neonhub_backup.domain.manifest import dump_manifest
from tests.neonhub_backup.samples import location, manifest

SCRIPT = Path(sys.executable).with_name("neonhub-backup")
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"
ESCAPE = "\x1b"
PLACE = location()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a configuration, whose store has one backup."""
    folder = tmp_path_factory.mktemp("work")
    path = folder / "store" / PLACE.prefix / MANIFEST
    path.parent.mkdir(parents=True)
    path.write_bytes(dump_manifest(manifest(PLACE)))
    configuration = Configuration(
        environment="test",
        databases=(Database(name="app"),),
        stores=(DirectoryStore(name="disk", path=folder / "store"),),
        encryption=Encryption(public_keys=(KEY,)),
    )
    (folder / "neonhub-backup.yaml").write_text(render_configuration(configuration, "a test"))
    return folder


def _environment(**more: str) -> dict[str, str]:
    hidden = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "NEONHUB_BACKUP_CONFIG")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**kept, "TERM": "xterm-256color", **more}


def _run(work: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SCRIPT, *arguments],
        cwd=work,
        env=_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
    )


def _on_a_terminal(work: Path, *arguments: str, **environment: str) -> str:
    """All that a terminal is sent."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [SCRIPT, *arguments],
        cwd=work,
        env=_environment(**environment),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    sent = b""
    try:
        while block := os.read(ours, 4096):
            sent += block
    except OSError:
        pass  # how Linux says that the last who wrote has ended
    process.wait()
    os.close(ours)
    return sent.decode()


def test_a_failure_is_a_sentence_and_a_code(work: Path) -> None:
    ended = _run(work, "list", "--store", "tape")

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("neonhub-backup: --store tape is not in the configuration")
    assert len(ended.stderr.splitlines()) == 1


def test_what_is_logged_is_an_event_with_json() -> None:
    program = (
        "import logging; from neonhub_backup.cli.messages import say_logs\n"
        "say_logs(as_events=True)\n"
        "logging.getLogger('neonhub_backup.x').warning('a %s', 'word\\n')"
    )

    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert json.loads(ran.stderr) == {"event": "log", "level": "warning", "message": "a word\n"}


def test_verbose_says_which_configuration_was_found(work: Path) -> None:
    ended = _run(work, "--verbose", "list", "--json")

    assert ended.returncode == 0
    assert f"reading the configuration {work}/neonhub-backup.yaml" in ended.stderr


class TestColours:
    """Are for terminals whose owners want them."""

    def test_are_on_a_terminal(self, work: Path) -> None:
        assert ESCAPE in _on_a_terminal(work, "list")

    @pytest.mark.parametrize("arguments", [["list"], ["--help"], ["list", "--wrong"], ["wrong"]])
    def test_are_nowhere_with_no_color(self, arguments: list[str], work: Path) -> None:
        shown = _on_a_terminal(work, *arguments, NO_COLOR="1")

        assert shown
        assert ESCAPE not in shown

    def test_are_in_no_pipe(self, work: Path) -> None:
        assert ESCAPE not in _run(work, "list").stdout

    def test_are_in_a_pipe_on_request(self, work: Path) -> None:
        assert ESCAPE in _run(work, "list", FORCE_COLOR="1").stdout


def test_help_keeps_to_a_narrow_terminal(work: Path) -> None:
    shown = _on_a_terminal(work, "restore", "--help", COLUMNS="60").splitlines()

    assert max(map(len, shown)) <= 60


class TestCompletion:
    """Is what Typer makes of the commands."""

    def _complete(self, work: Path, *words: str) -> list[str]:
        """What bash would offer for the last of these words."""
        asked = {
            "_NEONHUB_BACKUP_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(("neonhub-backup", *words)),
            "COMP_CWORD": str(len(words)),
        }
        ended = _run(work, **asked)
        assert (ended.returncode, ended.stderr) == (0, "")
        return ended.stdout.split()

    @pytest.mark.parametrize(
        ("words", "offered"),
        [
            (["dri"], ["drill"]),
            (["keys", ""], ["check", "rotate"]),
            (["drill", "--st"], ["--store"]),
            (["completion", "z"], ["zsh"]),
            (["drill", "2026"], [PLACE.name]),
        ],
    )
    def test_offers_what_may_follow(self, words: list[str], offered: list[str], work: Path) -> None:
        assert self._complete(work, *words) == offered

    def test_without_a_configuration_offers_latest_and_says_nothing(self, tmp_path: Path) -> None:
        assert self._complete(tmp_path, "drill", "") == ["latest"]

    def test_for_bash_is_a_script_that_bash_takes(self, work: Path) -> None:
        script = _run(work, "completion", "bash").stdout

        checked = subprocess.run(
            ["bash", "-n"], input=script, capture_output=True, check=True, text=True
        )
        assert checked.stderr == ""
        assert "complete -o default -F _neonhub_backup_completion neonhub-backup" in script

    @pytest.mark.parametrize(
        ("shell", "line"),
        [("zsh", "#compdef neonhub-backup"), ("fish", "complete --command neonhub-backup")],
    )
    def test_for_other_shells_is_in_their_own_words(
        self, shell: str, line: str, work: Path
    ) -> None:
        assert _run(work, "completion", shell).stdout.startswith(line)
