"""Which steps there are, and what is said of them beforehand."""

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from neonhub_backup.cli.plans import plan_lines, span
from neonhub_backup.domain.configuration import (
    Check,
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
    Objectives,
    Recovery,
)
from neonhub_backup.domain.retention import RetentionPolicy, Tier, TierRule
from neonhub_backup.emergency.plan import Situation, describe_plan
from neonhub_backup.emergency.restore import (
    PURPOSE,
    SWAP,
    Emergency,
    fence_is_up,
    keeping_tier,
)
from neonhub_backup.encryption import Decryptor
from neonhub_backup.holdings.selection import Candidate
from neonhub_backup.journal import Attempt, Event, Facts, Journal, Run, Step, open_journal
from neonhub_backup.postgres.connection import Target
from neonhub_backup.postgres.placement import Session
from neonhub_backup.processes import Programs
from neonhub_backup.stores.factory import open_stores
from tests.neonhub_backup.samples import at, location, manifest

KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n"
TARGET = Target({"host": "db.example", "user": "app", "dbname": "neonhub"})
FULL = Recovery(
    directory=Path("/srv/app"),
    url_variables=("DIRECT_URL",),
    stop=("Scale the API to 0", "Pause the jobs"),
    migrate=("pnpm", "prisma", "migrate", "deploy"),
    smoke_test=("node", "scripts/db-smoke.mjs"),
    restart=("Scale the API up",),
)


class Nobody:
    """Nobody is asked."""

    def wait(self, sessions: Sequence[Session]) -> None:
        raise AssertionError(sessions)

    def confirm(self, statement: str) -> None:
        raise AssertionError(statement)


@contextmanager
def no_programs() -> Generator[Programs]:
    yield Programs()


@pytest.fixture
def journal(tmp_path: Path) -> Generator[Journal]:
    with open_journal(tmp_path / "app.jsonl", "me@here", now=lambda: at(5, 8)) as opened:
        yield opened


Make = Callable[..., Emergency]


@pytest.fixture
def emergency(journal: Journal, tmp_path: Path) -> Make:
    """An emergency restore from a backup of 02:00."""

    def make(
        recovery: Recovery = FULL, *, fenced: bool = False, rpo: timedelta | None = None
    ) -> Emergency:
        database = Database(
            name="app", recovery=recovery, checks=(Check(name="x", query="SELECT 1"),)
        )
        settings = Configuration(
            environment="production",
            databases=(database,),
            stores=(DirectoryStore(name="disk", path=tmp_path),),
            encryption=Encryption(public_keys=(KEY,)),
            objectives=Objectives(rpo=rpo),
        )
        stores = open_stores(settings)
        place = location(day=5, hour=2)
        return Emergency(
            configuration=settings,
            database=database,
            stores=stores,
            target=TARGET,
            candidates=[Candidate(stores[0], place, manifest(place))],
            decrypt=Decryptor(frozenset(), None),
            run=journal.begin(journal.draft(PURPOSE, "app", {})),
            people=Nobody(),
            programs=no_programs,
            fenced=fenced,
            roles=True,
        )

    return make


def names(emergency: Emergency) -> list[str]:
    return [step.name for step in emergency.steps()]


def settle(run: Run, *steps: str) -> None:
    def act(_attempt: Attempt) -> Facts:
        return {}

    run.carry_out([Step(name, act) for name in steps], {})


def test_the_procedures_seven_steps_are_taken_in_their_order(emergency: Make) -> None:
    assert names(emergency()) == [
        *("stop-writers", "back-up", "restore", "migrate", "check", "smoke-test", "swap"),
        "restart",
    ]


def test_what_is_not_configured_is_no_step(emergency: Make) -> None:
    assert names(emergency(Recovery())) == [
        *("stop-writers", "back-up", "restore", "check", "swap", "restart"),
    ]


def test_a_fence_is_taken_down_after_the_swap(emergency: Make) -> None:
    steps = names(emergency(fenced=True))

    assert steps.index("lift-fence") == steps.index("swap") + 1


def test_writers_are_looked_for_again_in_every_run_until_the_swap(emergency: Make) -> None:
    one = emergency()
    assert one.steps()[0].always

    settle(one.run, SWAP)

    assert not one.steps()[0].always


def test_only_what_the_copy_can_do_without_may_be_left_out(emergency: Make) -> None:
    optional = [step.name for step in emergency(fenced=True).steps() if step.optional]

    assert optional == ["back-up", "migrate", "check", "smoke-test"]


