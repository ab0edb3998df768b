"""The whole runbook: the same text from the stack's settings and from the tool's configuration."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from neonhub_backup.domain.configuration import (
    Configuration,
    Contact,
    Database,
    DirectoryStore,
    GcsStore,
    S3Store,
    Store,
)
from neonhub_backup.domain.duration import format_duration
from neonhub_backup.domain.recoveries import Scenario
from neonhub_backup.domain.schedule import INTERVALS
from neonhub_backup.dr.checklist import CHECKLIST
from neonhub_backup.runbook.cases import (
    BACKUP,
    Case,
    cases,
    chosen,
    start_workflow,
    target,
    workflow,
)
from neonhub_backup.runbook.dates import next_review
from neonhub_backup.runbook.markdown import (
    ELSEWHERE,
    SETUP,
    anchor,
    block,
    plain,
    table,
    time_text,
)
from neonhub_backup.watch.objectives import Measured
from neonhub_backup.watch.status import Status

NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How things are at a time: what a page that is committed cannot know."""

    status: Status
    review: str
    """What has changed since the last review, in Markdown."""


def runbook_page(configuration: Configuration, standing: Standing | None = None) -> str:
    """All of it. Without what was measured it depends on the configuration alone."""
    parts = [
        *_head(configuration, standing),
        *_preparation(configuration),
        *_decision(configuration, standing),
        *(part for case in cases(configuration) for part in _section(case)),
        *_github(configuration),
        *_checklist(configuration),
        *_objectives(configuration, standing),
        *_tiers(configuration),
        *_places(configuration),
        *_contacts(configuration.runbook.contacts),
        *_review(configuration, standing),
    ]
    return "\n\n".join(parts) + "\n"


def _head(configuration: Configuration, standing: Standing | None) -> Iterator[str]:
    deployment, environment = configuration.deployment, configuration.environment
    if deployment is not None:
        yield (
            f"<!-- Generated from {deployment.source}. Edits here are put back by the next"
            " `pulumi up`. -->"
        )
    yield f"# Runbook of {environment}"
    yield (
        f"What to do when {', '.join(each.name for each in configuration.databases)} of"
        f" {environment} is lost or damaged. Every name is that of this environment; nothing below"
        " drops or overwrites what was there."
    )
    if deployment is not None:
        pages = f"https://github.com/{deployment.tool_repository}/blob/{deployment.tool_commit}"
        yield (
            f"More about [emergencies]({pages}/docs/emergency.md),"
            f" [restores]({pages}/docs/restore.md), [every command]({pages}/docs/commands.md), and"
            f" [restoring without this tool]({pages}/docs/archive-format.md)."
        )
    if standing is None:
        yield (
            "The times are what is promised. `neonhub-backup runbook --measured` prints this page"
            " with what was measured last."
        )
    else:
        yield f"Measured at {standing.status.taken:%Y-%m-%d %H:%M} UTC."


def _preparation(configuration: Configuration) -> Iterator[str]:
    deployment = configuration.deployment
    yield "## Before anything"
    yield "On a machine that reaches the database and the stores, with these in its environment:"
    yield table(["variable", "holds"], _variables(configuration))
    if deployment is not None:
        yield (
            f"The tool, at the commit that the workflows run, and this repository with"
            f" `{deployment.configuration}`:"
        )
        name = deployment.tool_repository.rpartition("/")[2]
        yield block(
            "# Needs GitHub and PyPI.",
            f"git clone https://github.com/{deployment.repository} work && cd work",
            f"git clone https://github.com/{deployment.tool_repository} ../{name}-tool",
            f"git -C ../{name}-tool checkout --detach {deployment.tool_commit}",
            "python3 -m venv ../venv",
            "../venv/bin/pip install --require-hashes \\",
            f"  --requirement ../{name}-tool/requirements/tool.txt",
            f"../venv/bin/pip install --no-deps ../{name}-tool",
            'export PATH="$PWD/../venv/bin:$PATH"',
            kind=ELSEWHERE,
        )
    yield "In the shell in which you go on, first:"
    yield block(
        *(
            [f"export NEONHUB_BACKUP_CONFIG={deployment.configuration}"]
            if deployment is not None
            else []
        ),
        'export BACKUP="${BACKUP:-latest}"',
        kind=SETUP,
    )
    yield "See that everything is there, which backups there are, and how they stand:"
    major = [] if deployment is None else [str(deployment.postgres_major_version)]
    yield block(
        "neonhub-backup --version",
        *(f"neonhub-backup postgres ensure --major {each}" for each in major),
        "neonhub-backup list",
        "neonhub-backup status --fail-on breach",
    )


