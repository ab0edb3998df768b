"""One of everything that the local AWS provider knows, varied by a settings file beside it."""

import json
from pathlib import Path

import pulumi
import pulumi_aws as aws
from pulumi_aws import cloudtrail, cloudwatch, iam, kms, s3, sns

settings = json.loads((Path(__file__).parent / "settings.json").read_text())
prefix: str = settings["prefix"]
revised: bool = settings["revised"]
account = aws.get_caller_identity().account_id


def policy(*statements: dict[str, object]) -> str:
    """A policy that allows all this, unless a statement says otherwise."""
    allowed = [{"Effect": "Allow", **parts} for parts in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


def statement(**parts: object) -> str:
    """A policy with one statement."""
    return policy(parts)


def vault(name: str, region: str | None) -> tuple[s3.Bucket, s3.BucketVersioning, kms.Key]:
    """A locked bucket with all its parts."""
    key = kms.Key(
        f"{name}-key",
        description="backups",
        enable_key_rotation=True,
        rotation_period_in_days=180,
        deletion_window_in_days=7,
        region=region,
    )
    kms.Alias(f"{name}-alias", name=f"alias/{prefix}-{name}", target_key_id=key.id, region=region)
    bucket = s3.Bucket(
        name,
        bucket=f"{prefix}-{name}",
        object_lock_enabled=True,
        force_destroy=settings["force_destroy"],
        tags={"of": name},
        region=region,
    )
    versioning = s3.BucketVersioning(
        f"{name}-versioning",
        bucket=bucket.id,
        versioning_configuration={"status": "Enabled"},
        region=region,
    )
    s3.BucketServerSideEncryptionConfiguration(
        f"{name}-encryption",
        bucket=bucket.id,
        rules=[
            {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms",
                    "kms_master_key_id": key.arn,
                },
                "bucket_key_enabled": False,
            }
        ],
        region=region,
    )
    s3.BucketPublicAccessBlock(
        f"{name}-private",
        bucket=bucket.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        region=region,
    )
    s3.BucketOwnershipControls(
        f"{name}-ownership",
        bucket=bucket.id,
        rule={"object_ownership": "BucketOwnerEnforced"},
        region=region,
    )
    s3.BucketPolicy(
        f"{name}-policy",
        bucket=bucket.id,
        policy=bucket.arn.apply(
            lambda arn: statement(
                Effect="Deny",
                Principal="*",
                Action="s3:*",
                Resource=[arn, f"{arn}/*"],
                Condition={"Bool": {"aws:SecureTransport": "false"}},
            )
        ),
        region=region,
    )
    after = pulumi.ResourceOptions(depends_on=[versioning])
    s3.BucketObjectLockConfiguration(
        f"{name}-lock",
        bucket=bucket.id,
        rule={"default_retention": {"mode": "GOVERNANCE", "days": settings["lock_days"]}},
        region=region,
        opts=after,
    )
    s3.BucketLifecycleConfiguration(
        f"{name}-lifecycle",
        bucket=bucket.id,
        rules=[
            {
                "id": "daily",
                "status": "Enabled",
                "filter": {"prefix": "db/daily/"},
                "expiration": {"days": settings["daily_days"]},
                "transitions": [{"days": 1, "storage_class": "GLACIER_IR"}],
                "noncurrent_version_expiration": {
                    "noncurrent_days": 90,
                    "newer_noncurrent_versions": 2,
                },
                "noncurrent_version_transitions": [
                    {"noncurrent_days": 30, "storage_class": "DEEP_ARCHIVE"}
                ],
            },
            {
                "id": "tagged",
                "status": "Disabled",
                "filter": {"and_": {"prefix": "x/", "tags": {"keep": "no"}}},
                "expiration": {"days": 2},
            },
            {
                "id": "large",
                "status": "Enabled",
                "filter": {"and_": {"prefix": "db/", "object_size_greater_than": 131072}},
                "transitions": [
                    {"days": 30, "storage_class": "STANDARD_IA"},
                    {"days": 60, "storage_class": "GLACIER_IR"},
                ],
            },
            {
                "id": "largest",
                "status": "Enabled",
                "filter": {"object_size_greater_than": 1048576},
                "transitions": [{"days": 10, "storage_class": "DEEP_ARCHIVE"}],
            },
            {
                "id": "remains",
                "status": "Enabled",
                "filter": {},
                "expiration": {"expired_object_delete_marker": True},
                "abort_incomplete_multipart_upload": {"days_after_initiation": 1},
            },
        ],
        transition_default_minimum_object_size="varies_by_storage_class",
        region=region,
        opts=after,
    )
    return bucket, versioning, key


primary, primary_versioning, _ = vault("primary", None)
replica, replica_versioning, replica_key = vault("replica", "us-west-2")

