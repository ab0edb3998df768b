"""What every workflow of an environment promises, whatever the stack."""

from typing import Any

import pytest

from neonhub_backup.domain.retention import RetentionPolicy
from tests.workflows.reading import AWS_ROLE, GOOGLE_ACCOUNT, WORKFLOWS, read, step

JOBS = {
    f"{name} {job}": each
    for name in WORKFLOWS
    for job, each in read(
        name, heartbeat=True, watch_heartbeat=True, chat=True, alarms_region="us-east-1"
    )["jobs"].items()
}
EACH = pytest.mark.parametrize("job", JOBS.values(), ids=JOBS.keys())
WITHOUT_POSTGRESQL = ("snapshot", "promote", "watch")
"""What needs no program of PostgreSQL's."""
OF_THE_TOOL = pytest.mark.parametrize(
    "job",
    [each for name, each in JOBS.items() if not name.endswith("alert")],
    ids=[name for name in JOBS if not name.endswith("alert")],
)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_has_no_permission_of_its_own(name: str) -> None:
    assert read(name)["permissions"] == {}


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_two_runs_of_a_workflow_overlap_and_none_is_cancelled(name: str) -> None:
    assert read(name)["concurrency"] == {
        "group": f"db-{name}-production",
        "cancel-in-progress": False,
    }


@pytest.mark.parametrize("name", WORKFLOWS)
def test_whoever_starts_a_run_says_why_and_the_list_of_runs_shows_it(name: str) -> None:
    workflow = read(name)
    assert workflow["on"]["workflow_dispatch"]["inputs"]["reason"]["required"] is True
    assert "inputs.reason" in workflow["run-name"]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_github_takes_no_more_than_ten_questions_everywhere(name: str) -> None:
    assert len(read(name)["on"]["workflow_dispatch"]["inputs"]) <= 10


@EACH
def test_a_job_may_write_one_thing_at_most_beside_proving_who_it_is(job: dict[str, Any]) -> None:
    permissions = {name: each for name, each in job["permissions"].items() if name != "id-token"}
    assert permissions["contents"] == "read"
    assert list(permissions.values()).count("write") <= 1


def test_what_reads_a_database_or_a_backup_writes_nothing_in_github() -> None:
    writing = {
        name: [what for what, access in each["permissions"].items() if access == "write"]
        for name, each in JOBS.items()
        if not name.endswith("alert")
    }
    assert {name: each for name, each in writing.items() if each not in ([], ["id-token"])} == {
        "watch watch": ["id-token", "actions"]
    }


@EACH
def test_only_a_job_of_an_environment_sees_secrets(job: dict[str, Any]) -> None:
    assert "environment" in job or "secrets." not in str(job)


@EACH
def test_a_job_gives_no_secret_to_all_of_its_steps(job: dict[str, Any]) -> None:
    assert "secrets." not in str(job.get("env", {}))


@EACH
def test_every_script_stops_at_the_first_failure(job: dict[str, Any]) -> None:
    scripts = [each["run"] for each in job["steps"] if "run" in each]
    assert scripts
    assert all(script.startswith("set -euo pipefail\n") for script in scripts)
    assert job["defaults"] == {"run": {"shell": "bash"}}


@EACH
def test_no_script_has_values_pasted_into_it(job: dict[str, Any]) -> None:
    assert not any("${{" in each.get("run", "") for each in job["steps"])


@EACH
def test_no_checkout_leaves_a_token_behind(job: dict[str, Any]) -> None:
    checkouts = [each for each in job["steps"] if "actions/checkout@" in each.get("uses", "")]
    assert checkouts
    assert all(each["with"]["persist-credentials"] is False for each in checkouts)


@EACH
def test_every_job_ends(job: dict[str, Any]) -> None:
    assert 10 <= job["timeout-minutes"] <= 90


@EACH
def test_the_tool_is_the_pinned_commit(job: dict[str, Any]) -> None:
    assert step(job, "Check out the tool")["with"] == {
        "repository": "neonhub/neonhub-backup",
        "ref": "a" * 40,
        "path": "tool",
        "persist-credentials": False,
    }


