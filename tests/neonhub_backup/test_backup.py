"""One pass over the database fills every store; what befalls one store is not the others' loss.

PostgreSQL's programs are shell scripts here, and what its catalogue says is given. Nothing else is.
"""

import hashlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from neonhub_backup.backup import Backup, take_backup
from neonhub_backup.domain.configuration import (
    Configuration,
    Database,
    DirectoryStore,
    Encryption,
)
from neonhub_backup.domain.layout import ARCHIVE, MANIFEST, Location
from neonhub_backup.domain.manifest import dump_manifest, load_manifest
from neonhub_backup.domain.retention import LockMode, RetentionPolicy, Tier
from neonhub_backup.errors import (
    DatabaseError,
    IntegrityError,
    MissingObjectError,
    ProgramError,
    StoreError,
)
from neonhub_backup.postgres.connection import Connection, Target
from neonhub_backup.postgres.dump import CHUNK_BYTES
from neonhub_backup.postgres.programs import DIRECTORY_VARIABLE
from neonhub_backup.postgres.snapshot import Snapshot, TableRows
from neonhub_backup.processes import Programs
from neonhub_backup.stores.base import Listed, Lock
from tests.neonhub_backup.keys import Key
from tests.neonhub_backup.samples import SERVER, at, location, manifest

NOW = at(5, 14)
BLOCK = 8192

PG_DUMP = """\
[ "$1" = --version ] && { echo "pg_dump (PostgreSQL) 18.6"; exit; }
echo "what pg_dump writes"
"""
# Writes the statement it is given as a table's rows, and says that there are three.
PSQL = """\
script=$(cat)
data=$(printf '%s' "$script" | sed -n 's|.*g \\(/dev/fd/[0-9]*\\)$|\\1|p')
printf '%s' "$script" | grep '^COPY' > "$data"
echo rows 3
"""

Take = Callable[..., Backup]


@dataclass
class MemoryStore:
    """A store that fails where it is told to."""

    name: str
    fails_at: str | None = None
    """`begin`, `write`, `commit`, `clean up` or `list`."""
    fails_for: str = ""
    """End of the names of the objects that it fails for."""
    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    locks: dict[str, Lock | None] = field(default_factory=dict[str, Lock | None])

    @property
    def address(self) -> str:
        return f"memory://{self.name}"

    def check(self, step: str, key: str) -> None:
        """Fail, if this is the step."""
        if step == self.fails_at and key.endswith(self.fails_for):
            raise StoreError(f"store {self.name} cannot {step}")

    @contextmanager
    def upload(self, key: str, lock: Lock | None) -> Generator["MemoryUpload"]:
        self.check("begin", key)
        yield MemoryUpload(self, key, lock)
        self.check("clean up", key)

    @contextmanager
    def download(self, key: str) -> Generator[Iterator[bytes]]:
        if key not in self.objects:
            raise MissingObjectError(key)
        yield iter([self.objects[key]])

    def list(self, prefix: str) -> Iterator[Listed]:
        self.check("list", prefix)
        for key, content in sorted(self.objects.items()):
            if key.startswith(prefix):
                yield Listed(key, len(content))

    def folders(self, prefix: str) -> Iterator[str]:
        self.check("list", prefix)
        below = [key.removeprefix(prefix) for key in self.objects if key.startswith(prefix)]
        yield from sorted({key.partition("/")[0] for key in below if "/" in key})

    def add(self, place: Location) -> None:
        """Have a backup in it already."""
        self.objects[place.prefix + MANIFEST] = dump_manifest(manifest(place))


@dataclass
class MemoryUpload:
    store: MemoryStore
    key: str
    lock: Lock | None
    content: bytes = b""

    def write(self, block: bytes | memoryview) -> None:
        self.store.check("write", self.key)
        self.content += block

    def commit(self) -> None:
        self.store.check("commit", self.key)
        self.store.objects[self.key] = self.content
        self.store.locks[self.key] = self.lock


def _table(name: str, blocks: int = 1) -> TableRows:
    return TableRows("public", name, ("id",), "binary", blocks, blocks * BLOCK, splittable=True)


