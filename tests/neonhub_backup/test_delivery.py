"""A request is made until it is answered, follows nobody, and keeps its address to itself."""

import urllib.request
from collections.abc import Callable, Iterator

import pytest

from neonhub_backup import delivery
from neonhub_backup.delivery import deliver, secret_address
from neonhub_backup.errors import ConfigurationError, DeliveryError
from tests.receiver import Receiver, receiver

Failing = Callable[..., str]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PAUSES", (0.0, 0.0))


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def _send(address: str, *, quotes: bool = False) -> bytes:
    return deliver(urllib.request.Request(address), "the chat", "it was not told", quotes=quotes)  # noqa: S310 - the test's own server


def _refused(address: str, *, quotes: bool = False) -> str:
    with pytest.raises(DeliveryError) as refused:
        _send(address, quotes=quotes)
    return str(refused.value)


@pytest.mark.parametrize("passing", [[429], [500], [502, 503]])
def test_what_a_busy_receiver_refuses_is_sent_again(there: Receiver, passing: list[int]) -> None:
    there.answers = passing.copy()

    assert _send(there.address) == b"ok"
    assert len(there.received) == 1 + len(passing)


def test_after_three_tries_it_is_given_up(there: Receiver) -> None:
    there.answers = [503] * 9

    assert _refused(there.address) == "the chat refused it with 503; it was not told"
    assert len(there.received) == 3


@pytest.mark.parametrize("status", [400, 403, 404])
def test_what_is_refused_for_good_is_sent_once(there: Receiver, status: int) -> None:
    there.answers = [status]

    assert f"refused it with {status}" in _refused(there.address)
    assert len(there.received) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_followed_nowhere(there: Receiver, status: int) -> None:
    there.answers = [status]
    there.headers = {"Location": there.address.replace("secret", "elsewhere")}

    assert f"refused it with {status}" in _refused(there.address)
    assert [one.path for one in there.received] == ["/secret/path"]


def test_nobody_there_is_told_without_the_address() -> None:
    said = _refused("http://127.0.0.1:1/secret/path")

    assert said == "the chat did not answer (Connection refused); it was not told"


def test_an_answer_that_is_none_is_told_without_the_address(
    there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.headers = {"Content-Length": "99"}
    monkeypatch.setattr(delivery, "_SECONDS", 1)

    assert "did not answer (IncompleteRead)" in _refused(there.address)


def test_a_refusal_is_quoted_where_that_is_wanted_and_nowhere_else(there: Receiver) -> None:
    there.answers, there.body = [404, 404], b"no such\npath: /secret/path"

    assert "refused it with 404; " in _refused(there.address)
    assert "refused it with 404: no such path: /secret/path; " in _refused(
        there.address, quotes=True
    )


class TestASecretAddress:
    """Comes from a variable."""

    @pytest.mark.parametrize("value", ["", " \n", None])
    def test_may_be_missing(self, value: str | None) -> None:
        assert secret_address({} if value is None else {"URL": value}, "URL") is None

    @pytest.mark.parametrize(
        "value", ["https://hooks.example/a\n", "http://localhost:8/a", "http://127.0.0.1/"]
    )
    def test_is_taken_without_what_surrounds_it(self, value: str) -> None:
        assert secret_address({"URL": value}, "URL") == value.strip()

    @pytest.mark.parametrize(
        "value",
        [
            "http://hooks.example/secret",
            "http://localhost.example/secret",
            "http://localhost:8@hooks.example/secret",
            "http://127.0.0.1.example/secret",
            "ftp://hooks.example/secret",
            "file:///secret",
            "hooks.example/secret",
            "https://hooks.example/a secret",
        ],
    )
    def test_that_others_could_read_is_refused_and_not_shown(self, value: str) -> None:
        with pytest.raises(ConfigurationError, match="URL holds no address that begins with") as no:
            secret_address({"URL": value}, "URL")

        assert "secret" not in str(no.value)
