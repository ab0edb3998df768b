"""What happens every night."""

import pytest

from tests.workflows.own import job, step, workflow

STACKS = pytest.mark.parametrize("stack", ["staging", "prod"])


def test_it_starts_every_night_away_from_the_full_hour_or_by_hand() -> None:
    starts = workflow("drift")["on"]
    (cron,) = starts["schedule"]
    minute, *rest = cron["cron"].split()
    assert 7 <= int(minute) <= 52
    assert rest == ["3", "*", "*", "*"]
    assert starts["workflow_dispatch"] == {}


@STACKS
def test_it_looks_at_what_really_exists_and_fails_on_a_difference(stack: str) -> None:
    script = step(job("drift", f"detect-{stack}"), "Preview")["run"]
    assert "--refresh --expect-no-changes" in script


@STACKS
def test_it_only_looks(stack: str) -> None:
    detect = job("drift", f"detect-{stack}")
    assert detect["environment"].endswith("-preview")
    assert "pulumi up" not in str(detect)


@STACKS
def test_a_failure_is_reported_too(stack: str) -> None:
    report = job("drift", f"report-{stack}")
    assert report["needs"] == [f"detect-{stack}"]
    assert report["if"] == "${{ !cancelled() }}"
    assert report["permissions"] == {"contents": "read", "issues": "write"}
    assert "workflows.ci issue --stack" in step(report, "Write")["run"]
