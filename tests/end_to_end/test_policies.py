"""The rules under the real engine: what they let pass, and what they stop before it is made."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest

from policies.rules import RULES
from sandbox.stack_file import STACK
from sandbox.throwaway import Throwaway

PACK = ("--policy-pack", "policies", "--stack", STACK)
STACK_FILE = f"Pulumi.{STACK}.yaml"
NEXT_MONTH = datetime.now(UTC).date() + timedelta(days=30)
KEY_VIOLATION = (
    "bucket-key-is-off",
    "components/aws/backup_bucket.py",
    '"bucket_key_enabled": False',
    '"bucket_key_enabled": True',
)
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
        KEY_VIOLATION,
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


@contextmanager
def waived(sandbox: Throwaway, rule: str, expires: str) -> Generator[None]:
    """The stack file with a waiver."""
    last = "    commit: "
    text = (sandbox.project / STACK_FILE).read_text()
    line = next(each for each in text.splitlines(keepends=True) if each.startswith(last))
    waiver = (
        "  neonhub-backup:waivers:\n"
        f"    - rule: {rule}\n"
        "      reason: an end-to-end test tries it\n"
        f"      expires: {expires}\n"
    )
    with edited(sandbox, STACK_FILE, line, line + waiver):
        yield


@pytest.mark.parametrize("expires", [f'"{NEXT_MONTH}"', str(NEXT_MONTH)], ids=["quoted", "bare"])
def test_a_violation_with_a_waiver_passes(sandbox: Throwaway, expires: str) -> None:
    rule, path, old, new = KEY_VIOLATION
    with edited(sandbox, path, old, new), waived(sandbox, rule, expires):
        done = sandbox.pulumi("preview", *PACK)

    assert done.returncode == 0, done.stdout
    assert rule not in done.stdout


def test_a_waiver_that_has_expired_fails_before_anything_is_judged(sandbox: Throwaway) -> None:
    with waived(sandbox, "bucket-key-is-off", str(date(2026, 1, 31))):
        done = sandbox.pulumi("preview", *PACK)

    assert done.returncode != 0, done.stdout
    assert "Pulumi.local.yaml has 1 error, so nothing was changed" in done.stdout
    assert "waivers[0].expires: 2026-01-31 is past, so the rule holds again" in done.stdout
    assert "[mandatory]" not in done.stdout
    assert "Traceback" not in done.stdout


def test_a_waiver_that_names_no_rule_is_a_violation(sandbox: Throwaway) -> None:
    with waived(sandbox, "bucket-key-is-of", str(NEXT_MONTH)):
        done = sandbox.pulumi("preview", *PACK)

    assert done.returncode != 0, done.stdout
    assert "[mandatory]  waivers-name-rules" in done.stdout
    assert "bucket-key-is-of is no rule, so nothing is waived" in done.stdout


def test_a_permission_that_no_preview_can_know_is_stopped_before_it_is_given(
    sandbox: Throwaway,
) -> None:
    allow = '["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]'
    more = allow.replace("[", '["s3:ReplicateDelete", ')
    try:
        with edited(sandbox, "components/aws/policies.py", allow, more):
            done = sandbox.pulumi("up", "--yes", "--skip-preview", *PACK)

        assert done.returncode != 0, done.stdout
        assert MEANINGS["nobody-can-delete"] in done.stdout
        resources = sandbox.pulumi("stack", "--stack", STACK).stdout
        assert "aws-backup" in resources
        assert "aws-backup-permissions" not in resources
    finally:
        sandbox.pulumi("destroy", "--yes", "--skip-preview", "--stack", STACK)
