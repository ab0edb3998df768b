"""What is kept up to date in GitHub, against its emulator."""

from typing import Any

from neonhub_backup.github.api import Repository, marker
from workflows.ci.github import keep_comment, keep_issue

PREVIEW = marker("preview", "prod")
DRIFT = marker("drift", "prod")


def comments(repository: Repository, issue: int = 1) -> list[str]:
    return [each["body"] for each in repository.all(f"issues/{issue}/comments?")]


def issues(repository: Repository, state: str = "open") -> list[dict[str, Any]]:
    return list(repository.all(f"issues?state={state}&labels=drift&"))


def drift(repository: Repository, text: str | None, *, stack: str = "prod") -> None:
    mark = marker("drift", stack)
    keep_issue(repository, mark, title=f"{stack} has drifted", label="drift", text=text)


def test_a_stack_has_one_comment_with_the_newest_preview(repository: Repository) -> None:
    keep_comment(repository, 1, PREVIEW, "first")
    keep_comment(repository, 1, PREVIEW, "second")

    assert comments(repository) == [f"{PREVIEW}\nsecond"]


def test_every_stack_has_a_comment_of_its_own(repository: Repository) -> None:
    for stack in ("staging", "prod"):
        keep_comment(repository, 1, marker("preview", stack), stack)

    assert len(comments(repository)) == 2


def test_the_comment_is_found_behind_a_hundred_others(repository: Repository) -> None:
    for number in range(100):
        repository.send("POST", "issues/1/comments", {"body": str(number)})
    keep_comment(repository, 1, PREVIEW, "first")
    keep_comment(repository, 1, PREVIEW, "second")

    assert comments(repository)[100:] == [f"{PREVIEW}\nsecond"]


def test_an_answer_that_quotes_the_comment_is_left_alone(repository: Repository) -> None:
    quote = f"> {PREVIEW}\n> first\n\nIs this right?"
    repository.send("POST", "issues/1/comments", {"body": quote})
    keep_comment(repository, 1, PREVIEW, "second")

    assert comments(repository) == [quote, f"{PREVIEW}\nsecond"]


def test_drift_opens_one_issue_and_keeps_it_up_to_date(repository: Repository) -> None:
    drift(repository, "a tier")
    drift(repository, "a tier and a key")

    (issue,) = issues(repository)
    assert issue["title"] == "prod has drifted"
    assert issue["body"] == f"{DRIFT}\na tier and a key"


def test_the_issue_is_closed_once_the_drift_is_gone(repository: Repository) -> None:
    drift(repository, "a tier")
    drift(repository, None)

    assert issues(repository) == []
    (closed,) = issues(repository, "closed")
    assert closed["state_reason"] == "completed"
    assert comments(repository, closed["number"]) == ["It is gone."]


def test_a_stack_without_drift_writes_nothing(repository: Repository) -> None:
    drift(repository, None)

    assert issues(repository, "all") == []


def test_drift_that_comes_back_is_a_new_issue(repository: Repository) -> None:
    for text in ("a tier", None, "a key"):
        drift(repository, text)

    assert [each["state"] for each in issues(repository, "all")] == ["open", "closed"]


def test_the_end_of_one_stacks_drift_leaves_the_issue_of_another(repository: Repository) -> None:
    drift(repository, "a tier", stack="staging")
    drift(repository, None)

    assert [each["title"] for each in issues(repository)] == ["staging has drifted"]


def test_an_issue_of_someone_elses_without_a_text_is_left_alone(repository: Repository) -> None:
    repository.send("POST", "issues", {"title": "By hand", "labels": ["drift"]})
    drift(repository, None)

    assert [each["title"] for each in issues(repository)] == ["By hand"]
