"""What whoever is on call finds on the page, and what is left out."""

import re

import pytest

from neonhub_backup.domain.configuration import Configuration, Contact, Database, Runbook
from neonhub_backup.runbook.cases import cases
from neonhub_backup.runbook.markdown import anchor
from neonhub_backup.runbook.page import Standing, runbook_page
from neonhub_backup.watch.status import assess
from tests.neonhub_backup.runbook.configurations import (
    ARCHIVED,
    BUCKET,
    DEPLOYMENT,
    DISK,
    OFFSITE,
    ON_NEON,
    configuration,
)
from tests.neonhub_backup.watch.history import DAY, NOW, full, holding, proven

PLAIN = configuration()
ALL = configuration(
    databases=(
        Database(name="app", archiving=ARCHIVED),
        Database(name="notes", url_variable="NOTES_URL", neon=ON_NEON),
    ),
    stores=(BUCKET, DISK, OFFSITE),
    deployment=DEPLOYMENT,
)


def commands(page: str) -> list[str]:
    blocks = re.findall(r"^```sh[ \w]*\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n  ", "").splitlines()]


@pytest.mark.parametrize(
    ("happened", "possible"),
    [
        (
            "Back to a moment by a branch of Neon",
            {"databases": (Database(name="app", neon=ON_NEON),)},
        ),
        (
            "Back to a moment by archived WAL",
            {"databases": (Database(name="app", archiving=ARCHIVED),)},
        ),
        ("The store disk is lost", {"stores": (DISK, OFFSITE)}),
        ("The region us-east-1 is lost", {"stores": (BUCKET,)}),
    ],
)
def test_a_way_back_is_shown_only_where_the_settings_make_it_possible(
    happened: str, possible: dict[str, object]
) -> None:
    assert f"## {happened}\n" not in runbook_page(PLAIN)
    assert f"## {happened}\n" in runbook_page(configuration(**possible))


@pytest.mark.parametrize("found", [PLAIN, ALL])
def test_every_line_of_the_table_leads_to_its_section(found: Configuration) -> None:
    page = runbook_page(found)
    headings = {anchor(each) for each in re.findall(r"^## (.+)$", page, re.MULTILINE)}

    links = set(re.findall(r"\(#([^)]+)\)", page))

    assert len(links) >= len(cases(found))
    assert links <= headings


def test_where_there_are_several_databases_every_command_says_which() -> None:
    of_one = ("restore ", "emergency", "rollback", "neon ", "pitr", "dr ", "wal ", "base ", "copy")

    for command in commands(runbook_page(ALL)):
        if ("--into" in command and "restore promote" in command) or "restore revert" in command:
            continue  # it is about a server's databases, and asks no store
        if command.startswith(tuple(f"neonhub-backup {each}" for each in of_one)):
            assert re.search(r" --database (app|notes)\b", command), command


def test_every_variable_that_a_command_reads_is_in_the_first_table() -> None:
    page = runbook_page(ALL)
    told = set(re.findall(r"`([A-Z_]+)`", page.partition("## Which restore when")[0]))

    read = {
        name
        for command in commands(page)
        for name in re.findall(r"\$\{?([A-Z_]+)|--into ([A-Z_]+)", command)
        for name in name
        if name
    }

    assert read - told == {"GITHUB_API_URL", "NEONHUB_BACKUP_CONFIG", "PWD", "PATH"}


def test_a_page_that_is_committed_says_where_it_is_from_and_depends_on_nothing_else() -> None:
    page = runbook_page(ALL)

    assert page.startswith("<!-- Generated from Pulumi.prod.yaml.")
    assert page == runbook_page(ALL)
    assert "Generated" not in runbook_page(PLAIN)


def test_times_are_promised_in_the_committed_page_and_measured_in_the_other() -> None:
    backups = full()
    drilled = holding(backups, [proven(backups[-1], DAY)])
    standing = Standing(status=assess(PLAIN, [drilled], NOW), review="### Changed since then")

    committed, measured = runbook_page(PLAIN), runbook_page(PLAIN, standing)

    whole = "| [The whole database is lost or damaged](#the-whole-database-is-lost-or-damaged)"
    assert f"{whole} | `emergency restore` | 30 min |" in committed
    assert "took last" not in committed
    (line,) = [each for each in measured.splitlines() if each.startswith(whole)]
    took = drilled.proofs[0].seconds.recovery
    assert took is not None
    assert line.endswith(f" | {took:.0f} s |")
    assert "| one table | 5 min | never | - | - | - |" in measured
    assert "| app | 23 min |" in measured
    assert measured.rstrip().endswith("### Changed since then")


def test_contacts_are_shown_as_they_are_written_whatever_they_hold() -> None:
    contact = Contact(name="Ann | Bob", about="*all*", reach="#ops <now>", response_minutes=240)

    page = runbook_page(configuration(runbook=Runbook(contacts=(contact,))))

    assert "| \\*all\\* | Ann \\| Bob | #ops \\<now\\> | 4 h |" in page


def test_who_agrees_to_a_restore_in_github_and_as_whom_it_runs_is_said() -> None:
    page = runbook_page(configuration(deployment=DEPLOYMENT))

    assert "One of `acme/platform` must agree" in page
    assert "the role `neonhub-backup/acme-restore` in AWS" in page
    assert "gh workflow run db-restore-production.yml --repo acme/app --ref trunk" in page
    assert "gh workflow run db-restore" not in runbook_page(
        configuration(deployment=DEPLOYMENT.model_copy(update={"dispatched": ()}))
    )


def test_how_far_back_each_tier_goes_is_said() -> None:
    page = runbook_page(PLAIN)

    assert "| hourly | 24h |" in page
    assert "| weekly | 12w |" in page
    assert "| annual | 7y |" in page
