"""Prune deletes what has had its time, and never what somebody may still need."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neonhub_backup.domain import configuration
from neonhub_backup.domain.layout import ARCHIVE, MANIFEST, Location, new_location
from neonhub_backup.domain.manifest import dump_manifest
from neonhub_backup.domain.retention import RetentionPolicy, Tier, TierRule
from neonhub_backup.errors import StoreError
from neonhub_backup.files import PARTIAL
from neonhub_backup.holdings.catalogue import Catalogue
from neonhub_backup.holdings.proofs import Proofs
from neonhub_backup.stores.directory import DirectoryStore
from neonhub_backup.upkeep.pruning import ABANDONED, Held, Plan, carry_out, plan, survey
from tests.neonhub_backup.samples import manifest, proof

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
POLICY = RetentionPolicy()
NO_MONTHLY = RetentionPolicy(monthly=None, lock_mode=None)
SHORT_LOCK = RetentionPolicy(daily=TierRule(keep=timedelta(days=30), lock=timedelta(days=7)))

MOMENTS = st.datetimes(
    min_value=datetime(2019, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2027, 1, 1),  # noqa: DTZ001 - as above
    timezones=st.just(UTC),
)
POLICIES = st.sampled_from([POLICY, NO_MONTHLY, SHORT_LOCK])


def _held(
    tier: Tier, started: datetime, database: str = "app", environment: str = "test", late: int = 0
) -> Held:
    place = new_location(tier, started)
    said = manifest(place, database).model_copy(
        update={"environment": environment, "finished": place.started + timedelta(minutes=late)}
    )
    return Held(place, said)


def _damaged(tier: Tier, started: datetime) -> Held:
    return Held(new_location(tier, started), None)


BACKUPS = st.lists(
    st.builds(
        _held,
        st.sampled_from(Tier),
        MOMENTS,
        st.sampled_from(["app", "billing"]),
        st.sampled_from(["test", "test", "production"]),
        st.integers(0, 600),
    )
    | st.builds(_damaged, st.sampled_from(Tier), MOMENTS),
    max_size=25,
)


@st.composite
def _stores(draw: st.DrawFn) -> tuple[list[Held], set[str]]:
    backups = draw(BACKUPS)
    names = [held.location.name for held in backups]
    return backups, set(draw(st.lists(st.sampled_from(names)))) if names else set()


def _names(decided: Plan) -> set[str]:
    return {held.location.name for held in decided.expired}


@given(POLICIES, _stores(), MOMENTS)
def test_every_backup_is_either_kept_or_expired(
    policy: RetentionPolicy, held: tuple[list[Held], set[str]], now: datetime
) -> None:
    backups, proven = held
    decided = plan(policy, "test", backups, proven, now)

    found = [*decided.expired, *(kept.backup for kept in decided.kept)]
    assert sorted(one.location for one in found) == sorted(one.location for one in backups)
    assert all(kept.reason for kept in decided.kept)


@given(POLICIES, _stores(), MOMENTS)
def test_the_newest_and_the_newest_proven_backup_of_every_tier_stay(
    policy: RetentionPolicy, held: tuple[list[Held], set[str]], now: datetime
) -> None:
    backups, proven = held
    expired = _names(plan(policy, "test", backups, proven, now))

    for database in ("app", "billing"):
        for tier in Tier:
            there = [
                one
                for one in backups
                if one.manifest is not None
                and (one.manifest.environment, one.manifest.database) == ("test", database)
                and one.location.tier is tier
                and one.written <= now
            ]
            for kind in (there, [one for one in there if one.location.name in proven]):
                if kind:
                    assert max(one.location for one in kind).name not in expired


@given(POLICIES, _stores(), MOMENTS)
def test_nothing_expires_before_its_lock_and_its_time_have_passed(
    policy: RetentionPolicy, held: tuple[list[Held], set[str]], now: datetime
) -> None:
    backups, proven = held

    for one in plan(policy, "test", backups, proven, now).expired:
        assert one.manifest is not None
        assert one.manifest.environment == "test"
        rule = policy.rules()[one.location.tier]
        assert one.written + timedelta(days=rule.keep_days) <= now
        locked = policy.locked_until(one.location.tier, one.written)
        assert locked is None or locked <= now


@given(POLICIES, _stores(), MOMENTS)
def test_a_second_run_finds_nothing_more(
    policy: RetentionPolicy, held: tuple[list[Held], set[str]], now: datetime
) -> None:
    backups, proven = held
    first = plan(policy, "test", backups, proven, now)
    left = [kept.backup for kept in first.kept]

    second = plan(policy, "test", left, proven, now)

    assert second.expired == ()
    assert second.kept == first.kept


@given(
    POLICIES,
    _stores(),
    MOMENTS,
    st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3000)),
)
def test_what_has_expired_stays_expired(
    policy: RetentionPolicy,
    held: tuple[list[Held], set[str]],
    now: datetime,
    later: timedelta,
) -> None:
    backups, proven = held

    assert _names(plan(policy, "test", backups, proven, now)) <= _names(
        plan(policy, "test", backups, proven, now + later)
    )


@given(POLICIES, _stores(), MOMENTS)
def test_another_database_changes_nothing(
    policy: RetentionPolicy, held: tuple[list[Held], set[str]], now: datetime
) -> None:
    backups, proven = held
    alone = [one for one in backups if one.manifest and one.manifest.database == "app"]

    assert _names(plan(policy, "test", alone, proven, now)) == {
        one.location.name
        for one in plan(policy, "test", backups, proven, now).expired
        if one.manifest and one.manifest.database == "app"
    }


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (Held(new_location(Tier.DAILY, NOW - timedelta(days=900)), None), "a person must decide"),
        (_held(Tier.DAILY, NOW - timedelta(days=900), environment="prod"), "environment prod"),
        (_held(Tier.MONTHLY, NOW - timedelta(days=900)), "no retention is configured for monthly"),
        (_held(Tier.DAILY, NOW + timedelta(days=1)), "a clock is wrong"),
        (_held(Tier.DAILY, NOW - timedelta(days=29)), "kept until 2026-06-02 12:00 UTC"),
        (_held(Tier.DAILY, NOW - timedelta(days=900)), "the newest daily backup of app"),
    ],
)
def test_what_stays_has_its_reason(held: Held, reason: str) -> None:
    ((kept),) = plan(NO_MONTHLY, "test", [held], set(), NOW).kept

    assert reason in kept.reason


def test_the_lock_is_the_reason_while_it_lasts() -> None:
    held = _held(Tier.DAILY, NOW - timedelta(days=3))

    (kept,) = plan(SHORT_LOCK, "test", [held], set(), NOW).kept

    assert kept.reason == "locked until 2026-06-05 12:00 UTC"


def test_an_older_proven_backup_outlives_newer_ones_that_no_drill_proved() -> None:
    old, between, new = (_held(Tier.DAILY, NOW - timedelta(days=days)) for days in (90, 80, 70))

    decided = plan(POLICY, "test", [new, old, between], {old.location.name}, NOW)

    assert decided.expired == (between,)
    assert [kept.reason for kept in decided.kept] == [
        "the newest proven daily backup of app",
        "the newest daily backup of app",
    ]


def test_a_backup_of_the_future_does_not_cost_the_newest_real_one_its_place() -> None:
    real, wrong = (
        _held(Tier.DAILY, NOW - timedelta(days=90)),
        _held(Tier.DAILY, NOW + timedelta(hours=1)),
    )

    assert plan(POLICY, "test", [real, wrong], {wrong.location.name}, NOW).expired == ()


class TestADirectory:
    """Is cleaned of what the plan says, and of what broken runs left."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> DirectoryStore:
        return DirectoryStore(configuration.DirectoryStore(name="disk", path=tmp_path))

    @staticmethod
    def put(store: DirectoryStore, key: str, content: bytes = b"x", *, days: float = 0) -> None:
        with store.upload(key, None) as upload:
            upload.write(content)
            upload.commit()
        _age(Path(store.address) / key, days)

    def back_up(self, store: DirectoryStore, days: int, tier: Tier = Tier.DAILY) -> Location:
        held = _held(tier, NOW - timedelta(days=days))
        assert held.manifest is not None
        prefix = held.location.prefix
        for name in ("rows/0000-000.binary.zst.gpg", ARCHIVE):
            self.put(store, prefix + name, days=days)
        self.put(store, prefix + MANIFEST, dump_manifest(held.manifest), days=days)
        return held.location

    def prune(self, store: DirectoryStore) -> None:
        carry_out(store, survey(store, POLICY, "test", NOW), NOW)

    def test_a_survey_changes_nothing(self, store: DirectoryStore) -> None:
        self.back_up(store, 90)
        self.back_up(store, 1)
        before = list(store.list(""))

        assert len(survey(store, POLICY, "test", NOW).plan.expired) == 1
        assert list(store.list("")) == before

    def test_what_has_expired_is_gone_with_its_empty_directories(
        self, store: DirectoryStore, tmp_path: Path
    ) -> None:
        gone, proven, newest = (self.back_up(store, days) for days in (200, 90, 1))
        Proofs(store).add(proof(proven))

        self.prune(store)

        assert Catalogue(store).locations() == [newest, proven]
        assert not (tmp_path / gone.prefix).parent.exists()
        assert len(list(store.list(newest.prefix))) == 3
        assert survey(store, POLICY, "test", NOW).plan.expired == ()

    def test_a_backup_deleted_by_half_is_none_and_the_next_run_ends_it(
        self, store: DirectoryStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone, newest = self.back_up(store, 90), self.back_up(store, 1)
        unlink = Path.unlink

        def refusing(path: Path, *, missing_ok: bool = False) -> None:
            if path.name != MANIFEST:
                raise PermissionError(1, "Operation not permitted")
            unlink(path, missing_ok=missing_ok)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "unlink", refusing)
            with pytest.raises(StoreError) as raised:
                self.prune(store)

        assert "0 of 1 expired backups had been deleted" in raised.value.__notes__[0]
        assert Catalogue(store).locations() == [newest]
        self.prune(store)
        assert not (tmp_path / gone.prefix).exists()

    def test_what_broken_runs_left_is_cleaned_once_nobody_can_be_writing_it(
        self, store: DirectoryStore, tmp_path: Path
    ) -> None:
        days = ABANDONED.days + 1
        old, young = (
            new_location(Tier.DAILY, NOW - timedelta(days=age)) for age in (days, days - 2)
        )
        for place in (old, young):
            self.put(store, place.prefix + ARCHIVE, days=days)
        written = new_location(Tier.DAILY, NOW - timedelta(days=400))
        self.put(store, written.prefix + ARCHIVE, days=1)
        for name, age in (("old", days), ("young", 1)):
            (tmp_path / f"{PARTIAL}{name}").touch()
            _age(tmp_path / f"{PARTIAL}{name}", age)

        leftovers = survey(store, POLICY, "test", NOW).leftovers
        self.prune(store)

        assert [one.name for one in leftovers] == [old.prefix, f"{PARTIAL}old"]
        assert [listed.key for listed in store.list("")] == sorted(
            place.prefix + ARCHIVE for place in (young, written)
        )
        assert [partial.name for partial in store.partials()] == [f"{PARTIAL}young"]

    def test_results_of_drills_outlive_their_backup_for_as_long_as_a_bucket_keeps_them(
        self, store: DirectoryStore
    ) -> None:
        kept = self.back_up(store, 4000)
        longest = POLICY.longest_keep_days()
        for name, days in ((kept.name, 4000), (kept.name[:-8] + "0" * 8, longest)):
            self.put(store, f"drills/{name}.json", days=days)
        self.put(store, f"drills/{kept.name[:-8]}{'1' * 8}.json", days=longest - 1)

        self.prune(store)

        assert [listed.key for listed in store.list("drills/")] == sorted(
            f"drills/{name}.json" for name in (kept.name, f"{kept.name[:-8]}{'1' * 8}")
        )

    def test_foreign_files_are_left_alone(self, store: DirectoryStore) -> None:
        for key in ("readme.txt", "db/daily/notes.txt", "db/daily/2020/01/mine/manifest.json"):
            self.put(store, key, days=4000)

        self.prune(store)

        assert len(list(store.list(""))) == 3


def _age(path: Path, days: float) -> None:
    moment = (NOW - timedelta(days=days)).timestamp()
    os.utime(path, (moment, moment))
