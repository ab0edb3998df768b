"""Machines that back up by themselves, each with another configuration."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from neonhub_backup.domain.configuration import (
    Archiving,
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    Objectives,
    S3Store,
    Store,
)
from neonhub_backup.domain.retention import RetentionPolicy
from neonhub_backup.host.host import Host

DISK = DirectoryStore(name="disk", path=Path("/mnt/backup"))
BUCKET = S3Store(name="aws", bucket="vault", region="us-east-1", operations_bucket="operations")


def make_host(
    *,
    environment: str = "production",
    databases: Sequence[str] = ("app",),
    database: str | None = None,
    stores: Sequence[Store] = (DISK, BUCKET),
    retention: RetentionPolicy | None = None,
    rpo: timedelta | None = None,
    archiving: Archiving | None = None,
    configuration_path: Path = Path("/etc/neonhub-backup.yaml"),
    directory: Path = Path("/etc/neonhub-backup"),
    program: Path = Path("/opt/neonhub-backup/bin/neonhub-backup"),
) -> Host:
    """A machine; what is left out is as usual."""
    return Host(
        configuration=Configuration(
            environment=environment,
            databases=tuple(Database(name=name, archiving=archiving) for name in databases),
            stores=tuple(stores),
            encryption=Encryption(public_keys=("-----BEGIN PGP PUBLIC KEY BLOCK-----\n",)),
            retention=retention or RetentionPolicy(),
            objectives=Objectives(rpo=rpo),
        ),
        configuration_path=configuration_path,
        directory=directory,
        program=program,
        database=database,
    )
