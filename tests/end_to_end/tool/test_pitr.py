"""A self-hosted server comes back as it was at any moment, from an archive in a directory."""

import json
import os
import shlex
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest

from neonhub_backup.domain.configuration import Check, DirectoryStore
from neonhub_backup.postgres.user import server_user_prefix
from sandbox.keys import private_key
from tests.end_to_end.archiving import DATABASE, Archived, archived, running, wait_until

ITEMS = "CREATE TABLE items (id int PRIMARY KEY)"
ALL = "SELECT array_agg(id ORDER BY id) FROM items"


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path, key_home: Path) -> Generator[Archived]:
    """A server that archives into a directory, with an empty table in its base backup."""
    store = tmp_path / "store"
    store.mkdir()
    disk = DirectoryStore(name="disk", path=store)
    with archived(tmp_path / "shop", key_home, getattr(request, "param", 18), disk) as found:
        found.sql(ITEMS)
        found.archive_all()  # by the server's own user, whose archive it then is
        found.run("base", "create")
        yield found


@contextmanager
def writing(shop: Archived) -> Generator[Callable[[], list[int]]]:
    """Write one row after the other meanwhile; what was committed."""
    committed: list[int] = []
    done = threading.Event()

    def write() -> None:
        with psycopg.connect(shop.server.url(DATABASE), autocommit=True) as connection:
            while not done.is_set():
                connection.execute("INSERT INTO items VALUES (%s)", [len(committed)])
                committed.append(len(committed))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield lambda: list(committed)
    finally:
        done.set()
        writer.join()


def folder(shop: Archived) -> Path:
    """The archive's own folder."""
    return shop.home.parent / "store" / "wal" / DATABASE


def files(shop: Archived) -> list[Path]:
    """Everything that was archived, by its name."""
    found = (path for path in (folder(shop) / "wals").rglob("*") if path.is_file())
    return sorted(found, key=lambda path: path.name)


def segments(shop: Archived) -> list[Path]:
    """All whole segments."""
    return [path for path in files(shop) if len(path.name) == 24]


@pytest.mark.parametrize("shop", [18, 16], indirect=True)
def test_every_row_until_just_before_a_bad_transaction_comes_back_and_none_after(
    shop: Archived, tmp_path: Path
) -> None:
    with writing(shop) as committed:
        wait_until(lambda: len(committed()) > 200)
        shop.archive_all()
        more = len(committed())
        wait_until(lambda: len(committed()) > more + 200)
    good = committed()
    ((moment,),) = shop.sql("SELECT clock_timestamp()")
    shop.sql("DELETE FROM items")
    shop.sql("INSERT INTO items SELECT generate_series(1000000, 1000100)")
    shop.archive_all()
    shop.kill()
    later = "SELECT count(*) FROM items WHERE id >= 1000000"
    shop.checks = [Check(name="nothing of later", query=later, expect=((0,),))]

    data = tmp_path / "recovered"
    done = shop.json("pitr", str(data), "--at", moment.isoformat(), live=False)

    assert done["tables"] == {"public.items": len(good)}
    assert done["problems"] == []
    assert datetime.fromisoformat(done["last_transaction"]) <= moment
    with running(shop, data) as ask:
        assert ask(ALL) == [(good,)]
        # It goes on where it was, on a timeline of its own, and archives all of that.
        ask("INSERT INTO items VALUES (-1)")
        ask("SELECT pg_switch_wal()")
        last = "SELECT 1 FROM pg_stat_archiver WHERE last_archived_wal >= '000000020'"
        wait_until(lambda: ask(last) != [])
    assert [path.name for path in files(shop) if path.name.endswith(".history")] == [
        "00000002.history"
    ]
    again = shop.json("pitr", str(tmp_path / "again"), "--latest", live=False)
    assert again["tables"] == {"public.items": len(good) + 1}
    assert again["timeline"] == 2
    # The timeline that was left is still there, with what the check finds on it.
    other = tmp_path / "other"
    told = shop.run("pitr", str(other), "--timeline", "1", "--latest", expect=11, live=False)
    assert "check nothing of later returns [(101,)] instead of [(0,)]" in told.stderr
    assert "101 rows of 1 tables" in told.stdout
    assert other.exists()


