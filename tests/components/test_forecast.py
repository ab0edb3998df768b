"""The forecast that `make forecast` prints."""

from pathlib import Path

import pytest

from components.forecast import main, read_plan, report
from components.sections import ForecastSettings


def test_it_shows_every_tier_in_every_store(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prod"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for store in ("S3", "S3 replica", "GCS"):
        for tier in ("hourly", "daily", "weekly", "monthly", "annual"):
            assert any(line.startswith(f"{store} ") and f" {tier} " in line for line in lines)
    assert any(line.startswith("annual ") and "7y COMPLIANCE" in line for line in lines)
    assert any(line.startswith("List prices of 20") for line in lines)


def test_what_is_not_kept_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["staging"]) == 0
    assert "hourly  " not in capsys.readouterr().out


def test_another_size_and_growth_can_be_tried(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prod", "--size", "500", "--growth", "0"]) == 0
    said = capsys.readouterr().out
    assert "backups of 500 GB today that grow by 0 % a month" in said


def test_it_needs_no_secret_and_no_key() -> None:
    plan = read_plan(Path(__file__).parents[2] / "Pulumi.prod.yaml")
    assert "7y" in report(plan, ForecastSettings())


def test_a_stack_without_a_store_has_nothing_to_forecast(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.empty.yaml"
    file.write_text("config: {}")
    with pytest.raises(ValueError, match="has neither neonhub-backup:aws nor neonhub-backup:gcp"):
        read_plan(file)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "Pulumi.nowhere.yaml cannot be read, so there is nothing to forecast"),
        (["prod", "--size", "big"], "backupGigabytes: Input should be a valid number"),
        (["prod", "--size", "-1"], "backupGigabytes: Input should be greater than 0"),
    ],
)
def test_a_mistake_is_one_sentence_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