@OF_THE_TOOL
def test_the_tool_s_requirements_are_hashed_and_nothing_is_built_from_source(
    job: dict[str, Any],
) -> None:
    script = step(job, "Install the tool")["run"]
    assert "--only-binary :all:" in script
    assert "--require-hashes --requirement tool/requirements/tool.txt" in script
    assert "--no-deps" in script


@OF_THE_TOOL
def test_what_pip_downloads_is_kept_until_the_requirements_change(job: dict[str, Any]) -> None:
    inputs = step(job, "Set up Python")["with"]
    assert inputs["cache"] == "pip"
    assert inputs["cache-dependency-path"] == "tool/requirements/tool.txt"


@pytest.mark.parametrize(
    "job",
    [
        each
        for name, each in JOBS.items()
        if not name.endswith("alert") and not name.startswith(WITHOUT_POSTGRESQL)
    ],
    ids=[
        name
        for name in JOBS
        if not name.endswith("alert") and not name.startswith(WITHOUT_POSTGRESQL)
    ],
)
def test_postgresql_s_programs_are_of_the_server_s_major_version(job: dict[str, Any]) -> None:
    ensured = step(job, "See to PostgreSQL's programs")
    assert ensured["env"] == {"POSTGRES_MAJOR_VERSION": "17"}
    assert '--major "${POSTGRES_MAJOR_VERSION}"' in ensured["run"]


@OF_THE_TOOL
def test_nothing_is_installed_once_there_are_credentials_or_secrets(job: dict[str, Any]) -> None:
    places = [
        place
        for place, each in enumerate(job["steps"])
        if "secrets." in str(each) or each.get("uses", "").startswith((AWS_ROLE, GOOGLE_ACCOUNT))
    ]
    later = [each["name"] for each in job["steps"][min(places) :]]
    assert not any(name.startswith(("Install", "Set up", "Check out", "See to")) for name in later)


@OF_THE_TOOL
def test_a_step_calls_the_tool_once_and_leaves_all_thinking_to_it(job: dict[str, Any]) -> None:
    for each in job["steps"]:
        script = each.get("run", "")
        if each["name"] != "Install the tool" and script:
            assert script.count("neonhub-backup ") == 1, each["name"]
            assert "|" not in script.replace("||", ""), each["name"]


@OF_THE_TOOL
def test_the_configuration_is_the_one_that_was_deployed(job: dict[str, Any]) -> None:
    assert job["env"] == {"NEONHUB_BACKUP_CONFIG": ".neonhub-backup/production.yaml"}
    checked_out = step(job, "Check out the configuration")["with"]
    assert checked_out["sparse-checkout"] == ".neonhub-backup/production.yaml"


@pytest.mark.parametrize(
    ("name", "job"),
    [("backup", "backup"), ("watch", "watch"), ("drill", "drill"), ("restore", "restore")],
)
@pytest.mark.parametrize(
    ("clouds", "identities"),
    [
        ({"aws": True, "gcp": True}, [AWS_ROLE, GOOGLE_ACCOUNT]),
        ({"aws": True, "gcp": False}, [AWS_ROLE]),
        ({"aws": False, "gcp": True}, [GOOGLE_ACCOUNT]),
    ],
    ids=["both clouds", "AWS alone", "Google Cloud alone"],
)
def test_a_run_proves_who_it_is_to_the_clouds_that_hold_backups(
    name: str, job: str, clouds: dict[str, bool], identities: list[str]
) -> None:
    found = read(name, **clouds)["jobs"][job]
    used = [each["uses"] for each in found["steps"] if "uses" in each]
    become = [each for each in used if each.startswith((AWS_ROLE, GOOGLE_ACCOUNT))]
    assert [each.partition("@")[0] + "@" for each in become] == identities
    assert found["permissions"]["id-token"] == "write"


