"""What the backup workflow promises, whatever the stack."""

from typing import Any

import pytest
import yaml

from neonhub_backup.domain.retention import RetentionPolicy, Tier
from workflows.backup import BackupWorkflowArgs, backup_workflow, off_hour_minute, schedule
from workflows.render import render

DAILY = RetentionPolicy(hourly=None)
AWS, GCP = (
    f"Become the identity that may only add backups to {cloud}" for cloud in ("AWS", "Google Cloud")
)


def rendered(**changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "environment": "production",
        "source": "Pulumi.prod.yaml",
        "github_environment": "production-backup",
        "configuration_path": ".neonhub-backup/production.yaml",
        "retention": RetentionPolicy(),
        "url_variables": ("DATABASE_URL", "ANALYTICS_URL"),
        "postgres_major_version": 17,
        "tool_repository": "neonhub/neonhub-backup",
        "tool_commit": "a" * 40,
        "timeout_minutes": 90,
        "aws": True,
        "gcp": True,
        "static_keys": False,
    }
    text = render(backup_workflow(BackupWorkflowArgs(**{**known, **changes})))
    # PyYAML reads the key `on` as true, as YAML 1.1 says; GitHub does not.
    return yaml.safe_load(text.replace("\non:\n", '\n"on":\n'))


def job(**changes: Any) -> dict[str, Any]:
    return rendered(**changes)["jobs"]["backup"]


def step(name: str, **changes: Any) -> dict[str, Any]:
    (found,) = [each for each in job(**changes)["steps"] if each["name"] == name]
    return found


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

    (cron,) = schedule("production", retention)
    assert cron.expression == expression


@pytest.mark.parametrize("environment", ["production", "staging", "local", "a", "b", "c", "d"])
def test_it_never_starts_around_the_hour(environment: str) -> None:
    assert 7 <= off_hour_minute(environment) <= 52


def test_environments_start_at_minutes_of_their_own() -> None:
    minutes = {off_hour_minute(each) for each in ("production", "staging", "local")}
    assert len(minutes) == 3


def test_whoever_starts_it_by_hand_says_why_and_may_choose_the_tier() -> None:
    inputs = rendered(retention=DAILY)["on"]["workflow_dispatch"]["inputs"]
    assert inputs["reason"]["required"] is True
    assert inputs["tier"]["default"] == "auto"
    assert inputs["tier"]["options"] == ["auto", "daily", "weekly", "monthly", "annual"]


def test_it_may_read_the_repository_and_prove_who_it_is() -> None:
    assert rendered()["permissions"] == {}
    assert job()["permissions"] == {"contents": "read", "id-token": "write"}


def test_no_two_backups_run_at_once_and_none_is_cancelled() -> None:
    assert rendered()["concurrency"] == {
        "group": "db-backup-production",
        "cancel-in-progress": False,
    }


def test_it_runs_in_the_environment_that_holds_the_secrets() -> None:
    assert job()["environment"] == "production-backup"


def test_its_session_lasts_as_long_as_it_may_run() -> None:
    assert job()["timeout-minutes"] == 90
    credentials = step(AWS)
    assert credentials["with"]["role-duration-seconds"] == 90 * 60


def test_the_tool_is_the_pinned_commit_with_hashed_requirements() -> None:
    assert step("Check out the tool")["with"] == {
        "repository": "neonhub/neonhub-backup",
        "ref": "a" * 40,
        "path": "tool",
        "persist-credentials": False,
    }
    script = step("Install the tool")["run"]
    assert "--require-hashes --requirement tool/requirements/tool.txt" in script
    assert "--no-deps" in script


def test_no_checkout_leaves_a_token_behind() -> None:
    checkouts = [each for each in job()["steps"] if "actions/checkout@" in each.get("uses", "")]
    assert len(checkouts) == 2
    assert all(each["with"]["persist-credentials"] is False for each in checkouts)


def test_pg_dump_is_of_the_servers_major_version() -> None:
    install = step("Install PostgreSQL's programs")
    assert install["env"] == {"POSTGRES_MAJOR_VERSION": "17"}
    assert (
        '"/usr/lib/postgresql/${POSTGRES_MAJOR_VERSION}/bin" >> "${GITHUB_PATH}"'
        in (install["run"])
    )


def test_connection_strings_are_seen_by_the_backup_step_alone() -> None:
    seeing = [each["name"] for each in job()["steps"] if "secrets." in str(each)]
    assert seeing == ["Back up"]
    assert (
        step("Back up")["env"]
        | {
            "DATABASE_URL": "${{ secrets.DATABASE_URL }}",
            "ANALYTICS_URL": "${{ secrets.ANALYTICS_URL }}",
        }
        == step("Back up")["env"]
    )


def test_nothing_is_installed_once_there_are_credentials() -> None:
    names = [each["name"] for each in job()["steps"]]
    become = names.index(AWS)
    assert names[become:] == [
        AWS,
        GCP,
        "Back up",
        "Write the summary",
    ]


@pytest.mark.parametrize(
    ("clouds", "identities"),
    [
        ({"aws": True, "gcp": True}, [AWS, GCP]),
        ({"aws": True, "gcp": False}, [AWS]),
        ({"aws": False, "gcp": True}, [GCP]),
    ],
    ids=["both clouds", "AWS alone", "Google Cloud alone"],
)
def test_a_run_proves_who_it_is_to_the_clouds_that_hold_backups(
    clouds: dict[str, bool], identities: list[str]
) -> None:
    names = [each["name"] for each in job(**clouds)["steps"]]
    assert [name for name in names if name.startswith("Become")] == identities


def test_google_cloud_learns_from_the_run_which_one_it_is() -> None:
    assert step(GCP)["with"] == {
        "workload_identity_provider": "${{ vars.GCP_WORKLOAD_IDENTITY_PROVIDER }}",
        "service_account": "${{ vars.GCP_SERVICE_ACCOUNT }}",
    }


def test_with_static_keys_a_run_gets_no_token_of_its_own() -> None:
    assert job(static_keys=True)["permissions"] == {"contents": "read"}
    assert step(GCP, static_keys=True)["with"] == {"credentials_json": "${{ secrets.GCP_SA_KEY }}"}
    names = [each["name"] for each in job(static_keys=True)["steps"]]
    assert AWS not in names
    seeing = [each["name"] for each in job(static_keys=True)["steps"] if "AWS_SECRET" in str(each)]
    assert seeing == ["Back up"]


def test_every_script_stops_at_the_first_failure() -> None:
    scripts = [each["run"] for each in job()["steps"] if "run" in each]
    assert all(script.startswith("set -euo pipefail\n") for script in scripts)
    assert job()["defaults"] == {"run": {"shell": "bash"}}


def test_no_script_has_values_pasted_into_it() -> None:
    assert not any("${{" in each.get("run", "") for each in job()["steps"])


def test_a_scheduled_run_leaves_the_choice_of_the_tier_to_the_tool() -> None:
    back_up = step("Back up")
    assert back_up["env"]["TIER"] == "${{ inputs.tier || 'auto' }}"
    assert 'backup --tier "${TIER}"' in back_up["run"]


def test_a_failed_run_has_a_summary_too() -> None:
    assert step("Write the summary")["if"] == "always()"
