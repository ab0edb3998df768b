"""A dead man's switch hears that all is well, and nobody else learns where it is."""

import pytest

from neonhub_backup import delivery
from neonhub_backup.errors import ConfigurationError, DeliveryError
from neonhub_backup.heartbeat import HEARTBEAT_VARIABLE, beat
from tests.receiver import Received, receiver


def test_the_address_is_asked_for_once() -> None:
    with receiver() as switch:
        beat({HEARTBEAT_VARIABLE: switch.address})

    assert switch.received == [Received("GET", "/secret/path", b"")]


def test_a_switch_that_does_not_exist_is_told_without_its_address() -> None:
    with receiver() as switch:
        switch.answers = [404]
        with pytest.raises(
            DeliveryError, match=r"switch refused it with 404; .*has succeeded"
        ) as no:
            beat({HEARTBEAT_VARIABLE: switch.address})

    assert "secret" not in str(no.value)


def test_one_that_is_not_reached_is_tried_three_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PAUSES", (0.0, 0.0))
    with receiver() as switch:
        switch.answers = [500] * 3
        with pytest.raises(DeliveryError):
            beat({HEARTBEAT_VARIABLE: switch.address})

    assert len(switch.received) == 3


def test_none_at_all_is_no_reason_to_be_silent() -> None:
    with pytest.raises(ConfigurationError, match="is not set, so nobody was told"):
        beat({})
