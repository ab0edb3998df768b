"""The rules under the real engine: what they let pass, and what they stop before it is made."""

from collections.abc import Generator
from contextlib import contextmanager

import pytest

from policies.rules import RULES
from sandbox.stack_file import STACK
from sandbox.throwaway import Throwaway

PACK = ("--policy-pack", "policies", "--stack", STACK)
MEANINGS = {rule.name: rule.meaning for rule in RULES}


@contextmanager
def edited(sandbox: Throwaway, path: str, old: str, new: str) -> Generator[None]:
    """The program with one change."""
    file = sandbox.project / path
    before = file.read_text()
    assert old in before
    file.write_text(before.replace(old, new))
    try:
        yield
    finally:
        file.write_text(before)


def test_a_preview_of_the_local_stack_keeps_every_rule(sandbox: Throwaway) -> None:
    done = sandbox.pulumi("preview", *PACK)

    assert done.returncode == 0, done.stdout
    assert "✅ neonhub-backup@" in done.stdout
    assert "can't run policy" not in done.stdout


@pytest.mark.parametrize(
    ("rule", "path", "old", "new"),
    [
        (
            "bucket-key-is-off",
            "components/aws/backup_bucket.py",
            '"bucket_key_enabled": False',
            '"bucket_key_enabled": True',
        ),
        (
            "bucket-has-one-lifecycle",
            "components/aws/backup_bucket.py",
            "bucket=versioning.bucket,\n            rules=",
            'bucket="another",\n            rules=',
        ),
    ],
    ids=["seen in one resource", "seen in the whole stack"],
)
def test_a_violation_fails_the_preview_with_its_meaning(
    sandbox: Throwaway, rule: str, path: str, old: str, new: str
) -> None:
    with edited(sandbox, path, old, new):
        done = sandbox.pulumi("preview", *PACK)

    assert done.returncode != 0, done.stdout
    assert f"[mandatory]  {rule}" in done.stdout
    assert MEANINGS[rule] in done.stdout


def test_a_permission_that_no_preview_can_know_is_stopped_before_it_is_given(
    sandbox: Throwaway,
) -> None:
    allow = '"Action": ["s3:AbortMultipartUpload", '
    try:
        with edited(sandbox, "components/aws/policies.py", allow, f'{allow}"s3:ReplicateDelete", '):
            done = sandbox.pulumi("up", "--yes", "--skip-preview", *PACK)

        assert done.returncode != 0, done.stdout
        assert MEANINGS["nobody-can-delete"] in done.stdout
        resources = sandbox.pulumi("stack", "--stack", STACK).stdout
        assert "aws-backup" in resources
        assert "aws-backup-permissions" not in resources
    finally:
        sandbox.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
