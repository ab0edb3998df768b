"""What the local AWS provider promises before it makes a single request."""

import asyncio
import inspect
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest
from pulumi.provider.experimental import provider as sdk

from sandbox.providers.aws import (
    alarms,
    cloudtrail,
    events,
    iam_users,
    kms,
    s3,
    s3_lifecycle,
    s3_replication,
    sns,
)
from sandbox.providers.aws.connection import Aws, Connection, seconds
from sandbox.providers.aws.handler import AwsHandler
from sandbox.providers.aws.provider import HANDLERS, AwsProvider
from sandbox.providers.framework import ProviderError
from sandbox.providers.schema import completed
from sandbox.providers.values import UNKNOWN, Props, from_plain

SETTINGS = {
    "region": "us-east-1",
    "accessKey": "sandbox",
    "secretKey": "sandbox",
    "skipCredentialsValidation": "true",
}


@pytest.fixture(autouse=True)
def _nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction] - pytest uses it
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)


def snake(name: str) -> str:
    return re.sub(r"([A-Z])", lambda match: f"_{match[0].lower()}", name)


def configure(settings: Mapping[str, Any]) -> AwsProvider:
    provider = AwsProvider()
    sealed = {key: from_plain(value) for key, value in settings.items()}
    asyncio.run(provider.configure(sdk.ConfigureRequest({}, sealed, True, True)))
    return provider


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pulumi_aws")  # its own, about its own
@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.token)
def test_every_property_is_one_of_the_real_provider(handler: AwsHandler) -> None:
    path, name = handler.token.removeprefix("aws:").split(":")
    service, _ = path.split("/")
    resource = getattr(import_module(f"pulumi_aws.{service}"), name)
    accepted = inspect.signature(resource._internal_init).parameters  # noqa: SLF001 - the list of them

    assert {snake(each) for each in handler.inputs} <= set(accepted)
    assert all(hasattr(resource, snake(each)) for each in handler.outputs)


def test_a_service_without_an_address_is_never_asked_for_at_the_real_aws() -> None:
    connection = Connection({**SETTINGS, "endpoints": [{"s3": "http://127.0.0.1:1"}]})

    with pytest.raises(ProviderError, match="aws:endpoints does not say where 'kms' is"):
        connection.client("kms", "us-east-1")


@pytest.mark.parametrize("missing", ["accessKey", "secretKey", "region"])
def test_missing_credentials_or_region_are_named(missing: str) -> None:
    settings = {name: value for name, value in SETTINGS.items() if name != missing}

    with pytest.raises(ProviderError, match=f"aws:{missing}"):
        configure(settings)


def test_a_region_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ProviderError, match="aws:region 'us-esat-1' is none that AWS has"):
        configure({**SETTINGS, "region": "us-esat-1"})


def test_a_region_that_does_not_exist_passes_if_told_so() -> None:
    configure({**SETTINGS, "region": "moon-1", "skipRegionValidation": "true"})


def test_a_resource_has_the_stacks_tags_and_its_own() -> None:
    provider = configure({**SETTINGS, "defaultTags": '{"tags": {"stack": "test", "of": "all"}}'})

    wanted = s3.Bucket().wanted(provider.cloud({}), {"bucket": "a", "tags": {"of": "one"}})

    assert wanted["tagsAll"] == {"stack": "test", "of": "one"}
    assert wanted["region"] == "us-east-1"


def test_tags_that_are_not_known_yet_make_all_tags_unknown() -> None:
    wanted = s3.Bucket().wanted(configure(SETTINGS).cloud({}), {"bucket": "a", "tags": UNKNOWN})

    assert wanted["tagsAll"] is UNKNOWN


def test_a_resource_with_a_region_of_its_own_lives_there() -> None:
    cloud: Aws = configure(SETTINGS).cloud({"region": "us-west-2"})

    assert cloud.region == "us-west-2"


def paths(handler: AwsHandler, inputs: Props) -> list[str]:
    return [problem.path for problem in handler.problems(completed(handler.inputs, inputs))]


def rule(**parts: object) -> Props:
    return {"id": "a", "status": "Enabled", **parts}


@pytest.mark.parametrize(
    ("rules", "path"),
    [
        ([rule(), rule()], "rules"),
        ([rule(expiration={"days": 1, "expiredObjectDeleteMarker": True})], "rules[0].expiration"),
        (
            [rule(expiration={"days": 30}, transitions=[{"days": 30, "storageClass": "GLACIER"}])],
            "rules[0].expiration.days",
        ),
        ([rule(filter={"prefix": "a", "tag": {"key": "b", "value": "c"}})], "rules[0].filter"),
    ],
)
def test_a_lifecycle_that_aws_would_refuse_is_refused(rules: list[Props], path: str) -> None:
    assert paths(s3_lifecycle.BucketLifecycleConfiguration(), {"rules": rules}) == [path]