@pytest.mark.parametrize(
    ("name", "job"),
    [("backup", "backup"), ("watch", "watch"), ("drill", "drill"), ("restore", "restore")],
)
def test_one_cloud_that_lets_nobody_in_does_not_keep_a_run_from_the_other(
    name: str, job: str
) -> None:
    def may_fail(**clouds: bool) -> list[bool]:
        return [
            each.get("continue-on-error", False)
            for each in read(name, **clouds)["jobs"][job]["steps"]
            if each.get("uses", "").startswith((AWS_ROLE, GOOGLE_ACCOUNT))
        ]

    assert may_fail() == [True, True]
    assert may_fail(gcp=False) == may_fail(aws=False) == [False]


@pytest.mark.parametrize(
    ("name", "job"),
    [("backup", "backup"), ("watch", "watch"), ("drill", "drill"), ("snapshot", "snapshot")],
)
def test_people_are_told_when_a_run_did_not_succeed_for_whatever_reason(
    name: str, job: str
) -> None:
    alert = read(name)["jobs"]["alert"]
    assert alert["needs"] == [job]
    # always(): a run that was cancelled, or took too long, has not failed.
    assert alert["if"] == f"${{{{ always() && needs.{job}.result != 'success' }}}}"
    told = step(alert, "Open the issue of this environment, or add to it")
    assert told["env"]["FAILURE"] == f"${{{{ needs.{job}.outputs.failure }}}}"
    assert f"--workflow db-{name}-production.yml" in told["run"]


@pytest.mark.parametrize("name", ["backup", "watch", "drill", "snapshot"])
def test_people_are_told_without_installing_anything(name: str) -> None:
    alert = read(name)["jobs"]["alert"]
    assert [each["name"] for each in alert["steps"]] == [
        "Check out the tool",
        "Open the issue of this environment, or add to it",
    ]
    assert alert["steps"][1]["run"].splitlines()[1].startswith("python3 -P -m ")


def test_the_chat_is_told_from_an_environment_of_its_own() -> None:
    alert = read("backup", chat=True)["jobs"]["alert"]
    assert alert["environment"] == "production-alert"
    assert "secrets.NEONHUB_BACKUP_CHAT_URL" in str(alert["steps"][1]["env"])


def test_without_a_chat_whoever_tells_people_sees_no_secret() -> None:
    alert = read("backup")["jobs"]["alert"]
    assert "environment" not in alert
    assert "secrets." not in str(alert)


def test_a_drill_cannot_reach_any_database() -> None:
    workflow = read("drill")
    assert "DATABASE_URL" not in str(workflow)
    assert workflow["jobs"]["drill"]["environment"] == "production-drill"


def test_a_drill_installs_a_server_of_the_same_major_version() -> None:
    ensured = step(read("drill")["jobs"]["drill"], "See to PostgreSQL's programs")
    assert ensured["run"].rstrip().endswith("--server")


def test_a_drill_on_schedule_looks_every_day_what_is_owed() -> None:
    workflow = read("drill")
    (cron,) = workflow["on"]["schedule"]
    assert cron["cron"].split()[1:] == ["5", "*", "*", "*"]
    owed = step(workflow["jobs"]["drill"], "Drill what is owed")
    assert owed["if"] == "github.event_name == 'schedule'"
    assert "drill --owed --within-objectives" in owed["run"]


def test_a_drill_by_hand_restores_from_each_store_unless_one_is_chosen() -> None:
    workflow = read("drill")
    store = workflow["on"]["workflow_dispatch"]["inputs"]["store"]
    assert store["options"] == ["every", "aws", "gcp"]
    assert store["default"] == "every"
    asked = step(workflow["jobs"]["drill"], "Drill what was asked for")
    assert asked["if"] == "github.event_name != 'schedule'"
    assert "stores=(--every-store)" in asked["run"]


def test_nothing_starts_a_restore_but_people() -> None:
    assert list(read("restore")["on"]) == ["workflow_dispatch"]


