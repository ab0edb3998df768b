"""Everything that was measured is in the status, and in what Prometheus and CloudWatch are told."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3.session
import pytest
from moto import mock_aws
from moto.backends import get_backend
from prometheus_client.parser import text_string_to_metric_families

from neonhub_backup.domain.configuration import (
    Configuration,
)
from neonhub_backup.domain.metrics import DATABASE, ENVIRONMENT, NAMESPACE, Metric
from neonhub_backup.errors import ConfigurationError, DeliveryError
from neonhub_backup.watch.findings import Verdict
from neonhub_backup.watch.holdings import Holding
from neonhub_backup.watch.measurements import publish, push, write_prometheus
from neonhub_backup.watch.status import Status, assess, describe_status
from neonhub_backup.watch.telling import headline, message, tell_chat, tell_sns
from tests.neonhub_backup.watch.history import DAY, HOUR, NOW, backup, full, holding, proven

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_sns import SNSClient


def well() -> Holding:
    backups = [*full(), backup(7 * DAY + 2 * HOUR, size=800_000)]
    return holding(backups, [proven(backups[-1], DAY)])


def test_a_status_says_what_was_measured(configuration: Configuration) -> None:
    status = assess(configuration, [well()], NOW)

    said = describe_status(status)
    assert (said["verdict"], said["findings"]) == ("well", [])
    (database,) = said["databases"]
    (store,) = database["stores"]
    assert (database["age_seconds"], database["proof_age_seconds"]) == (23 * 60, 86_400)
    assert store["newest"]["tier"] == "hourly"
    assert store["size_change_percent"] == 25
    assert store["recovery"] == {
        "target_seconds": 60,
        "drills": 1,
        "last_seconds": 4,
        "median_seconds": 4,
        "worst_seconds": 4,
    }
    assert json.loads(json.dumps(said)) == said


def test_an_age_is_that_of_the_store_where_it_is_oldest(configuration: Configuration) -> None:
    behind = holding([backup(5 * HOUR)], store="gcp")

    (database,) = assess(configuration, [well(), behind], NOW).databases

    assert database.age == 5 * HOUR
    assert database.proof_age is None


def test_the_worst_comes_first_and_is_the_verdict(configuration: Configuration) -> None:
    behind = holding([each for each in full() if NOW - each.started > 3 * HOUR], store="gcp")

    status = assess(configuration, [well(), behind], NOW)

    assert status.verdict is Verdict.BREACH
    assert [finding.verdict for finding in status.findings] == sorted(
        (finding.verdict for finding in status.findings), reverse=True
    )


def test_a_recovery_that_took_too_long_is_a_breach(configuration: Configuration) -> None:
    held = well()
    slow = held.proofs[0].model_copy(
        update={"seconds": held.proofs[0].seconds.model_copy(update={"search": 90.0})}
    )

    status = assess(configuration, [holding(held.backups, [slow])], NOW)

    assert [finding.check for finding in status.findings] == ["recovery"]
    assert "took 1.5 min" in status.findings[0].text


def test_prometheus_reads_the_numbers_of_the_status(
    configuration: Configuration, tmp_path: Path
) -> None:
    path = tmp_path / "neonhub.prom"

    write_prometheus(assess(configuration, [well()], NOW), path)

    read = {
        sample.name: (sample.labels, sample.value)
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }
    place = {"environment": "production", "database": "app", "store": "aws"}
    assert read["neonhub_backup_age_seconds"] == (place, 23 * 60)
    assert read["neonhub_backup_proof_age_seconds"] == (place, 86_400)
    assert read["neonhub_backup_recovery_seconds"] == (place, 4)
    assert read["neonhub_backup_verdict"] == ({"environment": "production"}, 0)
    assert [each.name for each in tmp_path.iterdir()] == ["neonhub.prom"]


def test_what_is_unknown_is_no_number(configuration: Configuration, tmp_path: Path) -> None:
    path = tmp_path / "neonhub.prom"

    write_prometheus(assess(configuration, [holding([])], NOW), path)

    assert "neonhub_backup_age_seconds" not in path.read_text()
    assert "neonhub_backup_verdict" in path.read_text()


def test_a_file_that_cannot_be_written_is_said(
    configuration: Configuration, tmp_path: Path
) -> None:
    with pytest.raises(DeliveryError, match="so Prometheus sees old numbers"):
        write_prometheus(assess(configuration, [], NOW), tmp_path / "no" / "neonhub.prom")


def test_a_gateway_that_does_not_answer_is_said(configuration: Configuration) -> None:
    with pytest.raises(DeliveryError, match="did not take the numbers"):
        push(assess(configuration, [], NOW), "http://127.0.0.1:1")


class TestWords:
    """What people are told."""

    @pytest.fixture
    def breached(self, configuration: Configuration) -> Status:
        return assess(configuration, [holding([backup(5 * HOUR)])], NOW)

    def test_the_headline_stays_the_same_while_the_same_is_wrong(
        self, configuration: Configuration, breached: Status
    ) -> None:
        later = assess(configuration, [holding([backup(6 * HOUR)])], NOW)

        assert headline(breached) == headline(later)
        assert "freshness of app in aws" in headline(breached)
        assert message(breached) != message(later)

    def test_all_is_well(self, configuration: Configuration) -> None:
        assert (
            headline(assess(configuration, [well()], NOW))
            == "the backups of production keep their promises"
        )

    def test_a_chat_without_an_address_is_refused(self, breached: Status) -> None:
        with pytest.raises(ConfigurationError, match="NEONHUB_BACKUP_CHAT_URL is not set"):
            tell_chat(breached, {})

    def test_what_is_no_topic_is_refused(self, breached: Status) -> None:
        with pytest.raises(ConfigurationError, match="--sns backups is not the ARN"):
            tell_sns(breached, "backups")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All of AWS, in this process."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield


@pytest.mark.usefixtures("aws")
class TestAws:
    """What AWS is told."""

    def test_cloudwatch_has_what_the_alarms_watch(self, configuration: Configuration) -> None:
        publish(assess(configuration, [well()], NOW), "us-east-1")

        cloudwatch: CloudWatchClient = boto3.session.Session().client("cloudwatch", "us-east-1")  # pyright: ignore[reportUnknownMemberType] - of many services
        found = {
            str(metric): cloudwatch.get_metric_statistics(
                Namespace=NAMESPACE,
                MetricName=metric,
                Dimensions=[
                    {"Name": ENVIRONMENT, "Value": "production"},
                    {"Name": DATABASE, "Value": "app"},
                ],
                StartTime=NOW - HOUR,
                EndTime=NOW + HOUR,
                Period=3600,
                Statistics=["Maximum"],
            )["Datapoints"]
            for metric in Metric
        }
        assert {name: points[0].get("Maximum") for name, points in found.items()} == {
            "BackupAgeSeconds": 23 * 60,
            "ProofAgeSeconds": 86_400,
            "BackupSizeChangePercent": 25,
        }

    def test_a_database_without_a_backup_somewhere_has_no_age(
        self, configuration: Configuration
    ) -> None:
        publish(assess(configuration, [well(), holding([], store="gcp")], NOW), "us-east-1")

        cloudwatch: CloudWatchClient = boto3.session.Session().client("cloudwatch", "us-east-1")  # pyright: ignore[reportUnknownMemberType] - of many services
        named = {each.get("MetricName") for each in cloudwatch.list_metrics()["Metrics"]}
        assert named == {"BackupSizeChangePercent"}

    def test_a_topic_that_does_not_exist_is_said(self, configuration: Configuration) -> None:
        status = assess(configuration, [holding([])], NOW)

        with pytest.raises(DeliveryError, match="was not told what is wrong"):
            tell_sns(status, "arn:aws:sns:us-east-1:123456789012:backups")

    def test_a_topic_is_told_of_a_breach(self, configuration: Configuration) -> None:
        sns: SNSClient = boto3.session.Session().client("sns", "us-east-1")  # pyright: ignore[reportUnknownMemberType] - of many services
        topic = sns.create_topic(Name="backups")["TopicArn"]

        tell_sns(assess(configuration, [holding([])], NOW), topic)

        (sent,) = get_backend("sns")["123456789012"]["us-east-1"].topics[topic].sent_notifications
        assert "has no complete backup of app" in sent[1]
