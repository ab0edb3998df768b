"""What can happen to an environment, and the way back that its settings make possible."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from neonhub_backup.domain.configuration import Configuration, Database, S3Store
from neonhub_backup.domain.recoveries import Scenario
from neonhub_backup.runbook.markdown import block, time_text
from neonhub_backup.watch.objectives import targets

BACKUP, MOMENT, TABLES = '"$BACKUP"', '"$MOMENT"', '"$TABLES"'


@dataclass(frozen=True, kw_only=True)
class Case:
    """One line of the decision table, and its section."""

    happened: str
    """What has happened, which is the section's heading."""
    way: str
    """What to do about it, in a few words of Markdown."""
    lost: str
    """What is gone for good afterwards."""
    scenario: Scenario | None
    """Whose times the way back is held to. None: nothing is promised."""
    body: tuple[str, ...]
    """The paragraphs and blocks of its section."""


def cases(configuration: Configuration) -> list[Case]:
    """Those of an environment, the smallest damage first."""
    return [
        *_tables(configuration),
        *_migration(configuration),
        *_branch(configuration),
        *_earlier(configuration),
        *_pitr(configuration),
        *_whole(configuration),
        *_damaged(configuration),
        *_other_store(configuration),
        *_replica(configuration),
        *_server(configuration),
        *_key(configuration),
        *_schedule(configuration),
    ]


def target(configuration: Configuration, scenario: Scenario) -> timedelta:
    """How long the way back may take."""
    return timedelta(seconds=targets(configuration.objectives)[scenario])


def chosen(configuration: Configuration, database: Database) -> str:
    """The option that names a database, where there are several."""
    return f" --database {database.name}" if len(configuration.databases) > 1 else ""


def workflow(configuration: Configuration, purpose: str) -> str | None:
    """The file of a workflow that people can start. None: there is none."""
    file = f"db-{purpose}-{configuration.environment}.yml"
    deployment = configuration.deployment
    return file if deployment is not None and file in deployment.dispatched else None


def start_workflow(configuration: Configuration, file: str, *fields: str) -> str:
    """The command that starts a workflow with these inputs; each field is `name=value`."""
    deployment = configuration.deployment
    if deployment is None:
        raise ValueError(f"no stack was deployed, so there is no repository for {file}")
    first = f"gh workflow run {file} --repo {deployment.repository} --ref {deployment.branch}"
    given = [f"-f {field}" for field in fields]
    pairs = (" ".join(given[number : number + 3]) for number in range(0, len(given), 3))
    return " \\\n  ".join((first, *pairs))


def _since_backup(configuration: Configuration) -> str:
    rpo = configuration.objectives.rpo
    return "what changed since the backup" + (
        "" if rpo is None else f": at most {time_text(rpo)}, if it is the newest"
    )


def _each(configuration: Configuration, *lines: str) -> tuple[str, ...]:
    """A block for each database, in which {into} and {database} stand for its names."""
    return tuple(
        block(*(_named(configuration, database, line) for line in lines))
        for database in configuration.databases
    )


def _named(configuration: Configuration, database: Database, line: str) -> str:
    return line.replace("{into}", database.url_variable).replace(
        "{database}", chosen(configuration, database)
    )


def _tables(configuration: Configuration) -> Iterator[Case]:
    restore = f"neonhub-backup restore {BACKUP} --tables {TABLES} --into {{into}}{{database}}"
    yield Case(
        happened="Rows or tables are lost",
        way="`restore --tables`, beside the live ones or in their place",
        lost=f"{_since_backup(configuration)}; in these tables alone",
        scenario=Scenario.TABLE,
        body=(
            (
                "Choose a backup from before the damage. The tables come into a schema of their"
                " own, `restored_<time>`, beside the live ones; compare them, and copy what is"
                " missing by SQL."
            ),
            *_each(configuration, f"{restore} --dry-run", restore),
            (
                "If all their rows are to be as they were, put them in the place of the live ones:"
                " one transaction, in which every foreign key is checked."
            ),
            *_each(configuration, f"{restore} --in-place --dry-run", f"{restore} --in-place"),
        ),
    )


