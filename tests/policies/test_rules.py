"""What the rules promise: every stack keeps them, and none is broken unnoticed."""

import re
from collections.abc import Callable, Mapping

import pytest

from policies.documents import statements
from policies.model import UNKNOWN, Outcome, Resource, judge, judge_all
from policies.rules import RULES
from tests.golden.stacks import STACKS
from tests.policies.stacks import resources
from tests.policies.violations import VIOLATIONS, Violation

BY_NAME = {rule.name: rule for rule in RULES}
OPT_IN = {"stored-keys-can-only-add", "gcp-stored-keys-can-only-add"}
"""Rules for staticKeys, which a stack file must ask for."""
Resources = Callable[[str], list[Resource]]


@pytest.fixture(scope="module")
def resources_of(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """Call it with a stack's name."""
    known = {stack: resources(stack, tmp_path_factory.mktemp(stack)) for stack in STACKS}
    return known.__getitem__


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("rule", BY_NAME)
def test_every_stack_keeps_every_rule(rule: str, stack: str, resources_of: Resources) -> None:
    verdicts = judge_all([BY_NAME[rule]], resources_of(stack))

    assert [each.message for each in verdicts if each.outcome is not Outcome.KEPT] == []


@pytest.mark.parametrize("rule", sorted(BY_NAME.keys() - OPT_IN))
def test_a_rule_is_about_something_that_a_stack_has(rule: str, resources_of: Resources) -> None:
    assert any(list(judge_all([BY_NAME[rule]], resources_of(stack))) for stack in STACKS)


@pytest.mark.parametrize("rule", sorted(OPT_IN))
def test_no_stack_has_opted_into_stored_keys(rule: str, resources_of: Resources) -> None:
    assert not any(list(judge_all([BY_NAME[rule]], resources_of(stack))) for stack in STACKS)


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda each: f"{each.rule}: {each.finds}")
def test_a_violation_is_found(violation: Violation, resources_of: Resources) -> None:
    stack = violation.applied(resources_of("prod"))

    verdicts = judge_all([BY_NAME[violation.rule]], stack)

    broken = {each.resource.name: each.findings for each in verdicts if each.findings}
    assert any(finding.startswith(violation.finds) for finding in broken[violation.named])


def test_every_rule_has_a_violation_that_proves_it() -> None:
    assert {each.rule for each in VIOLATIONS} == BY_NAME.keys()


def test_no_two_rules_have_the_same_name() -> None:
    assert len(BY_NAME) == len(RULES)


@pytest.mark.parametrize("rule", BY_NAME)
def test_a_rule_says_what_a_violation_means_and_what_to_do(rule: str) -> None:
    assert re.fullmatch(r"[A-Z][^.]*: [a-z].*\.", BY_NAME[rule].meaning)


def test_what_only_the_cloud_knows_leaves_a_rule_undecided() -> None:
    role = Resource(type="aws:iam/rolePolicy:RolePolicy", name="role", inputs={"policy": UNKNOWN})

    assert judge(BY_NAME["nobody-can-delete"], role, []).outcome is Outcome.UNDECIDED


def test_a_key_that_is_not_made_yet_is_a_key() -> None:
    default = {"sseAlgorithm": "aws:kms", "kmsMasterKeyId": UNKNOWN}
    encryption = Resource(
        type="aws:s3/bucketServerSideEncryptionConfiguration:"
        "BucketServerSideEncryptionConfiguration",
        name="encryption",
        inputs={"rules": [{"applyServerSideEncryptionByDefault": default}]},
    )

    assert judge(BY_NAME["bucket-has-its-own-key"], encryption, []).outcome is Outcome.KEPT


def test_an_unprotected_bucket_may_be_unlocked_and_destroyed() -> None:
    bucket = Resource(
        type="aws:s3/bucket:Bucket", name="bucket", inputs={"bucket": "b", "forceDestroy": True}
    )

    for rule in ("bucket-is-locked", "protected-bucket-keeps-its-objects"):
        assert judge(BY_NAME[rule], bucket, [bucket]).outcome is Outcome.KEPT


def test_a_provider_may_hold_the_token_that_it_is_configured_with() -> None:
    provider = Resource(
        type="pulumi:providers:github", name="default", inputs={"token": "ghp_" + "a" * 36}
    )

    rule = BY_NAME["secrets-are-not-in-plain-inputs"]
    assert judge(rule, provider, []).outcome is Outcome.KEPT


