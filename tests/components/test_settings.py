"""What a stack file's author is told, and what a valid one becomes."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import set_all_config

from components.github.environment import Environment, EnvironmentArgs
from components.sections import PROJECT, Settings
from components.settings import SettingsError, parse_settings, read_settings
from neonhub_backup.domain.retention import LockMode, RetentionPolicy, Tier
from neonhub_backup.domain.storage import S3_CLASSES, S3StorageClass

DATABASE_URL = f"{PROJECT}:databaseUrl"
PUBLIC = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nkey\n-----END PGP PUBLIC KEY BLOCK-----\n"
PRIVATE = PUBLIC.replace("PUBLIC", "PRIVATE")

MARK = "1b47061264138c4ac30d75fd1eb44270"
"""What the engine knows secrets by."""

VALID: dict[str, Any] = {
    "aws:region": "us-east-1",
    "gcp:project": "neonhub-backups",
    "github:owner": "neonhub",
    "environment": "production",
    "objectives": {"rpo": "1h"},
    "aws": {"bucketPrefix": "neonhub-production", "replicaRegion": "us-west-2"},
    "gcp": {
        "bucketPrefix": "neonhub-production",
        "location": "US",
        "regions": ["us-east4", "us-west1"],
    },
    "databases": [{"name": "neonhub"}],
    "databaseUrl": "sealed",
    "encryption": {"publicKeyFiles": ["keys/production.asc"]},
    "postgresMajorVersion": 16,
    "github": {"repository": "app", "ownerId": 11, "repositoryId": 22},
    "tool": {"repository": "neonhub/neonhub-backup", "commit": "a" * 40},
}

GCP: dict[str, Any] = VALID["gcp"]
SERVICE = "database@neonhub-backups.iam.gserviceaccount.com"
ROLE_ELSEWHERE = "arn:aws:iam::444455556666:role/x"


def today() -> date:
    """The day that these tests are about."""
    return date(2026, 11, 23)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "production.asc").write_text(PUBLIC)
    return tmp_path


def values(changes: dict[str, Any]) -> dict[str, str]:
    """The valid configuration with changes, None for a key that is left out."""
    return {
        key if ":" in key else f"{PROJECT}:{key}": value
        if isinstance(value, str)
        else json.dumps(value)
        for key, value in {**VALID, **changes}.items()
        if value is not None
    }


@pytest.fixture
def parse(root: Path) -> Callable[..., Settings]:
    def run(changes: dict[str, Any] | None = None, also_sealed: tuple[str, ...] = ()) -> Settings:
        return parse_settings(
            values(changes or {}),
            stack="prod",
            root=root,
            secrets=[DATABASE_URL, *also_sealed],
            on=today(),
        )

    return run


@pytest.fixture
def problems(parse: Callable[..., Settings]) -> Callable[..., list[str]]:
    def run(changes: dict[str, Any], also_sealed: tuple[str, ...] = ()) -> list[str]:
        with pytest.raises(SettingsError) as refused:
            parse(changes, also_sealed)
        _, *lines = str(refused.value).splitlines()
        return [line.removeprefix("  - ") for line in lines]

    return run


Parse = Callable[..., Settings]
Problems = Callable[..., list[str]]


def test_the_least_that_is_required_gives_the_safe_defaults(parse: Parse) -> None:
    settings = parse()
    assert settings.protect is True
    assert settings.retention.model_dump() == RetentionPolicy().model_dump()
    assert settings.github.branch == "main"
    assert settings.s3_endpoint is None
    assert settings.path_style is False


def test_every_bucket_is_named_after_the_prefix(parse: Parse) -> None:
    settings = parse()
    assert settings.aws is not None
    assert settings.gcp is not None
    assert settings.aws.primary_bucket == "neonhub-production-backups"
    assert settings.aws.replica_bucket == "neonhub-production-backups-replica"
    assert settings.aws.operations_bucket == "neonhub-production-operations"
    assert settings.gcp.bucket == "neonhub-production-backups"


def test_the_longest_prefix_still_gives_names_that_s3_takes(parse: Parse) -> None:
    aws = parse({"aws": {"bucketPrefix": "n" * 42, "replicaRegion": "us-west-2"}}).aws
    assert aws is not None
    assert len(f"{aws.operations_bucket}-replica") <= 63


def test_a_tier_s_storage_class_can_be_changed_alone(parse: Parse) -> None:
    aws = parse(
        {"aws": {**VALID["aws"], "storageClasses": {"weekly": "STANDARD_IA"}}},
    ).aws
    assert aws is not None
    assert aws.classes == {**S3_CLASSES, Tier.WEEKLY: S3StorageClass.STANDARD_IA}


def test_one_cloud_can_be_left_out_where_the_rule_of_3_2_1_is_waived(parse: Parse) -> None:
    waiver = {"rule": "three-two-one", "reason": "moving there soon", "expires": str(today())}
    settings = parse({"gcp": None, "gcp:project": None, "waivers": [waiver]})
    assert settings.gcp is None


def test_the_day_of_a_review_needs_no_quotes(parse: Parse) -> None:
    written = f"{today()} 00:00:00 +0000 UTC"
    assert parse({"runbook": {"reviewed": written}}).runbook.reviewed == today()


def test_a_waiver_s_last_day_needs_no_quotes(parse: Parse) -> None:
    waiver = {"rule": "key-rotates", "reason": "an imported key", "expires": str(today())}
    quoted = parse({"waivers": [waiver]}).waivers
    # What the engine makes of a date without quotes.
    bare = parse({"waivers": [{**waiver, "expires": f"{today()} 00:00:00 +0000 UTC"}]}).waivers
    assert bare == quoted


def test_retention_is_written_as_in_a_table(parse: Parse) -> None:
    retention = parse(
        {
            "objectives": {"rpo": "24h"},
            "retention": {
                "hourly": None,
                "daily": {"keep": "30d", "lock": "14d"},
                "lockMode": "COMPLIANCE",
                "hourUtc": 5,
            },
        }
    ).retention
    assert retention.hourly is None
    assert retention.daily is not None
    assert (retention.daily.keep_days, retention.daily.lock_days) == (30, 14)
    assert retention.weekly == RetentionPolicy().weekly
    assert retention.lock_mode is LockMode.COMPLIANCE
    assert retention.hour_utc == 5


def test_the_address_of_s3_comes_from_the_provider_s_own_settings(parse: Parse) -> None:
    endpoints = [{"iam": "http://127.0.0.1:2"}, {"s3": "http://127.0.0.1:1"}]
    settings = parse({"aws:endpoints": endpoints, "aws:s3UsePathStyle": True})
    assert settings.s3_endpoint == "http://127.0.0.1:1"
    assert settings.path_style is True


def test_a_secret_s_words_become_the_name_of_its_variable(parse: Parse) -> None:
    databases = [{"name": "neonhub"}, {"name": "events", "secret": "eventsReplicaUrl"}]
    settings = parse(
        {"databases": databases, "eventsReplicaUrl": "sealed"}, (f"{PROJECT}:eventsReplicaUrl",)
    )
    assert [each.variable for each in settings.databases] == ["DATABASE_URL", "EVENTS_REPLICA_URL"]


def test_public_keys_are_read_from_their_files(parse: Parse) -> None:
    assert parse().encryption.public_keys == (PUBLIC,)


def test_all_errors_are_reported_at_once(problems: Problems) -> None:
    found = problems(
        {
            "environment": "Production",
            "aws": {"bucketPrefix": "N", "replicaRegion": "us-east-1"},
            "retention": {"daily": {"keep": "30 days"}},
            "tool": None,
            "databaseUrl": None,
            "protcet": True,
        }
    )
    assert [line.partition(": ")[0] for line in found] == [
        f"{PROJECT}:aws.bucketPrefix",
        f"{PROJECT}:aws.replicaRegion",
        f"{PROJECT}:retention.daily.keep",
        f"{PROJECT}:environment",
        f"{PROJECT}:tool",
        f"{PROJECT}:protcet",
        DATABASE_URL,
    ]


def test_the_message_names_the_file_and_counts_its_errors(parse: Parse) -> None:
    with pytest.raises(SettingsError, match=r"^Pulumi\.prod\.yaml has 1 error, so nothing was"):
        parse({"tool": None})


def test_a_message_is_for_people_not_a_traceback() -> None:
    assert issubclass(SettingsError, pulumi.RunError)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"environment": "Production"},
            "environment: 'Production' is refused, so nothing can be built: string should match",
        ),
        (
            {"environment": None},
            "environment: missing, so nothing can be built; add it to Pulumi.prod.yaml. It is:",
        ),
        ({"aws:region": "us-esat-1"}, "aws:region: 'us-esat-1' is no region of AWS, so nothing"),
        (
            {"aws": {"bucketPrefix": "neonhub", "replicaRegion": "mars"}},
            "aws.replicaRegion: 'mars' is no region of AWS, so nothing could be created there",
        ),
        (
            {"gcp": {**GCP, "regions": ["us-east4", "us-east4"]}},
            "gcp: regions: both are us-east4, so one outage could take both copies",
        ),
        (
            {"gcp": {**GCP, "regions": ["us-east4", "us-esat1"]}},
            "gcp: regions: 'us-esat1' is not among those of US that Google pairs",
        ),
        ({"gcp": {**GCP, "location": "MARS"}}, "gcp: location 'MARS' has no pairs of regions"),
        (
            {"gcp": {**GCP, "bucketPrefix": "google-neonhub"}},
            "gcp.bucketPrefix: 'google-neonhub' begins with goog or holds google",
        ),
        (
            {"operations": {"further": {"wal/old/": "30d"}}},
            "operations.further: wal/old/ overlaps wal/, so objects below both would be gone",
        ),
        (
            {"databases": [{"name": "neonhub", "archiving": {"store": "aws", "server": SERVICE}}]},
            (
                f"databases[0].archiving: server {SERVICE} is not known in aws, so nothing could be"
                " archived; write the ARN of a role or user"
            ),
        ),
        (
            {"databases": [{"name": "neonhub", "archiving": {"store": "gcp", "server": "db"}}]},
            "databases[0].archiving.server: 'db' is refused",
        ),
        (
            {
                "databases": [
                    {
                        "name": "neonhub",
                        "archiving": {"store": "gcp", "server": SERVICE},
                        "neon": {"project": "p", "database": "app", "role": "app"},
                    }
                ]
            },
            "databases[0]: neonhub has neon and archiving, and Neon archives by itself",
        ),
        ({"operations": {"logs": "1"}}, "operations.logs: '1' is not a duration"),
        ({"gcp": {**GCP, "softDelete": "1d"}}, "gcp.softDelete: '1d' is refused"),
        ({"objectives": {"rpo": "soon"}}, "objectives.rpo: 'soon' is not a duration"),
        ({"alarms": {"emails": ["platform"]}}, "alarms.emails[0]: 'platform' is refused"),
        ({"alarms": {"webhooks": ["http://x"]}}, "alarms.webhooks[0]: 'http://x' is refused"),
        (
            {"github": {**VALID["github"], "restore": {"users": [*"abcdefg"]}}},
            "github.restore: 7 users and teams, and GitHub takes 6 in all",
        ),
        (
            {"github": {**VALID["github"], "delivery": "pigeon"}},
            "github.delivery: 'pigeon' is refused",
        ),
        (
            {
                "aws": {
                    **VALID["aws"],
                    "replicaAccount": {"id": "111122223333", "roleArn": ROLE_ELSEWHERE},
                }
            },
            "aws.replicaAccount: roleArn arn:aws:iam::444455556666:role/x is not in account",
        ),
        (
            {"waivers": [{"rule": "r", "reason": "until the move", "expires": "2026-11-22"}]},
            "waivers[0].expires: 2026-11-22 is past, so the rule holds again",
        ),
        (
            {"waivers": [{"rule": "r", "reason": "until the move", "expires": "2028-01-01"}]},
            "waivers[0].expires: 2028-01-01 is more than a year ahead",
        ),
        (
            {"waivers": [{"rule": "r", "reason": "because", "expires": "2026-12-24"}]},
            "waivers[0].reason: 'because' is refused",
        ),
        (
            {"aws": {"bucketPrefix": "neonhub", "replicaRegion": "us-east-1"}},
            "aws.replicaRegion: 'us-east-1' is aws:region too, so one outage could take both",
        ),
        (
            {"aws": {"bucketPrefix": "sthree-x", "replicaRegion": "us-west-2"}},
            "aws.bucketPrefix: 'sthree-x' begins with sthree-, which S3 keeps for itself",
        ),
        (
            {"aws": {"bucketPrefix": "n" * 43, "replicaRegion": "us-west-2"}},
            "aws.bucketPrefix: 'nnn",
        ),
        (
            {"retention": {"dialy": {"keep": "30d"}}},
            "retention.dialy: not a setting, so it would change nothing; did you mean daily?",
        ),
        (
            {"retention": {"daily": {"keep": "30d", "lock": "60d"}}},
            "retention.daily: lock 60d is longer than keep 30d",
        ),
        (
            {"retention": {"daily": {"keep": "13w"}}},
            "retention: weekly.keep 12w is not longer than daily.keep 13w",
        ),
        ({"retention": {"lockMode": "FOREVER"}}, "retention.lockMode: 'FOREVER' is refused"),
        (
            {"retention": {"lockMode": "COMPLIANCE"}, "protect": False},
            "protect: false, but retention.lockMode is COMPLIANCE, so `pulumi destroy` would fail",
        ),
        ({"protect": "perhaps"}, "protect: 'perhaps' is refused"),
        (
            {"databases": [{"name": "a"}, {"name": "b"}]},
            "databases: two entries have the secret databaseUrl",
        ),
        (
            {"databases": [{"name": "neonhub", "checks": [{"name": "x"}]}]},
            "databases[0].checks[0].query: missing",
        ),
        (
            {"databases": [{"name": "neonhub", "recovery": {"smoketest": ["node"]}}]},
            "databases[0].recovery.smoketest: not a setting, so it would change nothing; did you",
        ),
        (
            {"databases": [{"name": "neonhub", "recovery": {"migrate": "prisma migrate"}}]},
            "databases[0].recovery.migrate: 'prisma migrate' is refused, so nothing can be built:",
        ),
        (
            {"databases": [{"name": "neonhub", "recovery": {"markRolledBack": ["prisma"]}}]},
            "databases[0].recovery: prisma does not hold {migration}, so it could not know",
        ),
        (
            {"objectives": {"rpo": "1h", "rtoMinutes": 0}},
            "objectives.rtoMinutes: 0 is refused",
        ),
        (
            {"runbook": {"reviewed": "2999-01-01"}},
            "runbook.reviewed: 2999-01-01 is still to come, so the next review would be reckoned",
        ),
        (
            {"runbook": {"contacts": [{"name": "Neon", "about": "all", "reach": "a@neon.tech"}]}},
            "runbook.contacts[0].responseMinutes: missing",
        ),
        (
            {"watch": {"shrinkPercent": 0}},
            "watch.shrinkPercent: 0 is refused",
        ),
        (
            {
                "watch": {
                    "acknowledged": [
                        {"database": "shop", "until": "2026-12-24", "reason": "it moves"}
                    ]
                }
            },
            "watch: acknowledged.0.database shop is not one of the databases",
        ),
        (
            {"encryption": {"publicKeyFiles": []}},
            "encryption.publicKeyFiles: [] is refused",
        ),
        (
            {"encryption": {"publicKeyFiles": ["keys/none.asc"]}},
            "encryption.publicKeyFiles[0]: keys/none.asc cannot be read, so nothing could be",
        ),
        ({"postgresMajorVersion": 15}, "postgresMajorVersion: '15' is refused"),
        ({"github": {"repository": "app", "ownerId": 0, "repositoryId": 1}}, "github.ownerId: 0"),
        (
            {"tool": {"repository": "a/b", "commit": "main"}},
            "tool.commit: 'main' is refused, so nothing can be built: string should match",
        ),
        ({"timeoutMinutes": 30}, "timeoutMinutes: '30' is refused"),
    ],
)
def test_a_mistake_is_named_with_its_consequence_and_its_fix(
    problems: Problems, changes: dict[str, Any], message: str
) -> None:
    (found,) = problems(changes)
    assert found.removeprefix(f"{PROJECT}:").startswith(message)


def test_a_private_key_where_a_public_one_belongs_is_refused(
    problems: Problems, root: Path
) -> None:
    (root / "keys" / "production.asc").write_text(PRIVATE)
    (found,) = problems({})
    assert found.startswith(
        f"{PROJECT}:encryption.publicKeyFiles[0]: keys/production.asc holds a private key"
    )


def test_a_file_that_holds_no_key_is_refused(problems: Problems, root: Path) -> None:
    (root / "keys" / "production.asc").write_text("hello")
    (found,) = problems({})
    assert "keys/production.asc is not an ASCII-armoured GPG public key" in found


def test_a_missing_secret_is_named_with_the_command_that_sets_it(problems: Problems) -> None:
    (found,) = problems({"databaseUrl": None})
    assert found == (
        f"{DATABASE_URL}: missing, so its database could not be reached; run"
        f" pulumi config set --secret {DATABASE_URL} --stack prod"
    )


def test_a_misspelt_secret_is_named_without_its_value(problems: Problems) -> None:
    unknown, missing = problems({"databaseUrl": None, "databseUrl": "postgresql://u:word@h/d"})
    assert unknown == (
        f"{PROJECT}:databseUrl: not a setting, so it would change nothing; did you mean"
        f" {DATABASE_URL}?"
    )
    assert "word" not in unknown + missing


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("postgresql://u:word@db.example.com/neonhub", True),
        ("postgresql://u:word@localhost.example.com/neonhub", True),
        ("host=db.example.com password=word", True),
        ("postgresql://u:word@127.0.0.1:15432/neonhub", False),
        ("postgresql://u:word@localhost/neonhub", False),
        ("postgresql://u:word@[::1]:5432/neonhub", False),
    ],
)
def test_a_connection_string_in_plain_text_is_for_this_machine_alone(
    root: Path, url: str, refused: bool
) -> None:
    plain = values({"databaseUrl": url})
    if not refused:
        assert parse_settings(plain, stack="prod", root=root)
        return
    with pytest.raises(SettingsError, match="in plain text, so whoever reads") as error:
        parse_settings(plain, stack="prod", root=root)
    assert "word@" not in str(error.value)
    assert "password=word" not in str(error.value)


def test_a_secret_inside_another_setting_is_refused(problems: Problems) -> None:
    (found,) = problems({}, (f"{PROJECT}:github",))
    assert found.startswith(f"{PROJECT}:github: holds a secret")


def test_the_value_of_a_sealed_setting_is_never_shown(problems: Problems) -> None:
    found = problems({"environment": "WORD"}, (f"{PROJECT}:environment",))
    assert "WORD" not in "".join(found)


ON_NEON = [{**VALID["databases"][0], "neon": {"project": "p", "database": "d", "role": "r"}}]


@pytest.mark.parametrize("key", ["gpgPrivateKey", "neonApiKey"])
def test_a_further_secret_in_plain_text_is_refused(problems: Problems, key: str) -> None:
    (found,) = problems(
        {key: PRIVATE, "databases": ON_NEON} if key == "neonApiKey" else {key: PRIVATE}
    )
    assert found.startswith(f"{PROJECT}:{key}: in plain text, so whoever reads")
    assert "PGP" not in found


@pytest.mark.parametrize(
    ("key", "harm"),
    [
        ("gpgPrivateKey", "can read all backups; revoke it, then run"),
        ("neonApiKey", "can read all of the Neon project; revoke it, then run"),
        ("heartbeatUrl", "can say that backups succeed; replace it, then run"),
        ("watchHeartbeatUrl", "can say that backups keep their promises; replace it, then run"),
        ("chatUrl", "can write to the chat; replace it, then run"),
    ],
)
def test_whoever_reads_a_further_secret_is_named_with_the_harm(
    problems: Problems, key: str, harm: str
) -> None:
    alarms = {name: key == f"{name}Url" for name in ("heartbeat", "watchHeartbeat", "chat")}
    on = {"alarms": alarms}
    databases = ON_NEON if key == "neonApiKey" else VALID["databases"]
    (found,) = problems({**on, "databases": databases, key: PRIVATE})
    assert harm in found


@pytest.mark.parametrize("name", ["heartbeat", "watchHeartbeat", "chat"])
def test_an_alarm_without_its_address_is_refused(problems: Problems, name: str) -> None:
    (found,) = problems({"alarms": {name: True}})
    key = f"{PROJECT}:{name}Url"
    assert found == (
        f"{key}: missing, so alarms.{name} would tell nobody; run pulumi config set --secret {key}"
        f" --stack prod, or remove alarms.{name}"
    )


@pytest.mark.parametrize("name", ["heartbeat", "watchHeartbeat", "chat"])
def test_an_alarm_s_address_that_nothing_uses_is_refused(problems: Problems, name: str) -> None:
    key = f"{PROJECT}:{name}Url"
    (found,) = problems({f"{name}Url": "https://alarm.example/secret"}, (key,))
    assert found.startswith(f"{PROJECT}:alarms.{name}: not set, so {key} would be stored and never")
    assert "alarm.example" not in found


def test_a_database_on_neon_without_the_key_of_its_api_is_refused(problems: Problems) -> None:
    (found,) = problems({"databases": ON_NEON})
    key = f"{PROJECT}:neonApiKey"
    assert found == (
        f"{key}: missing, so databases[].neon could take no snapshot; run pulumi config set"
        f" --secret {key} --stack prod, or remove databases[].neon"
    )


def test_where_a_database_lives_in_neon_is_written_as_every_setting(parse: Parse) -> None:
    databases = [{**ON_NEON[0], "neon": {**ON_NEON[0]["neon"], "keep": {"daily": "7d"}}}]
    settings = parse({"databases": databases, "neonApiKey": "x"}, (f"{PROJECT}:neonApiKey",))
    (database,) = settings.databases
    assert database.neon is not None
    assert database.neon.branch == "main"
    assert database.neon.keep == {Tier.DAILY: timedelta(days=7)}


def test_an_alarm_with_its_address_is_accepted(parse: Parse) -> None:
    settings = parse(
        {"alarms": {"chat": True}, "chatUrl": "https://alarm.example/secret"},
        (f"{PROJECT}:chatUrl",),
    )
    assert settings.alarms.chat
    assert not settings.alarms.heartbeat


def test_a_public_key_where_the_private_one_belongs_is_refused(problems: Problems) -> None:
    (found,) = problems({"gpgPrivateKey": PUBLIC}, (f"{PROJECT}:gpgPrivateKey",))
    assert found.startswith(f"{PROJECT}:gpgPrivateKey: holds no ASCII-armoured GPG private key")


def test_what_providers_read_is_left_alone(parse: Parse) -> None:
    known = {"aws:accessKey": "x", "aws:skipMetadataApiCheck": "true", "gcp:zone": "y"}
    assert parse({**known, "gcp:iamBetaCustomEndpoint": "z", "github:baseUrl": "a"})
    assert parse({"pulumi:tags": {"owner": "platform"}})


@pytest.mark.parametrize(
    ("key", "fix"),
    [
        ("aws:regon", "did you mean aws:region?"),
        ("gcp:projct", "did you mean gcp:project?"),
        ("github:tokn", "did you mean github:token?"),
        ("neonhub-bakup:protect", f"did you mean {PROJECT}:protect?"),
        ("azure:location", "remove it"),
    ],
)
def test_a_key_that_nothing_reads_is_refused(problems: Problems, key: str, fix: str) -> None:
    (found,) = problems({key: "x"})
    assert found == f"{key}: nothing reads it, so it would change nothing; {fix}"


def test_the_running_stack_s_connection_strings_come_out_as_secrets(
    deploy: Callable[..., dict[str, Any]], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulumi, "get_root_directory", lambda: str(root))

    def program() -> Environment:
        set_all_config(values({}), [DATABASE_URL])
        secrets = read_settings().database_urls
        args = EnvironmentArgs(environment="x", repository="x", branches=["x"], secrets=secrets)
        return Environment("backup", args)

    asked = deploy(program)
    assert MARK in asked["backup-database-url"].options.object["value"].values()
