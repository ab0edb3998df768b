"""What must hold between the settings of a stack, each of which is right by itself.

Pure functions of the settings: `disagreements` must be empty before anything is changed, and
`advice` is worth a warning on every preview.
"""

from collections.abc import Iterator

from components.sections import PROJECT, Kept, Settings, today
from neonhub_backup.domain.configuration import Runbook
from neonhub_backup.domain.duration import format_duration
from neonhub_backup.domain.forecast import Place, life_cost, places
from neonhub_backup.domain.prices import PRICES
from neonhub_backup.domain.retention import LockMode
from neonhub_backup.domain.schedule import INTERVALS
from neonhub_backup.runbook.dates import next_review

THREE_TWO_ONE = "three-two-one"
"""Name of the rule, for a waiver: three copies, on two media, one of them elsewhere."""

_COPIES, _MEDIA = 3, 2


def disagreements(settings: Settings) -> list[str]:
    """What contradicts what: one line each, with path, value, consequence and fix."""
    return [
        *_no_store(settings),
        *_archives(settings),
        *_destruction_against_lock(settings),
        *_objectives(settings),
        *_three_two_one(settings),
    ]


def advice(settings: Settings) -> list[str]:
    """What may be meant, and costs something: one line each."""
    return [
        *_unheard_alarms(settings),
        *_unfavourable_classes(settings),
        *_overdue_review(settings),
    ]


def _no_store(settings: Settings) -> Iterator[str]:
    if settings.aws is None and settings.gcp is None:
        yield (
            f"{PROJECT}:aws and {PROJECT}:gcp: both missing, so there would be no place for"
            " backups; add at least one"
        )
    if settings.aws is not None and settings.region is None:
        yield (
            f"aws:region: missing, so the bucket of {PROJECT}:aws has no place; add one, such as"
            " us-east-1"
        )
    if settings.gcp is not None and settings.project is None:
        yield (
            f"gcp:project: missing, so the bucket of {PROJECT}:gcp has no owner; add the id of the"
            " Google Cloud project"
        )
    if settings.aws and settings.aws.replica_account and not settings.aws.replica_region:
        yield (
            f"{PROJECT}:aws.replicaRegion: missing, so replicaAccount would hold nothing; add the"
            " region of the second copy, or remove replicaAccount"
        )


def _archives(settings: Settings) -> Iterator[str]:
    servers: dict[tuple[str, str], str] = {}
    for number, each in enumerate(settings.databases):
        archiving, path = each.archiving, f"{PROJECT}:databases[{number}].archiving"
        if archiving is None:
            continue
        if getattr(settings, archiving.store) is None:
            yield (
                f"{path}.store: {archiving.store}, but {PROJECT}:{archiving.store} is missing, so"
                f" WAL would go nowhere; add {PROJECT}:{archiving.store}, or choose another store"
            )
        place = (archiving.store, each.archive)
        if servers.setdefault(place, archiving.server) != archiving.server:
            yield (
                f"{path}.server: {archiving.server}, but {servers[place]} archives as"
                f" {each.archive} already, and an archive belongs to one server; give this one an"
                " archive of its own"
            )


def _destruction_against_lock(settings: Settings) -> Iterator[str]:
    if not settings.protect and settings.retention.lock_mode is LockMode.COMPLIANCE:
        yield (
            f"{PROJECT}:protect: false, but retention.lockMode is COMPLIANCE, so `pulumi destroy`"
            " would fail halfway on the first locked backup; set protect to true, or lockMode to"
            " GOVERNANCE"
        )


def _objectives(settings: Settings) -> Iterator[str]:
    lowest = next(iter(settings.retention.rules()))
    interval, rpo = INTERVALS[lowest], settings.objectives.rpo
    if interval > rpo:
        switch_on = [tier for tier, often in INTERVALS.items() if often <= rpo]
        remedy = f"switch on retention.{switch_on[-1]}, or " if switch_on else ""
        yield (
            f"{PROJECT}:objectives.rpo: {format_duration(rpo)}, but the most frequent tier is"
            f" {lowest}, so up to {format_duration(interval)} could be lost; {remedy}set rpo to"
            f" {format_duration(interval)}"
        )


def _three_two_one(settings: Settings) -> Iterator[str]:
    aws, gcp = settings.aws, settings.gcp
    if (aws is None and gcp is None) or settings.waives(THREE_TWO_ONE):
        return
    replicated = aws is not None and aws.replica_region is not None
    copies = 1 + (aws is not None) + replicated + (2 if gcp else 0)
    media = (aws is not None) + (gcp is not None) + bool(aws and aws.replica_account)
    missing: list[str] = []
    if copies < _COPIES:
        missing.append(f"copies ({copies} of {_COPIES}, the live database among them)")
    if media < _MEDIA:
        missing.append(
            f"media ({media} of {_MEDIA}: one closed or stolen cloud account would take every"
            " backup)"
        )
    if not replicated and gcp is None:
        missing.append("off-site (no copy outside the region of the first)")
    if missing:
        remedies = {
            f"{PROJECT}:gcp": gcp is None,
            f"{PROJECT}:aws": aws is None,
            f"{PROJECT}:aws.replicaAccount": bool(aws and not aws.replica_account),
        }
        fix = " or ".join(name for name, helps in remedies.items() if helps)
        yield (
            f"the 3-2-1 rule lacks {' and '.join(missing)}; add {fix}, or waive"
            f" {THREE_TWO_ONE} under {PROJECT}:waivers"
        )


def _unheard_alarms(settings: Settings) -> Iterator[str]:
    if settings.aws is not None and not settings.alarms.reach_somebody:
        yield (
            f"{PROJECT}:alarms: nobody is named, so a missing backup alarms no one; add emails or"
            " webhooks"
        )


def _unfavourable_classes(settings: Settings) -> Iterator[str]:
    for place in places_of(settings):
        for tier, rule in settings.retention.rules().items():
            chosen = place.classes[tier]
            if chosen.minimum_days <= rule.keep_days:
                continue
            costs = {
                each: life_cost(each, rule.keep_days)
                for each in type(chosen)
                # What answers after hours is cheap and no substitute for what answers at once.
                if each.is_readable_at_once or each is chosen
            }
            best = min(costs, key=costs.__getitem__)
            if best is not chosen:
                yield (
                    f"{place.name}: {tier} backups are kept {rule.keep_days} days in {chosen},"
                    f" which bills at least {chosen.minimum_days}, so a gigabyte of them costs"
                    f" {costs[chosen]:.4f} {PRICES.currency} instead of {costs[best]:.4f} in"
                    f" {best}; set storageClasses.{tier} to {best}"
                )


def _overdue_review(settings: Settings) -> Iterator[str]:
    due = next_review(Runbook.model_validate(settings.runbook.model_dump()))
    if due is not None and due < today():
        yield (
            f"{PROJECT}:runbook.reviewed: {settings.runbook.reviewed}, so the review of the"
            f" procedures was due on {due}; hold it by `neonhub-backup runbook review`, and write"
            " its day"
        )


def places_of(settings: Kept) -> tuple[Place, ...]:
    """Every copy that is paid for."""
    aws, gcp = settings.aws, settings.gcp
    return places(
        s3_classes=aws.classes if aws else None,
        replicated=bool(aws and aws.replica_region),
        gcs_classes=gcp.classes if gcp else None,
        soft_delete_days=gcp.soft_delete.days if gcp else 0,
    )
