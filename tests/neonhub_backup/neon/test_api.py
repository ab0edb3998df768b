"""Requests to Neon: what is asked, what is asked again, and what failures say."""

from datetime import UTC, datetime

import httpx
import pytest

from neonhub_backup.errors import (
    ConfigurationError,
    NeonError,
    NeonRefusedError,
    NeonUnansweredError,
)
from neonhub_backup.neon.api import NewBranch, open_api
from neonhub_backup.neon.models import Branch
from tests.neonhub_backup.neon.conftest import (
    KEY,
    SETTINGS,
    Play,
    branch,
    branches,
    created,
    operation,
    refusal,
)

MAIN = Branch.model_validate(branch("main"))
NEW = NewBranch(name="new", parent=MAIN)
LOST = httpx.ReadTimeout("no answer")


def test_without_a_key_nothing_is_asked() -> None:
    with pytest.raises(ConfigurationError, match="NEON_API_KEY is not set"), open_api(SETTINGS, {}):
        pass


def test_what_cannot_be_a_key_is_refused_without_being_shown() -> None:
    with (
        pytest.raises(ConfigurationError, match="as the Neon Console showed it") as refused,
        open_api(SETTINGS, {"NEON_API_KEY": "napi key\u2026"}),
    ):
        pass
    assert "napi" not in str(refused.value)


def test_a_branch_is_asked_for_with_its_time_its_end_its_compute_and_a_note(play: Play) -> None:
    api, script = play(created("new"))

    api.create_branch(
        NewBranch(
            name="new",
            parent=MAIN,
            at=datetime(2026, 1, 5, 2, 0, 0, 500_000, UTC),
            expires=datetime(2026, 1, 8, tzinfo=UTC),
            endpoint=True,
            annotation={"made-by": "a test"},
        )
    )

    assert script.asked == [
        (
            "POST",
            "/branches",
            {
                "branch": {
                    "name": "new",
                    "parent_id": "br-main",
                    "parent_timestamp": "2026-01-05T02:00:00.500000Z",
                    "expires_at": "2026-01-08T00:00:00Z",
                },
                "annotation_value": {"made-by": "a test"},
                "endpoints": [{"type": "read_write"}],
            },
        )
    ]


def test_an_operation_is_looked_at_until_it_has_ended(play: Play, pauses: list[float]) -> None:
    running, finished = operation("running"), operation("finished")
    api, script = play(
        created("new", [operation("scheduling")]),
        (200, {"operation": running}),
        (200, {"operation": finished}),
    )

    api.create_branch(NEW)

    assert [path for _, path, _ in script.asked[1:]] == [f"/operations/{running['id']}"] * 2
    assert pauses == sorted(pauses)


def test_an_operation_that_fails_fails_the_branch_with_its_reason(play: Play) -> None:
    failed = operation("failed", error="no room")
    api, _ = play(created("new", [operation("running")]), (200, {"operation": failed}))

    with pytest.raises(NeonError, match=r"create_branch ended as failed \(no room\)"):
        api.create_branch(NEW)


def test_an_operation_that_does_not_end_is_given_up(play: Play) -> None:
    api, _ = play(created("new", [operation("running")]), operation_seconds=0)

    with pytest.raises(NeonError, match="did not end within 0 s"):
        api.create_branch(NEW)


def test_what_neon_asks_to_wait_is_waited(play: Play, pauses: list[float]) -> None:
    api, _ = play((429, refusal("slow down")), branches(), headers={"Retry-After": "7"})

    api.branches()

    assert pauses == [7]


def test_pauses_grow_and_have_an_end(play: Play, pauses: list[float]) -> None:
    api, script = play(*[(503, refusal("busy"))] * 6, longest_pause_seconds=4)

    with pytest.raises(NeonError, match="6 times"):
        api.branches()
    assert len(script.asked) == 6
    assert [
        0.5 * most <= pause <= most for most, pause in zip((1, 2, 4, 4, 4), pauses, strict=True)
    ]
    assert max(pauses) <= 4


