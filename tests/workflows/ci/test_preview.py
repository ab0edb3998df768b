"""What is read from the engine's log of events."""

import json

import pytest

from tests.workflows.ci.conftest import EVENTS
from workflows.ci.preview import Action, Change, Preview, Verdict, read_preview


def recorded(name: str) -> Preview:
    return read_preview((EVENTS / f"{name}.jsonl").read_text().splitlines())


def event(**content: object) -> str:
    return json.dumps({"sequence": 1, "timestamp": 1, **content})


def step(op: str, name: str) -> str:
    urn = f"urn:pulumi:prod::neonhub-backup::a:b:C$aws:s3/bucket:Bucket::{name}"
    return event(resourcePreEvent={"metadata": {"op": op, "urn": urn}, "planning": True})


END = event(summaryEvent={"result": "succeeded", "resourceChanges": {"same": 3}})


def test_a_preview_without_changes_is_the_same() -> None:
    assert recorded("same") == Preview(Verdict.SAME, unchanged=12)


def test_a_change_names_its_resource_and_properties() -> None:
    preview = recorded("changed")

    environment = "github:index/repositoryEnvironment:RepositoryEnvironment"
    assert preview.verdict is Verdict.CHANGED
    assert Change(Action.UPDATE, environment, "backup", ("waitTimer",)) in preview.changes
    assert [change.name for change in preview.changes] == ["database-url", "backup"]
    assert preview.unchanged == 10


def test_what_was_changed_by_hand_is_a_change_once() -> None:
    preview = recorded("drifted")

    assert preview.verdict is Verdict.CHANGED
    assert [(each.action, each.name, each.properties) for each in preview.changes] == [
        (Action.UPDATE, "stack", ("value",))
    ]


def test_new_resources_are_counted_as_the_engine_counts_them() -> None:
    preview = recorded("new")

    assert len(preview.changes) == 12
    assert {change.action for change in preview.changes} == {Action.CREATE}


def test_a_failed_preview_says_why() -> None:
    preview = recorded("failed")

    assert preview.verdict is Verdict.FAILED
    assert preview.errors == ("a setting is wrong",)


def test_a_broken_rule_fails_the_preview_and_is_named_with_its_resource() -> None:
    preview = recorded("violation")

    (violation,) = preview.violations
    assert preview.verdict is Verdict.FAILED
    assert violation.rule == "workflow-begins-without-permissions"
    assert violation.resource == "workflow"
    assert violation.mandatory
    assert violation.message.startswith("A step could use GitHub's token")


def test_a_preview_that_was_cut_off_has_failed() -> None:
    assert read_preview([step("update", "a")]).verdict is Verdict.FAILED


def test_a_preview_that_was_canceled_has_failed() -> None:
    ended = event(summaryEvent={"result": "canceled", "resourceChanges": {}})
    assert read_preview([ended]).verdict is Verdict.FAILED


def test_a_replacement_is_one_change() -> None:
    operations = ("create-replacement", "replace", "delete-replaced")
    preview = read_preview([*(step(each, "a") for each in operations), END])
    assert [change.action for change in preview.changes] == [Action.REPLACE]


def test_what_is_lost_stands_first() -> None:
    preview = read_preview([step("create", "a"), step("update", "b"), step("delete", "c"), END])
    assert [change.name for change in preview.changes] == ["c", "b", "a"]


def test_the_type_of_a_child_is_its_own() -> None:
    (change,) = read_preview([step("update", "a"), END]).changes
    assert change.type == "aws:s3/bucket:Bucket"


def test_a_password_in_an_error_is_left_out() -> None:
    message = "cannot connect to postgresql://neonhub:hunter2@db.example.com/neonhub\n"
    preview = read_preview([event(diagnosticEvent={"severity": "error", "message": message})])
    assert preview.errors == (
        "cannot connect to postgresql://neonhub:[secret]@db.example.com/neonhub",
    )


@pytest.mark.parametrize("line", ["[1]", "hello", ""])
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words for what is not JSON
        read_preview([line])
