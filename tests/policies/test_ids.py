"""Which public rules ours answer, so that whoever knows those finds them in the scorecard.

Checkov's are at https://www.checkov.io/5.Policy%20Index/terraform.html; AWS Security Hub's at
https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-controls-reference.html
"""

import re

import pytest

from policies.rules import RULES

ANSWERED = {answer for rule in RULES for answer in rule.answers}

CHECKOV = (
    *(f"CKV_AWS_{number}" for number in (7, 18, 19, 21, 26, 33, 53, 54, 55, 56)),
    *(f"CKV_AWS_{number}" for number in (60, 61, 62, 63, 70, 107, 108, 109, 110, 111)),
    *(f"CKV_AWS_{number}" for number in (144, 145, 286, 287, 288, 289, 290, 300, 355, 356)),
    *(f"CKV_AWS_{number}" for number in (358, 393)),
    *(f"CKV2_AWS_{number}" for number in (6, 61, 62, 64, 65, 67)),
    *(f"CKV_GCP_{number}" for number in (28, 29, 41, 42, 43, 49, 62, 63, 78, 82)),
    *(f"CKV_GCP_{number}" for number in (114, 117, 118, 125)),
    "CKV2_GCP_8",
    *(f"CKV_GIT_{number}" for number in range(1, 7)),
    "CKV2_GIT_1",
)
SECURITY_HUB = (
    *(f"S3.{number}" for number in (1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17)),
    *(f"S3.{number}" for number in (19, 20, 22, 23, 24, 25)),
    *(f"KMS.{number}" for number in range(1, 6)),
    "IAM.1",
)

UNANSWERED = {
    "CKV_GIT_1": "the repository is there before the stack, which does not decide who sees it",
    "CKV_GIT_2": "the stack makes no webhook",
    "CKV_GIT_3": "the repository is there before the stack, and so are its alerts",
    "CKV_GIT_5": "whoever owns the repository protects its branches; environments name theirs",
    "CKV_GIT_6": "whoever owns the repository decides whether commits are signed",
    "CKV2_GIT_1": "whoever owns the repository protects its branches; environments name theirs",
    "S3.1": "a setting of the whole account, which the stack shares with others; S3.8 is answered",
    "S3.19": "the stack makes no access point",
    "S3.20": "only the root user can enable it; Object Lock holds the root user too, where it"
    " is in COMPLIANCE mode",
    "S3.22": "deletion and unlocking are recorded as data events; of other writes the access log"
    " says who made them, without a charge for each",
    "S3.23": "the access log says who read what, without a charge for each",
    "S3.24": "the stack makes no multi-region access point",
    "S3.25": "the stack makes no directory bucket",
}
"""Public rules that none of ours answers, and why."""


@pytest.mark.parametrize("public", [*CHECKOV, *SECURITY_HUB])
def test_a_public_rule_is_answered_or_it_is_said_why_not(public: str) -> None:
    assert (public in ANSWERED) != (public in UNANSWERED)


def test_every_public_rule_that_is_answered_has_an_id_as_its_checker_writes_it() -> None:
    form = re.compile(r"CKV2?_(AWS|GCP|GIT|GHA)_\d+|(S3|KMS|IAM|SNS|CloudTrail|CloudWatch)\.\d+")

    assert [each for each in sorted(ANSWERED) if not form.fullmatch(each)] == []


def test_no_reason_is_left_of_a_rule_that_nobody_asked_for() -> None:
    assert UNANSWERED.keys() <= {*CHECKOV, *SECURITY_HUB}
