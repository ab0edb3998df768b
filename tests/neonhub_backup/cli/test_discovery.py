"""The configuration is found where people put it, and only when it is clear which is meant."""

from collections.abc import Callable
from pathlib import Path

import pytest

from neonhub_backup.cli import discovery
from neonhub_backup.cli.discovery import find_configuration
from neonhub_backup.errors import ConfigurationError

Make = Callable[[str], Path]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything that is looked at lies below."""
    monkeypatch.setattr(discovery, "MACHINE", tmp_path / "etc" / "neonhub-backup.yaml")
    (tmp_path / "repository" / ".git").mkdir(parents=True)
    (tmp_path / "repository" / "deep" / "down").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def make(root: Path) -> Make:
    def write(name: str) -> Path:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    return write


def _find(root: Path, folder: str = "repository") -> Path:
    return find_configuration(root / folder, {"XDG_CONFIG_HOME": str(root / "config")})


PLACES = [
    "repository/deep/down/neonhub-backup.yaml",
    "repository/deep/down/.neonhub-backup/prod.yaml",
    "repository/deep/neonhub-backup.yaml",
    "repository/neonhub-backup.yaml",
    "repository/.neonhub-backup/prod.yaml",
    "config/neonhub-backup/config.yaml",
    "etc/neonhub-backup.yaml",
]
"""From the first to the last that is looked at."""


@pytest.mark.parametrize("number", range(len(PLACES)))
def test_the_nearest_is_taken(number: int, root: Path, make: Make) -> None:
    made = [make(name) for name in PLACES[number:]]

    assert _find(root, "repository/deep/down") == made[0]


def test_several_that_were_deployed_leave_open_which_is_meant(root: Path, make: Make) -> None:
    for name in ("staging", "prod"):
        make(f"repository/.neonhub-backup/{name}.yaml")
    make("etc/neonhub-backup.yaml")

    with pytest.raises(ConfigurationError, match=r"\(prod\.yaml, staging\.yaml\).*choose one"):
        _find(root)


def test_what_lies_above_the_repository_is_not_looked_at(root: Path, make: Make) -> None:
    make("neonhub-backup.yaml")

    with pytest.raises(ConfigurationError):
        _find(root, "repository/deep")


def test_outside_a_repository_only_the_folder_itself_is_looked_at(root: Path, make: Make) -> None:
    make("neonhub-backup.yaml")
    (root / "elsewhere").mkdir()

    with pytest.raises(ConfigurationError):
        _find(root, "elsewhere")


def test_the_usual_home_is_that_of_the_user(
    root: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(root))
    made = make(".config/neonhub-backup/config.yaml")

    assert find_configuration(root / "repository", {}) == made


def test_where_it_was_looked_for_is_said(root: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        _find(root, "repository/deep/down")

    said = str(refused.value)
    assert "--config is missing" in said
    for name in PLACES:
        assert str(root / name).replace("prod.yaml", "*.yaml") in said
