"""The files of one machine that backs up by itself."""

from datetime import timedelta
from pathlib import Path

from neonhub_backup.domain.configuration import (
    Archiving,
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    GcsStore,
    Objectives,
    S3Store,
)
from neonhub_backup.host.files import host_files
from neonhub_backup.host.host import Host
from tests.golden.stacks import GOLDEN

HOST_FILES = GOLDEN / "host_files"

HOST = Host(
    configuration=Configuration(
        environment="production",
        databases=(Database(name="neonhub", archiving=Archiving(store="disk")),),
        stores=(
            DirectoryStore(name="disk", path=Path("/mnt/backup")),
            S3Store(name="aws", bucket="neonhub-production-backups", region="us-east-1"),
            GcsStore(name="gcp", bucket="neonhub-production-backups"),
        ),
        encryption=Encryption(public_keys=("-----BEGIN PGP PUBLIC KEY BLOCK-----\n",)),
        objectives=Objectives(rpo=timedelta(hours=1)),
    ),
    configuration_path=Path("/etc/neonhub-backup.yaml"),
    directory=Path("/etc/neonhub-backup"),
    program=Path("/opt/neonhub-backup/bin/neonhub-backup"),
)


def golden_host_files() -> dict[Path, str]:
    """Where the copy of each file is, and what it must hold."""
    return {
        HOST_FILES / file.path.relative_to(HOST.directory): file.text for file in host_files(HOST)
    }
