"""Rules in Pulumi's form and in GitHub's."""

from typing import Any

from sandbox.providers.github.rulesets import rules_from_api, rules_to_api

RULES: dict[str, Any] = {
    "deletion": True,
    "creation": False,
    "update": True,
    "updateAllowsFetchAndMerge": True,
    "pullRequest": {"requiredApprovingReviewCount": 2},
    "requiredStatusChecks": {"requiredChecks": [{"context": "test", "integrationId": 7}]},
    "requiredCodeScanning": {"requiredCodeScanningTools": [{"tool": "CodeQL"}]},
}
LISTED: list[dict[str, Any]] = [
    {"type": "deletion"},
    {"type": "update", "parameters": {"update_allows_fetch_and_merge": True}},
    {"type": "pull_request", "parameters": {"required_approving_review_count": 2}},
    {"type": "code_scanning", "parameters": {"code_scanning_tools": [{"tool": "CodeQL"}]}},
    {
        "type": "required_status_checks",
        "parameters": {"required_status_checks": [{"context": "test", "integration_id": 7}]},
    },
]


def test_a_block_of_rules_becomes_github_s_list():
    by_type = {rule["type"]: rule for rule in rules_to_api(RULES)}

    assert by_type == {rule["type"]: rule for rule in LISTED}


def test_github_s_list_becomes_a_block_of_rules():
    assert rules_from_api(LISTED) == {key: value for key, value in RULES.items() if value}
