"""What `status`, `watch` and `report` look at."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from neonhub_backup.cli.session import Session
from neonhub_backup.domain.configuration import Configuration, Database, Neon
from neonhub_backup.errors import BackupError, ConfigurationError, NeonError
from neonhub_backup.holdings.recoveries import newest_recoveries
from neonhub_backup.watch.elsewhere import (
    ArchiveState,
    judge_archive,
    judge_snapshots,
    read_archive,
)
from neonhub_backup.watch.findings import Finding, Verdict
from neonhub_backup.watch.holdings import Holding
from neonhub_backup.watch.replicas import survey_replicas
from neonhub_backup.watch.status import Seen, Status, assess
from neonhub_backup.watch.survey import survey


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was found, and what it was judged by."""

    status: Status
    holdings: Sequence[Holding]
    seen: Seen


def look(
    session: Session, name: str | None, *, wal: bool = False, workflows: bool = False
) -> Looked:
    """Look at one database, or at all; everybody is asked at once.

    `wal`: at archived WAL too. `workflows`: at GitHub's schedules too, which are mended.
    """
    databases = session.databases(name)
    names = [each.name for each in databases]
    settings = session.configuration
    with ThreadPoolExecutor(3, "look") as pool:
        stores = pool.submit(survey, session.stores, names)
        copies = pool.submit(survey_replicas, session.replicas, names)
        took = pool.submit(newest_recoveries, session.operations, settings.environment)
        holdings, replicas, recoveries = stores.result(), copies.result(), took.result()
    now = datetime.now(UTC)
    findings = [
        finding
        for database in databases
        if database.neon is not None
        for finding in _snapshots(settings, database.name, database.neon, now)
    ]
    archives: dict[str, ArchiveState] = {}
    for database in databases if wal else ():
        if database.archiving is not None:
            state = _archive(settings, database)
            findings += judge_archive(
                database.name, state, database.archiving.base_backups, settings.objectives.rpo, now
            )
            if not isinstance(state, BackupError):
                archives[database.name] = state
    if workflows:
        findings += _schedules(settings, now)
    seen = Seen(
        findings=findings,
        replicas=replicas,
        archives=archives,
        recoveries=[each for each in recoveries if each.database in names],
    )
    return Looked(status=assess(settings, holdings, now, seen), holdings=holdings, seen=seen)


def _archive(configuration: Configuration, database: Database) -> ArchiveState | BackupError:
    from neonhub_backup.archiving.factory import (  # noqa: PLC0415 - only where there is one
        open_archive,
    )

    try:
        return read_archive(open_archive(configuration, database))
    except BackupError as error:
        return error


def _schedules(configuration: Configuration, now: datetime) -> list[Finding]:
    from neonhub_backup.github.api import own_repository  # noqa: PLC0415 - only where it is asked
    from neonhub_backup.github.schedules import Scheduled  # noqa: PLC0415 - as above
    from neonhub_backup.watch.schedules import see_to_schedules  # noqa: PLC0415 - as above

    if not configuration.workflows:
        raise ConfigurationError(
            "--workflows is given and the configuration names no workflows, so GitHub was asked for"
            " none: deploy the stack with a newer release, or leave the option out"
        )
    expected = [
        Scheduled(each.file, timedelta(minutes=each.every_minutes))
        for each in configuration.workflows
    ]
    # Such as owner/repository/.github/workflows/db-watch-production.yml@refs/heads/main.
    own, _, _ = os.environ.get("GITHUB_WORKFLOW_REF", "").partition("@")
    return see_to_schedules(own_repository(os.environ), expected, now, {own.split("/")[-1]})


def _snapshots(
    configuration: Configuration, database: str, neon: Neon, now: datetime
) -> Iterator[Finding]:
    from neonhub_backup.neon import snapshots  # noqa: PLC0415 - only where Neon is asked
    from neonhub_backup.neon.api import open_api  # noqa: PLC0415 - as above
    from neonhub_backup.neon.sending import KEY_VARIABLE  # noqa: PLC0415 - as above

    if not os.environ.get(KEY_VARIABLE):
        return
    try:
        with open_api(neon) as api:
            view = snapshots.look(api, neon, configuration.environment)
    except NeonError as error:
        text = f"nobody can tell how old the snapshots of {database} in Neon are: {error}"
        yield Finding(
            verdict=Verdict.WARNING, check="snapshot", database=database, store=None, text=text
        )
        return
    yield from judge_snapshots(
        database, view.snapshots, neon.retention(configuration.retention), now
    )
