"""Neon's description: mistakes in requests and answers are found."""

from typing import Any

from sandbox.emulators.neon.description import Endpoint, endpoint

PROJECT = "/projects/quiet-sandbox-12345678"


def _endpoint(method: str, path: str) -> Endpoint:
    found = endpoint(method, PROJECT + path)
    assert found is not None
    return found


def _creation(branch: dict[str, Any]) -> list[str]:
    return _endpoint("POST", "/branches").request_problems({}, {"branch": branch})


def test_paths_are_found_with_their_names_filled_in() -> None:
    assert _endpoint("GET", "/branches/br-1").path == "/projects/{project_id}/branches/{branch_id}"
    assert endpoint("GET", f"{PROJECT}/branches/br-1/nothing") is None
    assert endpoint("PUT", PROJECT) is None


def test_a_request_as_described_has_no_problems() -> None:
    assert _creation({"name": "a", "parent_timestamp": "2026-01-05T02:00:00Z"}) == []


def test_a_field_with_a_typing_mistake_is_found_although_descriptions_allow_it() -> None:
    assert _creation({"nmae": "a"}) == ["body.branch.nmae is unknown"]


def test_a_time_that_is_none_is_found() -> None:
    (problem,) = _creation({"parent_timestamp": "yesterday"})
    assert "body.branch.parent_timestamp" in problem


def test_query_parameters_are_looked_at() -> None:
    listing = _endpoint("GET", "/branches")
    assert listing.request_problems({"limit": "100"}, None) == []
    assert listing.request_problems({"limit": "many"}, None)
    assert listing.request_problems({"pages": "2"}, None) == ["query parameter pages is unknown"]
    uri = _endpoint("GET", "/connection_uri")
    assert "query parameter role_name is missing" in uri.request_problems({}, None)


def test_a_body_is_there_where_it_must_be_and_nowhere_else() -> None:
    assert _endpoint("PATCH", "/branches/br-1").request_problems({}, None)
    assert _endpoint("GET", "").request_problems({}, {"a": 1}) == ["there must be no body"]


def test_an_answer_that_lacks_a_field_is_found() -> None:
    problems = _endpoint("GET", "").answer_problems(200, {"project": {"id": "x"}})
    assert any("history_retention_seconds" in problem for problem in problems)


def test_a_refusal_has_its_form_too() -> None:
    listing = _endpoint("GET", "/branches")
    assert listing.answer_problems(404, {"code": "", "message": "not found"}) == []
    assert listing.answer_problems(404, {"error": "not found"})
    assert listing.answer_problems(201, {}) == ["status 201 is not described"]
