"""Who may call, and what every answer has in common."""

from typing import Any

import pytest

REPOSITORY = "/repos/neonhub/neonhub"


UNKNOWN = ["/repos/neonhub/other", "/repos/nobody/neonhub", "/no/such/route", "/users/nobody"]


@pytest.mark.parametrize("scheme", ["Bearer", "token"])
def test_the_token_opens_the_api_in_both_schemes(github: Any, scheme: str):
    response = github.get("/user", Authorization=f"{scheme} sandbox-token")

    assert response.status_code == 200
    assert response.json["login"] == "sandbox"


@pytest.mark.parametrize(
    ("header", "message"),
    [("Bearer wrong", "Bad credentials"), ("", "Requires authentication")],
)
def test_without_the_token_nothing_is_told(github: Any, header: str, message: str):
    response = github.get(REPOSITORY, Authorization=header)

    assert response.status_code == 401
    assert response.json == {
        "message": message,
        "documentation_url": "https://docs.github.com/rest",
        "status": "401",
    }


def test_readiness_needs_no_token(github: Any):
    response = github.request("GET", "http://localhost/_ready", headers={"Authorization": ""})

    assert response.status_code == 200


def test_what_the_api_says_of_itself_is_public(github: Any):
    response = github.client.get("/api/v3/meta")

    assert response.status_code == 200
    assert response.json["verifiable_password_authentication"] is False


def test_a_client_without_a_name_is_refused(github: Any):
    assert github.get("/user", User_Agent="").status_code == 403


def test_another_version_of_the_api_is_refused(github: Any):
    assert github.get("/user", X_GitHub_Api_Version="1999-01-01").status_code == 400


def test_what_does_not_exist_is_not_found_in_github_s_words(github: Any):
    for path in (
        "/repos/neonhub/other",
        "/repos/nobody/neonhub",
        "/no/such/route",
        "/users/nobody",
    ):
        response = github.get(path)
        assert response.status_code == 404
        assert response.json["message"] == "Not Found"


@pytest.mark.parametrize(
    ("raw", "message"),
    [(b"{", "Problems parsing JSON"), (b"[]", "Body should be a JSON object")],
)
def test_a_body_that_is_no_json_object_is_a_bad_request(github: Any, raw: bytes, message: str):
    response = github.client.post(
        f"/api/v3{REPOSITORY}/issues",
        data=raw,
        headers={"Authorization": "Bearer sandbox-token", "User-Agent": "tests"},
    )

    assert response.status_code == 400
    assert response.json["message"] == message


def test_a_field_of_the_wrong_type_is_named(github: Any):
    response = github.request("POST", f"{REPOSITORY}/issues", {"title": 5})

    assert response.status_code == 422
    assert "properties/title" in response.json["message"]


def test_an_unchanged_answer_is_not_sent_again(github: Any):
    first = github.get(REPOSITORY)
    again = github.get(REPOSITORY, If_None_Match=first.headers["ETag"])

    assert again.status_code == 304
    assert again.data == b""


def test_lists_come_in_pages_that_link_to_each_other(github: Any):
    for number in range(5):
        github.request("POST", f"{REPOSITORY}/issues", {"title": f"number {number}"})

    first = github.get(f"{REPOSITORY}/issues?per_page=2&state=all")
    links = {part.split("; ")[1]: part.split("; ")[0] for part in first.headers["Link"].split(", ")}
    second = github.get(links['rel="next"'].strip("<>"))

    assert [issue["title"] for issue in first.json] == ["number 4", "number 3"]
    assert [issue["title"] for issue in second.json] == ["number 2", "number 1"]
    assert set(links) == {'rel="next"', 'rel="last"'}
    assert 'rel="prev"' in second.headers["Link"]
    assert "state=all" in links['rel="next"']


def test_a_list_that_fits_has_no_links(github: Any):
    assert "Link" not in github.get(f"{REPOSITORY}/issues").headers


def test_users_and_organisations_are_told_apart(github: Any):
    assert github.json("/users/neonhub")["type"] == "Organization"
    assert github.json("/users/reviewer")["type"] == "User"
    assert github.json("/orgs/neonhub")["login"] == "neonhub"
    assert github.get("/orgs/reviewer").status_code == 404
