"""An environment of one database in one store, with strict objectives."""

from pathlib import Path

import pytest

from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    Objectives,
)
from tests.neonhub_backup.watch.history import HOUR

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    """It promises an hour, and a minute."""
    return Configuration(
        environment="production",
        databases=(Database(name="app"),),
        stores=(DirectoryStore(name="disk", path=tmp_path),),
        encryption=Encryption(public_keys=(KEY,)),
        objectives=Objectives(rpo=HOUR, rto_minutes=1),
    )