def _variables(configuration: Configuration) -> Iterator[tuple[str, str]]:
    databases = configuration.databases
    for name in dict.fromkeys(database.url_variable for database in databases):
        of = ", ".join(each.name for each in databases if each.url_variable == name)
        host = (
            "; the direct host, without `-pooler`" if any(each.neon for each in databases) else ""
        )
        yield (
            f"`{name}`",
            f"the connection string of {of}, of an owner who may create databases{host}",
        )
    yield (
        "`NEONHUB_BACKUP_PRIVATE_KEY_FILE`",
        "the file with the GPG private key; else your own keyring is used",
    )
    if any(database.neon for database in databases):
        yield "`NEON_API_KEY`", "a key of Neon's API"
    stores = configuration.stores
    if any(isinstance(store, S3Store) for store in stores):
        yield (
            "`AWS_PROFILE`, or others of AWS",
            "who may read the buckets, and decrypt with their keys",
        )
    if any(isinstance(store, GcsStore) for store in stores):
        yield "`GOOGLE_APPLICATION_CREDENTIALS`", "the same of Google Cloud"
    if workflow(configuration, "restore") or workflow(configuration, "backup"):
        yield "`GITHUB_TOKEN`", "`gh auth token` prints it, after `gh auth login`"
    yield "", "**and what you choose:**"
    yield "`BACKUP`", "a backup's name as `list` shows it; `latest` unless set"
    yield "`MOMENT`", "the last good second, in UTC, such as `2026-01-05T02:00:00Z`"
    yield "`TABLES`", "tables such as `connectors,billing.invoices`"
    yield (
        "`MIGRATION`, `UNDO_SQL`",
        "a migration's name, and the file with the SQL that undoes it",
    )
    if any(database.neon for database in databases):
        yield "`BRANCH`", "what to call the branch of Neon, such as `before-the-incident`"
    if any(database.archiving for database in databases):
        yield "`DATADIR`", "a new data directory, such as `/var/lib/postgresql/recovered`"
    yield "`NEW_URL`", "the connection string of the database on a new server"
    yield "`STAGING_URL`", "that of a database of staging, whose tables are kept aside"
    yield "`REASON`", "what has happened, for whoever reads it later"


def _decision(configuration: Configuration, standing: Standing | None) -> Iterator[str]:
    yield "## Which restore when"
    heads = ["what has happened", "what to do", "within", "what is lost"]
    rows = [
        [
            f"[{case.happened}](#{anchor(case.happened)})",
            case.way,
            "-" if case.scenario is None else time_text(target(configuration, case.scenario)),
            case.lost,
        ]
        for case in cases(configuration)
    ]
    if standing is not None:
        heads.append("took last")
        for row, case in zip(rows, cases(configuration), strict=True):
            row.append("-" if case.scenario is None else _last(standing.status, case.scenario))
    yield table(heads, rows)
    yield (
        "In doubt take the smallest. Each way leaves what it replaces, so that a wrong choice costs"
        " time and no data."
    )


def _last(status: Status, scenario: Scenario) -> str:
    measured = status.recoveries.get(scenario)
    return NEVER if measured is None or measured.last is None else _seconds(measured.last)


def _section(case: Case) -> Iterator[str]:
    yield f"## {case.happened}"
    yield from case.body


