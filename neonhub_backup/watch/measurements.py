"""What a status measures, as numbers with labels: for Prometheus and CloudWatch."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    push_to_gateway,  # pyright: ignore[reportUnknownVariableType] - its handler is untyped
    write_to_textfile,
)

from neonhub_backup.domain.metrics import DATABASE, ENVIRONMENT, NAMESPACE, Metric
from neonhub_backup.errors import ConfigurationError, DeliveryError
from neonhub_backup.watch.findings import Verdict
from neonhub_backup.watch.status import DatabaseStatus, Status

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_cloudwatch.type_defs import MetricDatumTypeDef

JOB = "neonhub_backup"
"""What a push gateway groups the numbers by, beside the environment."""

_SECONDS = 20
_AT_ONCE = 500
"""Numbers in one request; CloudWatch takes a thousand, in at most 1 MB.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricData.html"""


def registry(status: Status) -> CollectorRegistry:
    """Every number as Prometheus has it; what is unknown is left out."""
    found = CollectorRegistry()
    made: dict[str, Gauge] = {}
    for name, help_, own, value in _samples(status):
        labels = {"environment": status.environment, **own}
        if name not in made:
            made[name] = Gauge(f"neonhub_backup_{name}", help_, list(labels), registry=found)
        made[name].labels(**labels).set(value)
    return found


def write_prometheus(status: Status, path: Path) -> None:
    """Write a file for node-exporter's textfile collector, which never sees half of it.

    Raises:
        DeliveryError: it cannot be written.
    """
    try:
        write_to_textfile(str(path), registry(status))
    except OSError as error:
        raise DeliveryError(
            f"--prometheus {path} cannot be written ({error.strerror}), so Prometheus sees old"
            " numbers: see to the directory and its permissions"
        ) from error


def push(status: Status, address: str) -> None:
    """Replace what a push gateway holds of this environment.

    Raises:
        ConfigurationError: the address is none.
        DeliveryError: it did not answer, or refused.
    """
    try:
        push_to_gateway(
            address,
            job=JOB,
            registry=registry(status),
            grouping_key={"environment": status.environment},
            timeout=_SECONDS,
        )
    except ValueError as error:
        raise ConfigurationError(
            f"--pushgateway {address} is not an address ({error}), so nothing was pushed: write it"
            " as http://host:9091"
        ) from error
    except OSError as error:
        raise DeliveryError(
            f"the push gateway {address} did not take the numbers ({error}), so Prometheus sees old"
            " ones: see that it runs there"
        ) from error


def publish(status: Status, region: str) -> None:
    """Publish in CloudWatch what the stack's alarms watch.

    Of a database that has no backup in some store there is no age, and silence is an alarm.

    Raises:
        DeliveryError: AWS refused, or could not be reached.
    """
    import boto3.session  # noqa: PLC0415 - a third of a second
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

    numbers = [number for database in status.databases for number in _published(status, database)]
    try:
        session = boto3.session.Session(region_name=region)
        cloudwatch: CloudWatchClient = session.client("cloudwatch")  # pyright: ignore[reportUnknownMemberType] - of many services
        for begin in range(0, len(numbers), _AT_ONCE):
            cloudwatch.put_metric_data(
                Namespace=NAMESPACE, MetricData=numbers[begin : begin + _AT_ONCE]
            )
    except (BotoCoreError, ClientError) as error:
        raise DeliveryError(
            f"CloudWatch in {region} did not take the numbers ({error}), so the stack's alarms will"
            " sound: see that the identity may do cloudwatch:PutMetricData in the namespace"
            f" {NAMESPACE}"
        ) from error


def _published(status: Status, database: DatabaseStatus) -> Iterator["MetricDatumTypeDef"]:
    age, proof, change = database.age, database.proof_age, database.size_change_percent
    for metric, value, unit in (
        (Metric.BACKUP_AGE, None if age is None else age.total_seconds(), "Seconds"),
        (Metric.PROOF_AGE, None if proof is None else proof.total_seconds(), "Seconds"),
        (Metric.BACKUP_SIZE_CHANGE, change, "Percent"),
    ):
        if value is not None:
            yield {
                "MetricName": metric.value,
                "Dimensions": [
                    {"Name": ENVIRONMENT, "Value": status.environment},
                    {"Name": DATABASE, "Value": database.name},
                ],
                "Timestamp": status.taken,
                "Value": value,
                "Unit": "Seconds" if unit == "Seconds" else "Percent",
            }


def _samples(status: Status) -> Iterator[tuple[str, str, dict[str, str], float]]:
    """Name, meaning, labels and value of each number."""
    yield (
        "watched_timestamp_seconds",
        "When the stores were looked at",
        {},
        status.taken.timestamp(),
    )
    yield "verdict", "0 well, 1 warning, 2 breach", {}, float(status.verdict)
    for verdict in (Verdict.WARNING, Verdict.BREACH):
        number = sum(finding.verdict is verdict for finding in status.findings)
        yield "findings", "What is not as it should be", {"verdict": str(verdict)}, number
    if status.rpo is not None:
        yield "rpo_seconds", "Recovery point objective", {}, status.rpo.total_seconds()
    yield from _of_objectives(status)
    yield from _of_stores(status)


def _of_objectives(status: Status) -> Iterator[tuple[str, str, dict[str, str], float]]:
    if status.exposures.last is not None:
        help_ = "What would have been lost before the newest backup was complete"
        yield "exposure_seconds", help_, {}, status.exposures.last
    for scenario, measured in status.recoveries.items():
        way = {"scenario": scenario.value}
        if measured.target is not None:
            help_ = "Recovery time objective of a way back"
            yield "recovery_objective_seconds", help_, way, measured.target
        if measured.last is not None:
            yield "recovery_last_seconds", "How long a way back took last", way, measured.last


def _of_stores(status: Status) -> Iterator[tuple[str, str, dict[str, str], float]]:
    for database in status.databases:
        lag = None if database.archive is None else database.archive.lag(status.taken)
        if lag is not None:
            named = {"database": database.name}
            yield "wal_lag_seconds", "Since WAL was archived", named, lag.total_seconds()
        for store in database.stores:
            labels = {"database": database.name, "store": store.store}
            yield "store_up", "Whether the store could be read", labels, float(store.reachable)
            newest, recoveries = store.newest, store.recoveries
            if newest is not None:
                yield "newest_bytes", "Stored for the newest backup", labels, newest.bytes
                yield "newest_rows", "Rows in the newest backup", labels, newest.total_rows
            for tier, started in store.tiers.items():
                by_tier = {**labels, "tier": tier.value}
                age = (status.taken - started).total_seconds()
                yield "tier_age_seconds", "Age of the newest backup of a tier", by_tier, age
            if recoveries.target is not None:
                yield "rto_seconds", "Recovery time objective", labels, recoveries.target
            for name, help_, value in (
                ("age_seconds", "Age of the newest backup", _seconds(store.age)),
                (
                    "replica_age_seconds",
                    "Age of the newest backup that is whole in the copy of another region",
                    None if store.replica is None else _seconds(store.replica.age),
                ),
                ("proof_age_seconds", "Age of the newest proof", _seconds(store.proof_age)),
                (
                    "size_change_percent",
                    "Size of the newest backup against a week before",
                    store.size_change_percent,
                ),
                ("recovery_seconds", "How long the last drill took", recoveries.last),
            ):
                if value is not None:
                    yield name, help_, labels, value


def _seconds(duration: timedelta | None) -> float | None:
    return None if duration is None else duration.total_seconds()
