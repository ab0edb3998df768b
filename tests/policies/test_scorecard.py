"""What `make policy` prints, and how it ends."""

import json
from dataclasses import replace
from datetime import date

import pytest

from policies.model import Resource, judge_all
from policies.rules import RULES
from policies.sarif import sarif
from policies.scorecard import scorecard
from policies.waivers import Waiver, apply
from tests.policies import __main__ as command

KEY = Resource(
    type="aws:kms/key:Key",
    name="a-key",
    inputs={
        "enableKeyRotation": True,
        "deletionWindowInDays": 30,
        "policy": {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "a"}, "Action": "b"}]},
    },
)

DAY = date(2026, 11, 23)
WAIVER = Waiver(
    rule="key-rotates", resource="a-*", reason="imported key", expires=date(2026, 12, 24)
)


def test_each_verdict_is_a_line_with_the_public_rules_that_it_answers() -> None:
    lines = scorecard(list(judge_all(RULES, [KEY]))).splitlines()

    assert lines[0].split() == ["rule", "answers", "resource", "verdict"]
    assert [
        "key-rotates",
        "CKV_AWS_7",
        "CKV2_AWS_67",
        "KMS.4",
        "a-key",
        "kept",
    ] in [line.split() for line in lines]
    assert lines[-1] == "6 rules, 6 verdicts, 0 broken, 0 waived."


def test_a_broken_rule_is_explained_with_the_resource_and_the_fix() -> None:
    key = replace(KEY, inputs={**KEY.inputs, "enableKeyRotation": False})

    printed = scorecard(list(judge_all(RULES, [key])))

    assert "a-key: enableKeyRotation is not true. One leaked key would open" in printed
    assert printed.endswith("6 rules, 6 verdicts, 1 broken, 0 waived.")


def test_the_command_fails_when_a_rule_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def resources(*_: object) -> list[Resource]:
        return [replace(KEY, inputs={})]

    monkeypatch.setattr(command, "resources", resources)

    assert command.main(["prod"]) == 1
    assert "3 broken, 0 waived." in capsys.readouterr().out


def test_the_command_succeeds_when_every_rule_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["prod"]) == 0
    assert ", 0 broken, 0 waived." in capsys.readouterr().out


def test_a_waived_rule_is_shown_with_its_reason_and_its_end() -> None:
    key = replace(KEY, inputs={**KEY.inputs, "enableKeyRotation": False})
    verdicts = [apply(each, [WAIVER], DAY) for each in judge_all(RULES, [key])]

    printed = scorecard(verdicts)

    assert "a-key: enableKeyRotation is not true. Waived until 2026-12-24: imported key." in printed
    assert printed.endswith("0 broken, 1 waived.")


def test_sarif_has_every_rule_and_what_is_broken_or_waived() -> None:
    key = replace(KEY, inputs={**KEY.inputs, "enableKeyRotation": False, "policy": None})
    verdicts = [apply(each, [WAIVER], DAY) for each in judge_all(RULES, [key])]

    written = json.loads(sarif(verdicts, RULES, "Pulumi.prod.yaml"))

    (run,) = written["runs"]
    assert written["version"] == "2.1.0"
    assert [each["id"] for each in run["tool"]["driver"]["rules"]] == [each.name for each in RULES]
    waived, broken = run["results"]
    assert waived["ruleId"] == "key-rotates"
    assert waived["suppressions"] == [
        {"kind": "external", "justification": "until 2026-12-24: imported key"}
    ]
    assert broken["ruleId"] == "key-policy-names-principals"
    assert "suppressions" not in broken
    (location,) = broken["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "Pulumi.prod.yaml"
    assert location["logicalLocations"][0]["name"] == "a-key"


def test_the_command_prints_sarif_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["prod", "sarif"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"][0]["results"] == []


@pytest.mark.parametrize(
    "arguments", [[], ["production"], ["prod", "xml"], ["prod", "sarif", "more"]]
)
def test_the_command_says_which_stacks_there_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 2
    assert "there are local, staging, prod" in capsys.readouterr().err
