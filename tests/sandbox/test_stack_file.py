"""The stack file alone says where the servers are."""

from pathlib import Path

import pytest

from sandbox.errors import SandboxError
from sandbox.installation import PROJECT
from sandbox.stack_file import read, with_ports

TEXT = """\
config:
  aws:endpoints:
    - s3: http://127.0.0.1:1001
      iam: http://127.0.0.1:1001
  github:baseUrl: http://127.0.0.1:1002/api/v3/
  github:owner: acme
  github:token: token
  gcp:storageCustomEndpoint: http://127.0.0.1:1003/storage/v1/
  neonhub-backup:databaseUrl: postgresql://me:p%40ss@127.0.0.1:1004/mine
  neonhub-backup:github:
    repository: shop
"""


@pytest.fixture
def stack_file(tmp_path: Path) -> Path:
    path = tmp_path / "Pulumi.local.yaml"
    path.write_text(TEXT)
    return path


def test_every_address_is_read_from_the_plugins_own_keys(stack_file: Path) -> None:
    found = read(stack_file)

    assert found.ports == (1001, 1002, 1003, 1004)
    assert found.github_repository == "acme/shop"
    assert (found.database, found.database_user, found.database_password) == ("mine", "me", "p@ss")


def test_the_committed_stack_file_has_every_address() -> None:
    assert len(set(read(PROJECT / "Pulumi.local.yaml").ports)) == 4


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("gcp:storage", "gcp:other", "has no `gcp:storageCustomEndpoint`"),
        ("iam: http://127.0.0.1:1001", "iam: http://127.0.0.1:1009", "names several ports"),
        ("127.0.0.1:1002", "github.example.com", "can start nothing"),
        (
            "gcp:storage",
            "gcp:kmsCustomEndpoint: http://127.0.0.1:1009/v1/\n  gcp:storage",
            "`gcp:kmsCustomEndpoint` and `gcp:storageCustomEndpoint` .* different ports",
        ),
    ],
)
def test_an_address_that_cannot_be_served_is_refused_by_its_key(
    stack_file: Path, old: str, new: str, message: str
) -> None:
    stack_file.write_text(TEXT.replace(old, new))

    with pytest.raises(SandboxError, match=message):
        read(stack_file)


def test_a_missing_stack_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match=r"Pulumi\.local\.yaml does not exist"):
        read(tmp_path / "Pulumi.local.yaml")


def test_other_ports_replace_the_old_ones_and_nothing_else(stack_file: Path) -> None:
    stack_file.write_text(with_ports(TEXT, {1001: 2001, 1004: 2004}))

    assert read(stack_file).ports == (2001, 1002, 1003, 2004)