def _migration(configuration: Configuration) -> Iterator[Case]:
    roll = 'neonhub-backup rollback migration "$MIGRATION" --sql "$UNDO_SQL"{database}'
    marked = [one for one in configuration.databases if one.recovery.mark_rolled_back is not None]
    yield Case(
        happened="A migration has done harm",
        way="`rollback migration`, by your own SQL",
        lost="what the SQL drops; every touched table is kept aside as it was",
        scenario=None,
        body=(
            "The first line runs the SQL in a transaction that is undone, and shows what it touches"
            " and how it changes the schema."
            + (" The migration is marked as rolled back, too." if marked else ""),
            *_each(configuration, f"{roll} --dry-run", roll),
            (
                "Then take the migration out of the application, or its next deployment applies it"
                " again. If rows are wrong as well, see"
                " [rows or tables are lost](#rows-or-tables-are-lost)."
            ),
        ),
    )


def _branch(configuration: Configuration) -> Iterator[Case]:
    hosted = [database for database in configuration.databases if database.neon is not None]
    if not hosted:
        return
    paragraphs: list[str] = []
    for database in hosted:
        option = chosen(configuration, database)
        back = f'neonhub-backup neon restore --at {MOMENT} --branch "$BRANCH"{option}'
        promote = f'neonhub-backup neon promote "$BRANCH"{option}'
        paragraphs += [
            (
                f"A branch of `{database.neon.branch if database.neon else ''}` of the project"
                f" `{database.neon.project if database.neon else ''}` as it was; production stays"
                " as it is."
            ),
            block("neonhub-backup neon snapshot list" + option, f"{back} --dry-run", back),
            (
                "Look at the branch. Then production is made like it, and keeps its name and"
                " address; what it held is kept as a branch of its own."
            ),
            block(f"{promote} --dry-run", promote),
            "Back again, if it was not what it should be:",
            block(f"{promote} --undo"),
        ]
    yield Case(
        happened="Back to a moment by a branch of Neon",
        way="`neon restore --at`, then `neon promote`",
        lost="what changed after the moment",
        scenario=Scenario.BRANCH,
        body=tuple(paragraphs),
    )


def _earlier(configuration: Configuration) -> Iterator[Case]:
    paragraphs: list[str] = []
    for database in configuration.databases:
        # A branch or archived WAL loses less, and is a case of its own.
        better = database.neon is not None or database.archiving is not None
        restore = (
            f"neonhub-backup restore --at {MOMENT} --into {database.url_variable} --beside"
            f"{' --way backup' * better}{chosen(configuration, database)}"
        )
        paragraphs.append(block(f"{restore} --dry-run", restore))
    into = dict.fromkeys(database.url_variable for database in configuration.databases)
    yield Case(
        happened="Back to the last backup before a moment",
        way="`restore --at --beside`, then `restore promote`",
        lost="what changed after that backup",
        scenario=Scenario.STORE,
        body=(
            (
                "The copy comes beside the live database, as `<name>_restored_<time>`. Nothing else"
                " changes."
            ),
            *paragraphs,
            (
                "Look at the copy. Then stop the application, and let the two change names; the"
                " live one is kept as `<name>_before_<time>`."
            ),
            *(block(f"neonhub-backup restore promote --into {name}") for name in into),
            "Back again, if it was not what it should be:",
            *(block(f"neonhub-backup restore revert --into {name}") for name in into),
        ),
    )


def _pitr(configuration: Configuration) -> Iterator[Case]:
    archived = [each for each in configuration.databases if each.archiving is not None]
    if not archived:
        return
    paragraphs: list[str] = []
    for database in archived:
        option = chosen(configuration, database)
        recover = f'neonhub-backup pitr "$DATADIR" --at {MOMENT}{option}'
        paragraphs.append(
            block(
                f"neonhub-backup base list{option}",
                f"neonhub-backup wal check --offline{option}",
                f"{recover} --dry-run",
                recover,
            )
        )
    yield Case(
        happened="Back to a moment by archived WAL",
        way="`pitr --at`, into a new data directory",
        lost="what changed after the moment",
        scenario=Scenario.PITR,
        body=(
            (
                "On a machine with the server's own programs, into a directory that is new. What"
                " runs is not touched. `--latest` instead of `--at` recovers all that was archived."
            ),
            *paragraphs,
            (
                "Start the server from `$DATADIR` as its owner, look at it, and lead the"
                " application there. Then have it archive again."
            ),
        ),
    )