def test_restore_promotion_and_reversal_are_agreed_to_one_by_one() -> None:
    jobs = read("restore")["jobs"]
    assert {name: job["if"] for name, job in jobs.items()} == {
        name: f"inputs.step == '{name}'" for name in ("restore", "promote", "revert")
    }
    assert {job["environment"] for job in jobs.values()} == {"production-restore"}


def test_every_step_that_changes_a_server_is_confirmed_by_the_environment_s_name() -> None:
    inputs = read("restore")["on"]["workflow_dispatch"]["inputs"]
    assert inputs["confirm"]["required"] is True
    for job in read("restore")["jobs"].values():
        for each in job["steps"]:
            if "secrets.DATABASE_URL" in str(each):
                assert '--confirm "${CONFIRM}"' in each["run"]


def test_a_restore_is_checked_first_and_goes_beside_what_is_live() -> None:
    job = read("restore")["jobs"]["restore"]
    check, restore = job["steps"][-2:]
    assert " restore --dry-run --confirm" in check["run"]
    assert check["run"].replace(" --dry-run", "") == restore["run"]
    assert "what=(--beside)" in restore["run"]
    assert "--in-place" not in restore["run"]


@pytest.mark.parametrize("job", ["promote", "revert"])
def test_a_swap_opens_no_backup_and_enters_no_cloud(job: str) -> None:
    found = read("restore")["jobs"][job]
    assert "PRIVATE_KEY" not in str(found)
    assert "id-token" not in found["permissions"]


def test_a_name_that_looks_like_an_option_stays_a_name() -> None:
    for workflow, job, name in (("drill", "drill", "BACKUP"), ("restore", "restore", "NAME")):
        script = read(workflow)["jobs"][job]["steps"][-1]["run"]
        assert f'-- "${{{name}' in script


def test_snapshots_are_taken_as_often_as_the_most_frequent_of_their_tiers() -> None:
    (cron,) = read("snapshot")["on"]["schedule"]
    assert cron["cron"].split()[1:] == ["*", "*", "*", "*"]
    hosted = {"neonhub": RetentionPolicy(hourly=None)}
    (cron,) = read("snapshot", neon=hosted)["on"]["schedule"]
    assert cron["cron"].split()[1:] == ["2", "*", "*", "*"]


def test_one_database_s_failure_leaves_the_snapshots_of_others() -> None:
    job = read("snapshot")["jobs"]["snapshot"]
    assert "if" not in step(job, "Take a snapshot of neonhub")
    assert step(job, "Take a snapshot of analytics")["if"] == "${{ !cancelled() }}"


def test_nothing_is_pruned_where_no_snapshot_was_taken() -> None:
    job = read("snapshot")["jobs"]["snapshot"]
    for number, database in enumerate(("neonhub", "analytics")):
        condition = step(job, f"Prune the snapshots of {database}")["if"]
        assert condition == f"${{{{ !cancelled() && steps.take_{number}.outcome == 'success' }}}}"


def test_what_takes_snapshots_sees_no_database_and_enters_no_cloud() -> None:
    job = read("snapshot")["jobs"]["snapshot"]
    assert job["environment"] == "production-snapshot"
    assert "DATABASE_URL" not in str(job)
    assert "id-token" not in job["permissions"]


def test_a_branch_and_its_promotion_are_agreed_to_one_by_one() -> None:
    jobs = read("promote")["jobs"]
    assert {name: job["if"] for name, job in jobs.items()} == {
        name: f"inputs.step == '{name}'" for name in ("branch", "promote")
    }
    assert {job["environment"] for job in jobs.values()} == {"production-restore"}


def test_a_promotion_is_confirmed_by_the_environment_s_name() -> None:
    script = step(read("promote")["jobs"]["promote"], "Promote")["run"]
    assert '--confirm "${CONFIRM}"' in script


def test_a_branch_of_the_past_sees_no_connection_string_of_production() -> None:
    assert "DATABASE_URL" not in str(read("promote")["jobs"]["branch"])
