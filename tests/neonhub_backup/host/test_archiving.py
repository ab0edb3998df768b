"""WAL arrives whole, is never overwritten, and is archived often enough for the RPO."""

import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from neonhub_backup.host.archiving import archive_command, archive_timeout, server_settings
from tests.neonhub_backup.host.hosts import BUCKET, make_host

SEGMENT = "000000010000000000000007"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An empty archive."""
    directory = tmp_path / "wal" / "app"
    directory.mkdir(parents=True)
    return directory


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    """A finished segment of the server."""
    path = tmp_path / "data" / "pg_wal" / SEGMENT
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(range(256)) * 4096)
    return path


def _archive(directory: Path, segment: Path) -> subprocess.CompletedProcess[str]:
    """What the server does: it fills the places in and gives the line to a shell."""
    line = archive_command(str(directory))
    filled = line.replace("%p", f"pg_wal/{segment.name}").replace("%f", segment.name)
    return subprocess.run(
        ["/bin/sh", "-c", filled],
        cwd=segment.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def _settings(text: str) -> dict[str, str]:
    """Name and value of each setting."""
    return dict(re.findall(r"^(\w+) = (\S+|'.*')(?:  #.*)?$", text, re.MULTILINE))


def test_a_segment_arrives_complete(archive: Path, segment: Path) -> None:
    assert _archive(archive, segment).returncode == 0

    assert {path.name for path in archive.iterdir()} == {SEGMENT}
    assert (archive / SEGMENT).read_bytes() == segment.read_bytes()


def test_the_same_segment_again_is_accepted(archive: Path, segment: Path) -> None:
    _archive(archive, segment)

    assert _archive(archive, segment).returncode == 0


def test_another_of_the_same_name_is_refused_and_left_alone(archive: Path, segment: Path) -> None:
    (archive / SEGMENT).write_bytes(b"of another server")

    refused = _archive(archive, segment)

    assert refused.returncode != 0
    assert "differ" in refused.stdout + refused.stderr
    assert (archive / SEGMENT).read_bytes() == b"of another server"


def test_what_a_power_cut_left_half_written_is_no_obstacle(archive: Path, segment: Path) -> None:
    (archive / f".{SEGMENT}.partial").write_bytes(b"half")

    assert _archive(archive, segment).returncode == 0

    assert {path.name for path in archive.iterdir()} == {SEGMENT}
    assert (archive / SEGMENT).read_bytes() == segment.read_bytes()


def test_a_mount_that_is_away_keeps_the_segment_with_the_server(
    tmp_path: Path, segment: Path
) -> None:
    assert _archive(tmp_path / "not-mounted", segment).returncode != 0
    assert not (tmp_path / "not-mounted").exists()


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


def test_the_first_directory_store_has_the_archive() -> None:
    settings = _settings(server_settings(make_host(rpo=timedelta(hours=1))))

    assert settings == {
        "wal_level": "replica",
        "archive_mode": "on",
        "archive_timeout": "900s",
        "archive_command": f"'{archive_command('/mnt/backup/wal/app')}'",
    }


def test_without_a_directory_store_it_is_said_what_is_needed() -> None:
    text = server_settings(make_host(stores=[BUCKET]))

    assert _settings(text) == {"wal_level": "replica", "archive_mode": "off"}
    assert "# WAL is not archived: that takes a directory store" in text


def test_the_databases_of_several_servers_get_no_common_archive() -> None:
    several = make_host(databases=["app", "billing"])
    one = make_host(databases=["app", "billing"], database="billing")

    assert _settings(server_settings(several))["archive_mode"] == "off"
    assert "which of app, billing are on" in server_settings(several)
    assert "/mnt/backup/wal/billing/%f" in _settings(server_settings(one))["archive_command"]
