"""The configuration file: what is read back, and what is refused."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from neonhub_backup.domain.configuration import (
    Check,
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    GcsStore,
    Objectives,
    Recovery,
    S3Store,
    load_configuration,
    render_configuration,
)
from neonhub_backup.domain.retention import LockMode, RetentionPolicy, Tier, TierRule
from neonhub_backup.domain.storage import S3_CLASSES, GcsStorageClass, S3StorageClass
from neonhub_backup.errors import ConfigurationError

PUBLIC_KEY = (
    "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
)
PRIVATE_KEY = PUBLIC_KEY.replace("PUBLIC", "PRIVATE")
SMALLEST = {
    "environment": "test",
    "databases": [{"name": "app"}],
    "stores": [{"kind": "directory", "name": "disk", "path": "/mnt/backup"}],
    "encryption": {"public_keys": [PUBLIC_KEY]},
}
Load = Callable[[dict[str, Any]], Configuration]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Read a configuration that differs from the smallest one by these sections."""

    def read(changes: dict[str, Any]) -> Configuration:
        path = tmp_path / "backup.yaml"
        path.write_text(yaml.safe_dump(SMALLEST | changes), encoding="utf-8")
        return load_configuration(path)

    return read


def test_the_smallest_file_gets_safe_defaults(load: Load) -> None:
    settings = load({})

    assert settings.databases[0].url_variable == "DATABASE_URL"
    assert settings.retention == RetentionPolicy()
    assert settings.retention.lock_mode is LockMode.GOVERNANCE


def test_the_kind_of_a_store_decides_its_fields(load: Load) -> None:
    settings = load(
        {
            "stores": [
                {"kind": "s3", "name": "offsite", "bucket": "b", "region": "eu-west-1"},
                {"kind": "gcs", "name": "elsewhere", "bucket": "b"},
                {"kind": "directory", "name": "disk", "path": "/mnt/backup"},
            ]
        }
    )

    assert settings.stores == (
        S3Store(name="offsite", bucket="b", region="eu-west-1"),
        GcsStore(name="elsewhere", bucket="b"),
        DirectoryStore(name="disk", path=Path("/mnt/backup")),
    )


def test_a_tier_without_a_class_has_its_usual_one(load: Load) -> None:
    (store,) = load(
        {
            "stores": [
                {
                    "kind": "s3",
                    "name": "offsite",
                    "bucket": "b",
                    "region": "eu-west-1",
                    "storage_classes": {"weekly": "STANDARD_IA"},
                }
            ]
        }
    ).stores

    assert isinstance(store, S3Store)
    assert store.storage_classes == {**S3_CLASSES, Tier.WEEKLY: S3StorageClass.STANDARD_IA}


def test_what_is_rendered_is_read_back(tmp_path: Path) -> None:
    settings = Configuration(
        environment="prod",
        databases=(
            Database(
                name="app",
                url_variable="APP_URL",
                checks=(
                    Check(
                        name="connectors", query="SELECT count(*)\nFROM connectors", expect=((15,),)
                    ),
                    Check(name="answers", query="SELECT 'ü'", expect=(("ü", None, 1.5, True),)),
                ),
                required=('CREATE TYPE "ConnectorKind"', 'TABLE sales."a: b # c"'),
                recovery=Recovery(
                    directory=Path("app"),
                    url_variables=("DIRECT_URL",),
                    migrate=("pnpm", "--filter", "apps/api", "prisma", "migrate", "deploy"),
                    smoke_test=("node", "scripts/db-smoke.mjs", "a: b # c"),
                    mark_rolled_back=("prisma", "--rolled-back={migration}"),
                    timeout_minutes=5,
                    stop=("Scale the API to 0",),
                    restart=("Scale it up",),
                ),
            ),
        ),
        stores=(
            S3Store(name="offsite", bucket="b", region="eu-west-1", kms_key_arn="arn:aws:kms:x"),
            GcsStore(
                name="elsewhere",
                bucket="b",
                object_retention=False,
                storage_classes=dict.fromkeys(Tier, GcsStorageClass.NEARLINE),
            ),
            DirectoryStore(name="disk", path=Path("/mnt/backup")),
        ),
        encryption=Encryption(public_keys=(PUBLIC_KEY, PUBLIC_KEY)),
        retention=RetentionPolicy(
            hourly=None, daily=TierRule.model_validate({"keep": "45d", "lock": "7d"})
        ),
        objectives=Objectives(
            rpo=timedelta(hours=1), rto_minutes=15, prove_every=timedelta(weeks=1)
        ),
    )
    path = tmp_path / "backup.yaml"
    path.write_text(render_configuration(settings, "Pulumi.prod.yaml"), encoding="utf-8")

    assert load_configuration(path) == settings


