"""What a user is told when GitHub refuses or is not there."""

import pytest

from sandbox.providers.framework import ProviderError
from sandbox.providers.github.client import GitHub, GitHubError, UnreachableError
from sandbox.providers.github.provider import GitHubProvider


@pytest.fixture(autouse=True)
def no_github_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_BASE_URL", "GITHUB_OWNER", "GITHUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_missing_configuration_is_named():
    with pytest.raises(ProviderError, match="github:baseUrl and github:owner must be known"):
        GitHubProvider().connect({"token": "x"})


def test_the_environment_says_what_the_configuration_does_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GITHUB_BASE_URL", "http://127.0.0.1:1/api/v3")
    monkeypatch.setenv("GITHUB_TOKEN", "x")
    with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:1/api/v3/"):
        GitHubProvider().connect({"owner": "neonhub"})


def test_the_configuration_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GITHUB_BASE_URL", "http://127.0.0.1:2/api/v3/")
    with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:1/api/v3/"):
        GitHubProvider().connect(
            {"baseUrl": "http://127.0.0.1:1/api/v3/", "token": "x", "owner": "neonhub"}
        )


def test_an_address_where_nothing_answers_is_named():
    nowhere = GitHub(base_url="http://127.0.0.1:1/api/v3/", token="x", owner="o")  # noqa: S106 - opens nothing
    with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:1/api/v3/") as refused:
        nowhere.get("user")

    assert GitHubProvider().reason(refused.value) == f"{refused.value}: is the emulator running?"


def test_an_outdated_precondition_says_what_to_do():
    error = GitHubError("PUT path", 409, "a.md does not match 123")

    assert "run `pulumi refresh` first" in (GitHubProvider().reason(error) or "")


def test_only_not_found_means_gone():
    provider = GitHubProvider()

    assert provider.is_gone(GitHubError("GET x", 404, "Not Found"))
    assert not provider.is_gone(GitHubError("GET x", 401, "Bad credentials"))
    assert provider.reason(ValueError("a bug")) is None
