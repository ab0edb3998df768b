"""Alarms on backups that are missing, unproven, odd, not copied or in danger."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import pulumi
from pulumi_aws import cloudwatch, sns

from components.aws import tampering
from components.aws.documents import Policy, Statement, document
from components.aws.key import EncryptionKey, EncryptionKeyArgs
from components.aws.naming import require_prefix
from neonhub_backup.domain.duration import format_duration
from neonhub_backup.domain.metrics import DATABASE, ENVIRONMENT, NAMESPACE, Metric

_ALARMS, _EVENTS = "cloudwatch.amazonaws.com", "events.amazonaws.com"
_PARTS, _PATIENCE = 4, 10
"""An alarm looks at quarters of the time between two reports, at ten of them: two reports and a
half. One that is missing or late by as much as the time between two is no alarm; more is."""


@dataclass(frozen=True, kw_only=True)
class WatchedDatabase:
    """A database whose backups must not become old."""

    name: str
    """Its name in the metrics."""
    rpo: timedelta
    """The newest complete backup is never older than this."""
    proof: timedelta | None
    """The newest backup that a drill restored is never older than this. None: no drills."""


@dataclass(frozen=True, kw_only=True)
class WatchedCopies:
    """Replication between two buckets that must keep up."""

    source: str
    """Name of the bucket that is copied."""
    source_region: str
    """Its region, where S3 publishes what it failed to copy."""
    replica: str
    """Name of the bucket that receives the copies."""
    replica_region: str
    """Its region, where S3 publishes how far it is behind."""
    rule_id: str = "everything"
    """Which rule of the replication."""


@dataclass(frozen=True, kw_only=True)
class AlarmsArgs:
    """What the alarms of one region need to know."""

    prefix: str
    """Name of the stack's resources, e.g. `neonhub-production`."""
    region: str
    """Region of the alarms, and of all that they watch: events and metrics do not leave it."""
    account_id: pulumi.Input[str]
    """Account whose alarms and rules may be heard, and no other's."""
    emails: Sequence[str] = ()
    """Who hears of it. Each address must confirm the message that AWS sends to it."""
    https_endpoints: Sequence[pulumi.Input[str]] = ()
    """Services that hear of it, and confirm that they want to."""
    environment: str
    """Name of the environment in the metrics."""
    databases: Sequence[WatchedDatabase] = ()
    """Databases whose metrics are published in this region. Empty: in another one."""
    copies: WatchedCopies | None = None
    """Replication from or to this region. None: there is none."""
    buckets: Sequence[str]
    """Names of the backup buckets in this region."""
    key_arns: Sequence[pulumi.Input[str]]
    """Keys of this region that backups are encrypted with."""
    trail_arn: pulumi.Input[str] | None = None
    """The trail at home in this region. None: it is somebody else's, or at home elsewhere."""
    report_every: timedelta = timedelta(hours=1)
    """Time between two runs of the watch workflow, which publishes the metrics."""
    protect: bool = True
    """Refuses destruction: without alarms a backup system fails silently."""

    def __post_init__(self) -> None:
        """Refuse alarms that nobody hears, or that AWS refuses only when it makes them."""
        require_prefix(self.prefix)
        for name in ("buckets", "key_arns"):
            if not getattr(self, name):
                raise ValueError(
                    f"{name} is empty, so nobody would hear of an attempt on them; name those of"
                    f" {self.region}"
                )
        if not self.emails and not self.https_endpoints:
            raise ValueError(
                "emails and https_endpoints are empty, so nobody would hear an alarm; name at"
                " least one"
            )
        for address in self.emails:
            if not all(address.partition("@")):
                raise ValueError(
                    f"emails: '{address}' is no address, so nobody would hear an alarm; write one"
                    " such as backups@example.com"
                )
        for endpoint in self.https_endpoints:
            if isinstance(endpoint, str) and not endpoint.startswith("https://"):
                raise ValueError(
                    f"https_endpoints: '{endpoint}' does not begin with https://, so anybody on"
                    " the way could read or drop an alarm; use TLS"
                )
        seconds = self.report_every.total_seconds()
        if seconds % (60 * _PARTS) or not 60 * _PARTS <= seconds <= 86400:
            raise ValueError(
                f"report_every is {self.report_every}, and CloudWatch divides time into minutes:"
                f" use a multiple of {_PARTS} minutes, up to a day"
            )