def test_the_journal_tells_whether_a_fence_is_up(emergency: Make) -> None:
    run = emergency(fenced=True).run
    assert not fence_is_up(run)
    for state in ("up", "down"):
        run.journal.write(run.name, Event.NOTED, step="stop-writers", facts={"fence": state})
        assert fence_is_up(run) == (state == "up")


@pytest.mark.parametrize(
    ("rpo", "promise"),
    [
        (None, "the last 6 h\n"),
        (timedelta(hours=24), "the last 6 h, within the objective of 1 d\n"),
        (timedelta(hours=1), "the last 6 h, MORE than the objective of 1 h\n"),
    ],
)
def test_the_plan_says_how_much_would_be_lost(
    rpo: timedelta | None, promise: str, emergency: Make
) -> None:
    one = emergency(rpo=rpo)
    plan = describe_plan(one, Situation(True, 1, ()), at(5, 8), proven=True)

    assert promise in "\n".join(plan_lines(plan, rpo))


def test_the_plan_names_everything(emergency: Make) -> None:
    one = emergency()
    settle(one.run, "back-up")
    api = Session(7, "neonhub", "api", "node", "10.0.0.7", "idle", "2026-01-05T07:59:00Z")
    name = one.candidates[0].location.name

    plan = describe_plan(one, Situation(True, 1 << 30, (api,)), at(5, 8), proven=False)

    folder = one.run.journal.path.parent
    assert plan_lines(plan, None) == [
        "emergency restore of neonhub on db.example:5432 (production, app)",
        f"  from daily backup {name} in disk, not proven by a drill",
        "  what changed since 2026-01-05T02:00:00+00:00 is not in it: the last 6 h",
        "  what is there now: 1.0 GiB",
        "  connections now: 1",
        "    api of node from 10.0.0.7, idle since 2026-01-05T07:59:00Z",
        "  1 stop-writers  wait until nobody is connected",
        "                  Scale the API to 0",
        "                  Pause the jobs",
        (
            "  2 back-up       the present state as daily backup to disk; if it cannot be read,"
            f" table by table into {folder} (settled already)"
        ),
        (
            "  3 restore       restore into neonhub_restored_20260105T080000Z, beside neonhub, and"
            " compare it with its manifest"
        ),
        (
            "  4 migrate       pnpm prisma migrate deploy in /srv/app, with DATABASE_URL,"
            " DIRECT_URL naming neonhub_restored_20260105T080000Z"
        ),
        "  5 check         ask neonhub_restored_20260105T080000Z the 1 checks of the configuration",
        (
            "  6 smoke-test    node scripts/db-smoke.mjs in /srv/app, with DATABASE_URL, DIRECT_URL"
            " naming neonhub_restored_20260105T080000Z"
        ),
        (
            "  7 swap          neonhub becomes neonhub_before_20260105T080000Z,"
            " neonhub_restored_20260105T080000Z becomes neonhub"
        ),
        "  8 restart       Scale the API up",
        f"  journal: {one.run.journal.path}",
    ]


def test_the_plan_for_a_database_that_is_gone_backs_nothing_up(emergency: Make) -> None:
    plan = describe_plan(emergency(), Situation(False, None, ()), at(5, 8), proven=True)
    does = {step["name"]: step["does"] for step in plan["steps"]}

    assert does["back-up"] == ["nothing: there is no such database"]
    assert does["swap"] == ["neonhub_restored_20260105T080000Z becomes neonhub"]


@pytest.mark.parametrize(
    ("policy", "tier"),
    [
        (RetentionPolicy(), Tier.DAILY),
        (RetentionPolicy(daily=None), Tier.WEEKLY),
        (
            RetentionPolicy(
                weekly=None,
                monthly=None,
                annual=None,
                daily=TierRule.model_validate({"keep": "3d"}),
            ),
            Tier.DAILY,
        ),
    ],
)
def test_the_present_state_is_kept_for_a_week_where_a_tier_does(
    policy: RetentionPolicy, tier: Tier
) -> None:
    assert keeping_tier(policy) is tier


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (86400, "1 d"),
        (90061, "1 d 1 h"),
        (86460, "1 d"),
    ],
)
def test_a_length_of_time_is_told_in_its_largest_units(seconds: int, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text