@given(name=st.text(st.characters(codec="utf-8")), query=st.text(st.characters(codec="utf-8")))
def test_any_text_is_read_back_as_it_was_rendered(name: str, query: str) -> None:
    settings = Configuration.model_validate(
        SMALLEST | {"databases": [{"name": name, "checks": [{"name": name, "query": query}]}]}
    )

    rendered = render_configuration(settings, "Pulumi.test.yaml")

    assert Configuration.model_validate(yaml.safe_load(rendered)) == settings


def test_required_objects_are_kept_in_one_spelling(load: Load) -> None:
    written = ['CREATE TYPE "ConnectorKind"', "TABLE connectors", "EXTENSION vector"]

    (database,) = load({"databases": [{"name": "app", "required": written}]}).databases

    assert database.required == (
        "TYPE public.ConnectorKind",
        "TABLE public.connectors",
        "EXTENSION vector",
    )


@pytest.mark.parametrize(
    ("recovery", "message"),
    [
        ({"mark_rolled_back": ["prisma", "resolve"]}, "does not hold {migration}"),
        ({"migrate": "pnpm prisma migrate deploy"}, "migrate: Input should be a valid tuple"),
        ({"migrate": []}, "migrate: Tuple should have at least 1 item"),
        ({"smoke_test": [""]}, "smoke_test.0: String should have at least 1 character"),
        ({"url_variables": ["direct url"]}, "url_variables.0: String should match"),
        ({"timeout_minutes": 0}, "timeout_minutes: Input should be greater"),
        ({"migrations": ["prisma"]}, "migrations: Extra inputs are not permitted"),
    ],
)
def test_a_recovery_that_could_not_be_carried_out_is_refused(
    recovery: dict[str, Any], message: str, load: Load
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        load({"databases": [{"name": "app", "recovery": recovery}]})

    assert "databases.0.recovery" in str(refused.value)
    assert message in str(refused.value)


def test_a_rendered_file_says_where_to_edit_and_shows_keys_as_blocks() -> None:
    rendered = render_configuration(Configuration.model_validate(SMALLEST), "Pulumi.prod.yaml")

    assert rendered.startswith("# Generated from Pulumi.prod.yaml.")
    assert "  - |\n    -----BEGIN PGP PUBLIC KEY BLOCK-----\n" in rendered


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"retentoin": {}}, "retentoin: Extra inputs are not permitted"),
        ({"retention": {"dayly": None}}, "retention.dayly: Extra inputs"),
        ({"databases": [{"name": "app", "url": "x"}]}, "databases.0.url: Extra inputs"),
        (
            {"stores": [{"kind": "directory", "name": "d", "path": "/", "bucket": "b"}]},
            "stores.0.directory.bucket: Extra inputs",
        ),
        ({"stores": [{"kind": "tape", "name": "d"}]}, "stores.0: Input tag 'tape'"),
        (
            {
                "stores": [
                    {
                        "kind": "gcs",
                        "name": "e",
                        "bucket": "b",
                        "storage_classes": {"annual": "DEEP_ARCHIVE"},
                    }
                ]
            },
            "stores.0.gcs.storage_classes.annual: Input should be 'STANDARD', 'NEARLINE'",
        ),
        ({"stores": []}, "stores: Tuple should have at least 1 item"),
        ({"databases": []}, "databases: Tuple should have at least 1 item"),
        ({"databases": [{"name": "a", "url_variable": "a-b"}]}, "databases.0.url_variable: "),
        (
            {"databases": [{"name": "a", "required": ["table users"]}]},
            "databases.0.required.0: 'table users' names no object that a backup can hold",
        ),
        ({"objectives": {"prove_every": "never"}}, "objectives.prove_every: 'never' is not a"),
        (
            {
                "watch": {
                    "acknowledged": [
                        {"database": "shop", "until": "2026-12-24", "reason": "it moves"}
                    ]
                }
            },
            "watch: acknowledged.0.database shop is not one of the databases, so the note would",
        ),
        ({"encryption": {"public_keys": []}}, "encryption.public_keys: Tuple should have"),
        ({"encryption": {"public_keys": ["mDMEZ"]}}, "is not an ASCII-armoured GPG public key"),
        ({"retention": {"daily": {"keep": "1m"}}}, "retention.daily.keep: '1m' is not a duration"),
        ({"retention": {"daily": {"keep": "9999999999y"}}}, "is longer than 100y"),
        ({"version": 2}, "version: Input should be 1"),
    ],
)
def test_a_mistake_is_refused_with_its_place(
    load: Load, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(changes)

    assert problem in str(caught.value)


def test_a_private_key_is_refused_as_exposed(load: Load) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"encryption": {"public_keys": [PUBLIC_KEY, PRIVATE_KEY]}})

    assert "public_keys.1 holds a private key" in str(caught.value)
    assert "treat the private key as exposed" in str(caught.value)