class Alarms(pulumi.ComponentResource):
    """One topic that everything in a region is told to, and the alarms that speak to it."""

    topic_arn: pulumi.Output[str]
    """Where everything is told."""
    key_arn: pulumi.Output[str]
    """The key of the topic."""

    def __init__(
        self, name: str, args: AlarmsArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("neonhub-backup:aws:Alarms", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self, protect=args.protect)
        account_id = pulumi.Output.from_input(args.account_id)

        key = EncryptionKey(
            f"{name}-alarms",
            EncryptionKeyArgs(
                alias=topic_name(args.prefix),
                region=args.region,
                account_id=args.account_id,
                through="sns",
                others=account_id.apply(
                    lambda account: publishing(args.prefix, args.region, account)
                ),
                protect=args.protect,
            ),
            pulumi.ResourceOptions(parent=self),
        )
        topic = sns.Topic(
            f"{name}-topic",
            region=args.region,
            name=topic_name(args.prefix),
            kms_master_key_id=key.arn,
            opts=child,
        )
        policy = sns.TopicPolicy(
            f"{name}-topic-policy",
            region=args.region,
            arn=topic.arn,
            policy=account_id.apply(
                lambda account: json.dumps(topic_policy(args.prefix, args.region, account))
            ),
            opts=child,
        )
        for protocol, endpoints in (("email", args.emails), ("https", args.https_endpoints)):
            for number, endpoint in enumerate(endpoints, start=1):
                sns.TopicSubscription(
                    f"{name}-{protocol}-{number}",
                    region=args.region,
                    topic=topic.arn,
                    protocol=protocol,
                    endpoint=endpoint,
                    opts=child,
                )

        # What speaks before the policy lets it is not heard.
        told = pulumi.Output.all(topic.arn, policy.id).apply(lambda known: known[0])
        for rule in metric_rules(args):
            cloudwatch.MetricAlarm(
                f"{name}-{rule.name}",
                region=args.region,
                name=f"{args.prefix}-{rule.name}",
                alarm_description=rule.description,
                namespace=rule.namespace,
                metric_name=rule.metric,
                dimensions=rule.dimensions,
                statistic=rule.statistic,
                comparison_operator=rule.comparison,
                threshold=rule.threshold,
                period=rule.period,
                evaluation_periods=rule.periods,
                datapoints_to_alarm=rule.points,
                treat_missing_data=rule.missing,
                alarm_actions=[told],
                ok_actions=[told],
                opts=child,
            )
        watched = {
            "buckets": pulumi.Output.from_input(list(args.buckets)).apply(tampering.bucket_events),
            "keys": pulumi.Output.all(*args.key_arns).apply(tampering.key_events),
        }
        if args.trail_arn is not None:
            arn = pulumi.Output.from_input(args.trail_arn)
            watched["trail"] = arn.apply(tampering.trail_events)
        for kind, events in watched.items():
            rule = cloudwatch.EventRule(
                f"{name}-tampering-{kind}",
                region=args.region,
                name=f"{args.prefix}-tampering-{kind}",
                description=f"Attempts to weaken the {kind} of {args.prefix}",
                event_pattern=events.apply(lambda each: json.dumps(each.pattern)),
                opts=child,
            )
            cloudwatch.EventTarget(
                f"{name}-tampering-{kind}-told",
                region=args.region,
                rule=rule.name,
                target_id="alarms",
                arn=told,
                input_transformer={
                    "input_paths": events.apply(lambda each: each.paths),
                    "input_template": events.apply(lambda each: each.template),
                },
                opts=child,
            )

        self.topic_arn = topic.arn
        self.key_arn = key.arn
        self.register_outputs({"topic_arn": self.topic_arn, "key_arn": self.key_arn})


class MetricRule(NamedTuple):
    """When a metric raises an alarm."""

    name: str
    """Name of the alarm, after the stack's prefix."""
    description: str
    """What has happened, and what to do."""
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    statistic: str
    comparison: str
    threshold: float
    period: int
    """Seconds that one point sums up."""
    periods: int
    """How many of the last points are looked at."""
    points: int
    """How many of them must be bad."""
    missing: str
    """What CloudWatch makes of a point that is missing."""


def metric_rules(args: AlarmsArgs) -> list[MetricRule]:
    """The alarms of a region on metrics."""
    rules: list[MetricRule] = []
    for database in args.databases:
        rules.append(
            _age(
                args,
                database,
                "backup",
                Metric.BACKUP_AGE,
                database.rpo,
                "has no complete backup",
                "Look at the newest runs of the backup and watch workflows, run the backup by hand,"
                " and see what there is with: neonhub-backup list",
            )
        )
        if database.proof is not None:
            rules.append(
                _age(
                    args,
                    database,
                    "proof",
                    Metric.PROOF_AGE,
                    database.proof,
                    "has no backup that a drill restored",
                    "Until one is, nobody knows whether the backups can be restored: look at the"
                    " newest runs of the drill workflow, and run it by hand.",
                )
            )
        rules += _size(args, database)
    if args.copies is not None:
        rules += _copying(args.copies, args.region)
    return rules


def _age(
    args: AlarmsArgs,
    database: WatchedDatabase,
    kind: str,
    metric: Metric,
    limit: timedelta,
    says: str,
    remedy: str,
) -> MetricRule:
    """Every report of the last while says that it is too old, or there was none at all.

    Points are shorter than the time between two reports, so most are missing, and CloudWatch
    takes those as bad, but not against one that is good:
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    period = int(args.report_every.total_seconds()) // _PARTS
    minutes = period * _PATIENCE // 60
    return MetricRule(
        name=f"{kind}-age-{database.name}",
        description=f"{database.name} of {args.environment} {says} of the last"
        f" {format_duration(limit)}, or nobody has looked for {minutes} minutes. {remedy}",
        namespace=NAMESPACE,
        metric=metric,
        dimensions=_dimensions(args, database),
        statistic="Maximum",
        comparison="GreaterThanThreshold",
        threshold=limit.total_seconds(),
        period=period,
        periods=_PATIENCE,
        points=_PATIENCE,
        missing="breaching",
    )


def _size(args: AlarmsArgs, database: WatchedDatabase) -> list[MetricRule]:
    """A backup that is much larger or smaller than that of a week before; silence is no size."""
    return [
        MetricRule(
            name=f"backup-{kind}-{database.name}",
            description=f"The newest backup of {database.name} of {args.environment} is {says} than"
            " the one of a week before. Compare the rows of each table in both manifests. If the"
            " change was planned, this alarm ends after a week.",
            namespace=NAMESPACE,
            metric=Metric.BACKUP_SIZE_CHANGE,
            dimensions=_dimensions(args, database),
            statistic=statistic,
            comparison=comparison,
            threshold=threshold,
            period=int(args.report_every.total_seconds()),
            # One report may be missing without an end of the alarm.
            periods=2,
            points=1,
            missing="notBreaching",
        )
        for kind, says, statistic, comparison, threshold in (
            ("grew", "over 50 % larger", "Maximum", "GreaterThanThreshold", 50),
            ("shrank", "over 30 % smaller", "Minimum", "LessThanThreshold", -30),
        )
    ]


def _copying(copies: WatchedCopies, region: str) -> list[MetricRule]:
    """Where each is published is in https://docs.aws.amazon.com/AmazonS3/latest/userguide/repl-metrics.html

    Both are missing while nothing is copied, or may be; a bucket that is gone is another alarm's.
    """
    dimensions = {
        "SourceBucket": copies.source,
        "DestinationBucket": copies.replica,
        "RuleId": copies.rule_id,
    }
    rules: list[MetricRule] = []
    if region == copies.replica_region:
        rules.append(
            MetricRule(
                name="replication-latency",
                description=f"{copies.replica} is more than 15 minutes behind {copies.source}, so"
                " the loss of a region now would lose newer backups. Look at AWS Health for S3 in"
                " both regions; if it lasts, copy the newest backups by hand.",
                namespace="AWS/S3",
                metric="ReplicationLatency",
                dimensions=dimensions,
                statistic="Maximum",
                comparison="GreaterThanThreshold",
                threshold=900,
                period=300,
                periods=3,
                points=2,
                missing="notBreaching",
            )
        )
    if region == copies.source_region:
        rules.append(
            MetricRule(
                name="replication-failed",
                description=f"S3 failed to copy objects of {copies.source} to {copies.replica} and"
                " does not try again. See that the replication role and both keys are as the stack"
                " says (pulumi refresh), then copy the rest by an S3 Batch Replication job.",
                namespace="AWS/S3",
                metric="OperationsFailedReplication",
                dimensions=dimensions,
                statistic="Sum",
                comparison="GreaterThanThreshold",
                threshold=0,
                period=300,
                periods=1,
                points=1,
                missing="notBreaching",
            )
        )
    return rules


def _dimensions(args: AlarmsArgs, database: WatchedDatabase) -> dict[str, str]:
    return {ENVIRONMENT: args.environment, DATABASE: database.name}


def topic_name(prefix: str) -> str:
    """Name of the topic of a stack, the same in each region."""
    return f"{prefix}-alarms"


def topic_arn(prefix: str, region: str, account_id: str) -> str:
    """Its ARN, before it exists."""
    return f"arn:aws:sns:{region}:{account_id}:{topic_name(prefix)}"


def topic_policy(prefix: str, region: str, account_id: str) -> Policy:
    """Let alarms of the stack and rules of EventBridge publish, by TLS; and nobody else.

    AWS lets nobody write conditions for EventBridge here: with one, nothing arrives. See
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    topic = topic_arn(prefix, region, account_id)
    return document(
        {
            "Sid": "DenyInsecureTransport",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": topic,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
        {
            "Sid": "TakeAlarms",
            "Effect": "Allow",
            "Principal": {"Service": _ALARMS},
            "Action": "sns:Publish",
            "Resource": topic,
            "Condition": {
                "StringEquals": {"aws:SourceAccount": account_id},
                "ArnLike": {
                    "aws:SourceArn": f"arn:aws:cloudwatch:{region}:{account_id}:alarm:{prefix}-*"
                },
            },
        },
        {
            "Sid": "TakeEvents",
            "Effect": "Allow",
            "Principal": {"Service": _EVENTS},
            "Action": "sns:Publish",
            "Resource": topic,
        },
    )


def publishing(prefix: str, region: str, account_id: str) -> list[Statement]:
    """Let both services encrypt what they publish to the topic, and nothing else.

    Of EventBridge AWS lets nobody ask for the account: with that, nothing arrives. The topic is
    the account's. See https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    topic = {"kms:EncryptionContext:aws:sns:topicArn": topic_arn(prefix, region, account_id)}
    return [
        {
            "Sid": sid,
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": condition},
        }
        for sid, service, condition in (
            ("UseForAlarms", _ALARMS, {**topic, "aws:SourceAccount": account_id}),
            ("UseForEvents", _EVENTS, topic),
        )
    ]
