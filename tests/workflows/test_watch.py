"""What the watch workflow promises, whatever the stack."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from neonhub_backup.domain.schedule import report_every
from tests.workflows.reading import AWS_ROLE, GOOGLE_ACCOUNT, names, read, step
from workflows.minutes import off_hour_minute
from workflows.watch import schedule

SWITCH = "Tell the dead-man's switch of watches that all is well"


def job(**changes: Any) -> dict[str, Any]:
    return read("watch", **changes)["jobs"]["watch"]


def starts(environment: str, rpo: timedelta) -> list[int]:
    minutes, *rest = schedule(environment, rpo).expression.split()
    assert rest == ["*"] * 4
    return [int(each) for each in minutes.split(",")]


@pytest.mark.parametrize(
    ("hours", "number"), [(1, 3), (2, 2), (3, 1), (4, 1), (24, 1), (24 * 7, 1)]
)
@pytest.mark.parametrize("environment", ["production", "staging", "local", "a", "b", "c"])
def test_it_starts_as_often_as_alarms_expect_and_never_around_the_hour(
    environment: str, hours: int, number: int
) -> None:
    rpo = timedelta(hours=hours)
    found = starts(environment, rpo)
    assert len(found) == number
    (gap,) = {later - earlier for earlier, later in pairwise([*found, found[0] + 60])}
    assert timedelta(minutes=gap) <= report_every(rpo)
    assert all(7 <= minute <= 52 for minute in found)


def test_environments_are_watched_at_minutes_of_their_own_and_not_as_they_are_backed_up() -> None:
    environments = ("production", "staging", "local")
    hourly = {starts(each, timedelta(days=1))[0] for each in environments}
    assert len(hourly) == 3
    assert not hourly & {off_hour_minute(each) for each in environments}


def test_its_comment_says_how_often_and_why() -> None:
    assert "Every 20 minutes" in schedule("production", timedelta(hours=1)).comment
    assert "Every hour" in schedule("production", timedelta(days=1)).comment
    assert "at most 24h may be lost" in schedule("production", timedelta(days=1)).comment


def test_it_is_who_backs_up() -> None:
    assert job()["environment"] == "production-backup"


def test_it_reaches_no_database() -> None:
    assert "DATABASE_URL" not in str(read("watch"))
    assert "ANALYTICS_URL" not in str(read("watch"))
    assert "NEON_API_KEY" not in str(read("watch"))


def test_it_may_enable_the_schedules_that_it_looks_at() -> None:
    assert job()["permissions"] == {"contents": "read", "id-token": "write", "actions": "write"}
    watching = step(job(), "Watch")
    assert watching["env"] == {"GITHUB_TOKEN": "${{ github.token }}"}
    assert " --workflows" in watching["run"]


def test_a_warning_alone_fails_no_run() -> None:
    assert "watch --fail-on breach" in step(job(), "Watch")["run"]


def test_the_page_is_published_whatever_the_watch_has_found() -> None:
    *_, publishing, keeping = job()["steps"]
    assert publishing["run"].rstrip().endswith("--publish")
    for each in (publishing, keeping):
        assert each["if"] == "${{ !cancelled() && steps.watch.outcome != 'skipped' }}"
    assert keeping["with"]["path"] == "${{ runner.temp }}/page.html"


def test_where_alarms_wait_for_them_it_publishes_what_it_measured() -> None:
    watching = step(job(alarms_region="us-east-1"), "Watch")
    assert watching["env"]["ALARMS_REGION"] == "us-east-1"
    assert '--cloudwatch "${ALARMS_REGION}"' in watching["run"]


def test_where_nobody_hears_alarms_it_publishes_nothing() -> None:
    assert "cloudwatch" not in str(job())


def test_its_session_lasts_as_long_as_it_may_run() -> None:
    (credentials,) = [each for each in job()["steps"] if each.get("uses", "").startswith(AWS_ROLE)]
    assert credentials["with"]["role-duration-seconds"] == 60 * job()["timeout-minutes"]
    # AWS gives no shorter one.
    assert credentials["with"]["role-duration-seconds"] >= 900


def test_two_looks_do_not_wait_for_each_other_for_long() -> None:
    assert timedelta(minutes=job()["timeout-minutes"]) < report_every(timedelta(hours=1))


def test_with_static_keys_a_run_gets_no_token_of_its_own() -> None:
    found = job(static_keys=True, watch_heartbeat=True)
    assert found["permissions"] == {"contents": "read", "actions": "write"}
    uses = [each for each in found["steps"] if "uses" in each]
    assert not any(each["uses"].startswith(AWS_ROLE) for each in uses)
    (google,) = [each for each in uses if each["uses"].startswith(GOOGLE_ACCOUNT)]
    assert google["with"] == {"credentials_json": "${{ secrets.GCP_SA_KEY }}"}
    seeing = [each["name"] for each in found["steps"] if "AWS_SECRET" in str(each)]
    assert seeing == ["Watch", "Publish the page"]


def test_in_google_cloud_alone_there_is_no_key_of_aws() -> None:
    assert "AWS" not in str(job(static_keys=True, aws=False))


def test_a_switch_of_its_own_hears_only_of_good_watches() -> None:
    told = step(job(heartbeat=True, watch_heartbeat=True), SWITCH)
    assert "if" not in told
    assert told["env"] == {
        "NEONHUB_BACKUP_HEARTBEAT_URL": "${{ secrets.NEONHUB_BACKUP_WATCH_HEARTBEAT_URL }}"
    }


def test_without_a_switch_of_its_own_nobody_is_called() -> None:
    assert SWITCH not in names(job(heartbeat=True))


def test_the_switch_of_backups_hears_nothing_of_watches() -> None:
    backup = read("backup", watch_heartbeat=True)["jobs"]["backup"]
    assert "WATCH_HEARTBEAT" not in str(backup)
