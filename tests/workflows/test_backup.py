"""What the backup workflow promises, whatever the stack."""

from typing import Any

import pytest

from neonhub_backup.domain.retention import RetentionPolicy, Tier
from tests.workflows.reading import AWS_ROLE, GOOGLE_ACCOUNT, names, read, step
from workflows.backup import schedule
from workflows.minutes import off_hour_minute

DAILY = RetentionPolicy(hourly=None)
SILENCE = "Tell the dead-man's switch that all is well"


def job(**changes: Any) -> dict[str, Any]:
    return read("backup", **changes)["jobs"]["backup"]


@pytest.mark.parametrize(
    ("lowest", "expression"),
    [
        ("hourly", "26 * * * *"),
        ("daily", "26 5 * * *"),
        ("weekly", "26 5 * * 0"),
        ("monthly", "26 5 1 * *"),
        ("annual", "26 5 1 1 *"),
    ],
)
def test_it_starts_as_often_as_the_lowest_tier_asks(lowest: str, expression: str) -> None:
    unused = {tier.value: None for tier in list(Tier)[: list(Tier).index(Tier(lowest))]}
    retention = RetentionPolicy.model_validate({**unused, "hour_utc": 5})

    assert schedule("production", retention).expression == expression


@pytest.mark.parametrize("environment", ["production", "staging", "local", "a", "b", "c", "d"])
def test_it_never_starts_around_the_hour(environment: str) -> None:
    assert 7 <= off_hour_minute(environment) <= 52


def test_environments_start_at_minutes_of_their_own() -> None:
    minutes = {off_hour_minute(each) for each in ("production", "staging", "local")}
    assert len(minutes) == 3


def test_whoever_starts_it_by_hand_may_choose_the_tier() -> None:
    inputs = read("backup", retention=DAILY)["on"]["workflow_dispatch"]["inputs"]
    assert inputs["tier"]["default"] == "auto"
    assert inputs["tier"]["options"] == ["auto", "daily", "weekly", "monthly", "annual"]


def test_whoever_starts_it_by_hand_may_choose_one_database() -> None:
    inputs = read("backup")["on"]["workflow_dispatch"]["inputs"]
    assert inputs["database"]["default"] == "every"
    assert inputs["database"]["options"] == ["every", "neonhub", "analytics"]


def test_it_may_read_the_repository_and_prove_who_it_is() -> None:
    assert job()["permissions"] == {"contents": "read", "id-token": "write"}


def test_it_runs_in_the_environment_that_holds_the_secrets() -> None:
    assert job()["environment"] == "production-backup"


def test_its_session_lasts_as_long_as_it_may_run() -> None:
    assert job()["timeout-minutes"] == 90
    (credentials,) = [each for each in job()["steps"] if each.get("uses", "").startswith(AWS_ROLE)]
    assert credentials["with"]["role-duration-seconds"] == 90 * 60


def test_connection_strings_are_seen_by_the_backup_step_alone() -> None:
    seeing = [each["name"] for each in job()["steps"] if "secrets." in str(each)]
    assert seeing == ["Back up"]
    urls = {name: f"${{{{ secrets.{name} }}}}" for name in ("DATABASE_URL", "ANALYTICS_URL")}
    assert step(job(), "Back up")["env"].items() >= urls.items()


def test_google_cloud_learns_from_the_run_which_one_it_is() -> None:
    (found,) = [each for each in job()["steps"] if each.get("uses", "").startswith(GOOGLE_ACCOUNT)]
    assert found["with"] == {
        "workload_identity_provider": "${{ vars.GCP_WORKLOAD_IDENTITY_PROVIDER }}",
        "service_account": "${{ vars.GCP_SERVICE_ACCOUNT }}",
    }


def test_with_static_keys_a_run_gets_no_token_of_its_own() -> None:
    found = job(static_keys=True)
    assert found["permissions"] == {"contents": "read"}
    uses = [each for each in found["steps"] if "uses" in each]
    assert not any(each["uses"].startswith(AWS_ROLE) for each in uses)
    (google,) = [each for each in uses if each["uses"].startswith(GOOGLE_ACCOUNT)]
    assert google["with"] == {"credentials_json": "${{ secrets.GCP_SA_KEY }}"}


def test_static_keys_are_seen_by_what_reaches_the_stores_alone() -> None:
    steps = job(static_keys=True)["steps"]
    assert [each["name"] for each in steps if "AWS_SECRET" in str(each)] == ["Back up", "Validate"]


def test_a_scheduled_run_leaves_the_choice_of_the_tier_to_the_tool() -> None:
    back_up = step(job(), "Back up")
    assert back_up["env"]["TIER"] == "${{ inputs.tier || 'auto' }}"
    assert 'backup --tier "${TIER}"' in back_up["run"]


def test_a_backup_is_validated_in_the_same_run() -> None:
    assert names(job())[-2:] == ["Back up", "Validate"]
    assert "neonhub-backup --github validate latest" in step(job(), "Validate")["run"]


def test_the_dead_man_s_switch_hears_only_of_what_succeeded() -> None:
    last = job(heartbeat=True)["steps"][-1]
    assert last["name"] == SILENCE
    assert "if" not in last


def test_without_a_dead_man_s_switch_nobody_is_called() -> None:
    assert SILENCE not in names(job())
