"""What alarms promise: they are heard, in time, and say what to do."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from components.aws import alarms
from components.aws.alarms import Alarms, AlarmsArgs, WatchedCopies, WatchedDatabase
from components.aws.documents import document
from components.aws.naming import LONGEST_PREFIX

Deploy = Callable[..., dict[str, Any]]
IsAllowed = Callable[..., bool]

TOPIC = "arn:aws:sns:us-east-1:123456789012:neonhub-production-alarms"
APP = WatchedDatabase(name="app", rpo=timedelta(hours=1), proof=timedelta(days=8))
COPIES = WatchedCopies(
    source="backups", source_region="us-east-1", replica="copies", replica_region="us-west-2"
)


def args(**changes: Any) -> AlarmsArgs:
    known: dict[str, Any] = {
        "prefix": "neonhub-production",
        "region": "us-east-1",
        "account_id": "123456789012",
        "emails": ("backups@example.com", "oncall@example.com"),
        "https_endpoints": ("https://events.example.com/aws",),
        "environment": "production",
        "databases": (APP,),
        "copies": COPIES,
        "buckets": ("backups",),
        "key_arns": ("arn:aws:kms:us-east-1:123456789012:key/1",),
        "trail_arn": "arn:aws:cloudtrail:us-east-1:123456789012:trail/neonhub-production-trail",
    }
    return AlarmsArgs(**{**known, **changes})


@pytest.fixture
def asked(deploy: Deploy) -> dict[str, Any]:
    return deploy(lambda: Alarms("aws", args()))


def of_type(asked: dict[str, Any], kind: str) -> dict[str, Any]:
    return {
        name: each.inputs
        for name, each in asked.items()
        if each.options.type.rpartition(":")[2] == kind
    }


def test_every_subscriber_hears_of_it(asked: dict[str, Any]) -> None:
    assert {
        (each["protocol"], each["endpoint"])
        for each in of_type(asked, "TopicSubscription").values()
    } == {
        ("email", "backups@example.com"),
        ("email", "oncall@example.com"),
        ("https", "https://events.example.com/aws"),
    }


def test_alarms_speak_when_they_begin_and_when_they_end(asked: dict[str, Any]) -> None:
    made = of_type(asked, "MetricAlarm")
    assert len(made) == 5
    assert all(
        each["alarmActions"] == each["okActions"] == ["arn:aws-topic"] for each in made.values()
    )


def test_nothing_speaks_before_the_topic_listens(asked: dict[str, Any]) -> None:
    for name in (*of_type(asked, "MetricAlarm"), *of_type(asked, "EventTarget")):
        dependencies = asked[name].options.dependencies
        assert any(urn.endswith("::aws-topic-policy") for urn in dependencies), name


def test_everything_is_in_the_region_that_was_named(asked: dict[str, Any]) -> None:
    assert {each.inputs["region"] for each in asked.values()} == {"us-east-1"}


def test_every_description_fits_and_says_more_than_what_is_wrong() -> None:
    for rule in alarms.metric_rules(args()):
        assert rule.description.count(". ") >= 1, rule.name
        assert len(rule.description) <= 1024


def test_an_old_backup_is_an_alarm_and_so_is_silence() -> None:
    (rule,) = [rule for rule in alarms.metric_rules(args()) if rule.name == "backup-age-app"]
    assert (rule.namespace, rule.metric) == ("NeonHubBackup", "BackupAgeSeconds")
    assert rule.dimensions == {"Environment": "production", "Database": "app"}
    assert (rule.comparison, rule.threshold) == ("GreaterThanThreshold", 3600)
    assert rule.missing == "breaching"


def test_an_old_proof_is_an_alarm_and_so_is_silence() -> None:
    (rule,) = [rule for rule in alarms.metric_rules(args()) if rule.name == "proof-age-app"]
    assert rule.metric == "ProofAgeSeconds"
    assert (rule.threshold, rule.missing) == (8 * 86400, "breaching")


def test_without_drills_nobody_waits_for_a_proof() -> None:
    undrilled = WatchedDatabase(name="app", rpo=timedelta(days=1), proof=None)
    names = {rule.name for rule in alarms.metric_rules(args(databases=(undrilled,)))}
    assert "backup-age-app" in names
    assert "proof-age-app" not in names


@pytest.mark.parametrize("every", [timedelta(minutes=20), timedelta(hours=1), timedelta(days=1)])
def test_one_report_may_be_missing_or_late_but_not_two(every: timedelta) -> None:
    for rule in alarms.metric_rules(args(report_every=every)):
        if rule.missing == "breaching":
            patience = timedelta(seconds=rule.period * rule.periods)
            assert 2 * every < patience < 3 * every
            assert rule.points == rule.periods


@pytest.mark.parametrize("every", [timedelta(minutes=4), timedelta(hours=1), timedelta(days=1)])
def test_no_alarm_looks_further_back_than_cloudwatch_does(every: timedelta) -> None:
    for rule in alarms.metric_rules(args(report_every=every)):
        assert rule.period % 60 == 0
        assert rule.period * rule.periods <= (86400 if rule.period < 3600 else 604800)


def test_a_backup_that_grew_or_shrank_much_is_an_alarm_and_silence_is_not() -> None:
    rules = {rule.name: rule for rule in alarms.metric_rules(args())}
    grew, shrank = rules["backup-grew-app"], rules["backup-shrank-app"]
    assert (grew.statistic, grew.comparison, grew.threshold) == (
        "Maximum",
        "GreaterThanThreshold",
        50,
    )
    assert (shrank.statistic, shrank.comparison, shrank.threshold) == (
        "Minimum",
        "LessThanThreshold",
        -30,
    )
    assert grew.metric == shrank.metric == "BackupSizeChangePercent"
    assert grew.missing == shrank.missing == "notBreaching"


def test_replication_is_watched_where_s3_publishes_each_metric() -> None:
    def watched(region: str) -> dict[str, float]:
        return {
            rule.metric: rule.threshold
            for rule in alarms.metric_rules(args(region=region, databases=()))
        }

    assert watched("us-east-1") == {"OperationsFailedReplication": 0}
    assert watched("us-west-2") == {"ReplicationLatency": 900}


def test_replication_is_watched_by_its_buckets_and_rule() -> None:
    rules = alarms.metric_rules(args(databases=()))
    assert [rule.dimensions for rule in rules] == [
        {"SourceBucket": "backups", "DestinationBucket": "copies", "RuleId": "everything"}
    ]


def test_what_is_done_to_buckets_keys_and_trail_is_told(asked: dict[str, Any]) -> None:
    rules, targets = of_type(asked, "EventRule"), of_type(asked, "EventTarget")
    assert {rule["name"] for rule in rules.values()} == {
        "neonhub-production-tampering-buckets",
        "neonhub-production-tampering-keys",
        "neonhub-production-tampering-trail",
    }
    assert {target["rule"] for target in targets.values()} == {
        rule["name"] for rule in rules.values()
    }
    patterns = [json.loads(rule["eventPattern"]) for rule in rules.values()]
    assert {pattern["source"][0] for pattern in patterns} == {
        "aws.s3",
        "aws.kms",
        "aws.cloudtrail",
    }
    for name, target in targets.items():
        # The fake engine gives every resource an ARN of its own.
        assert asked[name].options.object["arn"] == "arn:aws-topic"
        assert isinstance(json.loads(target["inputTransformer"]["inputTemplate"]), str)


def test_a_trail_that_is_somebody_elses_is_not_watched(deploy: Deploy) -> None:
    asked = deploy(lambda: Alarms("aws", args(trail_arn=None)))
    assert "aws-tampering-trail" not in asked
    assert "aws-tampering-buckets" in asked


def test_the_topic_is_encrypted_with_a_key_of_its_own_that_rotates(asked: dict[str, Any]) -> None:
    assert asked["aws-topic"].inputs["kmsMasterKeyId"] == "arn:aws-alarms-key"
    assert asked["aws-alarms-key"].inputs["enableKeyRotation"] is True


def uses_key(asked: dict[str, Any], is_allowed: IsAllowed, service: str, **context: str) -> bool:
    names = {"account": "aws:SourceAccount", "topic": "kms:EncryptionContext:aws:sns:topicArn"}
    policy = json.loads(asked["aws-alarms-key"].inputs["policy"])
    said = {names[key]: value for key, value in context.items()}
    answers = {
        is_allowed(policy, action, "*", said, f"{service}.amazonaws.com")
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    }
    assert len(answers) == 1
    return answers.pop()


def test_both_services_can_encrypt_what_they_publish(
    asked: dict[str, Any], is_allowed: IsAllowed
) -> None:
    assert uses_key(asked, is_allowed, "cloudwatch", topic=TOPIC, account="123456789012")
    # EventBridge does not say for which account.
    assert uses_key(asked, is_allowed, "events", topic=TOPIC)


def test_no_other_service_account_or_topic_uses_the_key(
    asked: dict[str, Any], is_allowed: IsAllowed
) -> None:
    assert not uses_key(asked, is_allowed, "lambda", topic=TOPIC, account="123456789012")
    assert not uses_key(asked, is_allowed, "cloudwatch", topic=TOPIC, account="999999999999")
    assert not uses_key(asked, is_allowed, "events", topic=f"{TOPIC}-of-others")


def publishes(is_allowed: IsAllowed, service: str, context: dict[str, str]) -> bool:
    policy = alarms.topic_policy("neonhub-production", "us-east-1", "123456789012")
    # The judge compares ARNs as texts, and they have wildcards here.
    for statement in policy["Statement"]:
        like = statement["Condition"].pop("ArnLike", None) if "Condition" in statement else None
        if like is not None:
            statement["Condition"]["StringLike"] = like
    secure = {"aws:SecureTransport": "true", **context}
    return is_allowed(
        document(*policy["Statement"]), "sns:Publish", TOPIC, secure, f"{service}.amazonaws.com"
    )


def test_alarms_of_the_stack_and_rules_publish(is_allowed: IsAllowed) -> None:
    alarm = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:neonhub-production-backup-age-app"
    of_alarm = {"aws:SourceAccount": "123456789012", "aws:SourceArn": alarm}
    assert publishes(is_allowed, "cloudwatch", of_alarm)
    assert publishes(is_allowed, "events", {})


@pytest.mark.parametrize(
    ("service", "context"),
    [
        ("cloudwatch", {}),
        (
            "cloudwatch",
            {
                "aws:SourceAccount": "123456789012",
                "aws:SourceArn": "arn:aws:cloudwatch:us-east-1:123456789012:alarm:other",
            },
        ),
        ("s3", {"aws:SourceAccount": "123456789012"}),
        ("events", {"aws:SecureTransport": "false"}),
    ],
)
def test_nothing_else_publishes(
    is_allowed: IsAllowed, service: str, context: dict[str, str]
) -> None:
    assert not publishes(is_allowed, service, context)


def test_by_default_no_alarm_is_destroyed_with_its_stack(asked: dict[str, Any]) -> None:
    assert all(each.options.protect for each in asked.values())


def test_unprotected_alarms_can_be_torn_down(deploy: Deploy) -> None:
    asked = deploy(lambda: Alarms("aws", args(protect=False)))
    assert not any(each.options.protect or each.options.retainOnDelete for each in asked.values())


def test_names_fit_with_the_longest_prefix(deploy: Deploy) -> None:
    asked = deploy(lambda: Alarms("aws", args(prefix=LONGEST_PREFIX * "p")))
    assert all(len(each["name"]) <= 64 for each in of_type(asked, "EventRule").values())


@pytest.mark.parametrize("name", ["buckets", "key_arns"])
def test_alarms_that_watch_nothing_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is empty, so nobody would hear"):
        args(**{name: ()})


def test_a_prefix_that_makes_bad_names_is_refused() -> None:
    with pytest.raises(ValueError, match="prefix 'neonhub-' makes names that AWS refuses"):
        args(prefix="neonhub-")


def test_alarms_that_nobody_hears_are_refused() -> None:
    with pytest.raises(ValueError, match="nobody would hear"):
        args(emails=(), https_endpoints=())


@pytest.mark.parametrize("address", ["oncall", "@example.com", "oncall@"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=f"'{address}' is no address"):
        args(emails=(address,))


def test_alarms_without_tls_are_refused() -> None:
    with pytest.raises(ValueError, match="does not begin with https"):
        args(https_endpoints=("http://events.example.com",))


@pytest.mark.parametrize(
    "every", [timedelta(0), timedelta(minutes=3), timedelta(minutes=30), timedelta(days=2)]
)
def test_a_rhythm_that_cloudwatch_cannot_follow_is_refused(every: timedelta) -> None:
    with pytest.raises(ValueError, match="multiple of 4 minutes"):
        args(report_every=every)