def _github(configuration: Configuration) -> Iterator[str]:
    deployment, file = configuration.deployment, workflow(configuration, "restore")
    if deployment is None or file is None:
        return
    environment = configuration.environment
    agree = (
        f"One of {', '.join(f'`{each}`' for each in deployment.reviewers)} must agree to each run,"
        " and nobody to their own."
        if deployment.reviewers
        else "Nobody has to agree to a run."
    )
    identities = [
        *([f"the role `{deployment.restore_role}` in AWS"] if deployment.restore_role else []),
        *([f"`{deployment.restore_account}`"] if deployment.restore_account else []),
    ]
    yield "## By GitHub, without the key on your machine"
    yield (
        f"The runs are in the environment `{environment}-restore`"
        + (f", as {' and '.join(identities)}" if identities else "")
        + f", and have the private key there. {agree}"
    )
    yield "Beside the live database; then, by runs of their own, the change of names and back:"
    for database in configuration.databases:
        common = (
            f"confirm={environment}",
            f"target={database.url_variable}",
            f"database={database.name}",
            'reason="$REASON"',
        )
        yield block(
            start_workflow(configuration, file, "step=restore", f"name={BACKUP}", *common),
        )
        yield block(start_workflow(configuration, file, "step=promote", *common))
        yield block(start_workflow(configuration, file, "step=revert", *common))
    yield from _promote(configuration)


def _promote(configuration: Configuration) -> Iterator[str]:
    file = workflow(configuration, "promote")
    if file is None:
        return
    yield "A branch of Neon as it was at a moment, and the branch in production's place:"
    for database in configuration.databases:
        if database.neon is None:
            continue
        common = (f"database={database.name}", 'name="$BRANCH"', 'reason="$REASON"')
        yield block(start_workflow(configuration, file, "step=branch", 'at="$MOMENT"', *common))
        confirm = f"confirm={configuration.environment}"
        yield block(start_workflow(configuration, file, "step=promote", confirm, *common))


def _checklist(configuration: Configuration) -> Iterator[str]:
    yield "## In a disaster"
    yield (
        "For what is more than one restore: a journal walks through these steps, does what can be"
        " done, asks for the rest, and writes everything down with its time. It goes on where it"
        " stopped, whoever gives the next command on that machine."
    )
    yield table(
        ["step", "name", "what is to be done", "what the command does by itself"],
        [
            [str(number), f"`{item.name}`", item.title, item.runs]
            for number, item in enumerate(CHECKLIST, 1)
        ],
    )
    for database in configuration.databases:
        option = chosen(configuration, database)
        yield block(
            f'neonhub-backup dr start --what "$REASON"{option}',
            f"neonhub-backup dr status{option}",
            f"neonhub-backup dr next{option}",
        )
        yield "Give `dr next` again for each step, or have it go through all that are left:"
        yield block(
            f"neonhub-backup dr next --all --into STAGING_URL{option}",
            f"neonhub-backup dr finish{option}",
        )
    yield "`dr finish` writes the draft of the post-mortem, with the times beside the objectives."


def _objectives(configuration: Configuration, standing: Standing | None) -> Iterator[str]:
    yield "## Recovery time objectives"
    scenarios = [
        scenario
        for scenario in Scenario
        if any(case.scenario is scenario for case in cases(configuration))
    ]
    rows = [[scenario.words, time_text(target(configuration, scenario))] for scenario in scenarios]
    heads = ["scenario", "at most"]
    if standing is not None:
        heads += ["measured", "last", "median", "worst"]
        rows = [
            [*row, *_times(standing.status.recoveries.get(scenario))]
            for row, scenario in zip(rows, scenarios, strict=True)
        ]
    yield table(heads, rows)
    yield "## Recovery point objective"
    rpo = configuration.objectives.rpo
    promised = "nothing is promised" if rpo is None else time_text(rpo)
    yield table(
        ["environment", "at most", "how often backed up"],
        [[configuration.environment, promised, "; ".join(_frequencies(configuration))]],
    )
    if standing is not None:
        yield table(
            ["database", "age of the newest backup"],
            [
                [each.name, "unknown" if each.age is None else time_text(each.age)]
                for each in standing.status.databases
            ],
        )
        worst = standing.status.exposures.worst
        if worst is not None:
            yield f"The most that would have been lost so far: {_seconds(worst)}."


def _tiers(configuration: Configuration) -> Iterator[str]:
    yield "## How far back"
    yield table(
        ["backups", "are kept for"],
        [
            [tier.value, format_duration(rule.keep)]
            for tier, rule in configuration.retention.rules().items()
        ],
    )


def _times(measured: Measured | None) -> list[str]:
    if measured is None or not measured.seconds:
        return [NEVER, "-", "-", "-"]
    number = len(measured.seconds)
    times = (measured.last, measured.median, measured.worst)
    return [
        "once" if number == 1 else f"{number} times",
        *(_seconds(each) for each in times if each is not None),
    ]


