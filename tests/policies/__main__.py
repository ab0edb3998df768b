"""Print what the rules say of a stack, without a cloud: `python -m tests.policies prod`."""

import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from components.settings import stack_file
from policies import waivers
from policies.model import Outcome, judge_all
from policies.rules import RULES
from policies.sarif import sarif
from policies.scorecard import scorecard
from tests.golden.stacks import STACKS, stack_values
from tests.policies.stacks import resources

_FORMATS = ("table", "sarif")


def main(arguments: Sequence[str]) -> int:
    """0 when every rule is kept or waived, 1 when one is broken, 2 when there is no such stack."""
    stack, form, *more = (*arguments, "table") if len(arguments) == 1 else (*arguments, "", "")
    if stack not in STACKS or form not in _FORMATS or any(more):
        print(
            f"Name one stack, such as STACK=prod; there are {', '.join(STACKS)}; and at most one"
            f" format, such as FORMAT=sarif; there are {', '.join(_FORMATS)}",
            file=sys.stderr,
        )
        return 2
    with tempfile.TemporaryDirectory() as directory:
        found = list(judge_all(RULES, resources(stack, Path(directory))))
        decided = waivers.read(stack_values(stack, Path(directory)).values)
    today = datetime.now(UTC).date()
    verdicts = [waivers.apply(each, decided, today) for each in found]
    strays = list(waivers.strays(decided, RULES))
    if form == "sarif":
        print(sarif(verdicts, RULES, stack_file(stack)))
    else:
        print(scorecard(verdicts))
    for each in strays:
        print(each, file=sys.stderr)
    return int(bool(strays) or any(each.outcome is Outcome.BROKEN for each in verdicts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