def test_an_allowance_that_is_always_denied_breaks_nothing() -> None:
    deny = {"Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"}
    allow = {"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::b/*"}

    def judged(denial: Mapping[str, object]) -> Outcome:
        role = Resource(
            type="aws:iam/rolePolicy:RolePolicy",
            name="role",
            inputs={"policy": {"Statement": [allow, denial]}},
        )
        assert len(statements(role, "policy")) == 2
        return judge(BY_NAME["nobody-can-delete"], role, []).outcome

    assert judged(deny) is Outcome.KEPT
    assert judged({**deny, "Resource": "arn:aws:s3:::another/*"}) is Outcome.BROKEN
    assert judged({**deny, "Condition": {"Bool": {"a": "b"}}}) is Outcome.BROKEN


LOGGED = Resource(
    type="aws:s3/bucketLogging:BucketLogging",
    name="logging",
    inputs={"bucket": "backups", "targetBucket": "operations"},
)
OPERATIONS = Resource(
    type="aws:s3/bucket:Bucket", name="operations", inputs={"bucket": "operations"}, protect=True
)


def lifecycle(prefix: str) -> Resource:
    """A lifecycle of the operations bucket with one rule for a prefix."""
    return Resource(
        type="aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        name="lifecycle",
        inputs={"bucket": "operations", "rules": [{"filter": {"prefix": prefix}}]},
    )


def test_an_operations_bucket_needs_no_lock_and_no_copy() -> None:
    stack = [OPERATIONS, LOGGED, lifecycle("access-logs/")]

    for rule in ("bucket-is-locked", "bucket-is-copied-to-another-region", "bucket-is-logged"):
        assert judge(BY_NAME[rule], OPERATIONS, stack).outcome is Outcome.APART


def test_a_bucket_of_backups_stays_one_when_it_receives_logs_too() -> None:
    stack = [OPERATIONS, LOGGED, lifecycle("db/daily/")]

    assert judge(BY_NAME["bucket-is-locked"], OPERATIONS, stack).outcome is Outcome.BROKEN


def test_a_rule_is_silent_about_what_it_is_not_about() -> None:
    assert not list(judge_all([BY_NAME["bucket-is-locked"]], [OPERATIONS, LOGGED]))


@pytest.mark.parametrize("rule", ["deployment-cannot-destroy", "preview-only-reads-settings"])
def test_a_role_for_backups_is_not_judged_as_a_pipeline(rule: str) -> None:
    role = Resource(
        type="aws:iam/rolePolicy:RolePolicy",
        name="permissions",
        inputs={"role": "neonhub-backup", "policy": {"Statement": []}},
    )

    assert judge(BY_NAME[rule], role, []).outcome is Outcome.APART


def test_a_role_whose_name_is_not_known_yet_leaves_its_rules_undecided() -> None:
    role = Resource(
        type="aws:iam/rolePolicy:RolePolicy",
        name="permissions",
        inputs={"role": UNKNOWN, "policy": {"Statement": []}},
    )

    for rule in ("nobody-can-delete", "deployment-cannot-destroy", "preview-only-reads-settings"):
        assert judge(BY_NAME[rule], role, []).outcome is Outcome.UNDECIDED


def test_a_pattern_that_is_not_known_yet_leaves_undecided_whether_a_bucket_is_watched() -> None:
    bucket = Resource(type="aws:s3/bucket:Bucket", name="bucket", inputs={"bucket": "backups"})
    rule = Resource(
        type="aws:cloudwatch/eventRule:EventRule",
        name="rule",
        inputs={"name": "tampering", "eventPattern": UNKNOWN},
    )
    target = Resource(
        type="aws:cloudwatch/eventTarget:EventTarget", name="target", inputs={"rule": "tampering"}
    )

    watched = BY_NAME["bucket-is-watched"]
    assert judge(watched, bucket, [bucket, rule, target]).outcome is Outcome.UNDECIDED
    assert judge(watched, bucket, [bucket, rule]).outcome is Outcome.BROKEN


def test_the_key_of_the_backup_user_below_the_boundary_is_what_static_keys_mean() -> None:
    key = Resource(
        type="aws:iam/accessKey:AccessKey", name="key", inputs={"user": "neonhub-backup"}
    )
    user = Resource(
        type="aws:iam/user:User",
        name="user",
        inputs={"name": "neonhub-backup", "permissionsBoundary": UNKNOWN},
    )

    assert judge(BY_NAME["stored-keys-can-only-add"], key, [key, user]).outcome is Outcome.KEPT


def test_the_key_of_the_backup_account_is_what_static_keys_mean() -> None:
    account = Resource(
        type="gcp:serviceaccount/account:Account",
        name="gcp-backup-account",
        inputs={"accountId": "production-backup"},
    )
    key = Resource(
        type="gcp:serviceaccount/key:Key",
        name="key",
        inputs={
            "serviceAccountId": "projects/p/serviceAccounts/"
            "production-backup@p.iam.gserviceaccount.com"
        },
    )

    assert judge(BY_NAME["gcp-stored-keys-can-only-add"], key, [account, key]).outcome is (
        Outcome.KEPT
    )
