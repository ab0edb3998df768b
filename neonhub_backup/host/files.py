"""All files of a machine that backs up, and how they come to lie there."""

import secrets
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from neonhub_backup.errors import ConfigurationError
from neonhub_backup.files import PARTIAL, telling
from neonhub_backup.host.archiving import postgres_settings
from neonhub_backup.host.host import Host
from neonhub_backup.host.jobs import Job, jobs
from neonhub_backup.host.script import example_secrets, script
from neonhub_backup.host.services import crontab, logrotate, service_unit, timer_unit


class HostFile(NamedTuple):
    """One file."""

    path: Path
    text: str
    mode: int = 0o644


class Written(StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    OVERWRITTEN = "overwritten"
    UNCHANGED = "unchanged"


def host_files(host: Host) -> tuple[HostFile, ...]:
    """Every file, with the directory that it belongs into."""
    place, does = host.directory, jobs(host)
    return (
        *(file for job in does for file in _of_job(host, job)),
        HostFile(host.secrets.with_suffix(".env.example"), example_secrets(host)),
        HostFile(place / "crontab", crontab(host, does)),
        HostFile(place / "logrotate", logrotate(host)),
        HostFile(place / "postgresql.conf", postgres_settings(host)),
    )


def _of_job(host: Host, job: Job) -> Iterator[HostFile]:
    yield HostFile(host.scripts / job.script, script(host, job), 0o755)
    yield HostFile(host.directory / f"{job.unit}.service", service_unit(host, job))
    yield HostFile(host.directory / f"{job.unit}.timer", timer_unit(host, job))


def write_files(files: Sequence[HostFile], *, overwrite: bool) -> dict[Path, Written]:
    """Write files, each at once or not at all; says what became of each.

    Raises:
        ConfigurationError: some are there and differ. Nothing was written.
        StoreError: the disk refuses one.
    """
    became = {file.path: _what_becomes_of(file) for file in files}
    different = [str(path) for path, what in became.items() if what is Written.OVERWRITTEN]
    if different and not overwrite:
        raise ConfigurationError(
            "these files are there and differ from what this configuration makes of them, so"
            f" nothing was written: {', '.join(different)}; compare them, then give --overwrite or"
            " another directory"
        )
    for file in files:
        if became[file.path] is not Written.UNCHANGED:
            _write(file)
    return became


def _what_becomes_of(file: HostFile) -> Written:
    with telling(file.path):
        if not file.path.exists():
            return Written.WRITTEN
        same = file.path.read_bytes() == file.text.encode()
    return Written.UNCHANGED if same else Written.OVERWRITTEN


def _write(file: HostFile) -> None:
    with telling(file.path):
        file.path.parent.mkdir(parents=True, exist_ok=True)
        partial = file.path.with_name(f"{PARTIAL}{secrets.token_hex(8)}")
        partial.write_text(file.text, encoding="utf-8")
        partial.chmod(file.mode)
        partial.replace(file.path)
