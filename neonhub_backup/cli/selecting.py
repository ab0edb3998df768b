"""The options that choose a backup, for every command that reads one."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import typer

from neonhub_backup.cli.session import Session
from neonhub_backup.domain.retention import Tier
from neonhub_backup.encryption import Decryptor, decryptor
from neonhub_backup.errors import ConfigurationError
from neonhub_backup.holdings.catalogue import LATEST
from neonhub_backup.holdings.selection import Candidate, Wanted, choose, parse_moment
from neonhub_backup.stores.base import Store
from neonhub_backup.wording import moment_text, size_text

FromStore = Annotated[
    str | None,
    typer.Option(
        "--store",
        help="Read from this store alone. By default from the first one that can be read.",
        metavar="NAME",
    ),
]
TierName = Annotated[
    str | None,
    typer.Option("--tier", help="Take the newest backup of this retention tier.", metavar="TIER"),
]
At = Annotated[
    str | None,
    typer.Option(
        "--at",
        help="Take the newest backup begun at this time or before, e.g. 2026-01-05T02:00:00Z.",
        metavar="TIMESTAMP",
    ),
]


def asked_stores(session: Session, name: str | None) -> tuple[Store, ...]:
    """The stores to ask: one by its name, or all in the configuration's order."""
    return session.stores if name is None else (session.store(name),)


def read_wanted(database: str, backup: str, tier: str | None, at: str | None) -> Wanted:
    """Which backup the options ask for.

    Raises:
        ConfigurationError: they contradict each other, or one is no tier or no time.
    """
    return Wanted(
        database=database,
        name=backup,
        tier=read_tier(tier),
        at=None if at is None else parse_moment(at),
    )


def read_tier(name: str | None) -> Tier | None:
    """The retention tier that --tier names. None: it was not given.

    Raises:
        ConfigurationError: it is no tier.
    """
    if name is not None and name not in set(Tier):
        raise ConfigurationError(
            f"--tier {name} is not a retention tier, so nothing was done: choose one of"
            f" {', '.join(Tier)}"
        )
    return None if name is None else Tier(name)


@contextmanager
def chosen(
    session: Session,
    database: str,
    *,
    backup: str = LATEST,
    store: str | None = None,
    tier: str | None = None,
    at: str | None = None,
) -> Generator[tuple[list[Candidate], Decryptor]]:
    """The copies of the backup that the options ask for, and what decrypts them.

    Raises:
        BackupError: there is none, none can be read, or no key can decrypt them.
    """
    wanted = read_wanted(database, backup, tier, at)
    candidates = choose(asked_stores(session, store), wanted)
    with decryptor() as decrypt:
        manifest = candidates[0].manifest
        decrypt.check(manifest.recipients, manifest.name)
        yield candidates, decrypt


def say_candidates(candidates: list[Candidate]) -> None:
    """Which backup was chosen, from where and how large."""
    first, *others = candidates
    manifest = first.manifest
    typer.echo(
        f"{manifest.tier} backup {manifest.name}, begun at {moment_text(manifest.started)}:"
        f" {manifest.rows:,} rows, {size_text(manifest.bytes)}"
    )
    others_said = f", or else from {', '.join(one.store.name for one in others)}" if others else ""
    typer.echo(f"  read from store {first.store.name} ({first.store.address}){others_said}")
