"""The copies that S3 makes in another region, looked at by themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from neonhub_backup.domain.layout import MANIFEST, parse_name
from neonhub_backup.errors import StoreError
from neonhub_backup.holdings.source import listed_sizes
from neonhub_backup.stores.base import Store
from neonhub_backup.watch.findings import Finding, Verdict
from neonhub_backup.watch.freshness import age_text
from neonhub_backup.watch.holdings import Backup, Holding
from neonhub_backup.watch.survey import survey

COPIED_WITHIN = timedelta(minutes=15)
"""How long S3 takes at most, as it promises with replication time control.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-time-control.html"""
BROKEN_AFTER = timedelta(days=1)
"""How long after a backup was complete its copy may be missing before nothing is on its way."""

_LOOKED_AT = 3
"""Backups of each tier and database that are looked at; of these, the newest that is whole."""


def survey_replicas(
    replicas: Mapping[str, Store], databases: Sequence[str]
) -> dict[str, list[Holding]]:
    """What the replica of each store has of each database, by the store's name.

    S3 copies objects in any order, so a backup whose manifest has arrived may lack others: as its
    newest backup, that counts alone of which every byte is there.
    """
    if not replicas:
        return {}
    found = survey(list(replicas.values()), databases, _LOOKED_AT, drills=False)
    return {
        store: [_whole(replica, each) for each in found if each.store == replica.name]
        for store, replica in replicas.items()
    }


def _whole(replica: Store, holding: Holding) -> Holding:
    try:
        for number, backup in enumerate(holding.backups[:_LOOKED_AT]):
            if _is_whole(replica, backup):
                return replace(holding, backups=holding.backups[number:])
    except StoreError as error:
        return replace(holding, backups=(), error=str(error))
    return replace(holding, backups=holding.backups[_LOOKED_AT:])


def _is_whole(replica: Store, backup: Backup) -> bool:
    place = parse_name(backup.name, backup.tier)
    assert place is not None  # noqa: S101 - its manifest was found by it
    sizes = listed_sizes(replica, place)
    return sum(size for name, size in sizes.items() if name != MANIFEST) >= backup.bytes


def judge_replica(original: Holding, replica: Holding, now: datetime) -> list[Finding]:
    """Whether the replica of a store has what the store has had for long enough to be copied."""

    def finding(verdict: Verdict, text: str) -> list[Finding]:
        return [
            Finding(
                verdict=verdict,
                check="replica",
                database=original.database,
                store=original.store,
                text=text,
            )
        ]

    if replica.error is not None:
        text = (
            f"nobody can tell what the copy of store {original.store} in {replica.address} has of"
            f" {original.database}: {replica.error}"
        )
        return finding(Verdict.WARNING, text)
    newest = replica.newest(now)
    owed = [
        backup
        for backup in original.before(now)
        if now - backup.finished > COPIED_WITHIN
        and (newest is None or backup.started > newest.started)
    ]
    if not owed:
        return []
    missing = owed[-1]
    late = now - missing.finished
    text = (
        f"backup {missing.name} of {original.database} in store {original.store} is not whole in"
        f" its copy {replica.address} after {age_text(late)}, so the loss of the region would take"
        " it: see the bucket's replication rules and metrics, and run S3 Batch Replication for what"
        " failed"
    )
    return finding(Verdict.BREACH if late > BROKEN_AFTER else Verdict.WARNING, text)
