"""What the real engine says to a stack file with a mistake, before any resource changes."""

import json
from typing import Any

import pytest
import yaml

from sandbox.stack_file import STACK
from sandbox.throwaway import Throwaway

OWN = "neonhub-backup"


def said(sandbox: Throwaway, changes: dict[str, Any]) -> str:
    """What `up` says to the stack file with changes.

    Keys are paths with dots; None leaves one out.
    """
    file = sandbox.project / f"Pulumi.{STACK}.yaml"
    before = file.read_text()
    content: dict[str, Any] = yaml.safe_load(before)
    for path, value in changes.items():
        key, *parts = path.split(".")
        place: Any = content["config"]
        for part in parts:
            place = place[key]
            key = part
        if value is None:
            del place[key]
        else:
            place[key] = value
    file.write_text(yaml.safe_dump(content))
    try:
        done = sandbox.pulumi("up", "--yes", "--skip-preview", "--stack", STACK)
    finally:
        file.write_text(before)
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {f"{OWN}:postgresMajorVersion": "sixteen"},
            f"{OWN}:postgresMajorVersion: 'sixteen' is refused, so nothing can be built",
        ),
        ({f"{OWN}:databases": "neonhub"}, f"{OWN}:databases: 'neonhub' is refused"),
        (
            {f"{OWN}:aws.replicaRegion": "us-wset-2"},
            f"{OWN}:aws.replicaRegion: 'us-wset-2' is no region of AWS",
        ),
        (
            {f"{OWN}:gcp.regions": ["us-east4", "us-wset1"]},
            f"{OWN}:gcp: regions: 'us-wset1' is not among those of US that Google pairs",
        ),
        (
            {f"{OWN}:operations": {"further": {"wal/old/": "30d"}}},
            f"{OWN}:operations.further: wal/old/ overlaps wal/",
        ),
        (
            {f"{OWN}:aws.bucketPrefix": "NeonHub_Local"},
            f"{OWN}:aws.bucketPrefix: 'NeonHub_Local' is refused",
        ),
        (
            {f"{OWN}:gcp.bucketPrefix": "google-neonhub"},
            f"{OWN}:gcp.bucketPrefix: 'google-neonhub' begins with goog or holds google",
        ),
        (
            {f"{OWN}:aws.replicaRegion": "us-east-1"},
            f"{OWN}:aws.replicaRegion: 'us-east-1' is aws:region too",
        ),
        (
            {
                f"{OWN}:waivers": [
                    {"rule": "key-rotates", "reason": "imported key", "expires": "2026-01-31"}
                ]
            },
            f"{OWN}:waivers[0].expires: 2026-01-31 is past, so the rule holds again",
        ),
        (
            {f"{OWN}:encryption.publicKeyFiles": ["keys/none.asc"]},
            f"{OWN}:encryption.publicKeyFiles[0]: keys/none.asc cannot be read",
        ),
        (
            {f"{OWN}:encryption.publicKeyFiles": [".sandbox/keys/backup.private.asc"]},
            "holds a private key: the machine that backs up could then read every backup",
        ),
        (
            {f"{OWN}:github.repository": "nowhere"},
            "GitHub shows no repository neonhub/nowhere to this token, so nothing was changed",
        ),
        (
            {f"{OWN}:github.restore": {"teams": ["nobody"]}},
            f"{OWN}:github.restore.teams: the team nobody is unknown in neonhub",
        ),
        (
            {f"{OWN}:objectives.rpo": "1h", f"{OWN}:retention": {"hourly": None}},
            f"{OWN}:objectives.rpo: 1h, but the most frequent tier is daily",
        ),
        (
            {f"{OWN}:aws": {"bucketPrefix": "neonhub-local"}, f"{OWN}:gcp": None},
            "the 3-2-1 rule lacks copies (2 of 3, the live database among them) and media",
        ),
    ],
    ids=[
        "not a number",
        "not a list",
        "no region of AWS",
        "no region of Google",
        "overlapping prefixes",
        "no name for S3",
        "no name for Google",
        "replica in the same region",
        "expired waiver",
        "no key",
        "private key",
        "no repository",
        "no reviewer",
        "slower than the objective",
        "no 3-2-1",
    ],
)
def test_a_mistake_is_named_before_any_resource_changes(
    sandbox: Throwaway, changes: dict[str, Any], message: str
) -> None:
    written = said(sandbox, changes)

    assert message in written
    assert "Traceback" not in written
    exported = sandbox.pulumi("stack", "export", "--stack", STACK).stdout
    kept = json.loads(exported)["deployment"].get("resources", [])
    assert {each["type"] for each in kept} <= {
        "pulumi:pulumi:Stack",
        "pulumi:providers:aws",
        "pulumi:providers:gcp",
        "pulumi:providers:github",
    }


def test_all_mistakes_are_named_at_once(sandbox: Throwaway) -> None:
    written = said(
        sandbox,
        {
            f"{OWN}:aws.replicaRegion": "mars",
            f"{OWN}:gcp.location": "MARS",
            f"{OWN}:timeoutMinutes": "5",
        },
    )
    assert "Pulumi.local.yaml has 3 errors, so nothing was changed; correct:" in written
