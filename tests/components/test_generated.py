"""What a stack commits agrees with what it builds."""

from pathlib import Path
from typing import Any

import pytest

from components.generated import generated_files, tool_configuration, workflow_args
from components.sections import AlarmSettings, DatabaseSettings
from neonhub_backup.domain.configuration import Archiving, load_configuration
from neonhub_backup.runbook.page import runbook_page
from tests.golden.stacks import STACKS, settings_of
from workflows.environments import environment_name


@pytest.mark.parametrize("stack", STACKS)
def test_the_tool_reads_the_configuration_that_is_committed(stack: str, tmp_path: Path) -> None:
    settings = settings_of(stack, tmp_path)
    committed, *_ = generated_files(settings, "a file").values()
    (tmp_path / "configuration.yaml").write_text(committed)

    configuration = load_configuration(tmp_path / "configuration.yaml")
    assert settings.aws is not None
    assert settings.gcp is not None
    assert [(each.kind, each.model_dump()["bucket"]) for each in configuration.stores] == [
        ("s3", settings.aws.primary_bucket),
        ("gcs", settings.gcp.bucket),
    ]
    assert configuration.retention.model_dump() == settings.retention.model_dump()
    assert configuration.encryption.public_keys == settings.encryption.public_keys
    assert configuration.objectives.rpo == settings.objectives.rpo
    assert configuration.objectives.rto_minutes == settings.objectives.rto_minutes
    assert configuration.objectives.prove_every == settings.objectives.prove_every
    assert [each.required for each in configuration.databases] == [
        ("TYPE public.ConnectorKind", "TABLE public.connectors")
    ]
    assert [each.recovery.model_dump() for each in configuration.databases] == [
        each.recovery.model_dump() for each in settings.databases
    ]


@pytest.mark.parametrize("stack", STACKS)
def test_every_workflow_follows_the_configuration_that_it_reads(stack: str, tmp_path: Path) -> None:
    settings = settings_of(stack, tmp_path)
    configuration, *workflows, _runbook = generated_files(settings, "a file")

    on_neon = ("snapshot", "promote") if stack == "prod" else ()
    assert workflows == [
        f".github/workflows/db-{name}-{settings.environment}.yml"
        for name in ("backup", "watch", "drill", "restore", *on_neon)
    ]
    for path in workflows:
        assert configuration in generated_files(settings, "a file")[path]


@pytest.mark.parametrize("stack", STACKS)
def test_runs_are_in_the_environments_that_are_built(stack: str, tmp_path: Path) -> None:
    settings = settings_of(stack, tmp_path)
    for name in ("backup", "drill", "restore"):
        workflow = generated_files(settings, "a file")[
            f".github/workflows/db-{name}-{settings.environment}.yml"
        ]
        assert f"    environment: {environment_name(settings.environment, name)}\n" in workflow


def test_without_a_private_key_in_github_nothing_is_drilled_or_restored_there(
    tmp_path: Path,
) -> None:
    settings = settings_of("staging", tmp_path)
    here = settings.model_copy(
        update={"github": settings.github.model_copy(update={"drills": False})}
    )
    _, *workflows, _runbook = generated_files(here, "a file")
    assert workflows == [f".github/workflows/db-{name}-staging.yml" for name in ("backup", "watch")]


@pytest.mark.parametrize("alarms", [{}, {"emails": ["platform@example.com"]}])
def test_what_a_watch_measures_is_published_where_somebody_hears_alarms(
    alarms: dict[str, Any], tmp_path: Path
) -> None:
    settings = settings_of("staging", tmp_path)
    told = settings.model_copy(update={"alarms": AlarmSettings.model_validate(alarms)})
    assert workflow_args(told, "a file").alarms_region == ("us-east-1" if alarms else None)
    alone = told.model_copy(update={"aws": None})
    assert workflow_args(alone, "a file").alarms_region is None


@pytest.mark.parametrize("stack", STACKS)
def test_the_runbook_that_is_committed_is_the_one_that_the_tool_prints(
    stack: str, tmp_path: Path
) -> None:
    settings = settings_of(stack, tmp_path)
    files = generated_files(settings, "a file")
    (tmp_path / "configuration.yaml").write_text(
        files[f".neonhub-backup/{settings.environment}.yaml"]
    )

    printed = runbook_page(load_configuration(tmp_path / "configuration.yaml"))

    assert files[f"docs/RUNBOOK.{settings.environment}.md"] == printed


def test_the_runbook_names_what_the_stack_builds(tmp_path: Path) -> None:
    settings = settings_of("prod", tmp_path)
    page = generated_files(settings, "a file")["docs/RUNBOOK.production.md"]

    for name in (
        "s3://neonhub-production-backups",
        "s3://neonhub-production-backups-replica",
        "neonhub-backup/neonhub-production-restore",
        "production-restore@neonhub-backups-production.iam.gserviceaccount.com",
        "--repo neonhub/neonhub --ref main",
        "db-restore-production.yml",
        "`neonhub/platform`",
        "support@neon.tech",
    ):
        assert name in page


@pytest.mark.parametrize("stack", STACKS)
def test_no_connection_string_is_committed(stack: str, tmp_path: Path) -> None:
    assert "postgresql://" not in "".join(
        generated_files(settings_of(stack, tmp_path), "a file").values()
    )


def test_only_the_local_stack_says_where_s3_is(tmp_path: Path) -> None:
    addresses = {stack: settings_of(stack, tmp_path).s3_endpoint for stack in STACKS}
    assert addresses == {"local": "http://127.0.0.1:14566", "staging": None, "prod": None}


def test_the_wal_of_a_server_goes_beside_the_locked_backups(tmp_path: Path) -> None:
    settings = settings_of("prod", tmp_path)
    server = {"store": "aws", "server": "arn:aws:iam::123456789012:role/database", "jobs": 4}
    database = DatabaseSettings.model_validate({"name": "app", "archiving": server})
    archived = settings.model_copy(update={"databases": (database,)})

    archiving = tool_configuration(archived, {}, "a file").databases[0].archiving

    assert archiving == Archiving(store="aws", archive="app", jobs=4)