ENCRYPTED = {"sseKmsEncryptedObjects": {"status": "Enabled"}}


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ({"filter": {"prefix": "a"}, "destination": {}}, "deleteMarkerReplication"),
        ({"destination": {"replicationTime": {}}}, "destination.metrics"),
        ({"destination": {"accessControlTranslation": {}}}, "destination.account"),
        (
            {"destination": {}, "sourceSelectionCriteria": ENCRYPTED},
            "destination.encryptionConfiguration",
        ),
    ],
)
def test_a_replication_that_aws_would_refuse_is_refused(parts: Props, path: str) -> None:
    handler = s3_replication.BucketReplicationConfig()

    assert paths(handler, {"role": "r", "rules": [rule(**parts)]}) == [f"rules[0].{path}"]


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"enableKeyRotation": True, "rotationPeriodInDays": 30}, "rotationPeriodInDays"),
        ({"rotationPeriodInDays": 365}, "rotationPeriodInDays"),
        ({"deletionWindowInDays": 5}, "deletionWindowInDays"),
    ],
)
def test_a_key_that_aws_would_refuse_is_refused(inputs: Props, path: str) -> None:
    assert paths(kms.Key(), inputs) == [path]


ALARM = {
    "comparisonOperator": "GreaterThanThreshold",
    "evaluationPeriods": 2,
    "threshold": 1,
    "metricName": "a",
    "namespace": "b",
    "period": 60,
    "statistic": "Sum",
}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"metricQueries": [{"id": "a"}]}, "metricName"),
        ({"threshold": None}, "threshold"),
        ({"extendedStatistic": "p99"}, "statistic"),
        ({"period": None}, "period"),
        ({"datapointsToAlarm": 3}, "datapointsToAlarm"),
    ],
)
def test_an_alarm_that_aws_would_refuse_is_refused(changes: Props, path: str) -> None:
    inputs = {name: value for name, value in (ALARM | changes).items() if value is not None}

    assert paths(alarms.MetricAlarm(), ALARM) == []
    assert paths(alarms.MetricAlarm(), inputs) == [path]


SELECTED: Props = {"eventSelectors": [{"name": 1}], "advancedEventSelectors": [{"name": 1}]}
REFUSED: list[tuple[AwsHandler, Props, str]] = [
    (events.EventRule(), {}, "eventPattern"),
    (events.EventTarget(), {"input": "{}", "inputPath": "$"}, "input"),
    (cloudtrail.Trail(), SELECTED, "eventSelectors"),
    (sns.Topic(), {"signatureVersion": 3}, "signatureVersion"),
]


@pytest.mark.parametrize(("handler", "inputs", "path"), REFUSED)
def test_what_aws_would_refuse_of_what_watches_is_refused(
    handler: AwsHandler, inputs: Props, path: str
) -> None:
    assert paths(handler, inputs) == [path]


@pytest.mark.parametrize(
    ("region", "password"),
    [
        ("eu-central-1", "BMXhUYlu5Z3gSXVQORxlVa7XPaz91aGWdfHxvkOZdWZ2"),
        ("us-west-1", "BH+jbMzper5WwlwUar9E1ySBqHa9whi0GPo+sJ0mVYJj"),
    ],
)
def test_the_password_of_the_mail_service_is_that_of_the_real_plugin(
    region: str, password: str
) -> None:
    assert iam_users.ses_smtp_password("some+secret+key", region) == password


@pytest.mark.parametrize(("duration", "length"), [("900s", 900), ("1h", 3600), ("1h30m", 5400)])
def test_a_duration_is_read_as_the_real_plugin_reads_it(duration: str, length: int) -> None:
    assert seconds(duration) == length


@pytest.mark.parametrize("duration", ["", "1", "1d", "h"])
def test_what_is_no_duration_is_refused(duration: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds(duration)


@pytest.mark.parametrize("name", ["events", "eventbridge", "cloudwatchevents"])
def test_eventbridge_is_found_by_any_of_its_names(name: str) -> None:
    connection = Connection({**SETTINGS, "endpoints": [{name: "http://127.0.0.1:1"}]})

    assert connection.client("events", "us-east-1").meta.endpoint_url == "http://127.0.0.1:1"


@pytest.mark.parametrize("handler", HANDLERS, ids=lambda handler: handler.token)
def test_inputs_that_are_not_known_yet_are_no_problem(handler: AwsHandler) -> None:
    assert paths(handler, dict.fromkeys(handler.inputs, UNKNOWN)) == []
