"""Where the configuration is when nobody says: beside the work, in one's home, on the machine."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from neonhub_backup.errors import ConfigurationError

BESIDE = "neonhub-backup.yaml"
DEPLOYED = ".neonhub-backup"
"""Folder of a repository into which a deployment commits one file for each environment."""
MACHINE = Path("/etc/neonhub-backup.yaml")


def find_configuration(folder: Path, environment: Mapping[str, str]) -> Path:
    """The configuration file of a folder, of what contains it, of the user, or of the machine.

    Raises:
        ConfigurationError: there is none, or there are several to choose from.
    """
    looked: list[str] = []
    for place in _repository(folder):
        named, deployed = place / BESIDE, place / DEPLOYED
        looked += [str(named), str(deployed / "*.yaml")]
        if named.is_file():
            return named
        if found := sorted(path for path in deployed.glob("*.yaml") if path.is_file()):
            return _only(found)
    for path in (_home(environment) / "neonhub-backup" / "config.yaml", MACHINE):
        looked.append(str(path))
        if path.is_file():
            return path
    raise ConfigurationError(
        "--config is missing and no configuration file is in its usual places, so it is unknown"
        f" what to back up and where: looked for {', '.join(looked)}; give the file that the"
        f" deployment committed, {DEPLOYED}/<environment>.yaml, with --config or in"
        " NEONHUB_BACKUP_CONFIG"
    )


def _repository(folder: Path) -> Iterator[Path]:
    """A folder, and what contains it up to the root of its repository; alone when in none."""
    folders = [folder, *folder.parents]
    roots = [number for number, place in enumerate(folders) if (place / ".git").exists()]
    yield from folders[: roots[0] + 1 if roots else 1]


def _only(found: list[Path]) -> Path:
    if len(found) > 1:
        raise ConfigurationError(
            f"--config is missing and {found[0].parent} has several configuration files"
            f" ({', '.join(path.name for path in found)}), so it is unclear which environment is"
            " meant and nothing was done: choose one with --config or in NEONHUB_BACKUP_CONFIG"
        )
    return found[0]


def _home(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
