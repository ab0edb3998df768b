"""Verdicts in the Static Analysis Results Interchange Format, which code scanning reads.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from policies.model import Outcome, Rule, Verdict

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def sarif(verdicts: Sequence[Verdict], rules: Iterable[Rule], source: str) -> str:
    """One run: every rule, and a result for each that is broken or waived.

    `source` is the stack file, where each resource comes from.
    """
    shown = [each for each in verdicts if each.outcome in {Outcome.BROKEN, Outcome.WAIVED}]
    run = {
        "tool": {"driver": {"name": "neonhub-backup", "rules": [_rule(each) for each in rules]}},
        "results": [_result(each, source) for each in shown],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.name,
        "shortDescription": {"text": rule.meaning},
        "properties": {"tags": list(rule.answers)},
    }


def _result(verdict: Verdict, source: str) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": verdict.rule.name,
        "level": "error",
        "message": {"text": f"{verdict.message}. {verdict.rule.meaning}"},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": source}},
                "logicalLocations": [
                    {
                        "name": verdict.resource.name,
                        "fullyQualifiedName": f"{verdict.resource.type}::{verdict.resource.name}",
                        "kind": "resource",
                    }
                ],
            }
        ],
        # The same finding of the next run is known by this.
        "partialFingerprints": {"resource/v1": f"{source}::{verdict.resource.name}"},
    }
    if verdict.waived is not None:
        result["suppressions"] = [{"kind": "external", "justification": verdict.waived}]
    return result
