"""Alarms on metrics."""

# ruff: noqa: S105 - "token" is Pulumi's word for the name of a type

from collections.abc import Iterable
from typing import Any, ClassVar

from sandbox.providers.aws.connection import Aws
from sandbox.providers.aws.handler import REGION, TAGS, AwsHandler, changed_tags
from sandbox.providers.aws.wire import tag_list, tag_map
from sandbox.providers.schema import (
    Naming,
    Problem,
    Schema,
    block,
    blocks,
    flag,
    number,
    text,
    text_map,
    texts,
)
from sandbox.providers.values import Props, is_known

_COMPARISONS = (
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
)
_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_METRIC = {
    "metricName": text(required=True),
    "namespace": text(),
    "dimensions": text_map(),
    "period": number(required=True),
    "stat": text(required=True),
    "unit": text(),
}
_QUERY = {
    "id": text(required=True),
    # moto forgets it.
    "accountId": text(write_only=True),
    "expression": text(),
    "label": text(),
    "metric": block(_METRIC),
    "period": number(),
    "returnData": flag(default=False),
}
_PLAIN = {
    "actionsEnabled": "ActionsEnabled",
    "alarmActions": "AlarmActions",
    "alarmDescription": "AlarmDescription",
    "comparisonOperator": "ComparisonOperator",
    "datapointsToAlarm": "DatapointsToAlarm",
    "evaluateLowSampleCountPercentiles": "EvaluateLowSampleCountPercentile",
    "evaluationPeriods": "EvaluationPeriods",
    "extendedStatistic": "ExtendedStatistic",
    "insufficientDataActions": "InsufficientDataActions",
    "metricName": "MetricName",
    "namespace": "Namespace",
    "okActions": "OKActions",
    "period": "Period",
    "statistic": "Statistic",
    "threshold": "Threshold",
    "thresholdMetricId": "ThresholdMetricId",
    "treatMissingData": "TreatMissingData",
    "unit": "Unit",
}
"""What the API calls the properties whose values it takes as they are."""


class MetricAlarm(AwsHandler):
    """An alarm on a metric, or on what is computed from several. Its id is its name."""

    token = "aws:cloudwatch/metricAlarm:MetricAlarm"
    inputs: ClassVar[Schema] = {
        **REGION,
        **TAGS,
        "name": text(replaces=True, identity=True, naming=Naming(max_length=255)),
        "actionsEnabled": flag(default=True),
        "alarmActions": texts(),
        "alarmDescription": text(),
        "comparisonOperator": text(required=True, choices=_COMPARISONS),
        "datapointsToAlarm": number(),
        "dimensions": text_map(),
        "evaluateLowSampleCountPercentiles": text(choices=("evaluate", "ignore")),
        "evaluationPeriods": number(required=True),
        "extendedStatistic": text(),
        "insufficientDataActions": texts(),
        "metricName": text(),
        "metricQueries": blocks(_QUERY, unordered=True),
        "namespace": text(),
        "okActions": texts(),
        "period": number(),
        "statistic": text(choices=_STATISTICS),
        "threshold": number(),
        "thresholdMetricId": text(),
        "treatMissingData": text(
            default="missing", choices=("breaching", "notBreaching", "ignore", "missing")
        ),
        "unit": text(),
    }
    outputs = ("arn",)

    def problems(self, inputs: Props) -> Iterable[Problem]:
        """What AWS refuses and moto does not."""
        yield from _one_of(inputs, "metricName", "metricQueries")
        yield from _one_of(inputs, "threshold", "thresholdMetricId")
        if "metricName" in inputs:
            yield from _one_of(inputs, "statistic", "extendedStatistic")
            for name in ("namespace", "period"):
                if name not in inputs:
                    yield Problem(name, "must be set together with metricName")
        periods, points = inputs.get("evaluationPeriods"), inputs.get("datapointsToAlarm")
        if isinstance(points, int) and isinstance(periods, int) and points > periods:
            yield Problem(
                "datapointsToAlarm", f"must be at most evaluationPeriods ({periods}), not {points}"
            )

    def create(self, cloud: Aws, wanted: Props) -> str:
        """Make the alarm."""
        cloud.cloudwatch.put_metric_alarm(**_told(wanted), Tags=tag_list(wanted["tagsAll"]))
        return wanted["name"]

    def read(self, cloud: Aws, resource_id: str, known: Props) -> Props | None:  # noqa: ARG002
        """The alarm."""
        found: Any = cloud.cloudwatch.describe_alarms(
            AlarmNames=[resource_id], AlarmTypes=["MetricAlarm"]
        )["MetricAlarms"]
        if not found:
            return None
        alarm = found[0]
        tags = cloud.cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]
        return {
            **{key: alarm.get(name) for key, name in _PLAIN.items()},
            "name": resource_id,
            "arn": alarm["AlarmArn"],
            "dimensions": _dimensions_of(alarm),
            "metricQueries": [_query_of(query) for query in alarm.get("Metrics", [])],
            # CloudWatch leaves out what it does by itself.
            "treatMissingData": alarm.get("TreatMissingData", "missing"),
            "tagsAll": tag_map(tags),
        }

    def update(self, cloud: Aws, resource_id: str, old: Props, wanted: Props) -> None:
        """Set the whole alarm again, and its tags."""
        cloud.cloudwatch.put_metric_alarm(**_told({**wanted, "name": resource_id}))
        removed, added = changed_tags(old, wanted)
        if removed:
            cloud.cloudwatch.untag_resource(ResourceARN=old["arn"], TagKeys=removed)
        if added:
            cloud.cloudwatch.tag_resource(ResourceARN=old["arn"], Tags=tag_list(added))

    def delete(self, cloud: Aws, resource_id: str, state: Props) -> None:  # noqa: ARG002
        """Delete the alarm."""
        cloud.cloudwatch.delete_alarms(AlarmNames=[resource_id])