def _whole(configuration: Configuration) -> Iterator[Case]:
    restore = f"neonhub-backup emergency restore {BACKUP}{{database}}"
    yield Case(
        happened="The whole database is lost or damaged",
        way="`emergency restore`",
        lost=_since_backup(configuration),
        scenario=Scenario.STORE,
        body=(
            (
                "One guided run: it waits until nobody is connected, backs up what is there,"
                " restores beside it, migrates and tries the copy, and swaps the names. It asks"
                " before each step that changes something. If it stops, give the same command"
                " again: it goes on."
            ),
            *_each(configuration, f"{restore} --dry-run", restore),
            "`--fence` ends connections that nobody can stop. To bring back what was there:",
            *_each(configuration, "neonhub-backup restore revert --into {into}"),
        ),
    )


def _damaged(configuration: Configuration) -> Iterator[Case]:
    verify = f"neonhub-backup verify {BACKUP} --deep{{database}}"
    read = "The first line reads every object of every copy, and says which is damaged."
    restore = f"neonhub-backup emergency restore {BACKUP}{{database}}"
    older = "neonhub-backup emergency restore --proven{database}"
    proven = ("neonhub-backup list --proven{database}", f"{older} --dry-run", older)
    if len(configuration.stores) > 1:
        way = "its copy in another store, else the newest that a drill has proven"
        lost = "nothing more by another copy; else what changed since the backup that is taken"
        body = (
            f"{read} A restore takes the next store by itself when one has a damaged copy.",
            *_each(configuration, verify, f"{restore} --dry-run", restore),
            "If every copy is damaged, take the newest backup that a drill has proven:",
            *_each(configuration, *proven),
        )
    else:
        way = "the newest that a drill has proven"
        lost = "what changed since the backup that is taken instead"
        body = (read, *_each(configuration, verify, *proven))
    yield Case(
        happened="The newest backup is damaged",
        way=way,
        lost=lost,
        scenario=Scenario.STORE,
        body=body,
    )


def _other_store(configuration: Configuration) -> Iterator[Case]:
    first, *others = configuration.stores
    if not others:
        return
    blocks: list[str] = []
    for other in others:
        blocks += _each(
            configuration,
            f"neonhub-backup list --store {other.name}{{database}}",
            f"neonhub-backup emergency restore {BACKUP} --store {other.name}{{database}} --dry-run",
            f"neonhub-backup emergency restore {BACKUP} --store {other.name}{{database}}",
        )
    yield Case(
        happened=f"The store {first.name} is lost",
        way=" or ".join(f"`emergency restore --store {other.name}`" for other in others),
        lost=_since_backup(configuration),
        scenario=Scenario.STORE,
        body=(
            "Every backup is in every store, so nothing is missing but the one.",
            *blocks,
            (
                f"Once `{first.name}` is there again, bring the newest backup back into it, and go"
                " on with those that `list` shows as missing there:"
            ),
            *_each(
                configuration,
                f"neonhub-backup copy {BACKUP} --store {others[0].name} --to {first.name}"
                "{database}",
            ),
        ),
    )


