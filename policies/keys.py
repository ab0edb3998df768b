"""Rules for the keys of AWS that encrypt backups and alarms."""

from policies.buckets import BUCKET
from policies.documents import statements
from policies.model import Findings, Resource, Rule, Stack, alone, of_type

KEY = "aws:kms/key:Key"
_USES = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey")
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


def _one_service(key: Resource) -> Findings:
    for each in statements(key, "policy"):
        bound = any(
            name == "kms:ViaService" or name.startswith("kms:EncryptionContext:")
            for keys in each.condition.values()
            for name in keys
        )
        for action in _USES:
            if each.allows and each.covers(action) and not bound:
                yield f"it allows {action} without a condition"


def _kept_with_buckets(key: Resource, stack: Stack) -> Findings:
    if not key.protect and any(each.protect for each in of_type(stack, BUCKET)):
        yield "it is not protected, and the buckets of the stack are"


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
        answers=("KMS.3",),
        types=(KEY,),
        check=alone(_waits),
    ),
    Rule(
        name="key-works-for-one-service",
        meaning="Stolen credentials could decrypt what was downloaded long ago: allow the use of"
        " the key only with a condition on kms:ViaService, or on what is encrypted.",
        types=(KEY,),
        check=alone(_one_service),
    ),
    Rule(
        name="key-is-kept-with-its-buckets",
        meaning="One destroy would make every backup unreadable that the buckets keep: protect the"
        " key as they are.",
        types=(KEY,),
        check=_kept_with_buckets,
        looks_around=True,
    ),
)
