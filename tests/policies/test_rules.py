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
Resources = Callable[[str], list[Resource]]


@pytest.fixture(scope="module")
def resources_of(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    """Call it with a stack's name."""
    known = {stack: resources(stack, tmp_path_factory.mktemp(stack)) for stack in STACKS}
    return known.__getitem__


@pytest.mark.parametrize("stack", STACKS)
@pytest.mark.parametrize("rule", BY_NAME)
def test_every_stack_keeps_every_rule(rule: str, stack: str, resources_of: Resources) -> None:
    verdicts = list(judge_all([BY_NAME[rule]], resources_of(stack)))

    assert verdicts, "a rule for what no stack has"
    assert [each.message for each in verdicts if each.outcome is not Outcome.KEPT] == []


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