def _replica(configuration: Configuration) -> Iterator[Case]:
    for store in configuration.stores:
        if not isinstance(store, S3Store) or store.replica is None:
            continue
        file = f"{configuration.environment}-replica.yaml"
        edits = (
            f"s/^  bucket: {store.bucket}$/  bucket: {store.replica.bucket}/",
            f"s/^  region: {store.region}$/  region: {store.replica.region}/",
        )
        command = f"neonhub-backup --config {file}"
        restore = f"{command} emergency restore {BACKUP} --store {store.name}{{database}}"
        yield Case(
            happened=f"The region {store.region} is lost",
            way=f"the replica in {store.replica.region}",
            lost=f"{_since_backup(configuration)}, and had not been copied yet",
            scenario=Scenario.STORE,
            body=(
                (
                    f"The bucket `{store.replica.bucket}` has what `{store.bucket}` had. A copy of"
                    " the configuration names it instead:"
                ),
                block(
                    f"sed -e '{edits[0]}' \\",
                    f"  -e '{edits[1]}' \\",
                    f'  "$NEONHUB_BACKUP_CONFIG" > {file}',
                    f"{command} list --store {store.name}",
                ),
                *_each(configuration, f"{restore} --dry-run"),
                (
                    "The restore is the same without `--dry-run`; leave its step `back-up` out if"
                    " the"
                    ' replica may not be written to: `--skip-step back-up --reason "the region is'
                    ' lost"`.'
                ),
            ),
        )


def _server(configuration: Configuration) -> Iterator[Case]:
    restore = f"neonhub-backup restore {BACKUP} --into NEW_URL{{database}}"
    archived = any(database.archiving is not None for database in configuration.databases)
    yield Case(
        happened="The database server is lost",
        way="`restore` into a new server",
        lost=_since_backup(configuration)
        + ("; less by [archived WAL](#back-to-a-moment-by-archived-wal)" if archived else ""),
        scenario=Scenario.STORE,
        body=(
            (
                "Into a server of the same major version with the same extensions; the database"
                " need not be there. `--no-roles` leaves owners and privileges out where its roles"
                " are missing."
            ),
            *_each(configuration, f"{restore} --dry-run", restore),
            "Then lead the application there: change "
            + ", ".join(
                f"`{name}`"
                for name in dict.fromkeys(each.url_variable for each in configuration.databases)
            )
            + " wherever it is set, in GitHub by the stack's settings.",
        ),
    )


def _key(configuration: Configuration) -> Iterator[Case]:
    deployment = configuration.deployment
    settings = (
        "`encryption.public_keys` of the configuration"
        if deployment is None
        else f"`encryption.publicKeyFiles` of `{deployment.source}`, and deploy the stack"
    )
    yield Case(
        happened="The private key is lost, wrong or known to others",
        way="`keys check`, then a new key and a new backup",
        lost="every backup that no other key opens",
        scenario=None,
        body=(
            "This says which key a backup was encrypted to, and whether the one at hand opens it.",
            *_each(configuration, f"neonhub-backup keys check --backup {BACKUP}{{database}}"),
            (
                "Look for another holder of one of the recipients' keys first. If none is left, no"
                f" backup so far can be read: make a new key pair, put its public half into"
                f" {settings}. Then, at once:"
            ),
            *_each(configuration, "neonhub-backup backup{database}"),
            (
                "If the key is at hand and others know it, encrypt what is kept anew after that,"
                " with both keys at hand. What the old key opens stays until it expires."
            ),
            block("neonhub-backup keys rotate --all --dry-run"),
        ),
    )


def _schedule(configuration: Configuration) -> Iterator[Case]:
    deployment, file = configuration.deployment, workflow(configuration, "backup")
    if deployment is None or file is None:
        body = (
            "By hand, until the timer or cron of the machine that backs up is mended:",
            block("neonhub-backup backup"),
        )
    else:
        enabled = [
            f"gh workflow enable {each.file} --repo {deployment.repository}"
            for each in configuration.workflows
        ]
        body = (
            (
                "GitHub disables the schedules of a repository without activity for 60 days. This"
                " asks it, and has it start them again:"
            ),
            block(
                'export GITHUB_API_URL="${GITHUB_API_URL:-https://api.github.com}"',
                f"export GITHUB_REPOSITORY={deployment.repository}",
                "neonhub-backup watch --workflows --fail-on breach",
            ),
            "The same by hand, and a backup at once:",
            block(
                *enabled,
                start_workflow(
                    configuration, file, "tier=auto", "database=every", 'reason="$REASON"'
                ),
            ),
            "If GitHub itself is away, from any machine that reaches the database and the stores:",
            block("neonhub-backup backup"),
        )
    yield Case(
        happened="Backups have stopped",
        way="start the schedule again, and back up by hand",
        lost="nothing yet",
        scenario=None,
        body=body,
    )
