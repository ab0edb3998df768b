"""Rules for the keys that encrypt backups."""

from policies.documents import statements
from policies.model import Findings, Resource, Rule, alone

KEY = "aws:kms/key:Key"
_LONGEST_WAIT_DAYS = 30


def _rotates(key: Resource) -> Findings:
    if key.get("enableKeyRotation") is not True:
        yield "enableKeyRotation is not true"


def _names_principals(key: Resource) -> Findings:
    document = statements(key, "policy")
    if not document:
        yield "it has no policy"
    for each in document:
        if each.admits_everybody:
            yield f"it allows everybody {', '.join(each.actions)}"


def _waits(key: Resource) -> Findings:
    if key.get("deletionWindowInDays") != _LONGEST_WAIT_DAYS:
        yield f"deletionWindowInDays is not {_LONGEST_WAIT_DAYS}"


RULES = (
    Rule(
        name="key-rotates",
        meaning="One leaked key would open the backups of all years: enable rotation.",
        answers=("CKV_AWS_7", "CKV2_AWS_67", "KMS.4"),
        types=(KEY,),
        check=alone(_rotates),
    ),
    Rule(
        name="key-policy-names-principals",
        meaning="Anybody could use the key, or AWS decides who: write a policy that names the"
        " account.",
        answers=("CKV_AWS_33", "CKV2_AWS_64", "KMS.5"),
        types=(KEY,),
        check=alone(_names_principals),
    ),
    Rule(
        name="key-deletion-waits",
        meaning="Deleting the key deletes every backup, and the wait is the time to notice: set"
        " deletion_window_in_days to 30.",
        types=(KEY,),
        check=alone(_waits),
    ),
)
