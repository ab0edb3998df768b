"""What every rule says of every resource, for people to read."""

from collections.abc import Sequence

from policies.model import Outcome, Verdict


def scorecard(verdicts: Sequence[Verdict]) -> str:
    """One line for each verdict, what is broken or waived in full, and a sum."""
    rows = [
        (each.rule.name, " ".join(each.rule.answers) or "-", each.resource.name, each.outcome.value)
        for each in verdicts
    ]
    table = [("rule", "answers", "resource", "verdict"), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]
    broken = [each for each in verdicts if each.outcome is Outcome.BROKEN]
    waived = [each for each in verdicts if each.outcome is Outcome.WAIVED]
    rules = len({each.rule.name for each in verdicts})
    return "\n".join(
        [
            *lines,
            "",
            *(f"{each.message}. {each.rule.meaning}" for each in broken),
            *(f"{each.message}. Waived {each.waived}." for each in waived),
            f"{rules} rules, {len(verdicts)} verdicts, {len(broken)} broken, {len(waived)} waived.",
        ]
    )