@pytest.mark.parametrize(
    ("section", "entry"), [("stores", SMALLEST["stores"]), ("databases", SMALLEST["databases"])]
)
def test_two_of_one_name_are_refused(load: Load, section: str, entry: list[Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"{section} has two entries named"):
        load({section: entry * 2})


def test_all_problems_are_told_at_once(load: Load) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load({"environment": 1, "databases": [{}], "odd": 1, "retention": {"hour_utc": 24}})

    told = str(caught.value)
    assert "backup.yaml has errors, so nothing was done" in told
    for place in ("environment: ", "databases.0.name: ", "odd: ", "retention.hour_utc: "):
        assert f"\n  {place}" in told


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.yaml cannot be read .* with --config"):
        load_configuration(tmp_path / "none.yaml")


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\x00\x80", b"a: \x00"])
def test_a_file_that_is_not_yaml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "backup.yaml"
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=r"backup\.yaml is not YAML, so nothing was done"):
        load_configuration(path)


@pytest.mark.parametrize("content", ["", "[]", "text", "1"])
def test_yaml_that_is_no_configuration_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "backup.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(ConfigurationError, match="has errors, so nothing was done"):
        load_configuration(path)


def test_the_connection_string_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APP_URL", "postgresql://u:p@h/d")

    assert Database(name="app", url_variable="APP_URL").url() == "postgresql://u:p@h/d"


@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("APP_URL", raising=False)
    if value is not None:
        monkeypatch.setenv("APP_URL", value)

    with pytest.raises(ConfigurationError, match="environment variable APP_URL is not set"):
        Database(name="app", url_variable="APP_URL").url()


BUCKET = {"kind": "s3", "name": "aws", "bucket": "vault", "region": "eu-west-1"}


@pytest.mark.parametrize(
    ("archiving", "message"),
    [
        ({"store": "tape"}, "databases.0.archiving.store tape is not a store"),
        ({"store": "aws"}, "databases.0.archiving.store aws has no operations_bucket"),
        ({"store": "disk", "archive": "a/b"}, "databases.0.archiving.archive: String should"),
    ],
)
def test_an_archive_without_a_place_of_its_own_is_refused(
    load: Load, archiving: dict[str, str], message: str
) -> None:
    stores = [*SMALLEST["stores"], BUCKET]

    with pytest.raises(ConfigurationError, match=message):
        load({"databases": [{"name": "app", "archiving": archiving}], "stores": stores})


def test_operations_in_the_bucket_of_the_backups_are_refused(load: Load) -> None:
    bucket = {**BUCKET, "operations_bucket": "vault"}

    with pytest.raises(
        ConfigurationError, match="operations_bucket is vault, the bucket of the backups"
    ):
        load({"stores": [bucket]})
