"""The `neon` of a database: what is taken, and what is refused."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from neonhub_backup.domain.configuration import Neon
from neonhub_backup.domain.retention import RetentionPolicy, Tier

SMALLEST = {"project": "quiet-sandbox-12345678", "database": "app", "role": "app_owner"}


def _neon(**changes: Any) -> Neon:
    return Neon.model_validate(SMALLEST | changes)


def test_by_default_it_is_the_branch_main_of_neon_itself() -> None:
    assert _neon().branch == "main"
    assert _neon().api == "https://console.neon.tech/api/v2"


def test_snapshots_are_kept_as_backups_are_unless_it_says_otherwise() -> None:
    backups = RetentionPolicy(hour_utc=5)

    assert _neon().retention(backups) == backups
    own = _neon(keep={"daily": "7d", "monthly": "90d"}).retention(backups)
    assert {tier: rule.keep for tier, rule in own.rules().items()} == {
        Tier.DAILY: timedelta(days=7),
        Tier.MONTHLY: timedelta(days=90),
    }
    assert own.hour_utc == 5


def test_a_higher_tier_that_is_kept_no_longer_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"lengthen weekly\.keep"):
        _neon(keep={"daily": "7d", "weekly": "7d"})


@pytest.mark.parametrize(
    "api",
    [
        "http://console.neon.tech/api/v2",
        "https://console.neon.tech/api/v2/",
        "https://console.neon.tech",
        "http://localhost.example.com/api/v2",
    ],
)
def test_the_key_is_sent_nowhere_where_it_can_be_read_on_its_way(api: str) -> None:
    with pytest.raises(ValidationError, match="api"):
        _neon(api=api)


def test_an_emulator_on_this_machine_needs_no_https() -> None:
    assert _neon(api="http://127.0.0.1:4000/api/v2").api == "http://127.0.0.1:4000/api/v2"