def _one_of(inputs: Props, one: str, other: str) -> Iterable[Problem]:
    """What is not known yet may turn out to be nothing."""
    both = (inputs.get(one), inputs.get(other))
    if is_known([*both]) and (both[0] is None) == (both[1] is None):
        yield Problem(one, f"either {one} or {other} must be set, and not both")


def _told(wanted: Props) -> Any:
    asked = {name: wanted[key] for key, name in _PLAIN.items() if key in wanted}
    if "dimensions" in wanted:
        asked["Dimensions"] = _dimensions(wanted["dimensions"])
    if "metricQueries" in wanted:
        asked["Metrics"] = [_query(query) for query in wanted["metricQueries"]]
    return {**asked, "AlarmName": wanted["name"]}


def _query(query: Props) -> Props:
    plain = {
        "id": "Id",
        "accountId": "AccountId",
        "expression": "Expression",
        "label": "Label",
        "period": "Period",
        "returnData": "ReturnData",
    }
    asked: Props = {name: query[key] for key, name in plain.items() if key in query}
    if "metric" in query:
        metric = query["metric"]
        about = {"metricName": "MetricName", "namespace": "Namespace"}
        of: Props = {name: metric[key] for key, name in about.items() if key in metric}
        of["Dimensions"] = _dimensions(metric.get("dimensions", {}))
        asked["MetricStat"] = {"Metric": of, "Period": metric["period"], "Stat": metric["stat"]}
        if "unit" in metric:
            asked["MetricStat"]["Unit"] = metric["unit"]
    return asked


def _query_of(answer: Any) -> Props:
    query = {
        "id": answer["Id"],
        "expression": answer.get("Expression"),
        "label": answer.get("Label"),
        "period": answer.get("Period"),
        "returnData": answer.get("ReturnData"),
    }
    if "MetricStat" in answer:
        stat = answer["MetricStat"]
        query["metric"] = {
            "metricName": stat["Metric"]["MetricName"],
            "namespace": stat["Metric"].get("Namespace"),
            "dimensions": _dimensions_of(stat["Metric"]),
            "period": stat["Period"],
            "stat": stat["Stat"],
            "unit": stat.get("Unit"),
        }
        query["metric"] = {key: item for key, item in query["metric"].items() if item is not None}
    return {key: item for key, item in query.items() if item is not None}


def _dimensions(dimensions: Props) -> list[Props]:
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _dimensions_of(answer: Any) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in answer.get("Dimensions", [])}


HANDLERS = [MetricAlarm()]