def _seconds(seconds: float) -> str:
    return time_text(timedelta(seconds=seconds))


def _frequencies(configuration: Configuration) -> Iterator[str]:
    lowest = next(iter(configuration.retention.rules()))
    yield f"a backup every {time_text(INTERVALS[lowest])}"
    if any(database.archiving for database in configuration.databases):
        yield "WAL all the time"
    if any(database.neon for database in configuration.databases):
        yield "Neon's own history, of any second"


def _places(configuration: Configuration) -> Iterator[str]:
    yield "## Where everything is"
    rows = [
        *(row for store in configuration.stores for row in _store(store)),
        *(row for database in configuration.databases for row in _database(database)),
        *_deployed(configuration),
    ]
    yield table(["what", "where"], rows)


def _store(store: Store) -> Iterator[list[str]]:
    match store:
        case S3Store():
            where = f"`s3://{store.bucket}` in {store.region}"
            if store.replica is not None:
                where += f", copied to `s3://{store.replica.bucket}` in {store.replica.region}"
        case GcsStore():
            where = f"`gs://{store.bucket}`"
        case DirectoryStore():
            where = f"`{store.path}`"
    yield [f"store {store.name}", where]
    operations = None if isinstance(store, DirectoryStore) else store.operations_bucket
    if operations is not None:
        yield [f"status, index and WAL beside {store.name}", f"`{operations}`"]


def _database(database: Database) -> Iterator[list[str]]:
    yield [f"database {database.name}", f"`{database.url_variable}`"]
    neon, archiving = database.neon, database.archiving
    if neon is not None:
        where = f"project `{neon.project}`, branch `{neon.branch}`, database `{neon.database}`"
        yield [f"{database.name} in Neon", f"{where}, role `{neon.role}`"]
    if archiving is not None:
        place = f"`wal/{archiving.archive or database.name}/` of store {archiving.store}"
        yield [f"WAL of {database.name}", place]


def _deployed(configuration: Configuration) -> Iterator[list[str]]:
    deployment = configuration.deployment
    if deployment is None:
        return
    yield ["settings", f"`{deployment.source}`"]
    yield ["workflows", f"`{deployment.repository}`, branch `{deployment.branch}`"]
    files = {each.file: each.every_minutes for each in configuration.workflows}
    for file in dict.fromkeys((*files, *deployment.dispatched)):
        every = files.get(file)
        when = f"every {time_text(timedelta(minutes=every))}" if every else "by hand"
        yield [f"`{file}`", when]
    if deployment.restore_role is not None:
        yield ["who reads backups in AWS", f"role `{deployment.restore_role}`"]
    if deployment.restore_account is not None:
        yield ["who reads backups in Google Cloud", f"`{deployment.restore_account}`"]


def _contacts(contacts: tuple[Contact, ...]) -> Iterator[str]:
    yield "## Support contacts"
    if not contacts:
        yield "Nobody is named yet: `runbook.contacts` of the settings is the place."
        return
    yield table(
        ["what is wrong", "whom to call", "how", "they answer within"],
        [
            [
                plain(each.about),
                plain(each.name),
                plain(each.reach),
                time_text(timedelta(minutes=each.response_minutes)),
            ]
            for each in contacts
        ],
    )


def _review(configuration: Configuration, standing: Standing | None) -> Iterator[str]:
    runbook = configuration.runbook
    yield "## Review"
    yield (
        f"Every {runbook.review_months} months. {_review_dates(runbook.reviewed)}"
        f" {_next(configuration)}"
    )
    yield (
        "Read this page, try the commands that nobody has tried since, and see what has changed:"
    )
    yield block("neonhub-backup runbook review", "neonhub-backup runbook --measured")
    yield "Then write the day into `runbook.reviewed` of the settings."
    if standing is not None:
        yield standing.review


def _review_dates(reviewed: date | None) -> str:
    return "No review was held yet." if reviewed is None else f"The last one was on {reviewed}."


def _next(configuration: Configuration) -> str:
    due = next_review(configuration.runbook)
    return "The first one is due." if due is None else f"The next one is due on {due}."
