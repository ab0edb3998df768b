"""Environments of all kinds, as the tool's configuration describes them."""

from pathlib import Path
from typing import Any

from neonhub_backup.domain.configuration import (
    Archiving,
    Configuration,
    Database,
    Deployment,
    DirectoryStore,
    Encryption,
    Neon,
    Objectives,
    Replica,
    S3Store,
)
from neonhub_backup.domain.duration import parse_duration

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"
DISK = DirectoryStore(name="disk", path=Path("/mnt/backup"))
OFFSITE = DirectoryStore(name="offsite", path=Path("/mnt/offsite"))
BUCKET = S3Store(
    name="aws",
    bucket="vault",
    region="us-east-1",
    replica=Replica(bucket="vault-replica", region="us-west-2"),
)
ON_NEON = Neon(project="quiet-sandbox-12345678", database="notes", role="owner")
ARCHIVED = Archiving(store="disk")
DEPLOYMENT = Deployment(
    source="Pulumi.prod.yaml",
    repository="acme/app",
    branch="trunk",
    configuration=".neonhub-backup/production.yaml",
    tool_repository="acme/tool",
    tool_commit="0" * 40,
    postgres_major_version=18,
    dispatched=("db-backup-production.yml", "db-restore-production.yml"),
    reviewers=("acme/platform",),
    restore_role="neonhub-backup/acme-restore",
)


def configuration(**changes: Any) -> Configuration:
    """One database and one store of production, unless it is said otherwise."""
    usual: dict[str, Any] = {
        "environment": "production",
        "databases": (Database(name="app"),),
        "stores": (DISK,),
        "encryption": Encryption(public_keys=(KEY,)),
        "objectives": Objectives(rpo=parse_duration("1h")),
    }
    return Configuration(**usual | changes)
