"""Print what the rules say of a stack, without a cloud: `python -m tests.policies prod`."""

import sys
import tempfile
from pathlib import Path

from policies.model import Outcome, judge_all
from policies.rules import RULES
from policies.scorecard import scorecard
from tests.golden.stacks import STACKS
from tests.policies.stacks import resources


def main(arguments: list[str]) -> int:
    """0 when every rule is kept, 1 when one is broken, 2 when there is no such stack."""
    if len(arguments) != 1 or arguments[0] not in STACKS:
        print(f"Name one stack, such as STACK=prod; there are {', '.join(STACKS)}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as directory:
        verdicts = list(judge_all(RULES, resources(arguments[0], Path(directory))))
    print(scorecard(verdicts))
    return int(any(each.outcome is Outcome.BROKEN for each in verdicts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