trust = statement(Principal={"Service": "s3.amazonaws.com"}, Action="sts:AssumeRole")
boundary = iam.Policy("boundary", policy=statement(Action="s3:*", Resource="*"))
role = iam.Role(
    "replication",
    name=f"{prefix}-replication",
    path=settings["role_path"],
    assume_role_policy=trust,
    max_session_duration=7200,
    permissions_boundary=boundary.arn,
)
iam.RolePolicy("copies", role=role.name, policy=statement(Action="s3:GetObject", Resource="*"))
iam.RolePolicyAttachment("attached", role=role.name, policy_arn=boundary.arn)
iam.OpenIdConnectProvider(
    "tokens",
    url=f"https://{prefix}.example.com",
    client_id_lists=["sts.amazonaws.com"],
)

elsewhere = aws.Provider(
    "elsewhere",
    region="eu-west-1",
    access_key="sandbox",
    secret_key="sandbox",  # noqa: S106 - any will do
    # A dictionary would arrive with the names it was written with.
    assume_roles=[
        aws.ProviderAssumeRoleArgs(
            role_arn=f"arn:aws:iam::{settings['other_account']}:role/replica", duration="30m"
        )
    ],
    allowed_account_ids=[settings["other_account"]],
    default_tags={"tags": {"stack": "other"}},
    endpoints=[{"s3": settings["endpoint"], "sts": settings["endpoint"]}],
    s3_use_path_style=True,
    skip_metadata_api_check=True,
)
theirs = s3.Bucket(
    "theirs", bucket=f"{prefix}-theirs", opts=pulumi.ResourceOptions(provider=elsewhere)
)
their_versioning = s3.BucketVersioning(
    "their-versioning",
    bucket=theirs.id,
    versioning_configuration={"status": "Enabled"},
    opts=pulumi.ResourceOptions(provider=elsewhere),
)
s3.BucketReplicationConfig(
    "copies",
    bucket=primary.id,
    role=role.arn,
    rules=[
        {
            "id": "everything",
            "priority": 1,
            "status": "Enabled",
            "filter": {"prefix": "db/"},
            "delete_marker_replication": {"status": "Disabled"},
            "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
            "destination": {
                "bucket": replica.arn,
                "storage_class": "STANDARD_IA",
                "encryption_configuration": {"replica_kms_key_id": replica_key.arn},
                "metrics": {"status": "Enabled", "event_threshold": {"minutes": 15}},
                "replication_time": {"status": "Enabled", "time": {"minutes": 15}},
            },
        },
        {
            "id": "elsewhere",
            "priority": 2,
            "status": "Enabled",
            "filter": {"and_": {"prefix": "db/", "tags": {"keep": "yes"}}},
            "delete_marker_replication": {"status": "Enabled"},
            "destination": {
                "bucket": theirs.arn,
                "account": settings["other_account"],
                "access_control_translation": {"owner": "Destination"},
            },
        },
    ],
    opts=pulumi.ResourceOptions(
        depends_on=[primary_versioning, replica_versioning, their_versioning]
    ),
)

