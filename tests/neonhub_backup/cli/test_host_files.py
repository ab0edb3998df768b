"""`host-files` writes for the machine it runs on, and says what it did."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from neonhub_backup.cli.app import app
from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    render_configuration,
)
from neonhub_backup.errors import ConfigurationError

NAMES = {
    "backup-db.sh",
    "backup.env.example",
    "neonhub-backup.service",
    "neonhub-backup.timer",
    "crontab",
    "logrotate",
    "postgresql.conf",
}


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a configuration of two databases."""
    configuration = Configuration(
        environment="test",
        databases=(Database(name="app"), Database(name="billing")),
        stores=(DirectoryStore(name="disk", path=tmp_path / "store"),),
        encryption=Encryption(public_keys=("-----BEGIN PGP PUBLIC KEY BLOCK-----\n",)),
    )
    (tmp_path / "neonhub-backup.yaml").write_text(render_configuration(configuration, "a test"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEONHUB_BACKUP_CONFIG", raising=False)
    return tmp_path


def _output(*arguments: str) -> str:
    ended = CliRunner().invoke(app, ["host-files", *arguments])
    assert ended.exit_code == 0, ended.output
    return ended.stdout


def test_the_files_name_what_this_machine_has(work: Path) -> None:
    _output("host")

    script = (work / "host" / "scripts" / "backup-db.sh").read_text()
    program = Path(sys.executable).with_name("neonhub-backup")
    assert f"tool=({program} --config {work / 'neonhub-backup.yaml'})\n" in script
    assert f"secrets={work / 'host' / 'backup.env'}\n" in script


def test_the_configuration_can_be_named(work: Path) -> None:
    (work / "neonhub-backup.yaml").rename(work / "other.yaml")

    ended = CliRunner().invoke(app, ["--config", "other.yaml", "host-files", "host"])

    assert ended.exit_code == 0
    assert f"--config {work / 'other.yaml'})" in (work / "host/scripts/backup-db.sh").read_text()


def test_it_says_what_became_of_each_file(work: Path) -> None:
    written = _output("host").splitlines()
    again = json.loads(_output("host", "--json"))

    assert {Path(line.removeprefix("written: ")).name for line in written} == NAMES
    assert {Path(item["file"]).name for item in again} == NAMES
    assert {item["became"] for item in again} == {"unchanged"}
    assert all(Path(item["file"]).is_relative_to(work / "host") for item in again)


def test_one_database_is_chosen_by_its_name(work: Path) -> None:
    _output("host", "--database", "billing")

    script = (work / "host" / "scripts" / "backup-db.sh").read_text()
    assert " backup --database billing\n" in script


def test_an_unknown_database_is_refused(work: Path) -> None:
    refused = CliRunner().invoke(app, ["host-files", "host", "--database", "shop"])

    assert isinstance(refused.exception, ConfigurationError)
    assert "--database shop is not in the configuration" in str(refused.exception)
    assert not (work / "host").exists()


def test_what_differs_is_overwritten_on_request(work: Path) -> None:
    _output("host")
    refused = CliRunner().invoke(app, ["host-files", "host", "--database", "billing"])
    assert "give --overwrite or another directory" in str(refused.exception)

    became = _output("host", "--database", "billing", "--overwrite").splitlines()

    assert f"overwritten: {work / 'host' / 'scripts' / 'backup-db.sh'}" in became
    assert f"unchanged: {work / 'host' / 'crontab'}" in became


@pytest.mark.usefixtures("work")
def test_without_a_console_script_no_machine_could_start_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))

    refused = CliRunner().invoke(app, ["host-files", "host"])

    assert "is neither beside" in str(refused.exception)
    assert not (tmp_path / "host").exists()