def test_a_recovery_stops_where_it_is_told(shop: Archived, tmp_path: Path) -> None:
    shop.sql("INSERT INTO items VALUES (1)")
    shop.sql("SELECT pg_create_restore_point('first')")
    ((position,),) = shop.sql("SELECT pg_current_wal_insert_lsn()::text")
    shop.sql("INSERT INTO items VALUES (2)")
    ((number,),) = shop.sql("INSERT INTO items VALUES (3) RETURNING pg_current_xact_id()::text")
    shop.sql("INSERT INTO items VALUES (4)")
    shop.archive_all()

    def rows(*options: str) -> int:
        data = tmp_path / "-".join(options).replace("/", "_")
        return shop.json("pitr", str(data), *options)["tables"]["public.items"]

    assert rows("--name", "first") == 1
    assert rows("--lsn", position) == 1
    assert rows("--xid", number) == 3
    assert rows("--xid", number, "--before") == 2
    assert rows("--latest") == 4


def test_archiving_fails_while_the_store_is_away_and_catches_up_with_nothing_lost(
    shop: Archived, tmp_path: Path
) -> None:
    store, away = tmp_path / "store", tmp_path / "away"
    store.rename(away)
    with writing(shop) as committed:
        wait_until(lambda: len(committed()) > 100)
        shop.sql("SELECT pg_switch_wal()")
        wait_until(lambda: shop.sql("SELECT 1 FROM pg_stat_archiver WHERE failed_count > 1") != [])
        shop.sql("SELECT pg_switch_wal()")
    assert "does not exist; mount it" in shop.run("wal", "check", expect=6).stderr
    away.chmod(0o555)
    away.rename(store)  # back, and read-only
    told = shop.run("wal", "check", expect=15).stderr
    assert "fails, and " in told
    assert "files wait" in told

    store.chmod(0o755)
    shop.archive_all()
    assert "0 files wait" in shop.run("wal", "check").stdout
    shop.kill()
    done = shop.json("pitr", str(tmp_path / "recovered"), "--latest", live=False)

    assert done["tables"] == {"public.items": len(committed())}


def test_a_restore_to_a_time_names_the_wal_that_leads_there(shop: Archived) -> None:
    shop.environment = {
        "NEONHUB_BACKUP_PRIVATE_KEY_FILE": str(private_key(shop.home.parent / "keys"))
    }
    shop.run("backup")
    shop.sql("INSERT INTO items VALUES (1)")
    time.sleep(1)  # backups begin at whole seconds
    ((moment,),) = shop.sql("SELECT clock_timestamp()")
    shop.archive_all()
    beside = ("restore", "--at", moment.isoformat(), "--beside", "--into", "DATABASE_URL")

    refused = shop.run(*beside, expect=2)
    taken = shop.json(*beside, "--way", "backup")
    aside = (*beside[:3], "--into", "DATABASE_URL", "--set-aside-existing", "--dry-run")
    told = shop.run(*aside).stderr

    assert "leads back to" in refused.stderr
    assert f"`neonhub-backup pitr DATADIR --at {moment.isoformat()}" in refused.stderr
    assert (taken["way"], taken["rows"]) == ("backup", 0)
    lost = {way["way"]: way["seconds_lost"] for way in taken["ways"]}
    assert lost["wal"] == 0
    assert lost["backup"] >= 1
    assert "wal would lose less than backup" in told