logs = s3.Bucket("Logs", force_destroy=True, tags={"secret": pulumi.Output.secret("hidden-tag")})
s3.BucketOwnershipControls(
    "log-ownership", bucket=logs.id, rule={"object_ownership": "BucketOwnerEnforced"}
)
deliveries = s3.BucketPolicy(
    "deliveries",
    bucket=logs.id,
    policy=logs.arn.apply(
        lambda arn: policy(
            {
                "Principal": {"Service": "logging.s3.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"{arn}/access/*",
            },
            {
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": "s3:GetBucketAcl",
                "Resource": arn,
            },
            {
                "Principal": {"Service": "cloudtrail.amazonaws.com"},
                "Action": "s3:PutObject",
                "Resource": f"{arn}/trail/AWSLogs/{account}/*",
            },
        )
    ),
)
after_policy = pulumi.ResourceOptions(depends_on=[deliveries])
source = "DeliveryTime" if revised else "EventTime"
s3.BucketLogging(
    "requests",
    bucket=primary.id,
    target_bucket=logs.id,
    target_prefix="access/",
    target_object_key_format={"partitioned_prefix": {"partition_date_source": source}},
    opts=after_policy,
)
cloudtrail.Trail(
    "changes",
    name=f"{prefix}-changes",
    s3_bucket_name=logs.id,
    s3_key_prefix="trail",
    is_multi_region_trail=True,
    enable_log_file_validation=True,
    enable_logging=not revised,
    advanced_event_selectors=[
        {
            "name": "what changes objects",
            "field_selectors": [
                {"field": "eventCategory", "equals": ["Data"]},
                {"field": "readOnly", "equals": ["false"]},
                {"field": "resources.type", "equals": ["AWS::S3::Object"]},
                {"field": "resources.ARN", "starts_withs": [primary.arn.apply("{}/".format)]},
            ],
        }
    ],
    opts=after_policy,
)
cloudtrail.Trail(
    "everything",
    name=f"{prefix}-everything",
    s3_bucket_name=logs.id,
    s3_key_prefix="trail",
    event_selectors=None
    if revised
    else [
        {
            "read_write_type": "WriteOnly",
            "data_resources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}],
            "exclude_management_event_sources": ["kms.amazonaws.com"],
        }
    ],
    opts=after_policy,
)

person = iam.User(
    "person",
    name=f"{prefix}-person",
    path="/revised/" if revised else "/",
    permissions_boundary=None if revised else boundary.arn,
    tags={"revised": str(revised)},
)
action = "s3:PutObject" if revised else "s3:GetObject"
iam.UserPolicy("may", user=person.name, policy=statement(Action=action, Resource="*"))
iam.UserPolicyAttachment("attached-to-person", user=person.name, policy_arn=boundary.arn)
key = iam.AccessKey("key", user=person.name, status="Inactive" if revised else "Active")

topic = sns.Topic(
    "alarms",
    name=f"{prefix}-alarms",
    display_name="revised" if revised else "alarms",
    kms_master_key_id="alias/aws/sns",
    signature_version=2,
    tags={"revised": str(revised)},
)
publishers = ["cloudwatch.amazonaws.com", "events.amazonaws.com"]
sns.TopicPolicy(
    "publishers",
    arn=topic.arn,
    policy=topic.arn.apply(
        lambda arn: statement(
            Principal={"Service": publishers[: 1 if revised else 2]},
            Action="sns:Publish",
            Resource=arn,
        )
    ),
)
mailbox = sns.TopicSubscription(
    "mailbox", topic=topic.arn, protocol="email", endpoint="on-call@example.com"
)
pager = sns.TopicSubscription(
    "pager",
    topic=topic.arn,
    protocol="https",
    endpoint="https://pager.example.com/alarms",
    endpoint_auto_confirms=True,
    confirmation_timeout_in_minutes=2,
    raw_message_delivery=revised,
    filter_policy=None if revised else json.dumps({"severity": ["page"]}),
)
cloudwatch.MetricAlarm(
    "stale",
    name=f"{prefix}-stale",
    alarm_description="no backup for too long",
    namespace="Backup",
    metric_name="Age",
    dimensions={"Database": "main"},
    statistic="Maximum",
    period=300,
    evaluation_periods=3,
    datapoints_to_alarm=2,
    comparison_operator="GreaterThanThreshold",
    threshold=7200 if revised else 3600.5,
    treat_missing_data="breaching",
    alarm_actions=[topic.arn],
    ok_actions=[] if revised else [topic.arn],
    unit="Seconds",
    tags={"revised": str(revised)},
)
cloudwatch.MetricAlarm(
    "failures",
    name=f"{prefix}-failures",
    evaluation_periods=1,
    comparison_operator="GreaterThanThreshold",
    threshold=0,
    metric_queries=[
        {"id": "rate", "expression": "bad / all", "label": "failed", "return_data": True},
        {
            "id": "bad",
            "metric": {
                "namespace": "AWS/S3",
                "metric_name": "OperationsFailedReplication",
                "dimensions": {"SourceBucket": primary.id, "RuleId": "everything"},
                "period": 60 if revised else 300,
                "stat": "Sum",
            },
        },
        {
            "id": "all",
            "account_id": account,
            "metric": {
                "namespace": "AWS/S3",
                "metric_name": "OperationsPendingReplication",
                "period": 300,
                "stat": "Sum",
                "unit": "Count",
            },
        },
    ],
)
rule = cloudwatch.EventRule(
    "deletions",
    name=f"{prefix}-deletions",
    description="someone deletes",
    event_pattern=json.dumps({"source": ["aws.s3"], "detail": {"eventName": ["DeleteObject"]}}),
    state="DISABLED" if revised else "ENABLED",
    tags={"revised": str(revised)},
)
cloudwatch.EventTarget(
    "told",
    rule=rule.name,
    target_id="topic",
    arn=topic.arn,
    input_transformer={
        "input_paths": {"who": "$.detail.userIdentity.arn"},
        "input_template": '"revised: <who>"' if revised else '"<who> deletes"',
    },
    dead_letter_config={"arn": f"arn:aws:sqs:us-east-1:{account}:lost"},
    retry_policy={"maximum_retry_attempts": 3, "maximum_event_age_in_seconds": 3600},
)
nightly = cloudwatch.EventRule("nightly", schedule_expression="rate(1 day)")
cloudwatch.EventTarget("nightly", rule=nightly.name, arn=topic.arn, input=json.dumps({"a": 1}))

pulumi.export("account", account)
pulumi.export("partition", aws.get_partition().partition)
pulumi.export("region", aws.get_region().region)
pulumi.export("elsewhere", aws.get_region(opts=pulumi.InvokeOptions(provider=elsewhere)).region)
pulumi.export("logs", logs.bucket)
pulumi.export("secret", key.secret)
pulumi.export("mail_password", key.ses_smtp_password_v4)
pulumi.export("pending", [mailbox.pending_confirmation, pager.pending_confirmation])
