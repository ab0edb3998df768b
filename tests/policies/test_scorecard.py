"""What `make policy` prints, and how it ends."""

from dataclasses import replace

import pytest

from policies.model import Resource, judge_all
from policies.rules import RULES
from policies.scorecard import scorecard
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
    assert lines[-1] == "4 rules, 4 verdicts, 0 broken."


def test_a_broken_rule_is_explained_with_the_resource_and_the_fix() -> None:
    key = replace(KEY, inputs={**KEY.inputs, "enableKeyRotation": False})

    printed = scorecard(list(judge_all(RULES, [key])))

    assert "a-key: enableKeyRotation is not true. One leaked key would open" in printed
    assert printed.endswith("4 rules, 4 verdicts, 1 broken.")


def test_the_command_fails_when_a_rule_is_broken(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def resources(*_: object) -> list[Resource]:
        return [replace(KEY, inputs={})]

    monkeypatch.setattr(command, "resources", resources)

    assert command.main(["prod"]) == 1
    assert "3 broken." in capsys.readouterr().out


def test_the_command_succeeds_when_every_rule_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["prod"]) == 0
    assert ", 0 broken." in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["production"]])
def test_the_command_says_which_stacks_there_are(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(arguments) == 2
    assert "there are local, staging, prod" in capsys.readouterr().err