def test_the_machine_takes_base_backups_and_looks_at_its_wal_by_itself(
    shop: Archived, tmp_path: Path
) -> None:
    place = tmp_path / "host"
    shop.run("host-files", str(place))
    secrets = {
        "DATABASE_URL": shop.server.url(DATABASE),
        "NEONHUB_BACKUP_PG_BIN": str(shop.server.bin_dir),
    }
    env = place / "backup.env"
    env.write_text("".join(f"{name}='{text}'\n" for name, text in secrets.items()))
    env.chmod(0o600)

    # Directories of tests are closed to the server's user, unlike those of a machine.
    prefix, owner = server_user_prefix([shop.config, place, shop.server.bin_dir])
    for path in (folder(shop) / "base", *(folder(shop) / "base").iterdir()):
        if owner is not None:
            os.chown(path, *owner)  # the first one was taken by whoever runs the tests
    stand_in = place / "runuser"
    stand_in.write_text(f'#!/bin/sh\nshift 3\nexec {shlex.join(prefix)} "$@"\n')
    stand_in.chmod(0o755)

    def run(script: str) -> str:
        done = subprocess.run(
            [place / "scripts" / script],
            env={"PATH": f"{place}:/usr/sbin:/usr/bin:/sbin:/bin"},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("base-backup.sh")
    shop.archive_all()

    assert len(shop.json("base", "list")) == 2
    assert "0 files wait" in run("check-wal.sh")


def test_no_more_is_lost_than_archive_timeout_and_the_upload(
    shop: Archived, tmp_path: Path
) -> None:
    shop.sql("ALTER SYSTEM SET archive_timeout = '2s'")
    shop.sql("SELECT pg_reload_conf()")
    shop.sql("INSERT INTO items VALUES (7)")
    committed = time.monotonic()
    ((segment,),) = shop.sql("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
    wait_until(lambda: segment in [path.name for path in segments(shop)])
    lost_for = time.monotonic() - committed
    shop.kill()

    done = shop.json("pitr", str(tmp_path / "recovered"), "--latest", live=False)

    assert done["tables"] == {"public.items": 1}
    assert lost_for < 2 + 10


def test_another_server_that_archives_to_the_same_place_is_refused(
    shop: Archived, tmp_path: Path, key_home: Path
) -> None:
    shop.archive_all()
    before = [path.name for path in files(shop)]
    with archived(tmp_path / "other", key_home, 18, shop.store) as other:
        other.sql(ITEMS)
        other.sql("SELECT pg_switch_wal()")
        wait_until(lambda: other.sql("SELECT 1 FROM pg_stat_archiver WHERE failed_count > 0") != [])

        checked = other.run("wal", "check", expect=2).stderr
        refused = other.run("base", "create", expect=2).stderr

        log = (other.server.home / "logs" / "postgres.log").read_text()
    for said in (checked, refused, log):
        assert "belongs to the server with system identifier" in said
        assert "archiving.archive to a name of its own" in said
    assert [path.name for path in files(shop)] == before


def test_a_missing_segment_is_named_and_not_taken_for_the_end(
    shop: Archived, tmp_path: Path
) -> None:
    shop.archive_all()
    shop.sql("INSERT INTO items VALUES (1)")
    shop.archive_all()
    ((between,),) = shop.sql("SELECT clock_timestamp()")
    shop.sql("INSERT INTO items VALUES (2)")
    shop.archive_all()
    shop.sql("INSERT INTO items VALUES (3)")
    shop.archive_all()
    ((after,),) = shop.sql("SELECT clock_timestamp()")
    shop.sql("INSERT INTO items VALUES (4)")
    shop.archive_all()
    gone = segments(shop)[-2]
    gone.rename(tmp_path / gone.name)
    data = tmp_path / "recovered"

    said = json.loads(shop.run("status", "--wal", "--json", expect=2).stdout)
    wal = said["databases"][0]["wal"]
    assert wal["newest"] == segments(shop)[-1].name
    assert 0 <= wal["lag_seconds"] < 120
    watched = shop.run("watch", "--wal", expect=2).stderr
    assert f"WAL segment {gone.name} is missing" in watched
    for arguments in (
        ("wal", "check"),
        ("pitr", str(data), "--latest"),
        ("pitr", str(data), "--standby"),
        ("pitr", str(data), "--at", after.isoformat()),
    ):
        assert f"WAL segment {gone.name} is missing" in shop.run(*arguments, expect=8).stderr
        assert not data.exists()
    assert shop.json("pitr", str(data), "--at", between.isoformat())["tables"] == {
        "public.items": 1
    }


def test_a_store_that_fails_is_not_taken_for_the_end_of_the_archive(
    shop: Archived, tmp_path: Path
) -> None:
    shop.sql("INSERT INTO items VALUES (1)")
    shop.archive_all()
    newest = segments(shop)[-1]
    newest.unlink()
    newest.symlink_to(newest.name)
    data = tmp_path / "recovered"

    told = shop.run("pitr", str(data), "--latest", expect=6).stderr

    assert "could not be read to the end" in told
    assert newest.name in told
    assert not data.exists()


def test_what_cannot_be_recovered_is_refused_before_anything_is_written(
    shop: Archived, tmp_path: Path
) -> None:
    shop.archive_all()
    ((ended,),) = [(base["ended"],) for base in shop.json("base", "list")]
    early = datetime.fromisoformat(ended) - timedelta(seconds=1)
    late = datetime.now(UTC) + timedelta(hours=1)
    used = tmp_path / "used"
    used.mkdir()
    (used / "file").touch()
    data = str(tmp_path / "recovered")

    told = shop.run("pitr", data, "--at", early.isoformat(), expect=7).stderr
    assert f"the oldest possible time is {ended}" in told
    assert "is in the future" in shop.run("pitr", data, "--at", late.isoformat(), expect=2).stderr
    assert "exactly one of" in shop.run("pitr", data, expect=2).stderr
    assert "never writes over data" in shop.run("pitr", str(used), "--latest", expect=9).stderr
    assert [path.name for path in used.iterdir()] == ["file"]
    shop.sql("INSERT INTO items VALUES (1)")
    ((now,),) = shop.sql("SELECT clock_timestamp()")
    told = shop.run("pitr", data, "--at", now.isoformat(), expect=7).stderr
    assert "ends before time" in told
    assert "--latest for all that there is" in told
    assert not Path(data).exists()


@pytest.mark.parametrize("moment", ["data", "recovery.signal", "postmaster.pid"])
def test_a_recovery_that_is_stopped_leaves_nothing_behind(
    shop: Archived, tmp_path: Path, moment: str
) -> None:
    shop.archive_all()
    data = tmp_path / "data"
    awaited = data if moment == "data" else data / moment

    process = shop.begin("pitr", str(data), "--latest")
    wait_until(awaited.exists)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 143, said
    assert not data.exists()
    running_still = psutil.process_iter(["cmdline"])
    assert not [each for each in running_still if str(data) in (each.info["cmdline"] or ())]


def test_a_base_backup_that_is_damaged_is_not_recovered_from(
    shop: Archived, tmp_path: Path
) -> None:
    shop.archive_all()
    (name,) = [base["name"] for base in shop.json("base", "list")]
    table = max((folder(shop) / "base" / name / "data" / "base" / "1").iterdir())
    content = bytearray(table.read_bytes() or b"x")
    content[0] ^= 1
    table.write_bytes(content)
    data = tmp_path / "recovered"

    told = shop.run("pitr", str(data), "--latest", expect=8).stderr

    assert f"base backup {name} of archive {DATABASE}" in told
    assert table.name in told
    assert not data.exists()


def test_a_standby_follows_the_archive(shop: Archived, tmp_path: Path) -> None:
    shop.sql("INSERT INTO items VALUES (1)")
    shop.archive_all()
    data = tmp_path / "standby"

    assert shop.json("pitr", str(data), "--standby")["tables"] == {"public.items": 1}

    with running(shop, data) as ask:
        shop.sql("INSERT INTO items VALUES (2)")
        shop.archive_all()
        wait_until(lambda: ask(ALL) == [([1, 2],)])
        assert ask("SELECT pg_is_in_recovery()") == [(True,)]


def test_a_file_that_is_archived_again_is_accepted_only_if_it_is_the_same(
    shop: Archived,
) -> None:
    shop.archive_all()
    ((data,),) = shop.sql("SHOW data_directory")
    archived_file = segments(shop)[-1]
    source = Path(data) / "pg_wal" / archived_file.name
    if not source.exists():
        shutil.copy(archived_file, source)

    shop.run("wal", "push", str(source))
    changed = bytearray(source.read_bytes())
    changed[-1] ^= 1
    source.write_bytes(changed)
    told = shop.run("wal", "push", str(source), expect=8).stderr

    assert f"has another {source.name} already" in told
    assert archived_file.read_bytes() != changed


def test_only_what_no_recovery_needs_is_pruned(shop: Archived, tmp_path: Path) -> None:
    shop.archive_all()
    (first,) = shop.json("base", "list")
    time.sleep(1)  # names are whole seconds
    shop.run("base", "create")
    shop.sql("INSERT INTO items VALUES (1)")
    shop.archive_all()
    before = files(shop)
    old, new = (folder(shop) / "base" / f".partial-{name}" for name in ("old", "new"))
    for draft in (old, new):
        (draft / "data").mkdir(parents=True)
    os.utime(old, (0, 0))

    assert shop.json("base", "prune", "--dry-run")["expired"] == []
    for base in (folder(shop) / "base").glob("*/base.json"):
        age(base, days=40)
    shown = shop.json("base", "prune", "--dry-run")
    assert "give --yes" in shop.run("base", "prune", expect=12).stderr
    assert files(shop) == before

    done = shop.json("base", "prune", "--yes")

    assert done == shown | {"deleted": True, "since": done["since"]}
    assert done["expired"] == [first["name"]]
    assert done["leftovers"] == [old.name]
    assert (old.exists(), new.exists()) == (False, True)
    assert done["files"]
    assert len(files(shop)) == len(before) - len(done["files"])
    assert [base["name"] for base in shop.json("base", "list")] == done["kept"]
    assert shop.json("pitr", str(tmp_path / "recovered"), "--latest")["tables"] == {
        "public.items": 1
    }


def age(description: Path, *, days: int) -> None:
    """Have a base backup be older than it is."""
    text = description.read_text()
    old = datetime.now(UTC) - timedelta(days=days)
    description.unlink()
    description.write_text(text.replace(f"{datetime.now(UTC):%Y-%m-%d}", f"{old:%Y-%m-%d}"))
