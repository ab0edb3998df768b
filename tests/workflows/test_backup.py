"""What the backup workflow promises, whatever the stack."""

from datetime import timedelta
from typing import Any

import pytest
import yaml

from neonhub_backup.domain.retention import RetentionPolicy, TierRule
from workflows import actions
from workflows.backup import BackupWorkflowArgs, backup_workflow, off_hour_minute, schedule
from workflows.render import render

DAILY = RetentionPolicy(hourly=None)
WEEKLY = RetentionPolicy(hourly=None, daily=None)


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
    ("retention", "minute_and_hour"),
    [(RetentionPolicy(), "26 *"), (DAILY, "26 2,6"), (WEEKLY, "26 2,6")],
)
def test_it_starts_as_often_as_the_lowest_tier_asks(
    retention: RetentionPolicy, minute_and_hour: str
) -> None:
    (cron,) = schedule("production", retention)
    assert cron.expression == f"{minute_and_hour} * * *"


def test_a_second_run_late_in_the_day_is_the_next_day() -> None:
    (cron,) = schedule("production", RetentionPolicy(hourly=None, hour_utc=23))
    assert cron.expression == "26 3,23 * * *"


def test_no_tier_has_a_schedule_of_its_own() -> None:
    kept_alone = RetentionPolicy(
        hourly=None, daily=None, weekly=None, annual=None, monthly=TierRule(keep=timedelta(days=99))
    )
    assert len(schedule("production", kept_alone)) == 1


@pytest.mark.parametrize("environment", ["production", "staging", "local", "a", "b", "c", "d"])
def test_it_never_starts_around_the_hour(environment: str) -> None:
    assert 7 <= off_hour_minute(environment) <= 52


def test_environments_start_at_minutes_of_their_own() -> None:
    minutes = {off_hour_minute(each) for each in ("production", "staging", "local")}
    assert len(minutes) == 3


def test_whoever_starts_it_by_hand_says_why_and_may_choose_the_tier() -> None:
    inputs = rendered(retention=DAILY)["on"]["workflow_dispatch"]["inputs"]
    assert inputs["reason"]["required"] is True
    assert inputs["tier"]["default"] == "owed"
    assert inputs["tier"]["options"] == ["owed", "daily", "weekly", "monthly", "annual"]


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
    credentials = step("Become the identity that may only add backups")
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
    become = names.index("Become the identity that may only add backups")
    assert names[become:] == [
        "Become the identity that may only add backups",
        "Back up",
        "Write the summary",
    ]


def test_every_script_stops_at_the_first_failure() -> None:
    scripts = [each["run"] for each in job()["steps"] if "run" in each]
    assert all(script.startswith("set -euo pipefail\n") for script in scripts)
    assert job()["defaults"] == {"run": {"shell": "bash"}}


def test_no_script_has_values_pasted_into_it() -> None:
    assert not any("${{" in each.get("run", "") for each in job()["steps"])


def test_a_failed_run_has_a_summary_too() -> None:
    assert step("Write the summary")["if"] == "always()"


@pytest.mark.parametrize("action", actions.ALL, ids=lambda action: action.name)
def test_every_action_is_pinned_with_its_release_beside(action: actions.Action) -> None:
    text = render(
        backup_workflow(
            BackupWorkflowArgs(
                environment="production",
                source="Pulumi.prod.yaml",
                github_environment="production-backup",
                configuration_path=".neonhub-backup/production.yaml",
                retention=RetentionPolicy(),
                url_variables=("DATABASE_URL",),
                postgres_major_version=17,
                tool_repository="neonhub/neonhub-backup",
                tool_commit="a" * 40,
                timeout_minutes=90,
            )
        )
    )
    assert f"uses: {action.name}@{action.commit} # {action.version}\n" in text
