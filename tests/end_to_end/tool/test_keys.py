"""Keys are checked and replaced with the commands of docs/keys.md."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neonhub_backup.domain.configuration import (
    DirectoryStore,
    Encryption,
    load_configuration,
    render_configuration,
)
from sandbox import keys
from tests.end_to_end.tool.conftest import Tool
from tests.neonhub_backup.keys import PASSPHRASE, Key, key_maker

FILE = "NEONHUB_BACKUP_PRIVATE_KEY_FILE"

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def new() -> Key:
    """A key pair that takes the old one's place, with a passphrase."""
    with key_maker() as maker:
        return maker.make("new@example", passphrase=PASSPHRASE)


@pytest.fixture
def old(key_home: Path) -> Path:
    """The private key of the backups that there are."""
    return keys.private_key(key_home)


@pytest.fixture
def with_keys(tool: Tool, old: Path, tmp_path: Path) -> Callable[..., Call]:
    """Run the tool for some recipients, with some private keys at hand."""

    def configure(*public: str, private: str) -> Call:
        path = tmp_path / "keys.asc"
        path.write_text(private)
        configuration = load_configuration(tool.config).model_copy(
            update={"encryption": Encryption(public_keys=public)}
        )
        config = tmp_path / "keys.yaml"
        config.write_text(render_configuration(configuration, "a test"))

        def call(*arguments: str) -> subprocess.CompletedProcess[str]:
            tool.environment |= {FILE: str(path), "NEONHUB_BACKUP_PASSPHRASE": PASSPHRASE}
            try:
                return tool.run_with(config, *arguments)
            finally:
                tool.environment |= {FILE: str(old), "NEONHUB_BACKUP_PASSPHRASE": ""}

        return call

    return configure


def _succeed(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_a_check_opens_the_newest_backup(tool: Tool) -> None:
    name = tool.backup()

    found = tool.json("keys", "check", "--backup", "latest")

    assert [one["private_key"] for one in found["recipients"]] == ["opens"]
    assert [(one["backup"], one["problem"]) for one in found["backups"]] == [(name, None)]


def test_a_check_for_people_needs_no_private_key(tool: Tool) -> None:
    nowhere = str(tool.home)
    ran = tool.run("keys", "check", NEONHUB_BACKUP_PRIVATE_KEY_FILE="", GNUPGHOME=nowhere)

    said = ran.stdout.splitlines()
    assert said[0] == f"encryption.public_keys.0: {keys.USER_ID}"
    assert "ed25519" in said[1]
    assert "cv25519" in said[2]
    assert said[3] == "  a test message was encrypted to it; its private key is not at hand"


def test_a_check_names_every_recipient_that_will_not_do(
    with_keys: Callable[..., Call], key_home: Path
) -> None:
    with key_maker() as maker:
        expired = maker.make("expired@example", expires="2020-02-01")
    call = with_keys(expired.public, keys.public_key(key_home).read_text(), private="no key")

    done = call("keys", "check", "--json")

    assert done.returncode == 10
    assert [one["problem"] is None for one in json.loads(done.stdout)["recipients"]] == [
        False,
        True,
    ]
    (event,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (event["event"], event["code"], event["kind"]) == ("error", 10, "EncryptionError")
    assert "cannot be imported" in event["message"]
    assert f"encryption.public_keys.0 ({expired.fingerprint}) is expired" in event["message"]


def test_a_rotated_backup_is_proven_with_the_new_key_alone(
    tool: Tool, new: Key, old: Path, with_keys: Callable[..., Call]
) -> None:
    name = tool.backup()
    both = with_keys(new.public, private=old.read_text() + new.private)

    (owed,) = _succeed(both("keys", "rotate", "--all", "--dry-run", "--json"))
    (done,) = _succeed(both("keys", "rotate", name, "--json"))
    (again,) = _succeed(both("keys", "rotate", name, "--json"))
    rest = both("keys", "rotate", "--all")

    assert (owed["backup"], owed["outcome"]) == (name, "owed")
    assert (done["backup"], done["outcome"]) == (name, "rewrapped")
    assert (again["outcome"], again["copy"]) == ("already", done["copy"])
    assert rest.stdout == (
        f"{done['tier']} backup {done['copy']} is encrypted to the recipients of the configuration,"
        " and to no others\n"
    )
    assert tool.names() == [done["copy"], name]
    alone = with_keys(new.public, private=new.private)
    proof = _succeed(alone("drill", "latest", "--json"))
    assert (proof["name"], proof["proven"]) == (done["copy"], True)
    refused = alone("drill", name)
    assert refused.returncode == 10
    assert "no such private key is at hand" in refused.stderr


def test_whoever_may_read_and_whoever_may_add_can_be_two(
    tool: Tool, new: Key, old: Path, with_keys: Callable[..., Call], tmp_path: Path
) -> None:
    name = tool.backup()
    (tmp_path / "offline").mkdir()
    tool.stores = [*tool.stores, DirectoryStore(name="offline", path=tmp_path / "offline")]
    call = with_keys(new.public, private=old.read_text() + new.private)

    _succeed(call("copy", name, "--to", "offline", "--json"))
    (done,) = _succeed(call("keys", "rotate", name, "--store", "offline", "--json"))
    _succeed(call("copy", done["copy"], "--store", "offline", "--to", "disk", "--json"))

    (opened,) = _succeed(call("keys", "check", "--backup", "latest", "--store", "disk", "--json"))[
        "backups"
    ]
    assert (opened["backup"], opened["problem"]) == (done["copy"], None)


def test_a_backup_for_one_recipient_that_will_not_do_is_refused_before_anything_is_read(
    tool: Tool, with_keys: Callable[..., Call], key_home: Path
) -> None:
    with key_maker() as maker:
        revoked = maker.make("revoked@example", revoked=True)
    call = with_keys(keys.public_key(key_home).read_text(), revoked.public, private="")

    refused = call("backup")

    assert (refused.returncode, refused.stdout) == (10, "")
    assert f"encryption.public_keys.1 ({revoked.fingerprint}) is revoked" in refused.stderr
    assert tool.files() == []


def test_how_a_key_is_replaced_is_said_without_a_configuration(tool: Tool) -> None:
    said = tool.run_with(tool.home / "nowhere.yaml", "keys", "rotate")

    assert said.returncode == 0
    assert "1. On a machine that takes no backups, make a new key pair" in said.stdout