@pytest.mark.parametrize("status", [423, 429, 503])
def test_a_change_that_was_turned_away_is_asked_for_again(play: Play, status: int) -> None:
    api, script = play((status, refusal("later")), created("new"))

    assert api.create_branch(NEW).name == "new"
    assert len(script.asked) == 2


@pytest.mark.parametrize("lost", [LOST, (500, refusal("oops"))])
def test_a_change_whose_answer_is_lost_is_not_made_again(
    play: Play, lost: tuple[int, dict[str, str]] | httpx.TransportError
) -> None:
    api, script = play(lost)

    with pytest.raises(NeonUnansweredError, match=r"unknown whether it did .* protect branch main"):
        api.protect(MAIN, protected=True)
    assert len(script.asked) == 1


def test_a_creation_whose_answer_is_lost_is_looked_for_and_waited_for(play: Play) -> None:
    running = operation("running")
    api, script = play(
        LOST,
        branches(branch("main"), branch("new")),
        (
            200,
            {"operations": [running, operation("finished"), operation("running", branch_id="x")]},
        ),
        (200, {"operation": operation("finished")}),
    )

    assert api.create_branch(NEW).id == "br-new"
    assert [method for method, _, _ in script.asked] == ["POST", "GET", "GET", "GET"]


def test_operations_of_years_ago_are_not_waited_for_nor_read(play: Play) -> None:
    old = operation("failed")
    api, script = play((200, {"operations": [old], "pagination": {"cursor": "more"}}))

    api.settle(Branch.model_validate(branch("new")))

    assert len(script.asked) == 1


def test_a_creation_that_was_lost_is_made_again_a_few_times(play: Play) -> None:
    api, script = play(*[LOST, branches(branch("main"))] * 3)

    with pytest.raises(NeonUnansweredError, match="create branch new"):
        api.create_branch(NEW)
    assert [method for method, _, _ in script.asked].count("POST") == 3


def test_a_server_that_cannot_be_reached_has_done_nothing(play: Play) -> None:
    api, script = play(httpx.ConnectError("refused"), created("new"))

    assert api.create_branch(NEW).name == "new"
    assert len(script.asked) == 2


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "set NEON_API_KEY to a key that is valid"),
        (403, f"lacks the right to do that in project {SETTINGS.project}"),
        (404, f"whose project is {SETTINGS.project}"),
        (422, "correct what Neon says"),
    ],
)
def test_a_refusal_says_what_neon_said_and_what_to_do(play: Play, status: int, says: str) -> None:
    api, script = play((status, refusal("because", "SOME_CODE")))

    with pytest.raises(NeonRefusedError) as refused:
        api.protect(MAIN, protected=True)
    message = str(refused.value)
    assert f"answered {status} (because, SOME_CODE, request 0000-1)" in message
    assert "did not protect branch main" in message
    assert says in message
    assert KEY not in message
    assert len(script.asked) == 1


def test_an_answer_that_is_no_answer_of_neon_is_told_without_its_content(play: Play) -> None:
    api, _ = play((200, {"uri": ["postgresql://user:secret@host/app"]}), fits=False)

    with pytest.raises(NeonError, match=r"not as described \(uri\)") as failed:
        api.connection_uri(MAIN, database="app", role="app_owner")
    assert "secret" not in str(failed.value)


def test_fields_that_neon_has_added_are_passed_over(play: Play) -> None:
    more = branch("main", invented="yes")
    api, _ = play((200, {"branches": [more], "annotations": {}, "new": 1}), fits=False)

    assert list(api.branches()[0]) == ["main"]


def test_lists_are_read_to_their_end(play: Play) -> None:
    api, script = play(branches(branch("a"), following="x"), branches(branch("b")))

    assert list(api.branches()[0]) == ["a", "b"]
    assert len(script.asked) == 2