@pytest.fixture
def tables() -> list[TableRows]:
    """The tables of the database; a test may change them."""
    return [_table("users"), _table("orders")]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of programs that pretend to read a database."""
    directory = tmp_path / "bin"
    directory.mkdir()
    for name, text in (("pg_dump", PG_DUMP), ("psql", PSQL), ("pg_restore", "")):
        (directory / name).write_text(f"#!/bin/sh\n{text}")
        (directory / name).chmod(0o755)
    monkeypatch.setenv(DIRECTORY_VARIABLE, str(directory))
    return directory


@pytest.fixture
def take(
    tables: list[TableRows], programs: Path, key: Key, monkeypatch: pytest.MonkeyPatch
) -> Take:
    """Take a backup to some stores."""

    @contextmanager
    def snapshot(_target: Target) -> Generator[Snapshot]:
        nobody = cast("Connection", None)  # nothing here asks the database anything
        yield Snapshot("1", nobody, SERVER, {"vector": "0.8.6"}, ("app",), 2, tuple(tables))

    assert programs.is_dir()
    monkeypatch.setattr("neonhub_backup.backup.hold_snapshot", snapshot)
    monkeypatch.setenv("DATABASE_URL", "postgresql://app@db.invalid/app")

    def run(
        *stores: MemoryStore,
        tier: Tier | None = Tier.DAILY,
        now: datetime = NOW,
        retention: RetentionPolicy | None = None,
    ) -> Backup:
        configuration = Configuration(
            environment="test",
            databases=(Database(name="app"),),
            stores=(DirectoryStore(name="unused", path=Path("/nowhere")),),
            encryption=Encryption(public_keys=(key.public,)),
            retention=retention or RetentionPolicy(),
        )
        database = configuration.databases[0]
        return take_backup(configuration, database, stores, Programs(), tier=tier, now=lambda: now)

    return run


def _whole(store: MemoryStore, backup: Backup) -> bool:
    """Whether a store has every object of a backup."""
    prefix = backup.location.prefix
    stored = {
        key.removeprefix(prefix): (len(content), hashlib.sha256(content).hexdigest())
        for key, content in store.objects.items()
        if key.startswith(prefix)
    }
    return stored.pop(MANIFEST, None) is not None and stored == {
        one.name: (one.bytes, one.sha256) for one in backup.manifest.objects()
    }


def _manifests(*stores: MemoryStore) -> list[str]:
    return [key for store in stores for key in store.objects if key.endswith(MANIFEST)]


def test_every_store_gets_the_same_objects(take: Take) -> None:
    one, other = MemoryStore("one"), MemoryStore("other")

    taken = take(one, other)

    assert _whole(one, taken)
    assert one.objects == other.objects
    assert taken.stored == (one, other)
    assert taken.failed == {}


def test_the_manifest_is_written_last(take: Take) -> None:
    store = MemoryStore("one")

    taken = take(store)

    assert list(store.objects)[-1] == taken.location.prefix + MANIFEST
    assert len(store.objects) == 4


def test_the_stored_manifest_is_the_one_that_is_returned(take: Take, key: Key) -> None:
    store = MemoryStore("one")

    taken = take(store)

    stored = store.objects[taken.location.prefix + MANIFEST]
    assert load_manifest(stored, "it") == taken.manifest
    assert taken.manifest.recipients == (key.fingerprint,)
    assert taken.manifest.rows == 6
    assert taken.manifest.archive.name == ARCHIVE


def test_nothing_is_stored_in_the_clear(take: Take) -> None:
    store = MemoryStore("one")

    take(store)

    for name, content in store.objects.items():
        assert b"what pg_dump" not in content
        assert name.endswith(MANIFEST) or b"COPY" not in content


def test_the_pieces_of_a_large_table_are_listed_in_their_order(
    take: Take, tables: list[TableRows]
) -> None:
    tables[:] = [_table("small"), _table("large", blocks=12 * CHUNK_BYTES // BLOCK)]

    taken = take(MemoryStore("one"))

    small, large = taken.manifest.tables
    assert [chunk.name for chunk in small.chunks] == ["rows/0000-000.binary.zst.gpg"]
    assert [chunk.name for chunk in large.chunks] == [
        f"rows/0001-{part:03d}.binary.zst.gpg" for part in range(12)
    ]
    assert large.rows == 36


def test_an_empty_table_is_listed_without_an_object(take: Take, tables: list[TableRows]) -> None:
    tables[:] = [_table("empty", blocks=0)]

    (table,) = take(MemoryStore("one")).manifest.tables

    assert (table.name, table.chunks, table.rows) == ("empty", (), 0)


@pytest.mark.parametrize("object_", [ARCHIVE, "rows/0001-000.binary.zst.gpg", MANIFEST])
@pytest.mark.parametrize("step", ["begin", "write", "commit"])
def test_a_store_that_fails_costs_the_other_nothing(step: str, object_: str, take: Take) -> None:
    failing, sound = MemoryStore("failing", step, object_), MemoryStore("sound")

    taken = take(failing, sound)

    assert _whole(sound, taken)
    assert taken.stored == (sound,)
    assert {name: str(error) for name, error in taken.failed.items()} == {
        "failing": f"store failing cannot {step}"
    }
    assert _manifests(failing) == []


def test_a_store_that_failed_is_left_alone_from_then_on(take: Take) -> None:
    # The archive is the first to begin.
    failing, sound = MemoryStore("failing", "begin"), MemoryStore("sound")

    take(failing, sound)

    assert failing.objects == {}


def test_a_store_that_cannot_clean_up_costs_the_other_nothing(take: Take) -> None:
    failing, sound = MemoryStore("failing", "clean up", ARCHIVE), MemoryStore("sound")

    taken = take(failing, sound)

    assert _whole(sound, taken)
    assert list(taken.failed) == ["failing"]


@pytest.mark.parametrize("object_", [ARCHIVE, "rows/0001-000.binary.zst.gpg", MANIFEST])
@pytest.mark.parametrize("step", ["begin", "write", "commit"])
def test_when_all_stores_fail_there_is_no_backup_and_each_says_why(
    step: str, object_: str, take: Take
) -> None:
    stores = MemoryStore("one", step, object_), MemoryStore("other", step, object_)

    with pytest.raises(StoreError) as failed:
        take(*stores)

    assert f"store one cannot {step}" in str(failed.value)
    assert f"store other cannot {step}" in str(failed.value)
    assert _manifests(*stores) == []


@pytest.mark.parametrize("program", ["pg_dump", "psql"])
def test_a_program_that_fails_leaves_no_manifest(program: str, take: Take, programs: Path) -> None:
    path = programs / program
    path.write_text(path.read_text() + "exit 9\n")
    stores = MemoryStore("one"), MemoryStore("other")

    with pytest.raises(ProgramError, match=f"{program} failed with exit code 9"):
        take(*stores)

    assert _manifests(*stores) == []


def test_a_lock_that_pg_dump_waits_for_in_vain_is_called_a_migration(
    take: Take, programs: Path
) -> None:
    said = "canceling statement due to statement timeout; Query was: LOCK TABLE public.users"
    (programs / "pg_dump").write_text(f"#!/bin/sh\n{PG_DUMP}echo '{said}' >&2\nexit 1\n")
    store = MemoryStore("one")

    with pytest.raises(DatabaseError, match=r"LOCK TABLE public\.users.* let the migration end"):
        take(store)

    assert _manifests(store) == []


class TestTheArchive:
    """What it holds is read while it is written, and no second time."""

    DUMP = "--\n-- Name: users; Type: TABLE; Schema: public; Owner: app\n--\n"
    ENTRY = "215; 1259 16385 TABLE public users app"

    @pytest.fixture
    def archive(self, programs: Path) -> Callable[[str, str], None]:
        """Have pg_dump write an archive with a shell command, and pg_restore read it with one."""

        def write(dumps: str, lists: str) -> None:
            (programs / "pg_dump").write_text(
                f"#!/bin/sh\n{PG_DUMP.splitlines()[0]}\n"
                f"case \"$*\" in *--schema-only*) echo '{self.DUMP}'; exit;; esac\n{dumps}\n"
            )
            # pg_restore is given --list --file=PATH.
            (programs / "pg_restore").write_text(f"#!/bin/sh\nfile=${{2#--file=}}\n{lists}\n")

        return write

    def test_is_a_backup_s_when_it_lists_every_object(
        self, take: Take, archive: Callable[[str, str], None]
    ) -> None:
        archive(f"echo '{self.ENTRY}'", 'cat > "$file"')
        store = MemoryStore("one")

        taken = take(store)

        assert _whole(store, taken)
        assert "TABLE public users" in taken.manifest.schema_.objects

    def test_that_lacks_an_object_is_no_backup(
        self, take: Take, archive: Callable[[str, str], None]
    ) -> None:
        archive("echo '216; 1259 16390 TABLE public posts app'", 'cat > "$file"')
        store = MemoryStore("one")

        with pytest.raises(IntegrityError, match=r"lacks .* \(TABLE public users app\)"):
            take(store)

        assert _manifests(store) == []

    def test_need_not_be_read_to_its_end(
        self, take: Take, archive: Callable[[str, str], None]
    ) -> None:
        archive(f"echo '{self.ENTRY}'; head -c 30000000 /dev/zero", 'head -n 1 > "$file"')
        store = MemoryStore("one")

        assert _whole(store, take(store))

    @pytest.mark.parametrize(
        ("dumps", "lists", "named"),
        [
            ("echo x", "exit 3", "pg_restore failed with exit code 3"),
            ("echo x; exit 4", "cat > /dev/null; exit 3", "pg_dump failed with exit code 4"),
        ],
        ids=["pg_restore", "pg_dump"],
    )
    def test_that_cannot_be_read_names_the_program_at_fault(
        self,
        dumps: str,
        lists: str,
        named: str,
        take: Take,
        archive: Callable[[str, str], None],
    ) -> None:
        archive(dumps, lists)
        store = MemoryStore("one")

        with pytest.raises(ProgramError, match=named):
            take(store)

        assert _manifests(store) == []


def test_every_object_is_locked_for_as_long_as_its_tier_says(take: Take) -> None:
    store = MemoryStore("one")

    taken = take(store, tier=Tier.WEEKLY)

    locked = Lock(LockMode.GOVERNANCE, taken.location.started + timedelta(weeks=12))
    assert set(store.locks.values()) == {locked}


def test_without_locks_no_object_is_locked(take: Take) -> None:
    store = MemoryStore("one")

    take(store, retention=RetentionPolicy(lock_mode=None))

    assert set(store.locks.values()) == {None}


class TestTheTier:
    """Unless it is given, it is the highest that is owed."""

    def test_that_is_given_is_taken(self, take: Take) -> None:
        assert take(MemoryStore("one"), tier=Tier.MONTHLY).location.tier is Tier.MONTHLY

    def test_of_the_first_backup_is_the_highest(self, take: Take) -> None:
        assert take(MemoryStore("one"), tier=None).location.tier is Tier.ANNUAL

    def test_is_the_lowest_when_none_is_owed(self, take: Take) -> None:
        store = MemoryStore("one")
        take(store, tier=None)

        assert take(store, tier=None).location.tier is Tier.HOURLY

    def test_is_the_one_whose_time_has_come(self, take: Take) -> None:
        store = MemoryStore("one")
        store.add(location(Tier.ANNUAL, 1))
        store.add(location(Tier.WEEKLY, 4))

        assert take(store, tier=None).location.tier is Tier.DAILY

    def test_is_owed_to_every_store(self, take: Take) -> None:
        older, fresh = MemoryStore("older"), MemoryStore("fresh")
        older.add(location(Tier.ANNUAL, 5))  # and so is owed an hourly one

        assert take(older, fresh, tier=None).location.tier is Tier.ANNUAL

    def test_is_found_without_a_store_that_cannot_be_listed(self, take: Take) -> None:
        broken, sound = MemoryStore("broken", "list"), MemoryStore("sound")
        sound.add(location(Tier.ANNUAL, 5))

        taken = take(broken, sound, tier=None)

        assert taken.location.tier is Tier.HOURLY
        assert list(taken.failed) == ["broken"]

    def test_is_found_though_a_manifest_is_damaged(self, take: Take) -> None:
        store = MemoryStore("one")
        store.add(location(Tier.ANNUAL, 5))
        store.objects[location(Tier.HOURLY, 5, 13).prefix + MANIFEST] = b"{}"

        assert take(store, tier=None).location.tier is Tier.HOURLY
