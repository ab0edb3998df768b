"""What a server runs to archive and to fetch, and what becomes of its exit codes."""

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from neonhub_backup.archiving.commands import Tool, archive_timeout, server_settings

TOOL = Tool(Path("/opt/it's/neonhub-backup"), Path("/etc/100%/prod.yaml"), "shop")


def test_paths_reach_the_server_s_shell_as_they_are() -> None:
    assert TOOL.archive_command == (
        """'/opt/it'"'"'s/neonhub-backup' --config /etc/100%%/prod.yaml wal push --database shop"""
        ' "%p"'
    )


@pytest.mark.parametrize(
    ("rpo", "timeout"),
    [
        (None, timedelta(hours=1)),
        (timedelta(hours=1), timedelta(minutes=15)),
        (timedelta(hours=2), timedelta(minutes=30)),
        (timedelta(days=7), timedelta(hours=1)),
    ],
)
def test_some_attempts_may_fail_within_the_rpo(rpo: timedelta | None, timeout: timedelta) -> None:
    assert archive_timeout(rpo) == timeout


def test_the_settings_promise_no_more_loss_than_the_objective() -> None:
    text = server_settings(TOOL, "s3://b/wal/shop/", timedelta(hours=2))

    assert "# s3://b/wal/shop/\n" in text
    assert "archive_timeout = '1800s'\n" in text
    assert "a quarter of the RPO of 2h" in text
    assert "archive_mode = 'on'\n" in text
    assert """archive_command = '''/opt/it''"''"''s/neonhub-backup'' --config""" in text


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (7, 7), (6, 255), (1, 255), (127, 255)])
def test_only_an_absent_file_is_the_end_of_a_recovery(
    tmp_path: Path, code: int, expected: int
) -> None:
    program = tmp_path / "neonhub-backup"
    program.write_text(f"#!/bin/sh\nexit {code}\n")
    program.chmod(0o755)
    command = Tool(program, tmp_path / "it.yaml", "shop").recovery_command

    done = subprocess.run(["sh", "-c", command], check=False)

    assert done.returncode == expected
